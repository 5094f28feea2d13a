"""A step with the memory that it works in: one block for each call that is under way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from einsumgrad.emit.places import Place
from einsumgrad.emit.script import Script

Array = npt.NDArray[Any]
Step = Callable[..., list[Array]]


@dataclass(slots=True)
class Compiled:
    """A step that may be called from several threads: each call takes a memory of its own, an old
    one if one is free."""

    script: Script
    make: Callable[..., Step]
    spare: list[Step] = field(default_factory=list)

    def run(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """The results, none of which shares memory with an argument or with another."""
        given = [_given(arrays[name], dtype) for name, dtype in self.script.leaves]
        with self.step() as step, np.errstate(all="ignore"):
            found = step(*given)
        return dict(zip(self.script.results, found, strict=True))

    @contextmanager
    def step(self) -> Iterator[Step]:
        """The step over a memory that nobody else uses meanwhile."""
        try:
            step = self.spare.pop()
        except IndexError:
            step = self._made()
        try:
            yield step
        finally:
            self.spare.append(step)

    def _made(self) -> Step:
        block = np.empty(self.script.bytes + 64, np.uint8)
        block = block[-block.ctypes.data % 64 :]
        return self.make(*(_view(block, place) for place in self.script.views.values()))


def _view(block: Array, place: Place) -> Array:
    return np.ndarray(place.shape, place.dtype, block, place.offset, place.strides)


def _given(array: Array, dtype: str) -> Array:
    """An argument as the source takes it: of its dtype, without gaps."""
    if array.dtype == dtype and array.flags.c_contiguous:
        return array
    return np.ascontiguousarray(array, dtype)
