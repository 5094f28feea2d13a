"""Gathers of one entry a row: `P[b, y[b]]` and the like, as one flat take."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from einsumgrad.emit.places import Place
from einsumgrad.emit.writer import Writer
from einsumgrad.plan.nodes import Gather
from einsumgrad.plan.operands import Layout
from einsumgrad.plan.rows import row
from einsumgrad.record import record


@record
class Picked:
    """The source as one flat array, where each row of it begins in the space of the result, the
    index over that space, how long a row is, and how far apart its entries."""

    flat: Place
    base: npt.NDArray[np.int64]
    index: Place
    length: int
    step: int


def picked(made: Gather, places: Mapping[int, Place], shape: Layout) -> Picked | None:
    """None if the gather is of another kind, or the source has gaps."""
    found = row(made)
    if found is None or not shape:
        return None
    axis, index, rest = found
    source = places[made.source]
    flat = source.turned(source.order).merged((tuple(range(len(source.shape))),))
    if flat is None or flat.strides != (flat.item,) or 0 in source.shape or 0 in shape:
        return None
    base = np.zeros(shape, np.int64)
    for a, k in rest:
        own = [1] * len(shape)
        own[k] = shape[k]
        base += (source.strides[a] // source.item * np.arange(shape[k])).reshape(own)
    spread = places[index.register].spread(index.layout, made.rank)
    return Picked(flat, base, spread, source.shape[axis], source.strides[axis] // source.item)


def checked(writer: Writer, found: Picked, call: str) -> bool:
    """Writes that the index is looked at: where a value is outside, the general call says what is
    wrong. Whether the index is what is to be gathered: positions from 0 on, at a caller's own."""
    index = writer.name(found.index)
    writer.line(f"if outside({index}, {found.length}): {call}")
    source = writer.constants.get(found.flat.base)
    counted = source is not None and np.array_equal(source, np.arange(found.length))
    return counted and found.index.base.startswith("a")


def take(writer: Writer, found: Picked, name: str) -> None:
    """The line for an index that has been checked."""
    index = writer.name(found.index)
    base = writer.constant("k", found.base)
    within = index if found.step == 1 else f"{found.step} * {index}"
    writer.line(f"{name} = {writer.name(found.flat)}.take({base} + {within})")
