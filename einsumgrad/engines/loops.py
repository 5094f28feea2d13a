"""Loops: their steps as calls over the same registers, buffers written in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from einsumgrad.diagnostics import EinError
from einsumgrad.engines.windows import UFUNCS, start
from einsumgrad.plan.faults import PiecesMeet
from einsumgrad.plan.nodes import Buffer, Done, Loop, Once, Store
from einsumgrad.plan.operands import Register

Array = npt.NDArray[Any]
Registers = list[Any]
Run = Callable[[Registers, Mapping[str, Array]], Any]


def buffer(made: Buffer, own: Register) -> Run:
    """A new array with room around it."""
    shape, dtype, source, value = own.shape, own.dtype, made.source, made.value
    pairs = zip(shape, made.widths, strict=True)
    inner = tuple(slice(before, n - after) for n, (before, after) in pairs)

    def run(registers: Registers, _arrays: Mapping[str, Array]) -> Array:
        result = np.zeros(shape, dtype)
        if source is not None:
            result[inner] = registers[source]
        elif value:
            result[inner] = value
        return result

    return run


def store(made: Store, registers: tuple[Register, ...]) -> Run:
    """Values put into a buffer, unless a place is outside."""
    into, value = made.into, made.value.register
    put = None if made.function == "set" else UFUNCS[made.function]
    starts = {axis: start(walk) for axis, walk in made.places}
    axes = []
    for axis, (length, (before, after)) in enumerate(
        zip(registers[into].shape, made.widths, strict=True)
    ):
        inner = length - before - after
        axes.append((starts.get(axis), before, inner, slice(before, before + inner)))

    def run(registers_: Registers, _arrays: Mapping[str, Array]) -> None:
        index: list[Any] = []
        for place, before, length, whole in axes:
            if place is None:
                index.append(whole)
                continue
            at = place(registers_)
            if not 0 <= at < length:
                return
            index.append(before + at)
        view = registers_[into][(*index, ...)]
        if put is None:
            view[...] = registers_[value]
        else:
            put(view, registers_[value], out=view)

    return run


def done(made: Done, own: Register) -> Run:
    """The buffer without the room around it."""
    pairs = zip(own.shape, made.widths, strict=True)
    inner = tuple(slice(before, before + n) for n, (before, _) in pairs)
    source = made.source
    return lambda registers, _arrays: registers[source][inner]


def once(made: Once) -> Run:
    """Raises EinError where a count is above 1."""
    source = made.source

    def run(registers: Registers, _arrays: Mapping[str, Array]) -> None:
        twice = np.argwhere(np.asarray(registers[source]) > 1)
        if twice.size or (twice.shape == (1, 0)):
            place = ",".join(str(int(k)) for k in twice[0])
            entry = f"{made.tensor}[{place}]" if place else made.tensor
            others = tuple(("another piece", span) for span in made.spans[1:])
            raise EinError(PiecesMeet(span=made.spans[0], related=others, entry=entry))

    return run


def loop(made: Loop, calls: tuple[tuple[Run, int], ...]) -> Run:
    """All steps for each value of the variable; what the last turn made is dropped then."""
    values = range(made.count) if made.upward else range(made.count - 1, -1, -1)
    variable, own = made.variable, [register for _, register in calls]

    def run(registers: Registers, arrays: Mapping[str, Array]) -> None:
        for value in values:
            registers[variable] = value
            for call, register in calls:
                registers[register] = call(registers, arrays)
        for register in own:
            registers[register] = None

    return run
