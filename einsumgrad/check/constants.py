"""What the expressions of starts are, for known sizes, and what a start cannot be."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import ClassVar

from einsumgrad.diagnostics import Fault, Span
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.nodes import walk
from einsumgrad.record import record

Sizes = Mapping[str, int]


@record(kw_only=True)
class BadStart(Fault):
    code: ClassVar[str] = "E248"
    words: ClassVar[str] = "{what}, but {wanted}"
    what: str
    wanted: str


def _sigmoid(x: float) -> float:
    return (1 + math.tanh(x / 2)) / 2


FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "exp": math.exp, "log": math.log, "log1p": math.log1p, "expm1": math.expm1,
    "sqrt": math.sqrt, "abs": abs, "sign": lambda x: math.copysign(1, x) if x else 0.0,
    "sin": math.sin, "cos": math.cos, "tan": math.tan, "tanh": math.tanh, "sigmoid": _sigmoid,
    "relu": lambda x: max(x, 0.0), "leaky_relu": lambda x, a: x if x > 0 else a * x,
    "softplus": lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))),
    "gelu": lambda x: x / 2 * (1 + math.erf(x / math.sqrt(2))),
    "silu": lambda x: x * _sigmoid(x), "erf": math.erf, "floor": math.floor,
    "min": min, "max": max, "stop": lambda x: x,
}  # fmt: skip
"""Those of single numbers; the check imports no NumPy."""


def number(node: ir.Expr, sizes: Sizes) -> float:
    """The value of an expression in numbers, sizes and functions of them; NaN where it has none."""
    try:
        found = _number(node, sizes)
    except (ValueError, ZeroDivisionError, OverflowError):
        return math.nan
    return math.nan if isinstance(found, complex) else float(found)


def _number(node: ir.Expr, sizes: Sizes) -> float:
    match node:
        case ir.Number(value):
            return float(value)
        case ir.Size(name):
            return float(sizes[name])
        case ir.Sum(terms):
            return sum(number(t, sizes) for t in terms)
        case ir.Product(factors):
            return math.prod(number(f, sizes) for f in factors)
        case ir.Power(base, exponent):
            return float(number(base, sizes) ** number(exponent, sizes))
        case ir.Call(function, args):
            return FUNCTIONS[function](*(number(a, sizes) for a in args))
        case _:
            return math.nan


def start_fault(start: ir.Draw | ir.Expr | None, sizes: Sizes, span: Span) -> Fault | None:
    """What a start cannot be, as far as the sizes in it are known."""
    parts = start.args if isinstance(start, ir.Draw) else () if start is None else (start,)
    needed = {n.name for part in parts for n in walk(part) if isinstance(n, ir.Size)}
    if not parts or not needed <= sizes.keys():
        return None
    values = [number(part, sizes) for part in parts]
    if isinstance(start, ir.Draw):
        shown = f"this is `{start.distribution}({', '.join(f'{v:g}' for v in values)})`"
        wanted = _refused(start.distribution, values)
        return BadStart(span=span, what=shown, wanted=wanted) if wanted else None
    if math.isfinite(values[0]) or isinstance(start, ir.Number):
        return None
    return BadStart(span=span, what="this has no value", wanted="a tensor starts with numbers")


def _refused(distribution: str, args: list[float]) -> str:
    """What the arguments of a distribution have to be; empty if they are."""
    if not all(map(math.isfinite, args)):
        return "its arguments are finite numbers"
    match distribution, args:
        case "normal", [deviation] if deviation < 0:
            return "a standard deviation is 0 or more"
        case "uniform", [low, high] if high < low:
            return f"it draws from the lower bound up: `uniform({high:g}, {low:g})`"
        case "bernoulli", [p] if not 0 <= p <= 1:
            return "a probability is from 0 to 1"
        case _:
            return ""
