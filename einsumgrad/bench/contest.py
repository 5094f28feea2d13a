"""Contestants in turns, after their gradients have been compared."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from statistics import median
from typing import Any

import numpy as np

from einsumgrad.bench.contestants import Contestant
from einsumgrad.bench.faults import PeersDiffer
from einsumgrad.bench.work import Array, Arrays
from einsumgrad.diagnostics import EinError
from einsumgrad.peers.steps import Step
from einsumgrad.record import record

TOLERANCE = {"float64": 1e-7, "float32": 2e-3, "float16": 5e-2}
"""How far a gradient may be off, as a part of its largest entry."""
LEAST = 1e-3
"""An entry that is less than this part of the largest gradient's entries is rounding beside it."""
SECONDS, FEWEST, MOST = 2.0, 5, 1000
"""Where the number of steps is left open, so many seconds of them."""
TURNS = 10


@record
class Timing:
    """A contestant's first call, with what it plans or compiles, and its steps, in seconds."""

    name: str
    first: float
    steps: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.steps)

    @property
    def least(self) -> float:
        return min(self.steps)


def contest(
    contestants: Sequence[Contestant], dtype: str, repeat: int | None = None
) -> tuple[Timing, ...]:
    """The times of all contestants in one interleaved run, `repeat` steps each (None: for about
    two seconds, 5 at least). Raises EinError if gradients differ from those of the first one."""
    firsts = [_timed(contestant.step) for contestant in contestants]
    expected, *others = (c.gradients(f[1]) for c, f in zip(contestants, firsts, strict=True))
    for contestant, found in zip(contestants[1:], others, strict=True):
        compare(contestant.name, expected, found, TOLERANCE.get(dtype, TOLERANCE["float64"]))
    steps = [c.step for c in contestants]
    counts = [repeat or _count(step) for step in steps]
    times = _turns(steps, counts)
    return tuple(
        Timing(c.name, first, tuple(found))
        for c, (first, _), found in zip(contestants, firsts, times, strict=True)
    )


def _timed(step: Step) -> tuple[float, Any]:
    began = time.perf_counter()
    found = step()
    return time.perf_counter() - began, found


def _count(step: Step) -> int:
    """How many steps to time, by one that is warm."""
    return min(max(FEWEST, math.ceil(SECONDS / max(_timed(step)[0], 1e-9))), MOST)


def _turns(steps: Sequence[Step], counts: Sequence[int]) -> list[list[float]]:
    """The contestants take turns, another one first each time. A turn's first step is not timed: in
    it the threads of the one before come to rest."""
    found: list[list[float]] = [[] for _ in steps]
    turns = min(TURNS, max(counts))
    for turn in range(turns):
        for k in [(turn + place) % len(steps) for place in range(len(steps))]:
            left = counts[k] - len(found[k])
            steps[k]()
            found[k] += [_timed(steps[k])[0] for _ in range(math.ceil(left / (turns - turn)))]
    return found


def compare(name: str, expected: Arrays, found: Arrays, tolerance: float) -> None:
    """Raises EinError if a gradient is further off than the tolerance allows."""
    sizes = {n: _largest(a) for n, a in expected.items()}
    floor = LEAST * max(sizes.values(), default=0.0)
    for key, array in expected.items():
        same = (array == found[key]) | (np.isnan(array) & np.isnan(found[key]))
        with np.errstate(invalid="ignore"):
            off = float(np.max(np.where(same, 0, np.abs(array - found[key])), initial=0.0))
        if not off <= tolerance * max(sizes[key], floor):
            part = f"{off / max(sizes[key], 1e-300):.1e}"
            raise EinError(PeersDiffer(peer=name, what=f"gradient of `{key}`", off=part))


def _largest(array: Array) -> float:
    """The largest finite entry."""
    return float(np.max(np.abs(array), where=np.isfinite(array), initial=0.0))
