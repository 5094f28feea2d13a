"""What the loop oracle takes from textbooks: functions, comparisons, reductions."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable

from einsumgrad.ir import nodes as ir

Entered = list[tuple[int, float]]
"""Of each tuple that counts, the value of the first index and the entry."""


def logsumexp(entered: Entered) -> float:
    top = max((value for _, value in entered), default=-math.inf)
    if not math.isfinite(top):
        return top
    return top + math.log(sum(math.exp(value - top) for _, value in entered))


def sigmoid(u: float) -> float:
    return 1 / (1 + math.exp(-u)) if u >= 0 else math.exp(u) / (1 + math.exp(u))


def ieee(function: Callable[..., float], *args: float) -> float:
    """IEEE's answer where Python's `math` raises."""
    try:
        return math.nan if any(map(math.isnan, args)) else float(function(*map(float, args)))
    except (OverflowError, ZeroDivisionError):
        return math.inf
    except (ValueError, TypeError):
        return -math.inf if function in (math.log, math.log1p) and args[0] in (0, -1) else math.nan


SUMS = {"sum", "mean", "prod", "=", "+=", "-=", "*="}
"""What takes an entry outside as the 0 that it reads as."""
COMPARE: dict[ir.Comparator, Callable[[float, float], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt,
    "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
STATEMENTS: dict[ir.Op, tuple[float, Callable[[float, float], float]]] = {
    "=": (0.0, lambda _, new: new), "+=": (0.0, operator.add), "-=": (0.0, operator.sub),
    "max=": (-math.inf, max), "min=": (math.inf, min), "*=": (1.0, operator.mul),
}  # fmt: skip
REDUCTIONS: dict[str, Callable[[Entered], float]] = {
    "sum": lambda entered: sum(value for _, value in entered),
    "mean": lambda entered: sum(value for _, value in entered),  # then divided
    "prod": lambda entered: math.prod(value for _, value in entered),
    "max": lambda entered: max((value for _, value in entered), default=-math.inf),
    "min": lambda entered: min((value for _, value in entered), default=math.inf),
    "logsumexp": logsumexp,
    "argmax": lambda entered: max(entered, key=lambda pair: pair[1], default=(0, 0.0))[0],
    "argmin": lambda entered: min(entered, key=lambda pair: pair[1], default=(0, 0.0))[0],
}
FUNCTIONS: dict[str, Callable[..., float]] = {
    "exp": math.exp, "log": math.log, "log1p": math.log1p, "expm1": math.expm1,
    "sqrt": math.sqrt, "abs": abs, "sign": lambda u: (u > 0) - (u < 0),
    "sin": math.sin, "cos": math.cos, "tan": math.tan, "tanh": math.tanh, "sigmoid": sigmoid,
    "relu": lambda u: max(u, 0), "leaky_relu": lambda u, slope: u if u > 0 else slope * u,
    "softplus": lambda u: max(u, 0) + math.log1p(math.exp(-abs(u))),
    "gelu": lambda u: u * math.erfc(-u / math.sqrt(2)) / 2, "silu": lambda u: u * sigmoid(u),
    "erf": math.erf, "floor": math.floor, "min": min, "max": max, "stop": lambda u: u,
}  # fmt: skip
