"""Parts of expressions compared up to the names of their indices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from einsumgrad.ir.build import is_reciprocal, rebuild
from einsumgrad.ir.nodes import (
    Access,
    Call,
    Expr,
    Index,
    Iverson,
    Node,
    Normalise,
    Position,
    Power,
    Reduce,
    Sum,
    children,
)
from einsumgrad.ir.substitute import substitute
from einsumgrad.ir.walk import accesses, free_indices, walk
from einsumgrad.rewrite.factor import cost

PARTS = (Call, Reduce, Normalise, Power, Sum)
HEAVY = (Call, Reduce, Normalise, Power)


@dataclass(frozen=True, slots=True)
class Form:
    """What is known of a node: its shape, that is, itself with its indices numbered; its free
    indices in the order of their numbers; its cost; whether it reads at gathered places; whether
    it is worth a name: a function, an operator, a fraction of more than entries."""

    node: Expr
    shape: Expr
    free: tuple[Index, ...]
    cost: int
    gathering: bool
    worth: bool


@dataclass(slots=True)
class Shapes:
    """The forms of nodes, each found once; nodes are told apart by identity, and kept for it."""

    found: dict[int, Form] = field(default_factory=dict)

    def of(self, node: Expr) -> Form:
        form = self.found.get(id(node))
        if form is None:
            form = self.found[id(node)] = _form(node)
        return form

    def candidates(self, node: Node) -> Iterator[Expr]:
        """The parts that are worth a name, outer before inner, but for those in conditions."""
        if isinstance(node, PARTS) and self.of(node).worth:
            yield node
        if not isinstance(node, Access | Iverson):
            for part in children(node):
                yield from self.candidates(part)


def _form(node: Expr) -> Form:
    shape, free = shape_of(node)
    read = accesses(node)
    gathering = any(not isinstance(at, Position) for access in read for at in access.at)
    return Form(node, shape, free, cost(node), gathering, _worth_a_name(node))


def _worth_a_name(node: Expr) -> bool:
    """A function or an operator, or a power or a sum that holds one, of more than numbers."""
    if not any(isinstance(part, Access | Position) for part in walk(node)):
        return False
    match node:
        case Power(base):
            return not isinstance(base, Access) and not is_reciprocal(node)
        case Sum():
            return any(isinstance(part, HEAVY) for part in walk(node))
        case _:
            return True


def shape_of(node: Expr) -> tuple[Expr, tuple[Index, ...]]:
    """The node with its free indices numbered, and those indices."""
    free = free_indices(node)
    numbered = {i: Position(Index(f"#{place}", i.size)) for place, i in enumerate(free)}
    binds = any(isinstance(part, Reduce | Normalise) for part in walk(node))
    shape = substitute(_bound_numbered(node, 0) if binds else node, numbered)
    assert isinstance(shape, Expr)
    # A factor 0 swallows the indices beside it: such a part is compared as it stands.
    return (shape if len(free_indices(shape)) == len(free) else node), free


def _bound_numbered(node: Node, depth: int) -> Node:
    """The node with bound indices named by their depth."""
    if isinstance(node, Reduce | Normalise):
        bound = node.indices if isinstance(node, Reduce) else (node.index,)
        fresh = {i: Index(f"@{depth}.{k}", i.size) for k, i in enumerate(bound)}
        moved = {old: Position(new) for old, new in fresh.items()}
        body = substitute(node.body, moved)
        where = tuple(substitute(c, moved) for c in node.where)
        if isinstance(node, Reduce):
            node = replace(node, indices=tuple(fresh.values()))
            parts: tuple[Node, ...] = (body, *where)
        else:
            node = replace(node, index=fresh[node.index])
            parts = (body, node.at, *where)
        depth += 1
    else:
        parts = children(node)
    return rebuild(node, tuple(_bound_numbered(part, depth) for part in parts))
