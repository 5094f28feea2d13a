"""A script compiled: its source executed once, its memory made when it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from einsumgrad.emit.script import Parts, Script
from einsumgrad.emit.table import FOLDS, UFUNCS
from einsumgrad.emit.writer import USUAL
from einsumgrad.engines.erf import erf_into
from einsumgrad.steps.memory import Array, Compiled
from einsumgrad.steps.native import Kernels, linked
from einsumgrad.steps.stripped import Stripped
from einsumgrad.steps.workers import Workers, together


def seen(whole: Array, where: tuple[Any, Any, Any], offset: int) -> Array:
    """A view of an array: its shape, dtype and strides, and how far from the array it begins."""
    shape, dtype, strides = where
    if whole.flags.c_contiguous:
        return np.ndarray(shape, dtype, whole, offset, strides)
    return np.asarray(Shown(whole, address(whole) + offset, shape, dtype, strides))


class Shown:
    """Memory of an array with gaps, as NumPy is told of memory."""

    def __init__(
        self, whole: Array, begin: int, shape: Any, dtype: str, strides: tuple[int, ...]
    ) -> None:
        self.whole = whole
        self.__array_interface__ = {
            "data": (begin, False), "shape": shape, "strides": strides, "version": 3,
            "typestr": np.dtype(dtype).str,
        }  # fmt: skip


def owned(found: Any, dtype: str) -> Array:
    """What a function gave, as an array without gaps that shows no memory of the block."""
    array = np.asarray(found, dtype)
    return array if array.flags.owndata and array.flags.c_contiguous else array.copy()


def table(*arrays: Array | None) -> Array:
    """Pointers to arrays; those to others are put in later."""
    return np.array([0 if array is None else address(array) for array in arrays], np.int64)


def chain(*calls: Any) -> Array:
    """What `chained` goes through: functions and what they are given, in turns."""
    from ctypes import c_void_p, cast

    functions = [cast(function, c_void_p).value for function in calls[::2]]
    pairs = zip(functions, calls[1::2], strict=True)
    return np.array([*(place for pair in pairs for place in pair), 0], np.int64)


def address(array: Array) -> int:
    """Where an array begins."""
    found: int = array.__array_interface__["data"][0]
    return found


NUMPY = ("clip", "copyto", "bitwise_and", "matmul", "vecdot", "empty", "array", "inf", "nan")
"""What the source may name of NumPy, beside the functions of the table."""
BLAS = ("matmul", "vecdot")
"""Those of them that BLAS does."""
FEW = 64
"""So many entries Python looks at faster than NumPy."""


def outside(index: Array, length: int) -> bool:
    """Whether a value of an index, of int64, is no position of an axis of this length."""
    if index.size <= FEW:
        values = index.ravel().tolist()
        return not 0 <= min(values) <= max(values) < length
    return bool(np.maximum.reduce(index.view(np.uint64), None) >= length)


NAMES: Mapping[str, Any] = {
    **{name: np.dtype(name) for name in USUAL},
    **{name: getattr(np, name) for name in (*UFUNCS.values(), *FOLDS.values(), *NUMPY)},
    "seen": seen, "owned": owned, "outside": outside, "erf": erf_into, "table": table,
    "chain": chain, "address": address, "id": id,
}  # fmt: skip
"""What the source may name, beside the constants that it is given."""


def compiled(script: Script, workers: Workers | None = None) -> Compiled:
    """The script's step; `workers` share its strips."""
    workers = workers or Workers(1)
    found = _compiled(script, linked(script), workers)
    if script.strips and _multiplies(script):
        found.around = workers.alone
    return found


def _multiplies(script: Script) -> bool:
    """Whether BLAS does something in it, or in its strips."""
    parts = (p for made in script.strips.values() for p in (made.part, made.rest) if p is not None)
    own = any(f"{name}(" in script.source for name in BLAS)
    return own or any(map(_multiplies, parts))


def _compiled(script: Script, kernels: Kernels, workers: Workers) -> Compiled:
    """Its source has no text from a program or an array in it."""
    strips = {name: _stripped(parts, kernels, workers) for name, parts in script.strips.items()}
    own = {"together": partial(together, workers)}
    names = {**NAMES, **own, **script.constants, **strips, **kernels.of(script)}
    code = compile(script.source, "<step>", "exec")
    exec(code, names)
    return Compiled(script, names["make"])


def _stripped(parts: Parts, kernels: Kernels, workers: Workers) -> Stripped:
    """What a source calls for strips."""
    rest = None if parts.rest is None else _compiled(parts.rest, kernels, workers)
    return Stripped(parts.made, _compiled(parts.part, kernels, workers), rest, workers)
