"""Conditions as linear forms: can they hold together, whatever the data?"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import assert_never

from einsumgrad.check.ranges import Ranges
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.affine import Affine, Polynomial, affine
from einsumgrad.ir.linear import Form, feasible

MAX_CASES = 64
NEGATED: Mapping[ir.Comparator, ir.Comparator] = {
    "=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">",
}  # fmt: skip
Case = tuple[Form, ...] | None
"""Forms that are 0 or more where the conditions hold; None: a condition that is not affine."""


def possible(
    indices: Iterable[ir.Index],
    where: Iterable[ir.Condition],
    further: ir.Condition,
    known: Ranges,
) -> bool:
    """Whether a condition may hold for a tuple of the indices that others let pass."""
    every = cases(ir.And((*where, further)), 0, known)[: MAX_CASES + 1]
    bounds = limits(indices, 0, known)
    return len(every) > MAX_CASES or any(
        feasible([*bounds, *(form for forms in case if forms for form in forms)]) for case in every
    )


def limits(indices: Iterable[ir.Index], side: int, known: Ranges) -> list[Form]:
    """Every index is 0 or more and less than its size, which is 1 or more."""
    found: list[Form] = []
    for index in indices:
        value: Form = {f"{index.name}#{side}": Fraction(1)}
        size = _sizes({(index.size,): Fraction(1)}, known)
        found += [value, less(size, value), _plus(size, -1)]
    return found


def cases(node: ir.Condition, side: int, known: Ranges) -> list[tuple[Case, ...]]:
    """The cases of a condition: in each, all of some forms."""
    match node:
        case ir.Compare(op, left, right):
            return _compared(op, left, right, side, known)
        case ir.And(items):
            parts = [cases(item, side, known) for item in items]
            every = itertools.islice(itertools.product(*parts), MAX_CASES + 1)
            return [tuple(c for part in case for c in part) for case in every]
        case ir.Or(items):
            return [case for item in items for case in cases(item, side, known)]
        case ir.Not(item):
            return cases(_negated(item), side, known)
        case _:
            assert_never(node)


def _negated(node: ir.Condition) -> ir.Condition:
    match node:
        case ir.Compare(op, left, right):
            return ir.Compare(NEGATED[op], left, right)
        case ir.And(items):
            return ir.Or(tuple(map(_negated, items)))
        case ir.Or(items):
            return ir.And(tuple(map(_negated, items)))
        case ir.Not(item):
            return item
        case _:
            assert_never(node)


def _compared(
    op: ir.Comparator, left: ir.Expr, right: ir.Expr, side: int, known: Ranges
) -> list[tuple[Case, ...]]:
    a, b = affine(left), affine(right)
    if a is None or b is None or not (_whole(a) and _whole(b)):
        return [(None,)]
    low, high = form(a, side, known), form(b, side, known)
    match op:
        case "=":
            return [(equal(low, high),)]
        case "!=":
            return [((less(high, low),),), ((less(low, high),),)]
        case "<":
            return [((less(high, low),),)]
        case "<=":
            return [((_plus(less(high, low), 1),),)]
        case ">":
            return [((less(low, high),),)]
        case ">=":
            return [((_plus(less(low, high), 1),),)]
        case _:
            assert_never(op)


def _whole(form: Affine) -> bool:
    values = (v for part in (form.offset, *(c for _, c in form.terms)) for v in part.values())
    return all(value.denominator == 1 for value in values)


def form(value: Affine, side: int, known: Ranges) -> Form:
    """The linear form of an affine expression; a product of sizes and an index is a variable."""
    found = dict(_sizes(value.offset, known))
    for index, factor in value.terms:
        for name, number in _sizes(factor, known).items():
            own = f"{name}·{index.name}#{side}" if name else f"{index.name}#{side}"
            found[own] = found.get(own, Fraction(0)) + number
    return found


def _sizes(value: Polynomial, known: Ranges) -> dict[str, Fraction]:
    """A polynomial in sizes by the names of its terms, one name for each size."""
    return {"·".join(names): factor for names, factor in known.named(value).items()}


def equal(left: Form, right: Form) -> tuple[Form, Form]:
    """Both are equal."""
    return _plus(less(left, right), 1), _plus(less(right, left), 1)


def less(high: Form, low: Form) -> Form:
    """`low < high` in integers: `high - low - 1` is 0 or more."""
    names = high.keys() | low.keys()
    zero = Fraction(0)
    return _plus({n: high.get(n, zero) - low.get(n, zero) for n in names}, -1)


def _plus(form: Form, number: int) -> Form:
    return {**form, "": form.get("", Fraction(0)) + number}
