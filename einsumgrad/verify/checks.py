"""One gradient held against what its entries and its sums along directions should be."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from einsumgrad.record import record
from einsumgrad.verify.differences import Slope, central
from einsumgrad.verify.forward import Forward

Array = npt.NDArray[Any]
Method = Literal["complex step", "differences"]
ENTRIES, LARGEST, RANDOM, DIRECTIONS = 50, 8, 16, 8
"""Up to so many entries all are checked; of more, the largest, random ones, random directions."""
UNCLEAR = 1e-4
"""A difference that may be off by more than this part of the largest one decides nothing."""
TOLERANCE = 1e-6
"""The relative error that passes, with what the method itself may be off by."""
FLOOR, NOISE = 1e-12, 1e-8
"""What rounding leaves of a derivative that is 0, in complex steps and in differences, as a part of
the objective over the size of the array."""


@record
class Check:
    """A derivative as derived, and as it should be."""

    found: float
    slope: Slope

    @property
    def error(self) -> float:
        return abs(self.found - self.slope.value)

    def relative(self, least: float) -> float:
        """The error as a part of the derivative, or of `least`."""
        return self.error / max(abs(self.slope.value), least)

    def right(self, floor: float) -> bool:
        """Whether the error is below `TOLERANCE`, or below what the method itself may be off by."""
        size = max(abs(self.slope.value), abs(self.found))
        return self.error <= TOLERANCE * size + self.slope.off + floor


@record
class Checks:
    """All checks of one gradient; the first `entries` are of single entries, the others of random
    directions. `scale`: the objective over the size of the array."""

    method: Method
    every: tuple[Check, ...]
    entries: int
    scale: float

    @property
    def kinks(self) -> int:
        """Checks at a point that has no derivative along them."""
        return sum(check.slope.kink for check in self.every)

    @property
    def zero(self) -> bool:
        """Whether every derivative is 0, as derived and as it should be."""
        return all(check.found == check.slope.value == 0 for check in self.every)

    @property
    def decided(self) -> tuple[Check, ...]:
        """The checks whose derivative is known well enough."""
        limit = max(UNCLEAR * self._largest, NOISE * self.scale)
        return tuple(c for c in self.every if math.isfinite(c.slope.value) and c.slope.off <= limit)

    def wrong(self, tolerance: float | None = None) -> int:
        """How many checks fail: their relative errors decide if a tolerance is given."""
        if tolerance is None:
            return sum(not check.right(FLOOR * self.scale) for check in self.decided)
        return sum(not check.relative(self._least) <= tolerance for check in self.decided)

    @property
    def absolute(self) -> float:
        return max((check.error for check in self.decided), default=0.0)

    @property
    def relative(self) -> float:
        """The largest error as a part of the derivative, or of 1/1000 of the largest derivative."""
        return max((check.relative(self._least) for check in self.decided), default=0.0)

    @property
    def _least(self) -> float:
        return max(1e-3 * self._largest, FLOOR * self.scale, 1e-300)

    @property
    def _largest(self) -> float:
        known = (abs(c.slope.value) for c in self.every)
        return max((value for value in known if math.isfinite(value)), default=0.0)


def check_gradient(
    forward: Forward, name: str, gradient: Array, factor: float, rng: np.random.Generator
) -> Checks:
    """The checks of a `.grad`, which is `factor` times the objective's derivative."""
    places = _places(gradient, rng)
    # Along ones, say, a normalisation would not change, nor show what cannot take a complex step.
    probe = np.random.default_rng(0).normal(size=gradient.shape)
    analytic = forward.complex_slope(name, probe) is not None
    method: Method = "complex step" if analytic else "differences"
    every = tuple(
        Check(_along(gradient, direction), _slope(forward, name, direction, factor, method))
        for direction in _directions(gradient.shape, places, rng)
    )
    unit = float(np.max(np.abs(forward.arrays[name]), initial=0.0)) or 1.0
    return Checks(method, every, len(places), factor * forward.size / unit)


def _along(gradient: Array, direction: Array) -> float:
    """Entries that the direction leaves alone do not count, be they finite or not."""
    return float(np.sum(gradient * direction, where=direction != 0))


def _slope(forward: Forward, name: str, direction: Array, factor: float, method: Method) -> Slope:
    if method == "differences":
        found = central(forward, name, direction)
        return Slope(factor * found.value, factor * found.off, found.kink)
    step = forward.complex_slope(name, direction)
    return Slope(math.nan if step is None else factor * step)


def _places(gradient: Array, rng: np.random.Generator) -> tuple[int, ...]:
    """The entries to check: all, or the largest and some others."""
    count = gradient.size
    if count <= ENTRIES:
        return tuple(range(count))
    sizes = np.abs(gradient.ravel())
    largest = np.argsort(np.where(np.isnan(sizes), np.inf, sizes))[-LARGEST:]
    others = rng.choice(count, RANDOM, replace=False)
    return tuple(sorted({*map(int, largest), *map(int, others)}))


def _directions(
    shape: tuple[int, ...], places: tuple[int, ...], rng: np.random.Generator
) -> Iterator[Array]:
    for place in places:
        unit = np.zeros(shape)
        unit.flat[place] = 1.0
        yield unit
    if len(places) < math.prod(shape):
        for _ in range(DIRECTIONS):
            yield rng.normal(size=shape)
