"""A step with the memory that it works in: one block for each call that is under way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import field
from typing import Any

import numpy as np
import numpy.typing as npt

from einsumgrad.emit.places import Place
from einsumgrad.emit.script import Script
from einsumgrad.record import record

Array = npt.NDArray[Any]
Step = Callable[..., list[Array]]


@record(frozen=False)
class Lent:
    """A step taken from those that are to spare, until the end of a `with`."""

    step: Step
    spare: list[Step]

    def __enter__(self) -> Step:
        return self.step

    def __exit__(self, *_: object) -> None:
        self.spare.append(self.step)


@record(frozen=False)
class Compiled:
    """A step that may be called from several threads: each call takes a memory of its own, an old
    one if one is free. `around`: what a call is done within."""

    script: Script
    make: Callable[..., Step]
    around: Callable[[], AbstractContextManager[None]] = nullcontext
    spare: list[Step] = field(default_factory=list)
    dtypes: list[np.dtype[Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.dtypes = [np.dtype(dtype) for _, dtype in self.script.leaves]

    def run(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """The results, none of which shares memory with an argument or with another."""
        return self.call([arrays[name] for name, _ in self.script.leaves])

    def call(self, arrays: Sequence[Array], *, ready: bool = False) -> dict[str, Array]:
        """`run` on the leaves' arrays in their order; `ready`: it `takes` them."""
        if not ready:
            pairs = zip(arrays, self.dtypes, strict=True)
            arrays = [a if taken(a, dtype) else _given(a, dtype) for a, dtype in pairs]
        step = self._borrowed()
        try:
            found = step(*arrays) if self.script.quiet else self._silently(step, arrays)
        finally:
            self.spare.append(step)
        return dict(zip(self.script.results, found, strict=True))

    def takes(self, arrays: Sequence[Array]) -> bool:
        """Whether the source takes arrays as they are."""
        return all(map(taken, arrays, self.dtypes))

    def _silently(self, step: Step, given: Sequence[Array]) -> list[Array]:
        with self.around(), np.errstate(all="ignore"):
            return step(*given)

    def step(self) -> Lent:
        """The step over a memory that nobody else uses meanwhile."""
        return Lent(self._borrowed(), self.spare)

    def _borrowed(self) -> Step:
        try:
            return self.spare.pop()
        except IndexError:  # perhaps since another thread was faster
            return self._made()

    def _made(self) -> Step:
        block = np.empty(self.script.bytes + 64, np.uint8)
        block = block[-block.ctypes.data % 64 :]
        return self.make(*(_view(block, place) for place in self.script.views.values()))


def _view(block: Array, place: Place) -> Array:
    return np.ndarray(place.shape, place.dtype, block, place.offset, place.strides)


def taken(array: Array, dtype: np.dtype[Any]) -> bool:
    """Whether an array is of a dtype and without gaps."""
    return array.dtype == dtype and array.flags.c_contiguous


def _given(array: Array, dtype: np.dtype[Any]) -> Array:
    """An argument as the source takes it: of its dtype, without gaps."""
    return np.ascontiguousarray(array, dtype)
