"""Bound indices named so that what is printed reads back: a statement's `where` restricts every
operator that binds one of the names it mentions, so names must differ where that is not meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from einsumgrad.check.check import default_outputs
from einsumgrad.ir.build import fresh_index, rebuild, replace_all, substitute
from einsumgrad.ir.nodes import (
    Condition,
    Expr,
    Index,
    Normalise,
    Position,
    Program,
    Reduce,
    Statement,
)
from einsumgrad.ir.walk import Node, all_indices, children, free_indices, walk
from einsumgrad.reflect.reflect import needed_indices
from einsumgrad.rewrite.edit import Reason, Told, unheard, with_statements


def settle(program: Program, told: Told = unheard) -> Program:
    """Derived statements with clashing bound names renamed, the index table completed, and outputs
    that need not be declared in the order that a reader would find."""
    made = (settle_statement(s, told) if s.derived else s for s in program.statements)
    program = with_statements(program, made)
    usual = default_outputs(program.statements, program.loss)
    outputs = usual if set(usual) == set(program.outputs) else program.outputs
    return replace(program, indices=needed_indices(program), outputs=outputs)


def settle_statement(statement: Statement, told: Told = unheard) -> Statement:
    """The statement whose printed conditions mean what they mean here."""
    if not any(isinstance(node, Reduce | Normalise) for node in walk(statement.value)):
        return statement
    before = statement
    for _ in range(len(list(walk(statement.value)))):
        clash = next(_clashes(statement), None)
        if clash is None:
            break
        taken = {i.name for i in all_indices(statement)}
        statement = replace(statement, value=_renamed(statement.value, clash, taken))
    made = _closed(statement)
    if made != before:
        told(before, made, Reason("bound indices are named apart, so that it reads back the same"))
    return made


def _closed(statement: Statement) -> Statement:
    """Conditions of operators that name loop indices only hold for the whole statement."""
    inner = (c for c in _conditions(statement.value) if set(free_indices(c)) <= _loops(statement))
    where = tuple(dict.fromkeys((*statement.where, *inner)))
    return statement if where == statement.where else replace(statement, where=where)


def _loops(statement: Statement) -> set[Index]:
    return set(statement.indices)


def _conditions(node: Node) -> Iterator[Condition]:
    for part in walk(node):
        if isinstance(part, Reduce | Normalise):
            yield from part.where


@dataclass(frozen=True, slots=True)
class _Scope:
    """A binder and the indices that are visible inside it."""

    node: Reduce | Normalise
    visible: frozenset[Index]


def _scopes(node: Node, visible: frozenset[Index]) -> Iterator[_Scope]:
    inner = visible
    if isinstance(node, Reduce | Normalise):
        inner = visible | set(_bound(node))
        yield _Scope(node, inner)
    for part in children(node):
        yield from _scopes(part, inner)


def _bound(node: Reduce | Normalise) -> tuple[Index, ...]:
    return node.indices if isinstance(node, Reduce) else (node.index,)


def _clashes(statement: Statement) -> Iterator[Reduce | Normalise]:
    """Binders that would be given conditions that they do not have."""
    every = tuple(dict.fromkeys((*statement.where, *_conditions(statement.value))))
    loops = frozenset(statement.indices)
    shown = {i for n in (statement.value, *statement.target.at) for i in _shown(n)}
    for scope in _scopes(statement.value, loops):
        bound = set(_bound(scope.node))
        given = {
            c for c in every
            if bound & set(free_indices(c)) and set(free_indices(c)) <= scope.visible
        }  # fmt: skip
        leaks = bound & loops and given - set(statement.where)
        clash = given != set(scope.node.where) or leaks or bound & (loops - shown)
        if clash and isinstance(scope.node, Reduce):
            yield scope.node


def _shown(node: Node) -> Iterator[Index]:
    """The free indices of what is printed left of `where`."""
    if isinstance(node, Position):
        yield node.index
    own = set(_bound(node)) if isinstance(node, Reduce) else set()
    parts = (node.body,) if isinstance(node, Reduce | Normalise) else children(node)
    yield from (i for part in parts for i in _shown(part) if i not in own)


def _renamed(value: Expr, node: Reduce | Normalise, taken: set[str]) -> Expr:
    assert isinstance(node, Reduce)
    fresh: dict[Index, Index] = {}
    for index in node.indices:
        fresh[index] = fresh_index(index, taken)
        taken = taken | {fresh[index].name}
    moved = {old: Position(new) for old, new in fresh.items()}
    body = substitute(node.body, moved)
    where = replace_all(node.where, moved)
    assert isinstance(body, Expr)
    result = _exchanged(value, node, Reduce(node.op, tuple(fresh.values()), body, where))
    assert isinstance(result, Expr)
    return result


def _exchanged(node: Node, old: Node, new: Node) -> Node:
    if node is old:
        return new
    parts = children(node)
    done = tuple(_exchanged(part, old, new) for part in parts)
    changed = any(a is not b for a, b in zip(done, parts, strict=True))
    return rebuild(node, done) if changed else node
