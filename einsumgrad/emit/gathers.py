"""Gathers of one entry a row: `P[b, y[b]]` and the like, as one flat take."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from einsumgrad.emit.places import Place
from einsumgrad.emit.writer import Writer
from einsumgrad.plan.nodes import Gather
from einsumgrad.plan.operands import Layout, Operand
from einsumgrad.record import record


@record
class Picked:
    """The source as one flat array, where each row of it begins in the space of the result, the
    index over that space, and how long a row is."""

    flat: Place
    base: npt.NDArray[np.int64]
    index: Place
    length: int


def picked(made: Gather, places: Mapping[int, Place], shape: Layout) -> Picked | None:
    """None if the gather is of another kind, or the source in other order in memory."""
    found = _row(made)
    if found is None or not shape:
        return None
    axis, index, rest = found
    source = places[made.source]
    order = (*(a for a, _ in rest), axis)
    flat = source.turned(order).merged((tuple(range(len(order))),))
    if flat is None or 0 in source.shape or 0 in shape:
        return None
    base, step = np.zeros(shape, np.int64), source.shape[axis]
    for a, k in reversed(rest):
        own = [1] * len(shape)
        own[k] = shape[k]
        base += step * np.arange(shape[k]).reshape(own)
        step *= source.shape[a]
    spread = places[index.register].spread(index.layout, made.rank)
    return Picked(flat, base, spread, source.shape[axis])


def _row(made: Gather) -> tuple[int, Operand, list[tuple[int, int]]] | None:
    """The axis that is gathered from, the index, which runs over the whole space, and the other
    axes with theirs in the space; None if there is more to it."""
    if made.mask is not None:
        return None
    gathered: list[tuple[int, Operand]] = []
    rest: list[tuple[int, int]] = []
    for axis, at in enumerate(made.at):
        if not isinstance(at.place, Operand):
            return None
        if at.place.register >= 0:
            gathered.append((axis, at.place))
        else:
            rest.append((axis, at.place.layout[0]))
    if len(gathered) != 1 or len({k for _, k in rest}) < len(rest):
        return None
    ((axis, index),) = gathered
    return (axis, index, rest) if sorted(index.layout) == list(range(made.rank)) else None


def take(writer: Writer, found: Picked, name: str, call: str) -> None:
    """The lines; where a value of the index is outside, the general call says what is wrong."""
    index = writer.name(found.index)
    writer.line(f"if outside({index}, {found.length}): {call}")
    base = writer.constant("k", found.base)
    writer.line(f"{name} = {writer.name(found.flat)}.take({base} + {index})")
