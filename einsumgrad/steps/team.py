"""Threads that wait for work, each at a lock of its own: to wake one so takes 5 µs, where a pool of
`concurrent.futures` takes 45."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Lock, Thread

Job = Callable[[], None]


class Helper:
    """A thread that does one job after the other. `go` and `done` are locked but for a moment: when
    there is a job, and when it is done."""

    def __init__(self) -> None:
        self.job: Job | None = None
        self.fault: BaseException | None = None
        self.go, self.done = Lock(), Lock()
        self.go.acquire()
        self.done.acquire()
        Thread(target=_serve, args=(self,), name="einsumgrad", daemon=True).start()

    def start(self, job: Job) -> None:
        self.job = job
        self.go.release()

    def finished(self) -> BaseException | None:
        """What the job raised, when it is done."""
        self.done.acquire()
        fault, self.fault = self.fault, None
        return fault

    def dismiss(self) -> None:
        """Ends the thread, which has no job."""
        self.job = None
        self.go.release()


def _serve(helper: Helper) -> None:
    while True:
        helper.go.acquire()
        job, helper.job = helper.job, None
        if job is None:
            return
        try:
            job()
        except BaseException as fault:
            helper.fault = fault
        job = None  # whoever waits may have its arrays to itself
        helper.done.release()


class Team:
    """At most `most` helpers, of this process: a fork has none of the threads."""

    def __init__(self, most: int) -> None:
        self.most, self.made = most, 0
        self.idle: list[Helper] = []
        self.process = os.getpid()

    def run(self, jobs: Sequence[Job]) -> None:
        """All jobs: the first in this thread, others in those that have nothing to do, and what is
        left in this one again. Raises what one of them raises, when no other one runs any more."""
        helpers = self._free(len(jobs) - 1)
        for helper, job in zip(helpers, jobs[1:], strict=False):
            helper.start(job)
        faults: list[BaseException | None] = []
        try:
            for job in (jobs[0], *jobs[1 + len(helpers) :]):
                job()
        finally:
            for helper in helpers:
                faults.append(helper.finished())
                self.idle.append(helper)
        for fault in faults:
            if fault is not None:
                raise fault

    def _free(self, count: int) -> list[Helper]:
        """As many helpers as have nothing to do."""
        found: list[Helper] = []
        with suppress(IndexError):
            while len(found) < count:
                found.append(self.idle.pop())
        while len(found) < count and self.made < self.most:
            self.made += 1
            found.append(Helper())
        return found

    def __del__(self) -> None:
        for helper in self.idle:
            helper.dismiss()
