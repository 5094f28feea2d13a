"""Operators that, as they are printed, would be given conditions that they do not have.

A statement's `where` restricts every operator that binds one of the names it mentions. What clashes
is a sum that hides an index, which gets another name, or a softmax, which gets a statement."""

from __future__ import annotations

from collections.abc import Iterator

from einsumgrad.ir.nodes import (
    Condition,
    Index,
    Node,
    Normalise,
    Position,
    Reduce,
    Statement,
    children,
    walk,
)
from einsumgrad.ir.walk import bound_by, free_indices
from einsumgrad.record import record

Operator = Reduce | Normalise


@record
class Scope:
    """An operator and the indices that are visible inside it."""

    node: Operator
    visible: frozenset[Index]


def clashes(statement: Statement) -> Iterator[Scope]:
    """Operators that would be given conditions that they do not have."""
    every = tuple(dict.fromkeys((*statement.where, *conditions(statement.value))))
    loops = frozenset(statement.indices)
    shown = {i for n in (statement.value, *statement.target.at) for i in _shown(n)}
    for scope in _scopes(statement.value, loops):
        bound = set(bound_by(scope.node))
        given = {
            c for c in every
            if bound & set(free_indices(c)) and set(free_indices(c)) <= scope.visible
        }  # fmt: skip
        leaks = bound & loops and given - set(statement.where)
        clash = given != set(scope.node.where) or leaks or bound & (loops - shown)
        if clash:
            yield scope


def unnameable(statement: Statement) -> Iterator[Normalise]:
    """Softmaxes that would be given conditions, or that give an operator around them theirs; an
    index that is that of the entry cannot be renamed."""
    if any(isinstance(node, Normalise) for node in walk(statement.value)):
        causes = (_cause(scope.node) for scope in clashes(statement))
        yield from (node for node in causes if isinstance(node, Normalise))


def hiding(scope: Scope) -> Reduce:
    """A sum in this one whose index hides another, and has conditions that are not for this one;
    else this one."""
    node = scope.node
    assert isinstance(node, Reduce)
    sums = (n for n in walk(node.body) if isinstance(n, Reduce))
    inner = (n for n in sums if not scope.visible.isdisjoint(n.indices))
    return next((n for n in inner if not set(n.where) <= set(node.where)), node)


def conditions(node: Node) -> Iterator[Condition]:
    """Those of all operators in a node."""
    for part in walk(node):
        if isinstance(part, Operator):
            yield from part.where


def _scopes(node: Node, visible: frozenset[Index]) -> Iterator[Scope]:
    if isinstance(node, Operator):
        visible |= set(bound_by(node))
        yield Scope(node, visible)
    for part in children(node):
        yield from _scopes(part, visible)


def _cause(node: Operator) -> Operator:
    """A softmax in this operator that gives it conditions that it has not; else this one."""
    inner = (n for n in walk(node.body) if isinstance(n, Normalise))
    found = next((n for n in inner if _gives(n, node)), None)
    return node if found is None else _cause(found)


def _gives(inner: Normalise, node: Operator) -> bool:
    """Whether a condition of a softmax reaches the operator around it."""
    own = set(bound_by(node))
    foreign = (c for c in inner.where if c not in node.where)
    return any(inner.index in own or not own.isdisjoint(free_indices(c)) for c in foreign)


def _shown(node: Node) -> Iterator[Index]:
    """The free indices of what is printed left of `where`."""
    if isinstance(node, Position):
        yield node.index
    own = set(bound_by(node)) if isinstance(node, Reduce) else set()
    parts = (node.body,) if isinstance(node, Operator) else children(node)
    yield from (i for part in parts for i in _shown(part) if i not in own)
