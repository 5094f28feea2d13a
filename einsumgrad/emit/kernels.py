"""Calls of compiled kernels: each has a table of pointers to its arrays, which is made once; those
to the objects of arrays that a call brings along are put in before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from einsumgrad.emit.places import Place
from einsumgrad.emit.writer import ARENA, Writer
from einsumgrad.plan.nodes import Kernel
from einsumgrad.record import replace

if TYPE_CHECKING:
    from einsumgrad.fused.entry import Written
    from einsumgrad.fused.text import Memory


def called(writer: Writer, made: Kernel, arrays: Sequence[Place]) -> None:
    """`arrays`: where what the kernel takes is, then what it fills, perhaps one over the other."""
    from einsumgrad.fused.kernel import written

    call(writer, partial(written, made), arrays)


def call(
    writer: Writer, write: Callable[[Sequence[Memory]], Written], arrays: Sequence[Place]
) -> None:
    """The lines that call the function that is written for these arrays."""
    number = prepared(writer, write, arrays)  # which may call those that wait
    writer.waiting.append(number)


def together(
    writer: Writer, calls: Sequence[tuple[Callable[[Sequence[Memory]], Written], Sequence[Place]]]
) -> None:
    """The lines that call several functions at once, each with its arrays."""
    numbers = [prepared(writer, write, arrays) for write, arrays in calls]
    writer.line(f"together({', '.join(f'n{k}, p{k}' for k in numbers)})")


def prepared(
    writer: Writer, write: Callable[[Sequence[Memory]], Written], arrays: Sequence[Place]
) -> int:
    """The number of the function that is written for these arrays, when its table is filled."""
    from einsumgrad.fused.text import KINDS, Memory

    arrays = [_held(writer, place) for place in arrays]
    number = len(writer.kernels)
    starts = [(place.base, place.offset) for place in arrays]
    memories = [
        Memory(f"%p{starts.index(start)}", p.strides, KINDS[p.dtype], _within(writer, p))
        for p, start in zip(arrays, starts, strict=True)
    ]
    writer.kernels[f"n{number}"] = write(memories)
    held = [writer.name(p) if p.base == ARENA else "None" for p in arrays]
    writer.held += (f"b{number}", *(name for name in held if name != "None"))
    writer.setup.append(f"b{number} = table({', '.join(held)})")
    writer.setup.append(f"p{number} = address(b{number})")
    for k, place in enumerate(arrays):
        if place.base != ARENA:
            writer.line(f"b{number}[{k}] = id({place.base})", before=True)
    return number


def _held(writer: Writer, place: Place) -> Place:
    """A place in an array: the number of a loop's turn is put into one."""
    if not place.base.startswith("i"):
        return place
    name = f"g{place.base[1:]}"
    writer.line(f"{name} = array({place.base}, int64)")
    found = replace(place, base=name)
    writer.whole(name, found)
    return found


def _within(writer: Writer, place: Place) -> int | None:
    """How far from the beginning of an array that a call brings along."""
    return None if place.base == ARENA else place.offset - writer.wholes[place.base].offset
