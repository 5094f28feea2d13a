"""The objective as a function of one array at a time, the others and what `stop` reads held."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field
from typing import Any

import numpy as np
import numpy.typing as npt

from einsumgrad.diagnostics import EinError
from einsumgrad.engines.numpy import Compiled, compile_plan
from einsumgrad.plan.memory import free_memory
from einsumgrad.plan.nodes import Plan
from einsumgrad.record import record
from einsumgrad.verify.plans import frozen, widened, with_stops
from einsumgrad.verify.tables import NotAnalytic, branch_tables, complex_tables

Array = npt.NDArray[Any]
STEP = 1e-30
"""Of the complex step: its square is lost beside any number."""


@record
class Point:
    """The objective at a point, and which side of every kink the point lies on; None where it
    does not exist."""

    value: float
    branches: tuple[int, ...] | None


@record
class Forward:
    """J = Σ weights · outputs around given arrays, all of them float64 or integers.

    `complex`: the plan on complex numbers, None if they do not fit the memory. `here`: J at the
    arrays. `size`: Σ |weights · outputs| there; J's rounding is a part of it."""

    arrays: Mapping[str, Array]
    weights: Mapping[str, Array]
    real: Compiled
    complex: Compiled | None
    record: list[int] = field(repr=False)
    here: Point
    size: float

    def at(self, name: str, entries: Array) -> Point:
        """J with other entries of one array; no number if a gather then leaves its range."""
        self.record.clear()
        try:
            found = self.real.run({**self.arrays, name: entries})
        except EinError:
            return Point(math.nan, None)
        return Point(float(_total(found, self.weights).real), tuple(self.record))

    def complex_slope(self, name: str, direction: Array) -> float | None:
        """dJ along a direction by a complex step; None where a function does not allow it."""
        if self.complex is None:
            return None
        moved = self.arrays[name] + 1j * STEP * direction
        try:
            found = self.complex.run({**self.arrays, name: moved})
        except NotAnalytic:
            return None
        return float(_total(found, self.weights).imag) / STEP


def make_forward(
    plan: Plan, arrays: Mapping[str, Array], weights: Mapping[str, Array], memory: int | None
) -> Forward:
    """The objective of a plan that returns the weighted outputs. `memory`: the bytes that a run may
    allocate, None for what the machine has free."""
    base = compile_plan(with_stops(plan)).run(arrays)
    held = {**arrays, **{name: a for name, a in base.items() if name not in weights}}
    record: list[int] = []
    real = compile_plan(frozen(plan), branch_tables(record))
    wide = widened(frozen(plan))
    fits = wide.peak_bytes <= (free_memory() if memory is None else memory)
    of_complex = compile_plan(wide, complex_tables()) if fits else None
    found = real.run(held)
    here = Point(float(_total(found, weights).real), tuple(record))
    size = sum(float(np.sum(np.abs(found[n] * w))) for n, w in weights.items())
    return Forward(held, weights, real, of_complex, record, here, size)


def _total(found: Mapping[str, Array], weights: Mapping[str, Array]) -> np.complex128:
    return sum((np.complex128(np.sum(found[n] * w)) for n, w in weights.items()), np.complex128(0))
