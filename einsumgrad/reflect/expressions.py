"""IR expressions and conditions to tree."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from itertools import takewhile
from typing import assert_never

from einsumgrad.ir import nodes as ir
from einsumgrad.ir.build import ONE, is_reciprocal, product, reciprocal
from einsumgrad.ir.nodes import walk
from einsumgrad.syntax import tree as t

MAX_OVER = 64
"""Multiples of π are written as such up to this numerator and denominator."""


def expression(node: ir.Expr) -> t.Expr:
    """The tree of an expression."""
    match node:
        case ir.Number(value):
            return _number(value)
        case ir.Size(name):
            return t.SizeOf(name.strip("|")) if name.startswith("|") else t.Name(name)
        case ir.Position(index):
            return t.Name(index.name)
        case ir.Access(tensor, at):
            if not at:
                return t.Name(tensor)
            return t.Access(tensor, tuple(expression(part) for part in at))
        case ir.Sum(terms):
            return t.Sum(tuple(expression(term) for term in terms))
        case ir.Product():
            return _product(node)
        case ir.Power(base, exponent):
            if is_reciprocal(node):
                return t.Product((t.Number("1"), t.Reciprocal(expression(reciprocal(node)))))
            return t.Power(expression(base), expression(exponent))
        case ir.Call(function, args):
            return t.Call(function, tuple(expression(arg) for arg in args))
        case ir.Reduce(op, indices, body):
            return t.Operator(op, tuple(i.name for i in indices), expression(body))
        case ir.Normalise(op, index, body):
            return t.Operator(op, (index.name,), expression(body))
        case ir.Iverson(inner):
            return t.Bracket(condition(inner))
        case _:
            assert_never(node)


def condition(node: ir.Condition) -> t.Condition:
    """The tree of a condition."""
    match node:
        case ir.Compare(op, left, right):
            return t.Comparison((expression(left), expression(right)), (op,))
        case ir.And(items):
            parts = chained(condition(item) for item in items)
            return parts[0] if len(parts) == 1 else t.And(parts)
        case ir.Or(items):
            return t.Or(tuple(condition(item) for item in items))
        case ir.Not(item):
            return t.Not(condition(item))
        case _:
            assert_never(node)


def _number(value: Fraction | float) -> t.Expr:
    if isinstance(value, Fraction):
        top, bottom = t.Number(str(abs(value.numerator))), value.denominator
        whole = top if bottom == 1 else t.Product((top, _over(t.Number(str(bottom)))))
        return t.Negative(whole) if value.numerator < 0 else whole
    if math.isnan(value):
        return t.Product((t.Number("0"), _over(t.Number("0"))))
    return t.Negative(_float(-value)) if value < 0 else _float(value)


def _float(value: float) -> t.Expr:
    if value == math.inf:
        return t.Name("inf")
    if _in_pi(value) is None:
        return t.Number(repr(value).replace("e-0", "e-"))
    factors = _coefficient(ir.Number(value), [], alone=False)
    return factors[0] if len(factors) == 1 else t.Product(tuple(factors))


def _in_pi(value: Fraction | float) -> Fraction | None:
    """A float as a small multiple of π, if it is just that."""
    if isinstance(value, Fraction) or not 0 < value < math.inf:
        return None
    ratio = Fraction(value / math.pi).limit_denominator(MAX_OVER)
    small = 0 < ratio.numerator <= MAX_OVER
    return ratio if small and float(ratio) * math.pi == value else None


def _over(value: t.Expr) -> t.Expr:
    return t.Reciprocal(value)


RISING = ("<", "<=")


def chained(conditions: Iterable[t.Condition]) -> tuple[t.Condition, ...]:
    """`0 <= a` and `a < N` beside each other are one chain; at a number they have no more in common
    than that."""
    found: list[t.Condition] = []
    for new in conditions:
        last = found[-1] if found else None
        if (
            isinstance(last, t.Comparison)
            and isinstance(new, t.Comparison)
            and {*last.operators, *new.operators} <= {*RISING}
            and last.operands[-1] == new.operands[0]
            and not isinstance(new.operands[0], t.Number)
        ):
            operands = (*last.operands, *new.operands[1:])
            found[-1] = t.Comparison(operands, (*last.operators, *new.operators))
        else:
            found.append(new)
    return tuple(found)


def _product(node: ir.Product) -> t.Expr:
    """Sign, coefficient of numbers and sizes, factors, then everything divided by."""
    first, *rest = node.factors
    lead, rest = (first, rest) if isinstance(first, ir.Number) else (ONE, [first, *rest])
    if lead.value < 0:
        return t.Negative(expression(product(ir.Number(-lead.value), *rest)))
    sizes = [f for f in rest if _size_factor(f)]
    others = [f for f in rest if not _size_factor(f)] if sizes else rest
    front = _coefficient(lead, sizes, alone=not others or is_reciprocal(others[0]))
    top = [expression(f) for f in others if not is_reciprocal(f)]
    divisors = [f for f in others if is_reciprocal(f)]
    constant = list(takewhile(_constant, divisors)) if top else []
    below = [expression(reciprocal(f)) for f in divisors[len(constant) :]]
    if constant:
        ahead = [expression(reciprocal(f)) for f in constant]
        front = [*(front or [t.Number("1")]), *_divisor(ahead)]
    factors = [*front, *top, *_divisor(below)]
    return factors[0] if len(factors) == 1 else t.Product(tuple(factors))


def _constant(factor: ir.Expr) -> bool:
    """Whether a factor is the same for all entries: it stands in front, as a coefficient."""
    return not any(isinstance(part, ir.Access | ir.Position) for part in walk(factor))


def _divisor(below: list[t.Expr]) -> list[t.Expr]:
    """What is divided by, as one product; several numbers, which reading would multiply, apart."""
    numbers = sum(isinstance(factor, t.Number) or factor == t.Name("π") for factor in below)
    if numbers > 1 or len(below) < 2:
        return [t.Reciprocal(factor) for factor in below]
    return [t.Reciprocal(t.Product(tuple(below)))]


def _size_factor(factor: ir.Expr) -> bool:
    return isinstance(factor, ir.Size) or (
        isinstance(factor, ir.Power)
        and isinstance(factor.base, ir.Size)
        and isinstance(factor.exponent, ir.Number)
    )


def _coefficient(lead: ir.Number, sizes: list[ir.Expr], alone: bool) -> list[t.Expr]:
    """`2`, `1/B`, `3 I/(2 B)`: the factors in front; `alone`: a 1 must stand there anyway."""
    if not sizes and isinstance(lead.value, Fraction) and lead.value.denominator == 1:
        return [_number(lead.value)] if alone or lead != ONE else []
    times = _in_pi(lead.value)
    value = lead.value if times is None else times
    exact = isinstance(value, Fraction)
    top = value.numerator if isinstance(value, Fraction) else value
    bottom = value.denominator if isinstance(value, Fraction) else 1
    above = [expression(s) for s in sizes if not is_reciprocal(s)]
    above = above if times is None else [*above, t.Name("π")]
    below = [expression(reciprocal(s)) for s in sizes if is_reciprocal(s)]
    if bottom != 1:
        below = [t.Number(str(bottom)), *below]
    if top != 1 or ((below or alone) and not above):
        above = [_number(Fraction(top) if exact else float(top)), *above]
    return [*above, *_divisor(below)]
