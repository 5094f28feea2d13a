"""The derivative of the objective along a direction, from values of the objective alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from einsumgrad.record import record
from einsumgrad.verify.forward import Forward

Array = npt.NDArray[Any]
STEPS = (1e-3, 1e-4, 1e-5, 1e-6)
ENOUGH = 1e-8
"""A difference that is off by less than this part is not tried again with a shorter step."""


@record
class Slope:
    """A derivative and how far it may be off; it is NaN where there is none: at a `kink`, or
    where the objective is not finite."""

    value: float
    off: float = 0.0
    kink: bool = False


def central(forward: Forward, name: str, direction: Array) -> Slope:
    """By central differences of two steps, extrapolated (Richardson 1911), in units of the
    array's own size. A step counts only if no kink lies between it and the array."""
    best = Slope(math.nan, math.inf, kink=True)
    unit = scale(forward.arrays[name])
    rounding = 1e-15 * forward.size / unit
    for step in STEPS:
        pair = [_difference(forward, name, direction, h * unit) for h in (step, step / 2)]
        wide, narrow = pair
        if wide is None or narrow is None:
            continue
        found = Slope((4 * narrow - wide) / 3, abs(narrow - wide) + rounding / step)
        if found.off < best.off:
            best = found
        elif best.kink:
            best = Slope(math.nan, math.inf)
        if found.off <= ENOUGH * abs(found.value):
            break
    return best


def scale(array: Array) -> float:
    """The size of the entries of an array, 1 if it is 0."""
    found = float(np.sqrt(np.mean(np.square(array)))) if array.size else 0.0
    return found if math.isfinite(found) and found > 0 else 1.0


def _difference(forward: Forward, name: str, direction: Array, step: float) -> float | None:
    """None if a kink lies between the two points."""
    array = forward.arrays[name]
    right = forward.at(name, array + step * direction)
    left = forward.at(name, array - step * direction)
    if not right.branches == left.branches == forward.here.branches:
        return None
    return (right.value - left.value) / (2 * step)
