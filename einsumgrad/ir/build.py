"""Constructors that keep the normal form.

Normal form: sums and products are flat, have two or more operands and at most one number; a
product is ordered number, sizes, other factors as read, reciprocals, of numbers first; nothing
is multiplied by one or added to zero. What is printed from it and read again gives the same nodes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction

from einsumgrad.ir.nodes import (
    And,
    Condition,
    Expr,
    Node,
    Number,
    Power,
    Product,
    Size,
    Sum,
)
from einsumgrad.ir.walk import with_children

ZERO = Number(Fraction(0))
ONE = Number(Fraction(1))
MINUS_ONE = Number(Fraction(-1))
BITS = 256
"""Exact numbers longer than this become floats: no program may exhaust memory by arithmetic."""


def number(value: Fraction | float | int) -> Number:
    """A Number, exact while it is short."""
    if isinstance(value, float):
        return Number(value)
    exact = value if isinstance(value, Fraction) else Fraction(value)
    if max(exact.numerator.bit_length(), exact.denominator.bit_length()) <= BITS:
        return Number(exact)
    return Number(_as_float(exact))


def _as_float(value: Fraction | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _add(left: Fraction | float, right: Fraction | float) -> Number:
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return number(left + right)
    return Number(_as_float(left) + _as_float(right))


def _multiply(left: Fraction | float, right: Fraction | float) -> Number:
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return number(left * right)
    return Number(_as_float(left) * _as_float(right))


def total(terms: Iterable[Expr]) -> Expr:
    """The sum of the terms in their order; numbers are added up where the first one stands."""
    flat: list[Expr] = []
    place: int | None = None
    for term in _flatten_sum(terms):
        if not isinstance(term, Number):
            flat.append(term)
        elif place is None:
            place = len(flat)
            flat.append(term)
        else:
            held = flat[place]
            assert isinstance(held, Number)
            flat[place] = _add(held.value, term.value)
    if place is not None and flat[place] == ZERO:
        del flat[place]
    return flat[0] if len(flat) == 1 else Sum(tuple(flat)) if flat else ZERO


def _flatten_sum(terms: Iterable[Expr]) -> Iterable[Expr]:
    for term in terms:
        if isinstance(term, Sum):
            yield from term.terms
        else:
            yield term


def product(*factors: Expr) -> Expr:
    """The product in normal form."""
    coefficient: Number | None = None
    sizes: dict[str, int] = {}
    rest: list[Expr] = []
    for factor in flat_factors(factors):
        if isinstance(factor, Number):
            held = coefficient
            coefficient = factor if held is None else _multiply(held.value, factor.value)
        elif isinstance(factor, Size | Power) and (sized := _size_power(factor)) is not None:
            sizes[sized[0]] = sizes.get(sized[0], 0) + sized[1]
        else:
            rest.append(factor)
    return _assemble(coefficient, sizes, rest)


def flat_factors(factors: tuple[Expr, ...]) -> Iterable[Expr]:
    """The factors, those of inner products one by one."""
    if not any(isinstance(factor, Product) for factor in factors):
        return factors
    return [g for f in factors for g in (f.factors if isinstance(f, Product) else (f,))]


def _size_power(factor: Expr) -> tuple[str, int] | None:
    match factor:
        case Size(name):
            return name, 1
        case Power(Size(name), Number(Fraction(denominator=1) as exponent)):
            return name, int(exponent)
        case _:
            return None


def _assemble(coefficient: Number | None, sizes: Mapping[str, int], rest: list[Expr]) -> Expr:
    ordered: list[Expr] = []
    if coefficient is not None and coefficient.value != 1:
        if coefficient.value == 0:
            return ZERO
        ordered.append(coefficient)
    for positive in (True, False) if sizes else ():
        ordered += [
            power(Size(n), number(e)) for n, e in sizes.items() if e and (e > 0) == positive
        ]
    below = [factor for factor in rest if isinstance(factor, Power) and is_reciprocal(factor)]
    if below:
        rest = [factor for factor in rest if not is_reciprocal(factor)]
        below.sort(key=lambda factor: not _of_number(factor))
    ordered += (*rest, *below)
    if len(ordered) == 1:
        return ordered[0]
    return Product(tuple(ordered)) if ordered else ONE


def is_reciprocal(factor: Expr) -> bool:
    """Whether the factor is printed behind a `/`."""
    match factor:
        case Power(_, Number(exponent)):
            return exponent < 0
        case _:
            return False


def _of_number(factor: Expr) -> bool:
    """Whether the factor is a power of a number: `1/π`."""
    return isinstance(factor, Power) and isinstance(factor.base, Number)


def power(base: Expr, exponent: Expr) -> Expr:
    """`base ^ exponent`, folded where that is exact for every real base."""
    if exponent == ONE:
        return base
    if exponent == ZERO:
        return ONE
    match base, exponent:
        case Number(Fraction() as value), Number(Fraction(denominator=1) as times):
            return _number_power(value, times, base)
        case Product(factors), Number(Fraction(numerator=-1, denominator=1)):
            return product(*(power(factor, exponent) for factor in factors))
        case Power(inner, Number(value)), Number(Fraction(denominator=1) as times):
            return power(inner, _multiply(value, times))
        case _:
            return Power(base, exponent)


def _number_power(value: Fraction, times: Fraction, base: Expr) -> Expr:
    """A rational to an integer power; `1/0` and powers too long to write stay as they are."""
    bits = max(value.numerator.bit_length(), value.denominator.bit_length())
    if (value == 0 and times < 0) or bits * abs(times) > BITS:
        return Power(base, Number(times))
    return number(value ** int(times))


def reciprocal(value: Expr) -> Expr:
    return power(value, MINUS_ONE)


def negative(value: Expr) -> Expr:
    return product(MINUS_ONE, value)


def coefficient_of(value: Expr) -> tuple[Number, Expr]:
    """The leading number of a product and what it multiplies."""
    match value:
        case Number():
            return value, ONE
        case Product((Number() as lead, *rest)):
            return lead, product(*rest)
        case _:
            return ONE, value


def is_signed(value: Expr) -> bool:
    """Whether the value is a product that begins with -1."""
    return coefficient_of(value)[0] == MINUS_ONE


def rebuild(node: Node, parts: tuple[Node, ...]) -> Node:
    """The node with other children, in normal form again."""
    match node:
        case Sum():
            return total(_expressions(parts))
        case Product():
            return product(*_expressions(parts))
        case Power():
            base, exponent = _expressions(parts)
            return power(base, exponent)
        case _:
            return with_children(node, parts)


def _expressions(parts: tuple[Node, ...]) -> tuple[Expr, ...]:
    return tuple(part for part in parts if isinstance(part, Expr))


def conjuncts(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """A list of conditions that all hold: each once, an `and` in its parts."""
    flat: list[Condition] = []
    for condition in conditions:
        flat += condition.items if isinstance(condition, And) else (condition,)
    return tuple(dict.fromkeys(flat))
