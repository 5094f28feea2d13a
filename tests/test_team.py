"""Threads that share work: all of it is done, whoever asks, and none is left behind."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from einsumgrad.steps.team import Team
from einsumgrad.steps.workers import Workers


def together(count: int) -> list[Callable[[], None]]:
    """Jobs that wait for each other: they end only if each has a thread of its own."""
    barrier = threading.Barrier(count)

    def job() -> None:
        barrier.wait(10)

    return [job] * count


def own() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "einsumgrad"}


@pytest.mark.parametrize("count", [1, 2, 3])
def test_jobs_run_at_the_same_time(count: int) -> None:
    workers = Workers(count)
    for _ in range(3):
        workers.run(together(count))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_fault_is_raised_when_all_is_done(place: int) -> None:
    def refused() -> None:
        raise ValueError("here")

    done: list[int] = []
    jobs: list[Callable[[], None]] = [partial(done.append, k) for k in range(3)]
    jobs[place] = refused
    workers = Workers(3)
    for _ in range(2):
        done.clear()
        with pytest.raises(ValueError, match="here"):
            workers.run(jobs)
        assert set(done) == {0, 1, 2} - {place}
        workers.run(together(3))


def test_more_jobs_than_threads() -> None:
    done: list[int] = []
    Team(1).run([partial(done.append, k) for k in range(9)])
    assert sorted(done) == list(range(9))


def test_several_callers_share_the_threads() -> None:
    workers, done = Workers(2), list[int]()
    with ThreadPoolExecutor(4) as pool:
        jobs = [partial(done.append, k) for k in range(2)]
        for found in [pool.submit(workers.run, jobs) for _ in range(200)]:
            found.result()
    assert sorted(done) == [0] * 200 + [1] * 200


def test_threads_end_with_their_workers() -> None:
    before = own()
    workers = Workers(3)
    workers.run(together(3))
    assert len(own() - before) == 2
    del workers
    gc.collect()
    until = time.monotonic() + 10
    while own() - before and time.monotonic() < until:
        time.sleep(0.01)
    assert not own() - before
