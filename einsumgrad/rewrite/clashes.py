"""Operators that, as they are printed, would be given conditions that they do not have.

A statement's `where` restricts every operator that binds one of the names it mentions. What clashes
is a sum that hides an index, which gets another name, or a softmax, which gets a statement."""

from __future__ import annotations

from collections.abc import Iterator

from einsumgrad.derive.explicit import Outside
from einsumgrad.derive.split import outer
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
    """An operator, the indices that are visible inside it and the operators around it, the nearest
    first."""

    node: Operator
    visible: frozenset[Index]
    around: tuple[Operator, ...]


def clashes(statement: Statement) -> Iterator[Scope]:
    """Operators that would be given conditions that they do not have."""
    every = tuple(dict.fromkeys((*statement.where, *conditions(statement.value))))
    loops = frozenset(statement.indices)
    shown = {i for n in (statement.value, *statement.target.at) for i in _shown(n)}
    for scope in _scopes(statement.value, loops, ()):
        bound = set(bound_by(scope.node))
        given = {
            c for c in every
            if bound & set(free_indices(c)) and set(free_indices(c)) <= scope.visible
        }  # fmt: skip
        leaks = bound & loops and given - set(statement.where)
        clash = given != set(scope.node.where) or leaks or bound & (loops - shown)
        if clash:
            yield scope


def unnameable(statement: Statement, known: Outside) -> Iterator[Operator]:
    """What has to get a statement, since an index that is that of an entry cannot be renamed:
    softmaxes that would be given conditions, or that give an operator around them theirs, or the
    operators around them that would forget what they leave out."""
    if any(isinstance(node, Normalise) for node in walk(statement.value)):
        causes = (_cause(scope) for scope in clashes(statement))
        found = (scope for scope in causes if isinstance(scope.node, Normalise))
        yield from (_forgotten(scope, statement.where, known) for scope in found)


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


def _scopes(node: Node, visible: frozenset[Index], around: tuple[Operator, ...]) -> Iterator[Scope]:
    if isinstance(node, Operator):
        visible |= set(bound_by(node))
        yield Scope(node, visible, around)
        around = (node, *around)
    for part in children(node):
        yield from _scopes(part, visible, around)


def _cause(scope: Scope) -> Scope:
    """A softmax in this operator that gives it conditions that it has not; else this one."""
    node, own = scope.node, set(bound_by(scope.node))
    for inner in _scopes(node.body, scope.visible, (node, *scope.around)):
        if isinstance(inner.node, Normalise) and _gives(inner.node, node, own):
            return _cause(inner)
    return scope


def _gives(inner: Normalise, node: Operator, bound: set[Index]) -> bool:
    """Whether a condition of a softmax reaches the operator around it that binds these indices."""
    foreign = (c for c in inner.where if c not in node.where)
    return any(inner.index in bound or not bound.isdisjoint(free_indices(c)) for c in foreign)


def _forgotten(scope: Scope, where: tuple[Condition, ...], known: Outside) -> Operator:
    """The outermost operator that would not leave out what it does, if the scope's one were read
    by a name; else that one."""
    found = scope.node
    for place, node in enumerate(scope.around):
        outside = where
        for other in reversed(scope.around[place + 1 :]):
            outside = (*outer(outside, other), *other.where)
        if known.loose(node, outer(outside, node), found):
            found = node
    return found


def _shown(node: Node) -> Iterator[Index]:
    """The free indices of what is printed left of `where`."""
    if isinstance(node, Position):
        yield node.index
    own = set(bound_by(node)) if isinstance(node, Reduce) else set()
    parts = (node.body,) if isinstance(node, Operator) else children(node)
    yield from (i for part in parts for i in _shown(part) if i not in own)
