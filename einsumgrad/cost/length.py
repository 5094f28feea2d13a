"""Numbers that remember how they came from the sizes, so that a plan is its own formula.

A plan's arithmetic on shapes is sums and products. Where it compares (which order of contractions
is the cheapest, how far a window reaches) it goes by the numbers, and so does the formula.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

from einsumgrad.ir.affine import Monomial, Polynomial, added, times


class Length(int):
    """A whole number and its formula in the sizes.

    >>> rows, columns = Length.of("B", 32), Length.of("J", 5)
    >>> total = 2 * rows * columns + rows
    >>> total, shown(total.formula)
    (352, '2 B J + B')
    """

    formula: Polynomial

    def __new__(cls, value: int, formula: Polynomial) -> Length:
        made = super().__new__(cls, value)
        made.formula = formula
        return made

    @classmethod
    def of(cls, size: str, value: int) -> Length:
        """A size by its name."""
        return cls(value, {(size,): Fraction(1)})

    def __add__(self, other: int, /) -> Length:
        if not isinstance(other, int):
            return NotImplemented
        return Length(int(self) + int(other), added(self.formula, formula_of(other)))

    def __mul__(self, other: int, /) -> Length:
        if not isinstance(other, int):
            return NotImplemented
        return Length(int(self) * int(other), times(self.formula, formula_of(other)))

    def __sub__(self, other: int, /) -> Length:
        return self + -1 * other

    def __rsub__(self, other: int, /) -> Length:
        return -1 * self + other

    def __neg__(self) -> Length:
        return -1 * self

    __radd__, __rmul__ = __add__, __mul__


def formula_of(value: int) -> Polynomial:
    """The formula of a number; of one that has none, the number itself."""
    if isinstance(value, Length):
        return value.formula
    return {(): Fraction(int(value))} if value else {}


def shown(formula: Polynomial) -> str:
    """`2 B I J + B J`: the terms of the highest degree first."""
    ordered = sorted(formula.items(), key=lambda term: (-len(term[0]), term[0]))
    text = " + ".join(_term(monomial, coefficient) for monomial, coefficient in ordered)
    return text.replace("+ -", "- ") or "0"


def _term(monomial: Monomial, coefficient: Fraction) -> str:
    powers = Counter(monomial).items()
    names = [name if count == 1 else f"{name}^{count}" for name, count in powers]
    if not names:
        return str(coefficient)
    sign = {Fraction(1): "", Fraction(-1): "-"}.get(coefficient, f"{coefficient} ")
    return sign + " ".join(names)
