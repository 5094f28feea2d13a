"""Which reads may leave their tensors, and the conditions that say where they do not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from einsumgrad.ir.build import ZERO, number
from einsumgrad.ir.nodes import (
    Access,
    Compare,
    Condition,
    Expr,
    Index,
    Iverson,
    Node,
    Normalise,
    Or,
    Position,
    Reduce,
    Size,
    Statement,
    children,
    walk,
)
from einsumgrad.ir.walk import free_indices

SUMS = ("sum", "mean", "prod")
"""Reductions for which what reads outside is 0."""


def within(at: Expr, length: int | str) -> tuple[Condition, Condition]:
    """`0 <= at` and `at < length`, the length being a number or a size."""
    end = Size(length) if isinstance(length, str) else number(length)
    return Compare("<=", ZERO, at), Compare("<", at, end)


def over_nothing(condition: Condition, index: Index) -> Condition:
    """A condition for what binds an index that does not name it: `condition or i < 0`. Where it
    fails the operator is over nothing; on what binds nothing it is no condition."""
    return Or((condition, Compare("<", Position(index), ZERO)))


def without_nothing(condition: Condition) -> Condition:
    """The condition that `over_nothing` made one for what binds an index; any other as it is."""
    match condition:
        case Or((first, Compare("<", Position(), zero))) if zero == ZERO:
            return first
        case _:
            return condition


def computed_reads(statements: Iterable[Statement]) -> bool:
    """Whether any entry is read at a position that is neither an index nor gathered: only such a
    read may leave its tensor without an error."""
    return any(may_leave(access) for statement in statements for access in statement.reads)


def may_leave(access: Access) -> bool:
    """Whether some position is neither an index nor gathered."""
    return any(not isinstance(at, Position | Access) for at in access.at)


def entered(body: Expr) -> Iterator[Access]:
    """The entries of tensors that decide whether a tuple enters a maximum or the like: those that
    what it is taken of reads, but for sums of its own and for conditions."""
    yield from _entered(body, frozenset())


def chooses(node: Node) -> bool:
    """Whether an operator leaves out what reads outside, as a maximum or a softmax does."""
    return isinstance(node, Normalise) or (isinstance(node, Reduce) and node.op not in SUMS)


def left_out(statement: Statement) -> Iterator[Access]:
    """The entries that a maximum, a softmax or the like leaves out where they are outside."""
    if statement.op in ("max=", "min="):
        yield from entered(statement.value)
    for node in (node for top in statement.nodes for node in walk(top)):
        if isinstance(node, Normalise | Reduce) and chooses(node):
            yield from entered(node.body)


def _entered(node: Node, bound: frozenset[Index]) -> Iterator[Access]:
    match node:
        case Access():
            if bound.isdisjoint(free_indices(node)):
                yield node
        case Iverson():
            return
        case Reduce():
            yield from _entered(node.body, bound | set(node.indices))
        case Normalise():
            yield from _entered(node.body, bound | {node.index})
        case _:
            for part in children(node):
                yield from _entered(part, bound)
