"""Affine index expressions: `2p + k - 1`, `D h + d`. Coefficients are polynomials in the sizes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction

from einsumgrad.ir.nodes import Expr, Index, Number, Position, Power, Product, Size, Sum
from einsumgrad.record import record

Monomial = tuple[str, ...]
Polynomial = Mapping[Monomial, Fraction]
"""The coefficient of each product of sizes; the empty product is the number 1."""
MINUS: Polynomial = {(): Fraction(-1)}
MAX_POWER = 8
MAX_TERMS = 64


@record
class Affine:
    """`offset + Σ coefficient · index`; no coefficient is 0."""

    offset: Polynomial
    terms: tuple[tuple[Index, Polynomial], ...]

    @property
    def indices(self) -> tuple[Index, ...]:
        return tuple(index for index, _ in self.terms)


@record
class Line:
    """An affine position for given sizes."""

    offset: int
    terms: tuple[tuple[Index, int], ...]

    def bounds(self, sizes: Mapping[str, int]) -> tuple[int, int]:
        """The least and the largest position, all sizes being 1 or more."""
        ends = [(c * (sizes[i.size] - 1)) for i, c in self.terms]
        low = self.offset + sum(end for end in ends if end < 0)
        return low, self.offset + sum(end for end in ends if end > 0)


def affine(node: Expr) -> Affine | None:
    """The affine form of an expression; None if it has none."""
    match node:
        case Position(index):
            return Affine({}, ((index, {(): Fraction(1)}),))
        case Sum(terms):
            found = [affine(term) for term in terms]
            return None if None in found else _added(f for f in found if f is not None)
        case Product(factors):
            return _product(factors)
        case _:
            constant = polynomial(node)
            return None if constant is None else Affine(constant, ())


def line(form: Affine, sizes: Mapping[str, int]) -> Line | None:
    """The position for given sizes; None if a coefficient is no integer."""
    values = [evaluated(form.offset, sizes), *(evaluated(c, sizes) for _, c in form.terms)]
    if any(value.denominator != 1 for value in values):
        return None
    offset, *rest = (int(value) for value in values)
    terms = tuple((i, c) for i, c in zip(form.indices, rest, strict=True) if c)
    return Line(offset, terms)


def is_affine(node: Expr) -> bool:
    """Whether a position is computed from indices: neither a plain index nor without any."""
    if isinstance(node, Position):
        return False
    form = affine(node)
    return form is not None and bool(form.terms)


def polynomial(node: Expr) -> Polynomial | None:
    """The polynomial of an expression of exact numbers and sizes; None if it is none."""
    match node:
        case Number(Fraction() as value):
            return {(): value} if value else {}
        case Size(name):
            return {(name,): Fraction(1)}
        case Sum(terms):
            found = [polynomial(term) for term in terms]
            return None if None in found else added(*(f for f in found if f is not None))
        case Product(factors):
            return _multiplied_out(factors)
        case Power(base, Number(Fraction(denominator=1) as exponent)) if 0 < exponent <= MAX_POWER:
            return _multiplied_out((base,) * int(exponent))
        case _:
            return None


def _multiplied_out(factors: tuple[Expr, ...]) -> Polynomial | None:
    result: Polynomial = {(): Fraction(1)}
    for factor in factors:
        found = polynomial(factor)
        if found is None or len(result) * len(found) > MAX_TERMS:
            return None
        result = times(result, found)
    return result


def added(*parts: Polynomial) -> Polynomial:
    """The sum."""
    result: dict[Monomial, Fraction] = {}
    for part in parts:
        for monomial, value in part.items():
            result[monomial] = result.get(monomial, Fraction(0)) + value
    return {monomial: value for monomial, value in result.items() if value}


def times(left: Polynomial, right: Polynomial) -> Polynomial:
    """The product."""
    return added(
        *(
            {tuple(sorted((*a, *b))): x * y}
            for a, x in left.items()
            for b, y in right.items()
        )
    )  # fmt: skip


def evaluated(value: Polynomial, sizes: Mapping[str, int]) -> Fraction:
    """The value for given sizes."""
    terms = (c * math.prod(sizes[name] for name in monomial) for monomial, c in value.items())
    return sum(terms, Fraction(0))


def size_names(value: Polynomial) -> set[str]:
    """The sizes in a polynomial."""
    return {name for monomial in value for name in monomial}


def _product(factors: tuple[Expr, ...]) -> Affine | None:
    """One affine factor times numbers and sizes."""
    forms = [affine(factor) for factor in factors]
    if any(form is None for form in forms):
        return None
    known = [form for form in forms if form is not None]
    moving = [form for form in known if form.terms]
    scale: Polynomial = {(): Fraction(1)}
    for form in known:
        if not form.terms:
            scale = times(scale, form.offset)
    if len(moving) > 1:
        return None
    base = moving[0] if moving else Affine({(): Fraction(1)}, ())
    terms = tuple((i, times(c, scale)) for i, c in base.terms)
    return Affine(times(base.offset, scale), tuple((i, c) for i, c in terms if c))


def _added(forms: Iterable[Affine]) -> Affine:
    offsets: list[Polynomial] = []
    terms: dict[Index, Polynomial] = {}
    for form in forms:
        offsets.append(form.offset)
        for index, coefficient in form.terms:
            terms[index] = added(terms.get(index, {}), coefficient)
    return Affine(added(*offsets), tuple((i, c) for i, c in terms.items() if c))
