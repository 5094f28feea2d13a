"""Cotangents that are what the gradient of a named tensor is: they bear its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from einsumgrad.ir.build import MINUS_ONE, coefficient_of, negative, rebuild
from einsumgrad.ir.circles import by_target
from einsumgrad.ir.nodes import Access, Expr, Node, Position, Program, Statement, children
from einsumgrad.ir.substitute import substitute
from einsumgrad.record import record, replace
from einsumgrad.rewrite.edit import Reason, Told, plain_target, unheard, with_statements
from einsumgrad.rewrite.simplify import simplify_statement


@record
class Alias:
    """A helper with the copy of it, or of its negative, that is the whole of a gradient."""

    helper: Statement
    copy: Statement
    opposite: bool


def aliases(program: Program, told: Told = unheard) -> Program:
    """`δℓ[b] = y[b] - f[b]`, `f.grad[b] -= δℓ[b]`, `y.grad[b] += δℓ[b]` become
    `f.grad[b] += f[b] - y[b]`, `y.grad[b] -= f.grad[b]`."""
    found = {alias.helper.target.tensor: alias for alias in _aliases(program)}
    if not found:
        return program
    copies = {id(alias.copy) for alias in found.values()}
    made = []
    for statement in program.statements:
        if id(statement) in copies:
            words = "it would only copy {0}, which bears the name {1} now"
            told(statement, None, Reason(words, (statement.value, statement.target)))
        elif statement.target.tensor in found:
            made.append(_renamed(_defined(found[statement.target.tensor], told), found, told))
        else:
            made.append(_renamed(statement, found, told))
    return with_statements(program, made)


def _aliases(program: Program) -> Iterator[Alias]:
    """For each helper the first copy that will do."""
    found = by_target(program.statements)
    forward = {s.target.tensor for s in program.statements if not s.derived}
    helpers = {
        name: first
        for name, (first, *more) in found.items()
        if not more and first.op == "=" and first.derived and first.origin is not None
    }
    taken: set[str] = set()
    for statement in program.statements if helpers else ():
        lead, value = coefficient_of(statement.value)
        if not isinstance(value, Access) or value.tensor not in helpers or value.tensor in taken:
            continue
        name = statement.target.tensor
        alone = len(found[name]) == 1 and name.removesuffix(".grad") in forward
        if alone and abs(lead.value) == 1 and _copies(statement, value, helpers[value.tensor]):
            taken.add(value.tensor)
            opposite = (statement.op == "-=") != (lead == MINUS_ONE)
            yield Alias(helpers[value.tensor], statement, opposite)


def _copies(statement: Statement, value: Access, helper: Statement) -> bool:
    """Whether a statement copies a helper entry by entry."""
    plain = plain_target(statement.target) and plain_target(replace(statement.target, at=value.at))
    same = set(statement.target.at) == set(value.at) == {Position(i) for i in statement.indices}
    return plain and same and not statement.where and not helper.where


def _defined(alias: Alias, told: Told) -> Statement:
    """The helper's definition under the gradient's name."""
    _, read = coefficient_of(alias.copy.value)
    assert isinstance(read, Access)
    pairs = zip(read.at, alias.helper.target.at, strict=True)
    moved = {new.index: old for new, old in pairs if isinstance(new, Position)}
    target = substitute(alias.copy.target, moved)
    assert isinstance(target, Access)
    value = negative(alias.helper.value) if alias.opposite else alias.helper.value
    made = replace(alias.helper, target=target, op="+=", value=value)
    words = "it is what {0} is, up to the sign, so it bears that name"
    told(alias.helper, made, Reason(words, (target,)))
    return simplify_statement(made, told)


def _renamed(statement: Statement, found: Mapping[str, Alias], told: Told) -> Statement:
    value = _read(statement.value, found)
    assert isinstance(value, Expr)
    if value is statement.value:
        return statement
    made = replace(statement, value=value)
    told(statement, made, Reason("a gradient is read by its own name"))
    return simplify_statement(made, told)


def _read(node: Node, found: Mapping[str, Alias]) -> Node:
    """The node with reads of helpers as reads of gradients."""
    parts = children(node)
    done = tuple(_read(part, found) for part in parts)
    if any(new is not old for new, old in zip(done, parts, strict=True)):
        node = rebuild(node, done)
    if not isinstance(node, Access) or node.tensor not in found:
        return node
    alias = found[node.tensor]
    _, read = coefficient_of(alias.copy.value)
    assert isinstance(read, Access)
    pairs = zip(read.at, node.at, strict=True)
    entry = substitute(
        alias.copy.target, {p.index: at for p, at in pairs if isinstance(p, Position)}
    )
    assert isinstance(entry, Access)
    return negative(entry) if alias.opposite else entry
