"""NumPy's implementation of every elementwise function, finite wherever its value is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from einsumgrad.engines.erf import erf
from einsumgrad.record import record

Array = npt.NDArray[Any]


def sigmoid(x: Array) -> Array:
    """1/(1 + exp(-x)); exp may overflow, which gives the 0 that is meant."""
    result: Array = 1 / (1 + np.exp(-x))
    return result


def gelu(x: Array) -> Array:
    result: Array = 0.5 * x * (1 + erf(x * 0.7071067811865476))
    return result


def softplus(x: Array) -> Array:
    result: Array = np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
    return result


def leaky_relu(x: Array, slope: Array) -> Array:
    result: Array = np.where(x > 0, x, slope * x)
    return result


def relu(x: Array) -> Array:
    result: Array = np.maximum(x, 0)
    return result


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": np.exp, "log": np.log, "log1p": np.log1p, "expm1": np.expm1, "sqrt": np.sqrt,
    "abs": np.abs, "sign": np.sign, "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "tanh": np.tanh, "sigmoid": sigmoid, "relu": relu, "leaky_relu": leaky_relu,
    "softplus": softplus, "gelu": gelu, "silu": lambda x: x * sigmoid(x), "erf": erf,
    "exp below": np.exp,
    "twice cdf": lambda x: 1 + erf(x * 0.7071067811865476),
    "floor": np.floor, "min": np.minimum, "max": np.maximum,
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "negative": np.negative,
    "power": np.power, "square": np.square, "reciprocal": lambda x: np.true_divide(1, x),
    "select": np.where, "stop": lambda x: x, "divide": np.true_divide,
    "=": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal, ">": np.greater,
    ">=": np.greater_equal, "and": np.logical_and, "or": np.logical_or, "not": np.logical_not,
}  # fmt: skip


def _bounded(top: Array) -> Array:
    """Infinities as the largest numbers: no difference with them is one of infinities."""
    largest = np.finfo(top.dtype).max
    result: Array = np.clip(top, -largest, largest)
    return result


def logsumexp(a: Array, axes: tuple[int, ...]) -> Array:
    """log Σ exp, shifted by the maximum; -∞ over nothing."""
    top = np.max(a, axis=axes, keepdims=True, initial=-np.inf)
    shift = _bounded(top)
    total = np.log(np.sum(np.exp(a - shift), axis=axes))
    result: Array = total + shift.reshape(total.shape)
    return result


def softmax(a: Array, axes: tuple[int, ...]) -> Array:
    """exp(a) over its sum, shifted by the maximum; 0 where all entries are -∞."""
    top = np.max(a, axis=axes, keepdims=True, initial=-np.inf)
    raised = np.exp(a - _bounded(top))
    total = np.sum(raised, axis=axes, keepdims=True)
    result: Array = raised / np.maximum(total, 1)
    return result


def log_softmax(a: Array, axes: tuple[int, ...]) -> Array:
    top = np.max(a, axis=axes, keepdims=True, initial=-np.inf)
    shifted = a - _bounded(top)
    total = np.log(np.sum(np.exp(shifted), axis=axes, keepdims=True))
    result: Array = shifted - _bounded(total)
    return result


def _first(best: Callable[..., Any]) -> Callable[[Array, tuple[int, ...]], Array]:
    def position(a: Array, axes: tuple[int, ...]) -> Array:
        (axis,) = axes
        shape = a.shape[:axis] + a.shape[axis + 1 :]
        result: Array = best(a, axis=axis) if a.shape[axis] else np.zeros(shape, np.int64)
        return result

    return position


def _whole(a: Array, fold: Callable[..., Any], axes: tuple[int, ...], start: float) -> Array:
    result: Array = fold(a, axis=axes, initial=start)
    return result


FOLDS: dict[str, tuple[Callable[[Array, tuple[int, ...]], Any], float]] = {
    "sum": (lambda a, axes: np.sum(a, axis=axes), 0.0),
    "any": (lambda a, axes: np.any(a, axis=axes), 0.0),
    "prod": (lambda a, axes: np.prod(a, axis=axes), 1.0),
    "max": (lambda a, axes: _whole(a, np.max, axes, -np.inf), -np.inf),
    "min": (lambda a, axes: _whole(a, np.min, axes, np.inf), np.inf),
    "logsumexp": (logsumexp, -np.inf),
    "softmax": (softmax, -np.inf),
    "log_softmax": (log_softmax, -np.inf),
    "argmax": (_first(np.argmax), -np.inf),
    "argmin": (_first(np.argmin), np.inf),
}
"""Each reduction with the value that a dropped entry takes."""


@record
class Tables:
    """What an engine computes with: the functions of `Map` and of `Fold` by name."""

    functions: Mapping[str, Callable[..., Any]]
    folds: Mapping[str, tuple[Callable[[Array, tuple[int, ...]], Any], float]]


REAL = Tables(FUNCTIONS, FOLDS)
