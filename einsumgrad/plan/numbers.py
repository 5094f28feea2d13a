"""Expressions of numbers and sizes only, evaluated."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

from einsumgrad.ir import nodes as ir


def holds(op: ir.Comparator, left: float, right: float) -> bool:
    """Whether a comparison of two numbers holds."""
    return {
        "=": left == right, "!=": left != right, "<": left < right, "<=": left <= right,
        ">": left > right, ">=": left >= right,
    }[op]  # fmt: skip


def evaluate(node: ir.Expr, sizes: Mapping[str, int]) -> Fraction | None:
    """The value of numbers and sizes; None if anything else is in it."""
    match node:
        case ir.Number(Fraction() as value):
            return value
        case ir.Size(name):
            return Fraction(sizes[name])
        case ir.Sum(terms):
            found = [evaluate(t, sizes) for t in terms]
            return None if None in found else sum((f for f in found if f is not None), Fraction(0))
        case ir.Product(factors):
            values = [evaluate(f, sizes) for f in factors]
            if None in values:
                return None
            return math.prod((v for v in values if v is not None), start=Fraction(1))
        case ir.Power(base, ir.Number(Fraction(denominator=1) as exponent)):
            inner = evaluate(base, sizes)
            if inner is None or abs(exponent) > 64 or (inner == 0 and exponent < 0):
                return None
            return inner ** int(exponent)
        case _:
            return None
