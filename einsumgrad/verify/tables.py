"""Tables of functions for verification: on complex numbers, and with a record of branches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from einsumgrad.engines.functions import FOLDS, FUNCTIONS, Tables

Array = npt.NDArray[Any]
Call = Callable[..., Any]


class NotAnalytic(Exception):
    """A function without a complex derivative was asked for a number that is not real."""


# ---- complex numbers


def _reals(function: Call) -> Call:
    """A function of real numbers only. Raises NotAnalytic for others."""

    def call(*args: Any) -> Any:
        if any(np.iscomplexobj(a) and np.any(np.imag(a)) for a in args):
            raise NotAnalytic
        return function(*(np.real(a) if np.iscomplexobj(a) else a for a in args))

    return call


def _side(z: Array) -> Array:
    """1 or -1: the number that takes z to the side where exp(-z) is small."""
    return np.where(np.real(z) >= 0, 1.0, -1.0)


def _sigmoid(z: Array) -> Array:
    side = _side(z)
    small = np.exp(-side * z)
    result: Array = np.where(side > 0, 1.0, small) / (1 + small)
    return result


def _softplus(z: Array) -> Array:
    side = _side(z)
    result: Array = np.where(side > 0, z, 0) + np.log1p(np.exp(-side * z))
    return result


def _shift(z: Array, axes: tuple[int, ...]) -> Array:
    top = np.max(np.real(z), axis=axes, keepdims=True, initial=-np.inf)
    return np.where(np.isfinite(top), top, 0)


def _logsumexp(z: Array, axes: tuple[int, ...]) -> Array:
    shift = _shift(z, axes)
    total = np.log(np.sum(np.exp(z - shift), axis=axes))
    result: Array = total + shift.reshape(total.shape)
    return result


def _softmax(z: Array, axes: tuple[int, ...]) -> Array:
    raised = np.exp(z - _shift(z, axes))
    total = np.sum(raised, axis=axes, keepdims=True)
    result: Array = raised / np.where(total == 0, 1, total)
    return result


def _log_softmax(z: Array, axes: tuple[int, ...]) -> Array:
    shifted = z - _shift(z, axes)
    total = np.log(np.sum(np.exp(shifted), axis=axes, keepdims=True))
    result: Array = shifted - np.where(np.isfinite(total), total, 0)
    return result


ANALYTIC = (
    "exp", "log", "log1p", "expm1", "sqrt", "sin", "cos", "tan", "tanh", "add", "subtract",
    "multiply", "negative", "power", "square", "reciprocal", "select", "stop",
)  # fmt: skip
SMOOTH: dict[str, Call] = {
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "silu": lambda z: z * _sigmoid(z),
    "whole": _reals(lambda z: np.asarray(z).astype(np.int64)),
}
FOLDED: dict[str, Call] = {
    "logsumexp": _logsumexp, "softmax": _softmax, "log_softmax": _log_softmax,
    "sum": FOLDS["sum"][0], "prod": FOLDS["prod"][0],
}  # fmt: skip


def complex_tables() -> Tables:
    """NumPy's functions on complex numbers; those that are not analytic take real ones only."""
    functions = {name: _reals(function) for name, function in FUNCTIONS.items()}
    functions |= {name: FUNCTIONS[name] for name in ANALYTIC} | SMOOTH
    folds = {name: (_reals(fold), neutral) for name, (fold, neutral) in FOLDS.items()}
    folds |= {name: (fold, FOLDS[name][1]) for name, fold in FOLDED.items()}
    return Tables(functions, folds)


# ---- branches

COMPARED = ("min", "max", "=", "!=", "<", "<=", ">", ">=")
SIDED = ("abs", "sign", "relu", "leaky_relu")


def _order(left: Any, right: Any) -> Array:
    """0, 1 or 2 for each entry: less, greater or equal."""
    result: Array = np.greater(left, right) + 2 * np.equal(left, right)
    return result


def _signed(x: Any, *_others: Any) -> Array:
    return _order(x, 0)


def _best(name: str, fold: Call) -> Call:
    if name.startswith("arg"):
        return fold
    extreme = np.max if name == "max" else np.min

    def places(a: Array, axes: tuple[int, ...]) -> Array:
        best: Array = a == extreme(a, axis=axes, keepdims=True, initial=FOLDS[name][1])
        return best

    return places


def branch_tables(record: list[int]) -> Tables:
    """The real functions; each one with a kink or a jump adds to the record on which side of it
    its arguments lie."""

    def watched(function: Call, branch: Call) -> Call:
        def call(*args: Any) -> Any:
            taken = np.ascontiguousarray(branch(*args))
            record.append(hash((taken.shape, taken.tobytes())))
            return function(*args)

        return call

    branches: dict[str, Call] = {"floor": np.floor}
    branches |= dict.fromkeys(COMPARED, _order) | dict.fromkeys(SIDED, _signed)
    functions = dict(FUNCTIONS)
    for name, branch in branches.items():
        functions[name] = watched(functions[name], branch)
    folds = dict(FOLDS)
    for name in ("max", "min", "argmax", "argmin"):
        fold, neutral = folds[name]
        folds[name] = watched(fold, _best(name, fold)), neutral
    return Tables(functions, folds)
