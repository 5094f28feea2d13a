"""Strided views: reading through them, and adding through them where they overlap."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from einsumgrad.engines.layout import seen
from einsumgrad.plan.nodes import OverlapAdd, Pad, Window
from einsumgrad.plan.operands import Register, Walk
from einsumgrad.plan.overlap import overlapping

Array = npt.NDArray[Any]
Run = Callable[[list[Any], Mapping[str, Array]], Any]
View = Callable[[Array, list[Any]], Array]
UFUNCS: dict[str, np.ufunc] = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "max": np.maximum,
    "min": np.minimum,
}  # fmt: skip
"""How values are put to those before them."""


def pad(made: Pad, own: Register) -> Run:
    """A copy with room around it."""
    inner = tuple(
        slice(before, n - after) for n, (before, after) in zip(own.shape, made.widths, strict=True)
    )
    shape, dtype, value, source = own.shape, own.dtype, made.value, made.source

    def run(registers: list[Any], _arrays: Mapping[str, Array]) -> Array:
        result = np.full(shape, value, dtype) if value else np.zeros(shape, dtype)
        result[inner] = registers[source]
        return result

    return run


def window(made: Window, own: Register) -> Run:
    """A view of the source; it may overlap itself, so nothing is written through it."""
    look, source = view(made.walks, own.shape), made.source
    return lambda registers, _arrays: look(np.asarray(registers[source]), registers)


def view(walks: tuple[Walk, ...], shape: tuple[int, ...]) -> View:
    """How an array is seen whose axes are walked along by axes of this shape."""
    met = [k for walk in walks for k, _ in walk.steps]
    simple = all(len(walk.steps) <= 1 and all(c > 0 for _, c in walk.steps) for walk in walks)
    if simple and len(set(met)) == len(met) == len(shape):
        return _sliced(walks, shape, met)
    return _strided(walks, shape)


def _sliced(walks: tuple[Walk, ...], shape: tuple[int, ...], met: list[int]) -> View:
    """Every axis a number or a slice of its own."""
    order = tuple(met.index(k) for k in range(len(shape)))
    straight = order == tuple(range(len(shape)))
    parts = [_part(walk, shape) for walk in walks]
    if not any(walk.moving for walk in walks):
        index = (*(part([]) for part in parts), ...)
        return lambda a, _r: a[index] if straight else a[index].transpose(order)

    def look(array: Array, registers: list[Any]) -> Array:
        found = array[(*(part(registers) for part in parts), ...)]
        return found if straight else found.transpose(order)

    return look


def _part(walk: Walk, shape: tuple[int, ...]) -> Callable[[list[Any]], int | slice]:
    first = start(walk)
    if not walk.steps:
        return first
    ((axis, by),) = walk.steps
    length = by * (shape[axis] - 1) + 1
    return lambda r: slice(first(r), first(r) + length, by)


def start(walk: Walk) -> Callable[[list[Any]], int]:
    """Where a walk begins, given the loop variables."""
    offset, moving = walk.offset, walk.moving
    if not moving:
        return lambda _r: offset
    if len(moving) == 1:
        ((register, factor),) = moving
        return lambda r: offset + factor * r[register]
    return lambda r: offset + sum(factor * r[register] for register, factor in moving)


def _strided(walks: tuple[Walk, ...], shape: tuple[int, ...]) -> View:
    """Any affine walk, by strides."""
    starts = [start(walk) for walk in walks]
    steps = [(axis, k, c) for axis, walk in enumerate(walks) for k, c in walk.steps]

    def look(array: Array, registers: list[Any]) -> Array:
        first = array[tuple(slice(start(registers), None) for start in starts)]
        strides = [0] * len(shape)
        for axis, k, by in steps:
            strides[k] += by * array.strides[axis]
        return as_strided(first, shape, strides)

    return look


def overlap_add(made: OverlapAdd, registers: tuple[Register, ...], *, fresh: bool) -> Run:
    """Values put through a view; axes along which it would meet itself are taken one by one.

    `fresh`: nothing else sees the register that is written to, so it need not be copied."""
    target, value = registers[made.into], registers[made.value.register]
    shape = _space(made, value)
    lengths = tuple(n + a + b for n, (a, b) in zip(target.shape, made.widths, strict=True))
    single = overlapping(made.walks, lengths, shape)
    look = seen(made.value.layout, made.rank)
    pieces = [_piece(made.walks, shape, single, at) for at in _tuples(single, shape)]
    widths = any(map(any, made.widths))
    inner = tuple(slice(a, a + n) for n, (a, _) in zip(target.shape, made.widths, strict=True))
    put = UFUNCS[made.function]
    dtype = target.dtype

    def run(registers_: list[Any], _arrays: Mapping[str, Array]) -> Array:
        before = registers_[made.into]
        if widths:
            result = np.zeros(lengths, dtype)
            result[inner] = before
        else:
            result = np.asarray(before) if fresh else np.array(before, dtype)
        values = look(np.asarray(registers_[made.value.register]))
        for entry, part in pieces:
            place = entry(result, registers_)
            put(place, values[part], out=place)
        return result[inner] if widths else result

    return run


def _space(made: OverlapAdd, value: Register) -> tuple[int, ...]:
    lengths = dict(zip(made.value.layout, value.shape, strict=True))
    return tuple(lengths[k] for k in range(made.rank))


def _tuples(single: tuple[int, ...], shape: tuple[int, ...]) -> list[dict[int, int]]:
    every = itertools.product(*(range(shape[k]) for k in single))
    return [dict(zip(single, values, strict=True)) for values in every]


def _piece(
    walks: tuple[Walk, ...], shape: tuple[int, ...], single: tuple[int, ...], at: dict[int, int]
) -> tuple[View, tuple[int | slice, ...]]:
    """The view for given values of the single axes, and the part of the values that goes there."""
    left = [k for k in range(len(shape)) if k not in single]
    moved = []
    for walk in walks:
        offset = walk.offset + sum(c * at[k] for k, c in walk.steps if k in at)
        steps = tuple((left.index(k), c) for k, c in walk.steps if k not in at)
        moved.append(Walk(offset, steps, walk.moving))
    part = tuple(at[k] if k in at else slice(None) for k in range(len(shape)))
    return view(tuple(moved), tuple(shape[k] for k in left)), part
