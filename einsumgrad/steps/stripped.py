"""Runs a step for one part of an axis after another, the parts shared by the workers."""

from __future__ import annotations

from dataclasses import field
from functools import partial

import numpy as np

from einsumgrad.plan.nodes import Pair, Strips
from einsumgrad.record import record
from einsumgrad.steps.memory import Array, Compiled, Step
from einsumgrad.steps.workers import Workers
from einsumgrad.tune.orders import flat

LARGE = 2**18
"""Bytes of sums that are worth to be added by several workers."""


@record(frozen=False)
class Stripped:
    """What the source of a step calls for strips. `spare`: arrays for sums over parts, of calls
    that are done. `shares`: the parts of each worker, from the first to behind the last. `axes`:
    along which axis each array is cut; `sums`: those that are filled and have none."""

    made: Strips
    part: Compiled
    rest: Compiled | None
    workers: Workers
    spare: list[list[Array]] = field(default_factory=list)
    shares: list[tuple[int, int]] = field(init=False)
    axes: tuple[int | None, ...] = field(init=False)
    sums: list[int] = field(init=False)

    def __post_init__(self) -> None:
        """The workers share the parts if none of them waits for BLAS."""
        steps = flat(self.made.plan.steps)
        every = (step.instruction for step, _ in steps)
        alone = not any(isinstance(made, Pair) and made.threaded for made in every)
        count = self.workers.count if self.workers.blas is not None or alone else 1
        self.shares = _shares(self.made.parts, count)
        self.axes = tuple(axis for _, axis in (*self.made.takes, *self.made.outs))
        first = len(self.made.takes)
        self.sums = [k for k, axis in enumerate(self.axes) if k >= first and axis is None]

    def __call__(self, *arrays: Array) -> None:
        """Reads and fills parts of the arrays, or the whole of those that do not have the axis."""
        work = [Share(self, arrays, *share, own=k > 0) for k, share in enumerate(self.shares)]
        self.workers.run([share.run for share in work])
        if self.rest is not None:
            work.append(Share(self, arrays, self.made.parts, self.made.parts + 1, own=True))
            work[-1].run(self.rest)
        self._collect(arrays, work)
        for share in work:
            self.spare += share.sets

    def _collect(self, arrays: tuple[Array, ...], work: list[Share]) -> None:
        """Adds what shares have of their own to the whole: a part of it in each worker, where it is
        worth to wake them."""
        own = [share for share in work if share.own]
        size = sum(arrays[k].nbytes for share in own for k in share.sums)
        count = len(self.shares) if size >= LARGE else 1
        self.workers.run([partial(_added, arrays, own, k, count) for k in range(count)])


def _shares(parts: int, workers: int) -> list[tuple[int, int]]:
    """The first part of each worker, and the one behind its last."""
    count = min(parts, workers)
    return [(parts * k // count, parts * (k + 1) // count) for k in range(count)]


class Share:
    """Some parts. `own`: what it sums goes to arrays of its own, and from there to those of all."""

    def __init__(
        self, strips: Stripped, arrays: tuple[Array, ...], first: int, last: int, *, own: bool
    ) -> None:
        self.strips, self.arrays = strips, arrays
        self.first, self.last, self.own = first, last, own
        self.sums = strips.sums
        sets = int(own) + int(last - first > 1)
        self.sets = [self._taken() for _ in range(sets)]

    def _taken(self) -> list[Array]:
        try:
            return self.strips.spare.pop()
        except IndexError:
            return [np.empty_like(self.arrays[k]) for k in self.sums]

    def run(self, compiled: Compiled | None = None) -> None:
        totals = self.sets[0] if self.own else [self.arrays[k] for k in self.sums]
        with (compiled or self.strips.part).step() as step, np.errstate(all="ignore"):
            self._part(step, self.first, totals)
            for number in range(self.first + 1, self.last):
                self._part(step, number, self.sets[-1])
                for total, more in zip(totals, self.sets[-1], strict=True):
                    np.add(total, more, out=total)

    def _part(self, step: Step, number: int, sums: list[Array]) -> None:
        length = self.strips.made.length
        part = slice(number * length, (number + 1) * length)
        given = [
            array if axis is None else array[(*(slice(None),) * axis, part)]
            for array, axis in zip(self.arrays, self.strips.axes, strict=True)
        ]
        for k, array in zip(self.sums, sums, strict=True):
            given[k] = array
        step(*given)


def _added(arrays: tuple[Array, ...], own: list[Share], number: int, count: int) -> None:
    """Adds one of so many parts of all sums, cut along their first axis."""
    for share in own:
        for k, more in zip(share.sums, share.sets[0], strict=True):
            if more.ndim:
                length = len(more)
                part = slice(length * number // count, length * (number + 1) // count)
                np.add(arrays[k][part], more[part], out=arrays[k][part])
            elif number == 0:
                np.add(arrays[k], more, out=arrays[k])
