"""Parts of expressions compared up to the names of their indices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from operator import is_not

from einsumgrad.ir.build import is_reciprocal
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
    walk,
)
from einsumgrad.ir.walk import bound_by, free_indices, with_children
from einsumgrad.record import record, replace

Names = dict[Index, Position]
PARTS = (Call, Reduce, Normalise, Power, Sum)
HEAVY = (Call, Reduce, Normalise, Power)


@record
class Form:
    """What is known of a node: the number of its shape, which is itself with its indices numbered;
    its free indices in the order of their numbers; its cost; whether it reads at gathered places;
    whether it is worth a name: a function, an operator, a fraction of more than entries."""

    node: Expr
    shape: int
    free: tuple[Index, ...]
    cost: int
    gathering: bool
    worth: bool


@record(frozen=False)
class Shapes:
    """The forms of nodes, each found once; nodes are told apart by identity, and kept for it.
    Equal shapes have one number, so that only here they are compared part by part."""

    found: dict[int, Form] = field(default_factory=dict)
    numbers: dict[Expr, int] = field(default_factory=dict)

    def of(self, node: Expr) -> Form:
        form = self.found.get(id(node))
        if form is None:
            form = self.found[id(node)] = self._form(node)
        return form

    def _form(self, node: Expr) -> Form:
        below = tuple(walk(node))
        shape, free = _shape(node)
        number = self.numbers.setdefault(shape, len(self.numbers))
        read = (part for part in below if isinstance(part, Access))
        gathering = any(not isinstance(at, Position) for access in read for at in access.at)
        return Form(node, number, free, len(below), gathering, _worth_a_name(node, below))

    def candidates(self, node: Node) -> Iterator[Form]:
        """The parts that are worth a name, outer before inner, but for those in conditions."""
        if isinstance(node, PARTS) and (form := self.of(node)).worth:
            yield form
        if not isinstance(node, Iverson):
            for part in parts(node):
                yield from self.candidates(part)


def parts(node: Node) -> tuple[Node, ...]:
    """The parts that may be read by names: an access has none, since a position is no value."""
    return () if isinstance(node, Access) else tuple(children(node))


def _worth_a_name(node: Expr, below: tuple[Node, ...]) -> bool:
    """A function or an operator, or a power or a sum that holds one, of more than numbers."""
    if not any(isinstance(part, Access | Position) for part in below):
        return False
    match node:
        case Power(base):
            return not isinstance(base, Access) and not is_reciprocal(node)
        case Sum():
            return any(isinstance(part, HEAVY) for part in below)
        case _:
            return True


def _shape(node: Expr) -> tuple[Expr, tuple[Index, ...]]:
    """The node with its free indices numbered, and those indices."""
    free = free_indices(node)
    numbered: Names = {i: Position(Index(f"#{place}", i.size)) for place, i in enumerate(free)}
    shape = _numbered(node, numbered, 0)
    assert isinstance(shape, Expr)
    return shape, free


def _numbered(node: Node, names: Names, depth: int) -> Node:
    """The node with free indices by these names, and bound ones named by their depth."""
    match node:
        case Position(index):
            return names.get(index, node)
        case Reduce() | Normalise():
            return _binder_numbered(node, names, depth)
        case _:
            parts = children(node)
            done = tuple([_numbered(part, names, depth) for part in parts])
            changed = any(map(is_not, done, parts))
            return with_children(node, done) if changed else node


def _binder_numbered(node: Reduce | Normalise, names: Names, depth: int) -> Node:
    bound = bound_by(node)
    fresh = {i: Index(f"@{depth}.{k}", i.size) for k, i in enumerate(bound)}
    inner = names | {old: Position(new) for old, new in fresh.items()}
    body = _numbered(node.body, inner, depth + 1)
    where = tuple([_numbered(condition, inner, depth + 1) for condition in node.where])
    if isinstance(node, Reduce):
        return with_children(replace(node, indices=tuple(fresh.values())), (body, *where))
    at = _numbered(node.at, names, depth + 1)
    return with_children(replace(node, index=fresh[node.index]), (body, at, *where))
