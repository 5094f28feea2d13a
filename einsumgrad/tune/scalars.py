"""Functions of numbers alone: what a plan computes once, before it runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "add": lambda a, b: a + b, "subtract": lambda a, b: a - b, "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b, "negative": lambda a: -a, "reciprocal": lambda a: 1 / a,
    "square": lambda a: a * a, "power": math.pow, "sqrt": math.sqrt, "exp": math.exp,
    "log": math.log, "min": min, "max": max, "abs": abs, "erf": math.erf,
}  # fmt: skip


def scalar(function: str, args: tuple[float, ...]) -> float | None:
    """The value, None where it is not finite or the function is none of these: such a value is left
    to the engine, which knows what IEEE says."""
    if function not in FUNCTIONS:
        return None
    try:
        found = float(FUNCTIONS[function](*args))
    except (ArithmeticError, ValueError):
        return None
    return found if math.isfinite(found) else None
