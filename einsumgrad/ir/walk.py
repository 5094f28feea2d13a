"""Traversals over the IR: children, rebuilding, free indices. Binding is defined here, once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import assert_never

from einsumgrad.ir.nodes import (
    Access,
    And,
    Call,
    Compare,
    Condition,
    Expr,
    Index,
    Iverson,
    Node,
    Normalise,
    Not,
    Number,
    Or,
    Position,
    Power,
    Product,
    Reduce,
    Size,
    Sum,
    children,
    walk,
)


def bound_by(node: Reduce | Normalise) -> tuple[Index, ...]:
    """The indices that an operator binds."""
    return node.indices if isinstance(node, Reduce) else (node.index,)


def outer(where: tuple[Condition, ...], node: Reduce | Normalise) -> tuple[Condition, ...]:
    """The conditions around an operator that hold in it: on indices that it binds they do not."""
    bound = set(bound_by(node))
    return tuple(c for c in where if bound.isdisjoint(free_indices(c)))


def bound_reads(
    node: Node, bound: frozenset[Index] = frozenset()
) -> Iterator[tuple[Access, frozenset[Index]]]:
    """Every access in a node, with the indices that operators around it bind."""
    if isinstance(node, Access):
        yield node, bound
    own = frozenset(bound_by(node)) if isinstance(node, Reduce | Normalise) else frozenset()
    for part in children(node):
        yield from bound_reads(part, bound | own)


def with_children(node: Node, parts: tuple[Node, ...]) -> Node:
    """The same node with other parts, given in the order of `children`."""
    exprs = tuple([part for part in parts if isinstance(part, Expr)])
    conds = tuple([part for part in parts if isinstance(part, Condition)])
    match node:
        case Number() | Size() | Position():
            return node
        case Access():
            return Access(node.tensor, exprs, node.span)
        case Sum():
            return Sum(exprs)
        case Product():
            return Product(exprs)
        case Power():
            return Power(*exprs)
        case Call():
            return Call(node.function, exprs)
        case Reduce():
            return Reduce(node.op, node.indices, exprs[0], conds)
        case Normalise():
            return Normalise(node.op, node.index, exprs[0], exprs[1], conds)
        case Iverson():
            return Iverson(conds[0])
        case Compare():
            return Compare(node.op, *exprs)
        case And():
            return And(conds)
        case Or():
            return Or(conds)
        case Not():
            return Not(conds[0])
        case _:
            assert_never(node)


def free_indices(node: Node) -> tuple[Index, ...]:
    """The indices that a node leaves free, in order of first appearance."""
    found: dict[Index, None] = {}
    _free(node, (), found)
    return tuple(found)


def _free(node: Node, bound: tuple[Index, ...], found: dict[Index, None]) -> None:
    match node:
        case Position(index):
            if index not in bound:
                found[index] = None
        case Reduce():
            for part in children(node):
                _free(part, (*bound, *node.indices), found)
        case Normalise():
            for part in (node.body, *node.where):
                _free(part, (*bound, node.index), found)
            _free(node.at, bound, found)
        case _:
            for part in children(node):
                _free(part, bound, found)


def accesses(node: Node) -> Iterator[Access]:
    """Every tensor entry read, those in index positions and conditions too."""
    return (part for part in walk(node) if isinstance(part, Access))


def gathers(node: Node) -> bool:
    """Whether anything below is read where the entry of a tensor says, perhaps outside."""
    positions = (at for access in accesses(node) for at in access.at)
    return any(isinstance(part, Access) for at in positions for part in walk(at))


def computed_with(index: Index, nodes: Iterable[Node]) -> bool:
    """Whether a position computes with an index, as in `x[2i]`: no gather can be put there."""
    positions = (at for node in nodes for access in accesses(node) for at in access.at)
    return any(
        not isinstance(at, Position | Access) and index in free_indices(at) for at in positions
    )


def bound_indices(node: Node) -> frozenset[Index]:
    """The indices that operators in a node bind."""
    found: set[Index] = set()
    for part in walk(node):
        match part:
            case Reduce():
                found.update(part.indices)
            case Normalise():
                found.add(part.index)
            case _:
                pass
    return frozenset(found)


def guards(factors: tuple[Expr, ...], place: int) -> tuple[Condition, ...]:
    """The brackets of a product that decide whether the positions of a factor's gathers are looked
    at. A bracket on an index that an operator binds again is about another index."""
    factor = factors[place]
    found = [f.condition for f in factors if isinstance(f, Iverson)]
    if not found or not gathers(factor):
        return ()
    bound = bound_indices(factor)
    return tuple(c for c in found if bound.isdisjoint(free_indices(c)))
