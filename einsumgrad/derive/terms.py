"""What tangents are put together from."""

from __future__ import annotations

from einsumgrad.derive.flow import Flow
from einsumgrad.ir.build import ZERO, coefficient_of, conjuncts, product, total
from einsumgrad.ir.nodes import (
    Access,
    Call,
    Condition,
    Expr,
    Index,
    Iverson,
    Normalise,
    Product,
    Reduce,
    Sum,
)
from einsumgrad.ir.walk import free_indices
from einsumgrad.record import replace


def entry(moved: Expr) -> bool:
    """Whether a tangent is that of an entry, up to a number."""
    return isinstance(coefficient_of(moved)[1], Access)


def times(slope: Expr, moved: Expr) -> Expr:
    """The product; brackets that are added up each keep what is not finite away on its own."""
    terms = slope.terms if isinstance(slope, Sum) else ()
    if any(isinstance(part, Iverson) for term in terms for part in _factors(term)):
        return total(product(term, moved) for term in terms)
    return product(slope, moved)


def _factors(term: Expr) -> tuple[Expr, ...]:
    return term.factors if isinstance(term, Product) else (term,)


def summed(value: Expr, over: tuple[Index, ...], where: tuple[Condition, ...]) -> Expr:
    """Σ over indices, if there are any."""
    if value == ZERO or not over:
        return value
    return Reduce("sum", over, value, where)


def within(index: Index, where: tuple[Condition, ...], flow: Flow) -> Flow:
    """The flow inside a softmax: another index of that name is out of sight."""
    outer = tuple(c for c in flow.where if index not in free_indices(c))
    inner = flow if index in flow.loops else flow.over((index,))
    return replace(inner, where=outer).within(where)


def brackets(where: tuple[Condition, ...], flow: Flow) -> tuple[Expr, ...]:
    """The conditions as factors, but for those that hold in any case."""
    return tuple(Iverson(c) for c in conjuncts(where) if c not in flow.where)


def arguments(value: Expr) -> tuple[Expr, ...]:
    """The argument of a softmax or a sigmoid."""
    match value:
        case Call("sigmoid", args):
            return args
        case Normalise("softmax", _, body):
            return (body,)
        case _:
            return ()


def apart(
    where: tuple[Condition, ...], indices: tuple[Index, ...]
) -> tuple[tuple[Condition, ...], tuple[Condition, ...]]:
    """The conditions on some of the indices, and the others."""
    own = tuple(c for c in where if not set(indices).isdisjoint(free_indices(c)))
    return own, tuple(c for c in where if c not in own)
