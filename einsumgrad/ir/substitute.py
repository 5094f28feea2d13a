"""Substitution of expressions for indices, without capture; fresh index names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import is_not

from einsumgrad.ir.affine import is_affine
from einsumgrad.ir.build import rebuild
from einsumgrad.ir.nodes import Condition, Expr, Index, Node, Normalise, Position, Reduce, children
from einsumgrad.ir.walk import accesses, bound_by, free_indices, with_children


def fresh_index(index: Index, taken: Iterable[str]) -> Index:
    """Another name of the same range: the index's name with primes."""
    used = set(taken)
    name = index.name
    while name in used:
        name += "'"
    return Index(name, index.size)


Mapped = Mapping[Index, Expr]


def substitute(node: Node, mapped: Mapped, avoid: frozenset[str] = frozenset()) -> Node:
    """The node with free indices replaced by expressions.

    A bound index that would capture a free one of a replacement gets a fresh name, never one of
    `avoid`."""
    if not mapped:
        return node
    match node:
        case Position(index):
            return mapped.get(index, node)
        case Reduce() | Normalise():
            return _substitute_binder(node, mapped, avoid)
        case _:
            parts = children(node)
            moved = tuple([substitute(part, mapped, avoid) for part in parts])
            return _with(node, moved, mapped) if any(map(is_not, moved, parts)) else node


def _with(node: Node, parts: tuple[Node, ...], mapped: Mapped) -> Node:
    """The node with other parts. Where only names change all else stays: a factor that is a literal
    0 too, as `where y[0 k] > 2` restricts what binds k."""
    renaming = all(isinstance(expr, Position) for expr in mapped.values())
    return with_children(node, parts) if renaming else rebuild(node, parts)


def replace(expr: Expr, mapped: Mapped, avoid: frozenset[str] = frozenset()) -> Expr:
    """`substitute` for expressions."""
    result = substitute(expr, mapped, avoid)
    assert isinstance(result, Expr)
    return result


def replace_all(
    conditions: tuple[Condition, ...], mapped: Mapped, avoid: frozenset[str] = frozenset()
) -> tuple[Condition, ...]:
    """`substitute` for each of the conditions."""
    found = (substitute(condition, mapped, avoid) for condition in conditions)
    return tuple(c for c in found if isinstance(c, Condition))


def pins(nodes: Iterable[Node], mapped: Mapped) -> bool:
    """Whether a position that is computed becomes a plain index, as that of `x[i+k]` with 0 for k:
    the axis would be as long as the index, which nothing says (LANGUAGE §6)."""
    return any(
        is_affine(at) and isinstance(substitute(at, mapped), Position)
        for node in nodes
        for access in accesses(node)
        for at in access.at
    )


def _substitute_binder(node: Reduce | Normalise, mapped: Mapped, avoid: frozenset[str]) -> Node:
    bound = bound_by(node)
    free = {i for part in _inner(node) for i in free_indices(part)}
    inner = {i: e for i, e in mapped.items() if i not in bound and i in free}
    incoming = {i.name for e in inner.values() for i in free_indices(e)}
    renamed = _renaming(bound, incoming, {i.name for i in free} | avoid)
    moved = {**inner, **{old: Position(new) for old, new in renamed.items() if old != new}}
    body = replace(node.body, moved, avoid)
    where = replace_all(node.where, moved, avoid)
    if isinstance(node, Reduce):
        return Reduce(node.op, tuple(renamed.values()), body, where)
    at = replace(node.at, mapped, avoid)
    made = Normalise(node.op, renamed[node.index], body, at, where)
    return _read_at_own(made)


def _read_at_own(node: Normalise) -> Normalise:
    """A normalisation that is read at a plain index binds that name, as source does."""
    match node.at:
        case Position(index) if index != node.index and index.size == node.index.size:
            if index in {i for part in _inner(node) for i in free_indices(part)}:
                return node
            moved: Mapped = {node.index: node.at}
            where = replace_all(node.where, moved)
            return Normalise(node.op, index, replace(node.body, moved), node.at, where)
        case _:
            return node


def _inner(node: Reduce | Normalise) -> tuple[Node, ...]:
    return (node.body, *node.where)


def _renaming(bound: Iterable[Index], incoming: set[str], taken: set[str]) -> dict[Index, Index]:
    """Each bound index to itself, or to a fresh one where an incoming name would be captured."""
    names: dict[Index, Index] = {}
    for index in bound:
        clash = index.name in incoming
        names[index] = fresh_index(index, taken | incoming) if clash else index
        taken = taken | {names[index].name}
    return names
