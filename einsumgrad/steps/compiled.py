"""A script compiled: its source executed once, its memory made when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from einsumgrad.emit.places import Place
from einsumgrad.emit.script import Parts, Script
from einsumgrad.emit.table import FOLDS, UFUNCS
from einsumgrad.engines.erf import erf_into
from einsumgrad.steps.stripped import Stripped, workers

Array = npt.NDArray[Any]
Step = Callable[..., list[Array]]


def seen(whole: Array, where: tuple[Any, Any, Any], offset: int) -> Array:
    """A view of an array: its shape, dtype and strides, and how far from the array it begins."""
    shape, dtype, strides = where
    if whole.flags.c_contiguous:
        return np.ndarray(shape, dtype, whole, offset, strides)
    return as_strided(_from(whole.view(dtype), offset), shape, strides)


def _from(whole: Array, offset: int) -> Array:
    """What an array with gaps has from a byte on; its strides are whole numbers of entries of the
    axes in it."""
    first = [0] * whole.ndim
    for axis in sorted(range(whole.ndim), key=lambda k: -whole.strides[k]):
        if whole.strides[axis] and whole.shape[axis] > 1:
            first[axis], offset = divmod(offset, whole.strides[axis])
    return whole[tuple(slice(at, None) for at in first)]


def owned(found: Any, dtype: str) -> Array:
    """What a function gave, as an array without gaps that shows no memory of the block."""
    array = np.asarray(found, dtype)
    return array if array.flags.owndata and array.flags.c_contiguous else array.copy()


NUMPY = ("isfinite", "copyto", "bitwise_and", "matmul", "vecdot", "empty", "array", "inf", "nan")
"""What the source may name of NumPy, beside the functions of the table."""
NAMES: Mapping[str, Any] = {
    **{name: getattr(np, name) for name in (*UFUNCS.values(), *FOLDS.values(), *NUMPY)},
    "seen": seen, "owned": owned, "erf": erf_into,
}  # fmt: skip
"""What the source may name, beside the constants that it is given."""


@dataclass(slots=True)
class Lent:
    """A step taken from those that are to spare, until the end of a `with`."""

    step: Step
    spare: list[Step]

    def __enter__(self) -> Step:
        return self.step

    def __exit__(self, *_: object) -> None:
        self.spare.append(self.step)


@dataclass(slots=True)
class Compiled:
    """A step that may be called from several threads: each call takes a memory of its own, an old
    one if one is free."""

    script: Script
    make: Callable[..., Step]
    spare: list[Step] = field(default_factory=list)
    dtypes: list[np.dtype[Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.dtypes = [np.dtype(dtype) for _, dtype in self.script.leaves]

    def run(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """The results, none of which shares memory with an argument or with another."""
        return self.call([arrays[name] for name, _ in self.script.leaves])

    def call(self, arrays: Sequence[Array]) -> dict[str, Array]:
        """`run` on the leaves' arrays in their order."""
        given = [
            array if array.dtype == dtype and array.flags.c_contiguous else _given(array, dtype)
            for array, dtype in zip(arrays, self.dtypes, strict=True)
        ]
        with self.step() as step, np.errstate(all="ignore"):
            found = step(*given)
        return dict(zip(self.script.results, found, strict=True))

    def step(self) -> Lent:
        """The step over a memory that nobody else uses meanwhile."""
        try:
            return Lent(self.spare.pop(), self.spare)
        except IndexError:
            return Lent(self._made(), self.spare)

    def _made(self) -> Step:
        block = np.empty(self.script.bytes + 64, np.uint8)
        block = block[-block.ctypes.data % 64 :]
        return self.make(*(_view(block, place) for place in self.script.views.values()))


def _view(block: Array, place: Place) -> Array:
    return np.ndarray(place.shape, place.dtype, block, place.offset, place.strides)


def _given(array: Array, dtype: np.dtype[Any]) -> Array:
    """An argument as the source takes it: of its dtype, without gaps."""
    return np.ascontiguousarray(array, dtype)


def compiled(script: Script) -> Compiled:
    """The script's step. Its source has no text from a program or an array in it."""
    strips = {name: _stripped(parts) for name, parts in script.strips.items()}
    names = {**NAMES, **script.constants, **strips}
    code = compile(script.source, "<step>", "exec")
    exec(code, names)
    return Compiled(script, names["make"])


def _stripped(parts: Parts) -> Stripped:
    """What a source calls for strips."""
    rest = None if parts.rest is None else compiled(parts.rest)
    return Stripped(parts.made, compiled(parts.part), rest, workers(parts.made))
