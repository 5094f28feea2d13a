"""Affine positions: reads as strided views of padded registers, writes added through views."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from einsumgrad.ir import nodes as ir
from einsumgrad.ir.affine import Line, affine, line
from einsumgrad.ir.inside import within
from einsumgrad.ir.walk import free_indices
from einsumgrad.plan.builder import Term, Value
from einsumgrad.plan.nodes import Fill, OverlapAdd, Pad, Window
from einsumgrad.plan.operands import Constant, Walk
from einsumgrad.record import record

if TYPE_CHECKING:
    from einsumgrad.plan.lower import Lowering

ROOM = 4
"""A padded register may be so many times as large as what is read and what is read from."""
Widths = tuple[tuple[int, int], ...]


@record
class Reach:
    """The positions of an access, all of them affine, and how far they reach out of each axis."""

    lines: tuple[Line, ...]
    widths: Widths
    lengths: tuple[int, ...]

    @property
    def nowhere(self) -> bool:
        """Whether some axis is never met."""
        pairs = zip(self.widths, self.lengths, strict=True)
        return any(before < 0 or after < 0 or not n for (before, after), n in pairs)

    @property
    def padded(self) -> tuple[int, ...]:
        pairs = zip(self.widths, self.lengths, strict=True)
        return tuple(n + before + after for (before, after), n in pairs)


def reach(
    at: tuple[ir.Expr, ...], sizes: Mapping[str, int], lengths: tuple[int, ...]
) -> Reach | None:
    """None if a position is not affine. A width below 0 says that no position is inside."""
    lines = []
    for position in at:
        form = affine(position)
        found = None if form is None else line(form, sizes)
        if found is None:
            return None
        lines.append(found)
    widths = tuple(_width(x, sizes, n) for x, n in zip(lines, lengths, strict=True))
    return Reach(tuple(lines), widths, lengths)


def _width(found: Line, sizes: Mapping[str, int], length: int) -> tuple[int, int]:
    low, high = found.bounds(sizes)
    if high < 0 or low >= length:
        return -1, -1
    return max(0, -low), max(0, high - length + 1)


def leaving(
    at: tuple[ir.Expr, ...], sizes: Mapping[str, int], lengths: tuple[int, ...]
) -> tuple[ir.Condition, ...]:
    """What holds where the affine ones of the positions are inside, but for those that always
    are."""
    found: list[ir.Condition] = []
    for position, length in zip(at, lengths, strict=True):
        one = reach((position,), sizes, (length,))
        if one is not None and any(one.widths[0]):
            found += within(position, length)
    return tuple(found)


def window(lowering: Lowering, source: Value, at: tuple[ir.Expr, ...]) -> Term | None:
    """The entries at these positions, 0 outside; None if that is no view."""
    builder = lowering.builder
    register, lengths = builder.registers[source.register], builder.lengths(source.register)
    found = reach(at, builder.sizes, lengths)
    if found is None:
        return None
    axes = lowering.loose(tuple(dict.fromkeys(i for p in at for i in free_indices(p))))
    shape = builder.shape(axes)
    if found.nowhere:
        return Constant(0.0)
    if 0 in shape:
        none = builder.emit(Fill(0.0), shape, register.dtype, weak=register.weak)
        return Value(none, axes)
    limit = ROOM * (register.size + math.prod(shape))
    if any(map(any, found.widths)) and math.prod(found.padded) > limit:
        return None
    base = padded(lowering, source.register, found)
    room = builder.margins.get(source.register, found.widths)
    made = Window(base, walks(lowering, found, room, axes), len(axes))
    return Value(builder.emit(made, shape, register.dtype, weak=register.weak), axes)


def padded(lowering: Lowering, source: int, found: Reach) -> int:
    """The register with room for every position; a buffer has it."""
    if source in lowering.builder.margins or not any(map(any, found.widths)):
        return source
    builder, register = lowering.builder, lowering.builder.registers[source]
    made = Pad(source, found.widths)
    return builder.emit(made, found.padded, register.dtype, weak=register.weak)


def walks(
    lowering: Lowering, found: Reach, room: Widths, axes: tuple[ir.Index, ...]
) -> tuple[Walk, ...]:
    """How the axes of the padded register are walked along."""
    made = []
    for one, (before, _) in zip(found.lines, room, strict=True):
        steps = tuple((axes.index(i), c) for i, c in one.terms if i in axes)
        moving = tuple((lowering.loops[i], c) for i, c in one.terms if i not in axes)
        made.append(Walk(one.offset + before, steps, moving))
    return tuple(made)


def overlap_add(
    lowering: Lowering, into: Value, value: Value, at: tuple[ir.Expr, ...], function: str
) -> Value | None:
    """The register with the value put at affine positions; None if they are not."""
    builder = lowering.builder
    register = builder.registers[into.register]
    found = reach(at, builder.sizes, register.shape)
    if found is None:
        return None
    if found.nowhere or 0 in builder.shape(value.axes):
        return into
    operand = builder.operand(value, value.axes)
    steps = walks(lowering, found, found.widths, value.axes)
    made = OverlapAdd(into.register, operand, steps, found.widths, len(value.axes), function)
    return Value(builder.emit(made, register.shape, register.dtype, weak=register.weak), ())
