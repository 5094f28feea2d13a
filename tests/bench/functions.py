"""What a function costs an entry in a loop and by NumPy: `python -m tests.bench.functions`.

The two are timed in turns, so that a busy machine slows both.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable

import numpy as np

from einsumgrad.engines import functions as numpys
from einsumgrad.fused.functions import FUNCTIONS, KINDS
from tests.kernels import DTYPES, Array, compiled

SIZE, TURNS, REPEATS = 2**14, 60, 4


def once(f: Callable[[], object]) -> float:
    start = time.perf_counter()
    for _ in range(REPEATS):
        f()
    return (time.perf_counter() - start) / REPEATS / SIZE * 1e9


def compared(name: str, kind: str) -> tuple[float, float]:
    """Nanoseconds an entry: the least of many turns."""
    dtype = DTYPES[kind]
    args: list[Array] = [
        np.linspace(0.01, 4, SIZE).astype(dtype) if "log" in name or name == "sqrt"
        else np.linspace(-3, 3.5, SIZE).astype(dtype)
        for _ in FUNCTIONS[name].takes
    ]  # fmt: skip
    kernel = compiled(name, kind)
    run = kernel.bound(np.empty(SIZE, dtype), *args)
    turns = [(once(run), once(lambda: numpys.FUNCTIONS[name](*args))) for _ in range(TURNS)]
    fast, slow = (min(times) for times in zip(*turns, strict=True))
    return fast, slow


def main() -> None:
    warnings.simplefilter("ignore")
    for name in sys.argv[1:] or [n for n in numpys.FUNCTIONS if "m" not in FUNCTIONS[n].takes]:
        for kind in KINDS:
            if FUNCTIONS[name].gives == "x":
                fast, slow = compared(name, kind)
                times = f"{fast:7.2f} ns, NumPy {slow:7.2f} ns, {slow / fast:5.1f}x"
                print(f"{name:12} {kind:7} {times}")  # noqa: T201


if __name__ == "__main__":
    main()
