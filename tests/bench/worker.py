"""One contestant in a process of its own, so that no thread pool waits on another's: it reads a
command a line and answers with a line of JSON.

    prepare NAME        where the gradients are, and the bytes that the first step took
    time SECONDS        steps for about so long: seconds a step, or what a step gives as such
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from works import work_of

SMALL = "W1"
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Contestant:
    """The peer named `module`, in one of its modes, on arrays of one dtype."""

    def __init__(self, module: str, mode: str, dtype: str, folder: str) -> None:
        self.peer: Any = importlib.import_module(f"peers.{module}")
        self.mode, self.dtype, self.folder = mode, dtype, Path(folder)
        self.step: Callable[[], Any] = lambda: None
        self.loaded = False

    def load(self) -> None:
        """A small step, which loads what the first one loads: that is no memory of a work."""
        work = work_of(SMALL)
        self.peer.prepare(work, work.arrays(self.dtype), self.mode)()
        self.loaded = True

    def prepare(self, name: str) -> dict[str, Any]:
        """Builds the step and saves its value and gradients for the coordinator to compare."""
        if not self.loaded and name != SMALL:
            self.load()
        self.loaded = True
        work = work_of(name)
        arrays = work.arrays(self.dtype)
        self.step = self.peer.prepare(work, arrays, self.mode)
        before = reset_peak()
        started = time.perf_counter()
        result = self.step()
        first = time.perf_counter() - started
        peak = kilobytes("VmHWM") - before
        if isinstance(result, float):
            return {"path": None, "first": first, "peak": peak * 1024}
        value, grads = self.peer.plain(result)
        path = self.folder / f"{name.replace('/', '_')}.npz"
        np.savez(path, value=value, **{f"grad_{k}": grads[n] for k, n in enumerate(work.wrt)})
        return {"path": str(path), "names": list(grads), "first": first, "peak": peak * 1024}

    def time(self, seconds: float) -> dict[str, Any]:
        """Every step's time, for about so many seconds and at least three steps."""
        found: list[float] = []
        until = time.perf_counter() + seconds
        while len(found) < 3 or time.perf_counter() < until:
            started = time.perf_counter()
            result = self.step()
            ended = time.perf_counter()
            found.append(result if isinstance(result, float) else ended - started)
        return {"steps": found}


def reset_peak() -> int:
    """The kilobytes that the process has now; from here on its peak is counted anew."""
    CLEAR.write_text("5", encoding="ascii")
    return kilobytes("VmRSS")


def kilobytes(field: str) -> int:
    if not STATUS.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    line = next(x for x in STATUS.read_text("ascii").splitlines() if x.startswith(f"{field}:"))
    return int(line.split()[1])


def main() -> None:
    contestant = Contestant(*sys.argv[1:])
    for line in sys.stdin:
        command, argument = line.split()
        try:
            found = (
                contestant.prepare(argument)
                if command == "prepare"
                else contestant.time(float(argument))
            )
        except Exception as error:
            found = {"error": f"{type(error).__name__}: {error}"[:300]}
        sys.__stdout__.write(json.dumps(found) + "\n")
        sys.__stdout__.flush()


if __name__ == "__main__":
    main()
