"""Strips as they run: part after part, or several side by side."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import pairwise
from threading import Thread
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from einsumgrad.plan.nodes import Loop, Pair, Strips

Array = npt.NDArray[Any]
Step = Callable[..., Any]
MOST = 4
"""So many parts run side by side at most."""
ENTRIES = 2**22
"""Entries that all parts of a strip write, at least, for threads to be worth their start."""


class Steps(Protocol):
    """Gives a step over memory that nobody else uses meanwhile."""

    def step(self) -> AbstractContextManager[Step]: ...


def workers(made: Strips) -> int:
    """How many parts run side by side. One if there is a matrix product in them: BLAS has threads
    of its own, and two pools on the same cores stall each other."""
    steps = made.plan.steps
    written = made.parts * sum(made.plan.registers[s.register].size for s in steps)
    if written < ENTRIES or any(isinstance(s.instruction, Pair | Loop) for s in steps):
        return 1
    return max(1, min(MOST, made.parts, _cores()))


def _cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(slots=True)
class Stripped:
    """Runs a step for one part of an axis after another, on so many threads."""

    made: Strips
    part: Steps
    rest: Steps | None
    workers: int = 1

    def __call__(self, *arrays: Array) -> None:
        """Reads and fills parts of the arrays, or the whole of those that do not have the axis."""
        axes = (*(axis for _, axis in self.made.takes), *(axis for _, axis in self.made.outs))
        whole = Whole(arrays, axes, len(self.made.takes), self.made.length)
        bounds = [k * self.made.parts // self.workers for k in range(self.workers + 1)]
        spans = [range(a, b) for a, b in pairwise(bounds)]
        tasks = [
            Task(self.part, whole if k == 0 else whole.apart(), s) for k, s in enumerate(spans)
        ]
        threads = [Thread(target=task.run) for task in tasks[1:]]
        for thread in threads:
            thread.start()
        tasks[0].run()
        for thread in threads:
            thread.join()
        for task in tasks:
            if task.fault is not None:
                raise task.fault
        for task in tasks[1:]:  # in order, so that equal calls give equal sums
            whole.gather(task.whole)
        if self.rest is not None:
            with self.rest.step() as step:
                whole.run(step, self.made.parts, first=False)


@dataclass(slots=True)
class Task:
    """The parts that one thread runs; `fault`: what it raised."""

    steps: Steps
    whole: Whole
    span: range
    fault: Exception | None = None

    def run(self) -> None:
        try:
            with self.steps.step() as step, np.errstate(all="ignore"):
                for number in self.span:
                    self.whole.run(step, number, first=number == self.span.start)
        except Exception as fault:
            self.fault = fault


@dataclass(frozen=True, slots=True)
class Whole:
    """Arrays with their axes that are cut; from number `read` on they are filled."""

    arrays: tuple[Array, ...]
    axes: tuple[int | None, ...]
    read: int
    length: int

    def run(self, step: Step, number: int, *, first: bool) -> None:
        """The part of this number. What is summed is added, but for the first part."""
        part = slice(number * self.length, (number + 1) * self.length)
        given = [
            array if axis is None else array[(*(slice(None),) * axis, part)]
            for array, axis in zip(self.arrays, self.axes, strict=True)
        ]
        sums = () if first else self._sums()
        for k in sums:
            given[k] = np.empty_like(given[k])
        step(*given)
        for k in sums:
            np.add(self.arrays[k], given[k], out=self.arrays[k])

    def _sums(self) -> tuple[int, ...]:
        return tuple(k for k in range(self.read, len(self.axes)) if self.axes[k] is None)

    def apart(self) -> Whole:
        """The same arrays, but for sums of its own."""
        own = set(self._sums())
        arrays = tuple(np.empty_like(a) if k in own else a for k, a in enumerate(self.arrays))
        return replace(self, arrays=arrays)

    def gather(self, other: Whole) -> None:
        """Adds another one's sums."""
        for k in self._sums():
            np.add(self.arrays[k], other.arrays[k], out=self.arrays[k])
