"""NumPy's implementation of every elementwise function, finite wherever its value is.

erf: W. J. Cody, Rational Chebyshev approximations for the error function, Math. Comp. 23 (1969).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

SMALL = (
    (1.85777706184603153e-1, 3.16112374387056560e00, 1.13864154151050156e02,
     3.77485237685302021e02, 3.20937758913846947e03),
    (1.0, 2.36012909523441209e01, 2.44024637934444173e02, 1.28261652607737228e03,
     2.84423683343917062e03),
)  # fmt: skip
MIDDLE = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e00,
     6.61191906371416295e01, 2.98635138197400131e02, 8.81952221241769090e02,
     1.71204761263407058e03, 2.05107837782607147e03, 1.23033935479799725e03),
    (1.0, 1.57449261107098347e01, 1.17693950891312499e02, 5.37181101862021590e02,
     1.62138957456669019e03, 3.29079923573345963e03, 4.36261909014324716e03,
     3.43936767414372164e03, 1.23033935480374942e03),
)  # fmt: skip
LARGE = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1,
     1.25781726111229246e-1, 1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242e00, 1.87295284992346725e00, 5.27905102951428412e-1,
     6.05183413124413191e-2, 2.33520497626869185e-3),
)  # fmt: skip
ROOT_PI = 0.56418958354775628695
"""1/√π."""
PIECE = 2**14
"""Entries that stay in the cache over the many steps of one function."""


def _ratio(x: Array, pair: tuple[tuple[float, ...], tuple[float, ...]]) -> Array:
    above, below = (np.full_like(x, part[0]) for part in pair)
    for a, b in zip(pair[0][1:], pair[1][1:], strict=True):
        above, below = above * x + a, below * x + b
    result: Array = above / below
    return result


def erf(x: Array) -> Array:
    """The error function, to about 1e-16 in float64."""
    flat = np.asarray(x).reshape(-1)
    parts = [_erf(flat[k : k + PIECE]) for k in range(0, flat.size, PIECE)]
    found = np.concatenate(parts) if parts else flat
    return found.astype(np.result_type(x), copy=False).reshape(np.shape(x))


def _erf(x: Array) -> Array:
    """Of the three formulas, each entry costs the one that it needs."""
    wide = np.asarray(x, np.float64)
    y = np.abs(wide)
    found = np.full_like(wide, np.nan)
    for mask, formula in (
        (y <= 0.46875, _near), ((y > 0.46875) & (y <= 4.0), _middle), (y > 4.0, _far)
    ):  # fmt: skip
        found[mask] = formula(y[mask])
    signed: Array = np.copysign(found, wide)
    return signed


def _near(y: Array) -> Array:
    found: Array = y * _ratio(y * y, SMALL)
    return found


def _middle(y: Array) -> Array:
    found: Array = 1 - np.exp(-y * y) * _ratio(y, MIDDLE)
    return found


def _far(y: Array) -> Array:
    large = np.minimum(y, 30.0)
    inverse = 1 / (large * large)
    tail = (ROOT_PI - inverse * _ratio(inverse, LARGE)) / large
    found: Array = 1 - np.exp(-large * large) * tail
    return found


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
    "floor": np.floor, "min": np.minimum, "max": np.maximum,
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "negative": np.negative,
    "power": np.power, "square": np.square, "reciprocal": lambda x: np.true_divide(1, x),
    "select": np.where, "stop": lambda x: x, "divide": np.true_divide,
    "finite": lambda x: np.where(np.isfinite(x), x, 0),
    "divisor": lambda x: np.where(np.equal(x, 0), 1, x),
    "=": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal, ">": np.greater,
    ">=": np.greater_equal, "and": np.logical_and, "or": np.logical_or, "not": np.logical_not,
}  # fmt: skip


def logsumexp(a: Array, axes: tuple[int, ...]) -> Array:
    """log Σ exp, shifted by the maximum; -∞ over nothing."""
    top = np.max(a, axis=axes, keepdims=True, initial=-np.inf)
    shift = np.where(np.isfinite(top), top, 0)
    total = np.log(np.sum(np.exp(a - shift), axis=axes))
    result: Array = total + shift.reshape(total.shape)
    return result


def softmax(a: Array, axes: tuple[int, ...]) -> Array:
    """exp(a) over its sum, shifted by the maximum; 0 where all entries are -∞."""
    top = np.max(a, axis=axes, keepdims=True, initial=-np.inf)
    raised = np.exp(a - np.where(np.isfinite(top), top, 0))
    total = np.sum(raised, axis=axes, keepdims=True)
    result: Array = raised / np.where(total == 0, 1, total)
    return result


def log_softmax(a: Array, axes: tuple[int, ...]) -> Array:
    top = np.max(a, axis=axes, keepdims=True, initial=-np.inf)
    shifted = a - np.where(np.isfinite(top), top, 0)
    total = np.log(np.sum(np.exp(shifted), axis=axes, keepdims=True))
    result: Array = shifted - np.where(np.isfinite(total), total, 0)
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


@dataclass(frozen=True, slots=True)
class Tables:
    """What an engine computes with: the functions of `Map` and of `Fold` by name."""

    functions: Mapping[str, Callable[..., Any]]
    folds: Mapping[str, tuple[Callable[[Array, tuple[int, ...]], Any], float]]


REAL = Tables(FUNCTIONS, FOLDS)
