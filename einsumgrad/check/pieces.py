"""Pieces of one definition: whether some entry could be defined by two of them (LANGUAGE §5)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import assert_never

from einsumgrad.ir import nodes as ir
from einsumgrad.ir.affine import Affine, affine
from einsumgrad.ir.circles import by_target
from einsumgrad.ir.linear import Form, feasible

MAX_CASES = 64
NEGATED: Mapping[ir.Comparator, ir.Comparator] = {
    "=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two statements that may define the same entry. `surely`: their conditions and positions are
    affine, so that it is no question of the data."""

    first: ir.Statement
    second: ir.Statement
    surely: bool


Case = tuple[Form, ...] | None
"""Forms that are 0 or more where the conditions hold; None: a condition that is not affine."""


def meetings(program: ir.Program, numbers: Mapping[str, int]) -> Iterator[Meeting]:
    """The pairs of definitions of one tensor that may meet. `numbers`: sizes that are known."""
    for statements in by_target(program.statements).values():
        pieces = [s for s in statements if s.op == "="]
        for first, second in itertools.combinations(pieces, 2):
            yield from _meeting(first, second, numbers)


def _meeting(
    first: ir.Statement, second: ir.Statement, numbers: Mapping[str, int]
) -> Iterator[Meeting]:
    same = _same_entry(first, second, numbers)
    conditions = [_named(ir.And(s.where), k, numbers) for k, s in enumerate((first, second))]
    cases = list(itertools.islice(itertools.product(*conditions), MAX_CASES + 1))
    limits = _limits(first, 0, numbers) + _limits(second, 1, numbers)
    surely = same is not None and len(cases) <= MAX_CASES
    for case in cases:
        known = [forms for part in case for forms in part if forms is not None]
        surely = surely and all(forms is not None for part in case for forms in part)
        if feasible([*(same or ()), *limits, *(form for forms in known for form in forms)]):
            yield Meeting(first, second, surely)
            return


def _same_entry(
    first: ir.Statement, second: ir.Statement, numbers: Mapping[str, int]
) -> tuple[Form, ...] | None:
    """Both targets are the same entry; None where a position is not affine."""
    forms: list[Form] = []
    for left, right in zip(first.target.at, second.target.at, strict=True):
        a, b = affine(left), affine(right)
        if a is None or b is None:
            return None
        forms += _zero(_form(a, 0, numbers), _form(b, 1, numbers))
    return tuple(forms)


def _limits(statement: ir.Statement, side: int, numbers: Mapping[str, int]) -> list[Form]:
    """Every index is 0 or more and less than its size, which is 1 or more."""
    found: list[Form] = []
    for index in statement.indices:
        value: Form = {f"{index.name}#{side}": Fraction(1)}
        size = _sizes({(index.size,): Fraction(1)}, numbers)
        found += [value, _less(size, value), _plus(size, -1)]
    return found


def _named(node: ir.Condition, side: int, numbers: Mapping[str, int]) -> list[tuple[Case, ...]]:
    """The cases of a condition: in each, all of some forms."""
    match node:
        case ir.Compare(op, left, right):
            return _compared(op, left, right, side, numbers)
        case ir.And(items):
            parts = [_named(item, side, numbers) for item in items]
            every = itertools.islice(itertools.product(*parts), MAX_CASES + 1)
            return [tuple(c for part in case for c in part) for case in every]
        case ir.Or(items):
            return [case for item in items for case in _named(item, side, numbers)]
        case ir.Not(item):
            return _named(_negated(item), side, numbers)
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
    op: ir.Comparator, left: ir.Expr, right: ir.Expr, side: int, numbers: Mapping[str, int]
) -> list[tuple[Case, ...]]:
    a, b = affine(left), affine(right)
    if a is None or b is None or not (_whole(a) and _whole(b)):
        return [(None,)]
    low, high = _form(a, side, numbers), _form(b, side, numbers)
    match op:
        case "=":
            return [(_zero(low, high),)]
        case "!=":
            return [((_less(high, low),),), ((_less(low, high),),)]
        case "<":
            return [((_less(high, low),),)]
        case "<=":
            return [((_plus(_less(high, low), 1),),)]
        case ">":
            return [((_less(low, high),),)]
        case ">=":
            return [((_plus(_less(low, high), 1),),)]
        case _:
            assert_never(op)


def _whole(form: Affine) -> bool:
    values = (v for part in (form.offset, *(c for _, c in form.terms)) for v in part.values())
    return all(value.denominator == 1 for value in values)


def _form(value: Affine, side: int, numbers: Mapping[str, int]) -> Form:
    """The linear form of an affine expression; a product of sizes and an index is a variable."""
    found = dict(_sizes(value.offset, numbers))
    for index, factor in value.terms:
        for name, number in _sizes(factor, numbers).items():
            own = f"{name}·{index.name}#{side}" if name else f"{index.name}#{side}"
            found[own] = found.get(own, Fraction(0)) + number
    return found


def _sizes(
    value: Mapping[tuple[str, ...], Fraction], numbers: Mapping[str, int]
) -> dict[str, Fraction]:
    found: dict[str, Fraction] = {}
    for monomial, factor in value.items():
        number, names = factor, []
        for name in monomial:
            if name in numbers:
                number = number * numbers[name]
            else:
                names.append(name)
        own = "·".join(names)
        found[own] = found.get(own, Fraction(0)) + number
    return found


def _zero(left: Form, right: Form) -> tuple[Form, Form]:
    """Both are equal."""
    return _plus(_less(left, right), 1), _plus(_less(right, left), 1)


def _less(high: Form, low: Form) -> Form:
    """`low < high` in integers: `high - low - 1` is 0 or more."""
    names = high.keys() | low.keys()
    zero = Fraction(0)
    return _plus({n: high.get(n, zero) - low.get(n, zero) for n in names}, -1)


def _plus(form: Form, number: int) -> Form:
    return {**form, "": form.get("", Fraction(0)) + number}
