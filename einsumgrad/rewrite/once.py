"""Conditions that a derivation had to write for an operator, where a reader needs none.

`max_k x[t-3]` is over nothing for t < 3, which its reads say, and so does a condition around it; of
a statement, or of a bracket, `0 <= t-3 or k < 0` is `0 <= t-3`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from einsumgrad.check.ranges import Ranges
from einsumgrad.ir.build import conjuncts, rebuild
from einsumgrad.ir.inside import chooses, entered, may_leave, without_nothing
from einsumgrad.ir.nodes import (
    Condition,
    Expr,
    Iverson,
    Node,
    Program,
    Statement,
    children,
    walk,
)
from einsumgrad.ir.walk import outer
from einsumgrad.record import replace
from einsumgrad.rewrite.clashes import Operator, conditions
from einsumgrad.rewrite.edit import Reason, Told, unheard, with_statements
from einsumgrad.rewrite.simplify import simplify_statement

Where = tuple[Condition, ...]
Said = Callable[[Condition, Operator, Where], bool]
"""Whether a condition of an operator goes without saying, given those around it."""


def once(program: Program, told: Told = unheard) -> Program:
    """Derived statements whose operators do not say again what holds around them."""
    made = (_simplified(s, told) if s.derived else s for s in program.statements)
    return with_statements(program, made)


def _simplified(statement: Statement, told: Told) -> Statement:
    made = said_once(statement, told)
    return statement if made is statement else simplify_statement(made, told)


def as_read(statement: Statement, known: Callable[[], Ranges]) -> Statement:
    """The statement without conditions that the reads of every operator that has them imply."""
    operators = (node for node in walk(statement.value) if isinstance(node, Operator))
    every = [(c, node) for node in operators for c in node.where]
    added = {c for c, _ in every if without_nothing(c) is not c}
    if not added:
        return statement
    needed = {c for c, node in every if c in added and not _implied(c, node, known())}
    value = _plain(statement.value, (), lambda c, *_: c in added - needed)
    assert isinstance(value, Expr)
    return statement if value is statement.value else replace(statement, value=value)


def _implied(condition: Condition, node: Operator, known: Ranges) -> bool:
    reads = filter(may_leave, entered(node.body)) if chooses(node) else ()
    inside = {c for access in reads for c in known.leaving(access)}
    return inside.issuperset(conjuncts((without_nothing(condition),)))


def said_once(statement: Statement, told: Told = unheard) -> Statement:
    """The statement whose operators do not say again what holds around them."""
    if not any(without_nothing(c) is not c for c in _conditions(statement)):
        return statement
    where = conjuncts(tuple(map(without_nothing, statement.where)))
    value = _plain(statement.value, where, _around)
    assert isinstance(value, Expr)
    made = replace(statement, value=value, where=where)
    if made != statement:
        told(statement, made, Reason("the condition is said already"))
    return made


def _around(condition: Condition, _: Operator, around: Where) -> bool:
    plain = without_nothing(condition)
    return plain is not condition and {*conjuncts((plain,))} <= {*around}


def _plain(node: Node, around: Where, said: Said) -> Node:
    if isinstance(node, Iverson):
        plain = without_nothing(node.condition)
        node = node if plain is node.condition else Iverson(plain)
    if isinstance(node, Operator):
        around = outer(around, node)
        kept = tuple(c for c in node.where if not said(c, node, around))
        node = node if kept == node.where else replace(node, where=kept)
        around = (*around, *kept)
    parts = children(node)
    done = tuple(_plain(part, around, said) for part in parts)
    changed = any(new is not old for new, old in zip(done, parts, strict=True))
    return rebuild(node, done) if changed else node


def _conditions(statement: Statement) -> Iterator[Condition]:
    """Those of the statement, of its operators and in brackets."""
    yield from (*statement.where, *conditions(statement.value))
    yield from (node.condition for node in walk(statement.value) if isinstance(node, Iverson))
