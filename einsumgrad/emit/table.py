"""Elementwise functions as NumPy calls that write into an array: `o` is the result, `a` and `b` the
arguments, as the lines of the source say them, `zero` and `one` numbers."""

from __future__ import annotations

from collections.abc import Mapping

UFUNCS: Mapping[str, str] = {
    "exp": "exp", "log": "log", "log1p": "log1p", "expm1": "expm1", "sqrt": "sqrt",
    "abs": "absolute", "sign": "sign", "sin": "sin", "cos": "cos", "tan": "tan", "tanh": "tanh",
    "floor": "floor", "min": "minimum", "max": "maximum", "add": "add", "subtract": "subtract",
    "multiply": "multiply", "divide": "divide", "negative": "negative", "power": "power",
    "square": "square", "stop": "positive", "=": "equal", "!=": "not_equal", "<": "less",
    "<=": "less_equal", ">": "greater", ">=": "greater_equal", "and": "logical_and",
    "or": "logical_or", "not": "logical_not",
}  # fmt: skip
"""Functions that are one of NumPy's."""

LINES: Mapping[str, tuple[str, ...]] = {
    "reciprocal": ("divide(one, a, o)",),
    "relu": ("maximum(a, zero, out=o)",),
    "sigmoid": ("negative(a, o)", "exp(o, o)", "add(o, one, o)", "divide(one, o, o)"),
    "sigmoid of minus": ("exp(a, o)", "add(o, one, o)", "divide(one, o, o)"),
    "copy": ("copyto(o, a)",),
    "erf": ("erf(a, o)",),
    "select": ("copyto(o, c)", "copyto(o, b, where=a)"),
    "leaky_relu": ("multiply(a, b, o)", "copyto(o, a, where=greater(a, zero))"),
    "softplus": (
        "absolute(a, o)", "negative(o, o)", "exp(o, o)", "log1p(o, o)",
        "add(o, maximum(a, zero), o)",
    ),
}  # fmt: skip
"""Functions in several steps."""
REREADING = frozenset({"select", "leaky_relu", "softplus"})
"""Those that read an argument after they have begun to write other values."""

BY_NAME = frozenset({"maximum", "minimum"})
"""Functions that take their result by its name only."""

FOLDS: Mapping[str, str] = {
    "sum": "add", "prod": "multiply", "max": "maximum", "min": "minimum", "any": "logical_or",
}  # fmt: skip
STARTS: Mapping[str, str] = {"max": "-inf", "min": "inf"}
"""What a reduction over nothing is, where NumPy does not know it."""
