"""The library of products is kept to one thread while strips run, and left as it was."""

from __future__ import annotations

from threading import Barrier, Thread

import numpy as np
import pytest

import einsumgrad
from einsumgrad.steps.blas import Blas, blas
from einsumgrad.steps.workers import Workers


class Library:
    """One that remembers what it was told."""

    def __init__(self, threads: int) -> None:
        self.threads, self.told = threads, list[int]()

    def limit(self, count: int) -> None:
        self.threads = count
        self.told.append(count)

    def seen(self) -> Blas:
        return Blas(lambda: self.threads, self.limit)


def test_one_thread_until_nobody_is_within() -> None:
    library = Library(4)
    made = library.seen()
    with made.alone():
        assert library.threads == 1
        with made.alone():
            assert library.threads == 1
        assert library.threads == 1
    assert (library.threads, library.told) == (4, [1, 4])


def test_a_fault_within_leaves_it_as_it_was() -> None:
    library = Library(2)
    with pytest.raises(ZeroDivisionError), library.seen().alone():
        raise ZeroDivisionError
    assert library.threads == 2


@pytest.mark.parametrize("first_ends_first", [True, False])
def test_two_engines_at_once(first_ends_first: bool) -> None:
    """The second finds one thread: whoever leaves last, four are there again."""
    library = Library(4)
    one, other = library.seen().alone(), library.seen().alone()
    one.__enter__()
    other.__enter__()
    assert library.threads == 1
    for left in (one, other) if first_ends_first else (other, one):
        left.__exit__(None, None, None)
    assert library.threads == 4


def test_who_asks_for_one_thread_keeps_it() -> None:
    library = Library(1)
    with library.seen().alone():
        assert library.threads == 1
    assert library.told == []


def test_numpys_own_library() -> None:
    made = blas()
    if made is None:
        pytest.skip("this NumPy has a library that is not known")
    before = made.count()
    with made.alone():
        assert made.count() == 1
    assert made.count() == before


def test_calls_from_several_threads_leave_it_as_it_was() -> None:
    """Strips with products, from two threads at once."""
    made = blas()
    text = "param W[j,i]\nh[b,j] = tanh(Σ_i W[j,i] x[b,i])\nloss l[b] = Σ_j h[b,j]^2"
    program = einsumgrad.parse(text, engine="numpy")
    x, W = np.ones((512, 256), np.float32), np.full((256, 256), 1e-3, np.float32)
    before, together = made.count() if made else 0, Barrier(2)
    found: list[float] = []

    def run() -> None:
        together.wait()
        found.extend(program.value_and_grad(x=x, W=W)[0] for _ in range(5))

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert (made.count() if made else 0) == before


def test_without_a_known_library_workers_leave_it_alone() -> None:
    with Workers(2).alone():
        pass
