"""Threads that share the strips of a step, with BLAS on one thread in each: two pools of threads on
the same cores would wait for each other."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from threading import Barrier, BrokenBarrierError
from typing import Any

import numpy as np

from einsumgrad.record import record
from einsumgrad.steps.blas import Blas
from einsumgrad.steps.team import Team

WAITED = 0.1
"""Seconds that a thread waits for the others before it multiplies."""


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _warm(together: Barrier) -> None:
    """Has OpenBLAS touch all of the memory into which it packs matrices. Before that, its products
    in one thread take up to three times as long in all their calls, as long as none is as large as
    this one: 12 instead of 35 GF/s at 64×784×256 in float32 (0.3.31, AVX2). Threads take whatever
    such memory is free, so that all of it is in use only where all of them multiply at once."""
    left, right = np.ones((64, 256)), np.ones((256, 512))
    for _ in range(3):
        with suppress(BrokenBarrierError):  # threads that are busy elsewhere do not come
            together.wait(WAITED)
        np.matmul(left, right)


@record(frozen=False)
class Workers:
    """`count` threads, the calling one among them. `blas`: the library of products, where they may
    share strips with products too; it is kept to one thread meanwhile."""

    count: int
    blas: Blas | None = None
    warm: bool = False
    team: Team | None = None

    def alone(self) -> AbstractContextManager[None]:
        """Keeps BLAS to one thread: its own threads wait for more work for a while, on the cores
        that strips are to run on."""
        if self.blas is None:
            return nullcontext()
        if not self.warm:
            self.warm = True
            with self.blas.alone():
                self.run([partial(_warm, Barrier(self.count))] * self.count)
        return self.blas.alone()

    def run(self, jobs: Sequence[Callable[[], None]]) -> None:
        """All jobs, the first in this thread. Raises what one of them raises, when all are done."""
        if len(jobs) == 1:
            jobs[0]()
            return
        if self.team is None or self.team.process != os.getpid():
            self.team = Team(self.count - 1)
        self.team.run(jobs)


def together(workers: Workers, *calls: Any) -> None:
    """Calls functions, each with what it is given behind it, at once."""
    pairs = zip(calls[::2], calls[1::2], strict=True)
    workers.run([partial(function, given) for function, given in pairs])
