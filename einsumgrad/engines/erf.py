"""The error function.

W. J. Cody, Rational Chebyshev approximations for the error function, Math. Comp. 23 (1969). Fast
engines have one of their own for float32: `tune/elementary.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Ratio = tuple[tuple[float, ...], tuple[float, ...]]

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
"""Entries of float64 that stay in the cache over the many steps of one function."""


def erf(x: Array) -> Array:
    """The error function, to about 1e-16 in float64, and a rounding in shorter types."""
    array = np.asarray(x)
    out = np.empty(array.shape, array.dtype if array.dtype.kind == "f" else np.float64)
    erf_into(array, out)
    return out


def erf_into(x: npt.ArrayLike, out: Array) -> None:
    """The error function of an array or a number, written into an array, maybe the same one."""
    order = sorted(range(out.ndim), key=lambda axis: -out.strides[axis])
    given, made = np.broadcast_to(x, out.shape).transpose(order), out.transpose(order)
    if not made.flags.c_contiguous:
        np.copyto(out, erf(np.asarray(x)), casting="same_kind")
        return
    flat, target = given.reshape(-1), made.reshape(-1)
    for k in range(0, flat.size, PIECE):
        piece = slice(k, k + PIECE)
        np.copyto(target[piece], _erf(flat[piece]), casting="same_kind")


def _ratio(x: Array, pair: Ratio) -> Array:
    above, below = (_polynomial(x, part) for part in pair)
    return np.divide(above, below, above)


def _polynomial(x: Array, factors: tuple[float, ...]) -> Array:
    found: Array = x * factors[0]
    for a in factors[1:-1]:
        found += a
        found *= x
    found += factors[-1]
    return found


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
