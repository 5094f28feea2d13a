"""The threads of the library by which NumPy multiplies matrices.

NumPy's extension module depends on that library, so that its symbols are found through it where the
system searches what a module depends on, as on Linux and macOS. Where none is found the library
keeps its threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import field
from importlib import import_module
from threading import Lock
from typing import Any

from einsumgrad.record import record

MODULE = "numpy._core._multiarray_umath"
NAMES = (
    *(
        (f"{before}openblas_get_num_threads{after}", f"{before}openblas_set_num_threads{after}")
        for before in ("scipy_", "")
        for after in ("64_", "")
    ),
    ("MKL_Get_Max_Threads", "MKL_Set_Num_Threads"),
    ("bli_thread_get_num_threads", "bli_thread_set_num_threads"),
)
"""Functions that tell and set the number of threads: of OpenBLAS, as NumPy's wheels or as systems
have it; of MKL; of BLIS."""


@record(frozen=False)
class Blas:
    """Tells and sets how many threads the library has. `held`: how many it had when the first of
    those who are within came."""

    count: Callable[[], int]
    limit: Callable[[int], object]
    users: int = 0
    held: int = 1
    lock: Any = field(default_factory=Lock)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One thread, until nobody is within any more. Who else finds one already, another engine
        being within, does not change it."""
        with self.lock:
            self.users += 1
            if self.users == 1:
                self.held = self.count()
                if self.held > 1:
                    self.limit(1)
        try:
            yield
        finally:
            with self.lock:
                self.users -= 1
                if self.users == 0 and self.held > 1:
                    self.limit(self.held)


def blas() -> Blas | None:
    """The library of this process, None if it is none of those that are known."""
    from ctypes import CDLL

    try:
        library = CDLL(str(import_module(MODULE).__file__))
    except (ImportError, OSError):
        return None
    for count, limit in NAMES:
        if hasattr(library, count) and hasattr(library, limit):
            return Blas(getattr(library, count), getattr(library, limit))
    return None
