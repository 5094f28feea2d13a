"""Helpers and constants put back where a name would only be a detour."""

from __future__ import annotations

from einsumgrad.ir.affine import is_affine
from einsumgrad.ir.build import negative, rebuild
from einsumgrad.ir.circles import by_target
from einsumgrad.ir.nodes import (
    Access,
    Expr,
    Index,
    Node,
    Normalise,
    Position,
    Program,
    Reduce,
    Statement,
    children,
    walk,
)
from einsumgrad.ir.substitute import pins, substitute
from einsumgrad.ir.walk import accesses, free_indices
from einsumgrad.record import replace
from einsumgrad.rewrite.edit import (
    Reason,
    Told,
    kept_names,
    plain_target,
    read_counts,
    unheard,
    with_statements,
)
from einsumgrad.rewrite.factor import light
from einsumgrad.rewrite.simplify import simplify_statement
from einsumgrad.syntax.names import SUFFIXES


def inline(program: Program, told: Told = unheard) -> Program:
    """Names that are only a detour, replaced by their values: of what is as short as a name; of
    cotangents that are short and read once; of parts of forward statements that are short and read
    at most twice, or read once. The gradients of named tensors stay unless they are constant."""
    counts = read_counts(program.statements)
    swept = {s.target.tensor for s in program.statements if s.origin is not None}
    found = by_target(program.statements)
    kept = kept_names(program)
    shifted = {a.tensor for s in program.statements for a in s.reads if any(map(is_affine, a.at))}
    values: dict[str, Statement] = {}
    made = []
    for written in program.statements:
        statement = put_in(written, values) if written.derived else written
        if statement is not written:
            told(written, statement, _reason(written, values))
            statement = simplify_statement(statement, told)
        name = statement.target.tensor
        alone = name not in kept and name not in shifted and len(found[name]) == 1
        if alone and _short(statement, counts.get(name, 0), swept):
            values[name] = statement
        made.append(statement)
    return with_statements(program, made)


def _short(statement: Statement, count: int, swept: set[str]) -> bool:
    value, target = statement.value, statement.target
    if not statement.derived or statement.where or not plain_target(target):
        return False
    if {i for at in target.at for i in free_indices(at)} != set(statement.indices):
        return False
    if target.tensor.endswith(SUFFIXES):
        return not any(isinstance(part, Access | Position) for part in walk(value))
    read = [access.tensor for access in accesses(value)]
    forward = statement.origin is None
    if light(value) and (len(read) <= 1 or count <= (2 if forward else 1)):
        return True
    return forward and count == 1 and not binders(value) and not swept & set(read)


def put_in(statement: Statement, values: dict[str, Statement]) -> Statement:
    """The statement with the values of some tensors in place of their names."""
    if not values:
        return statement
    value = put_in_node(statement.value, values)
    assert isinstance(value, Expr)
    return statement if value is statement.value else replace(statement, value=value)


def put_in_node(node: Node, values: dict[str, Statement]) -> Node:
    parts = children(node)
    done = tuple(put_in_node(part, values) for part in parts)
    if any(new is not old for new, old in zip(done, parts, strict=True)):
        node = rebuild(node, done)
    if not isinstance(node, Access) or node.tensor not in values:
        return node
    statement = values[node.tensor]
    pairs = zip(statement.target.at, node.at, strict=True)
    moved: dict[Index, Expr] = {p.index: at for p, at in pairs if isinstance(p, Position)}
    if pins((statement.value,), moved):
        return node
    value = substitute(_signed(statement), moved)
    assert isinstance(value, Expr)
    return value


def _signed(statement: Statement) -> Expr:
    return negative(statement.value) if statement.op == "-=" else statement.value


def _reason(statement: Statement, values: dict[str, Statement]) -> Reason:
    """Which names were replaced by what."""
    names = dict.fromkeys(a.tensor for a in accesses(statement.value) if a.tensor in values)
    parts = [part for n in names for part in (values[n].target, _signed(values[n]))]
    told = (f"{{{place}}} = {{{place + 1}}}" for place in range(0, len(parts), 2))
    return Reason(f"{', '.join(told)} is put in", tuple(parts))


def binders(node: Node) -> list[Reduce | Normalise]:
    """The operators of an expression that bind indices."""
    return [part for part in walk(node) if isinstance(part, Reduce | Normalise)]
