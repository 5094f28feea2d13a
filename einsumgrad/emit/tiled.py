"""Contractions as products of matrices by our own loops."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from math import prod
from typing import TYPE_CHECKING

from einsumgrad.emit.kernels import call, together
from einsumgrad.emit.places import Place
from einsumgrad.emit.writer import Writer
from einsumgrad.plan.nodes import Pair
from einsumgrad.plan.operands import Operand
from einsumgrad.record import record, replace

if TYPE_CHECKING:
    from einsumgrad.fused.blocks import Product
    from einsumgrad.fused.registers import Registers
    from einsumgrad.fused.walks import Axis

MANY = 2**21
"""Multiplications that are worth to be shared by cores: for another thread to come takes as long as
some hundred thousand."""
FLOATS = ({"float32"}, {"float64"})
"""Dtypes of arrays that compiled loops take together."""
FEWEST = 8
"""Columns that are worth it."""
FEWEST_ROWS = 4
"""Rows for which it is worth to copy the second matrix."""


def tiled(writer: Writer, made: Pair, places: Mapping[int, Place], out: Place) -> bool:
    """Writes a contraction as one call; False if its axes lie in no matrix, or in a narrow one."""
    from einsumgrad.fused.products import multiplied

    found = oriented(made, places, out, writer.registers)
    if found is None:
        return False
    matrices, *operands = found
    if matrices.copied and prod(axis.size for axis in matrices.rows) < FEWEST_ROWS:
        return False
    arrays = [*(places[operand.register] for operand in operands), out]
    parts = divided(matrices, writer.cores) if matrices.count > MANY else [(matrices, (0, 0, 0))]
    rooms = _rooms(writer, [part for part, _ in parts])
    calls = [
        (partial(multiplied, part), [*map(_begins, arrays, starts), *room])
        for (part, starts), room in zip(parts, rooms, strict=True)
    ]
    if len(calls) == 1:
        call(writer, partial(multiplied, matrices), [*arrays, *rooms[0]])
    else:
        together(writer, calls)
    return True


def _begins(place: Place, start: int) -> Place:
    """An entry of an array so many bytes behind its first one."""
    return Place(place.base, place.offset + start, (1,), (place.item,), place.dtype)


def _rooms(writer: Writer, parts: Sequence[Product]) -> list[list[Place]]:
    """Room for a copy of each part's first matrix, if it is to be copied."""
    every = writer.behind(sum(prod(part.room) for part in parts if part.packed))
    found, at = list[list[Place]](), every.offset
    for part in parts:
        count = prod(part.room) if part.packed else 0
        found.append([replace(every, offset=at, shape=(count,))] if count else [])
        at += count
    return found


def divided(made: Product, cores: int) -> list[tuple[Product, tuple[int, ...]]]:
    """A product in parts, for a core each, and how many bytes from its own each part's matrices
    begin: places on the stack, columns, or rows."""
    from einsumgrad.fused.walks import panels, shares

    if made.stack and made.stack[0].size >= cores:
        name, axis = "stack", made.stack[0]
        pieces = shares(axis.size, -(-axis.size // cores))
    elif made.columns.size >= cores * made.wide:
        name, axis = "columns", made.columns
        vectors = -(-axis.size // made.lanes)
        pieces = panels(axis.size, made.lanes, -(-vectors // cores))
    else:
        name, axis = "rows", made.rows[-1]
        pieces = shares(axis.size, -(-axis.size // cores))
    others = {"stack": made.stack[1:], "columns": (), "rows": made.rows[:-1]}[name]
    found = []
    for start, length, count in pieces:
        cut = replace(axis, size=length)
        own = {"stack": (cut, *others), "columns": cut, "rows": (*others, cut)}[name]
        for k in range(count):
            starts = tuple((start + k * length) * step for step in axis.steps)
            found.append((replace(made, **{name: own}), starts))
    return found


@record(frozen=False)
class Axes:
    """The axes of a contraction's space with their steps in the three matrices."""

    steps: dict[int, tuple[int, tuple[int, int, int]]]

    def merged(self, axes: Iterable[int]) -> list[Axis]:
        """Axes, outermost first, as few as they are in all three matrices."""
        from einsumgrad.fused.walks import Axis

        found: list[Axis] = []
        for k in axes:
            size, steps = self.steps[k]
            if size == 1:
                continue
            if found and found[-1].steps == tuple(size * step for step in steps):
                found[-1] = Axis(found[-1].size * size, steps)
            else:
                found.append(Axis(size, steps))
        return found


def oriented(
    made: Pair, places: Mapping[int, Place], out: Place, registers: Registers
) -> tuple[Product, Operand, Operand] | None:
    """The product with its columns where entries of the result lie next to each other, and its
    operands, that of the rows first; None if its axes lie in no matrix, or in a narrow one, or if
    it is of numbers for which there are no tiles."""
    from einsumgrad.fused.blocks import Product
    from einsumgrad.fused.text import KINDS

    both, rows, columns, summed = made.parts
    left, right = (places[operand.register] for operand in (made.left, made.right))
    dtypes = {left.dtype, right.dtype, out.dtype}
    if 0 in (*left.shape, *right.shape) or dtypes not in FLOATS:
        return None
    space = [made.out[k] for k in out.order if out.shape[k] > 1]
    first, second = made.left, made.right
    if space and space[-1] in rows:
        rows, columns, first, second = columns, rows, second, first
    lying = [
        dict(zip(operand.layout, places[operand.register].strides, strict=True))
        for operand in (first, second)
    ]
    lying.append(dict(zip(made.out, out.strides, strict=True)))
    sizes = dict(zip(made.left.layout, left.shape, strict=True))
    sizes |= dict(zip(made.right.layout, right.shape, strict=True))
    axes = Axes(
        {
            k: (n, (lying[0].get(k, 0), lying[1].get(k, 0), lying[2].get(k, 0)))
            for k, n in sizes.items()
        }
    )
    wide = axes.merged(k for k in space if k in columns)
    high = axes.merged(k for k in space if k in rows)
    deep = axes.merged(sorted(summed, key=lambda k: -lying[0][k]))
    stack = tuple(axes.merged(k for k in space if k in both))
    if not wide or wide[-1].steps[2] != out.item or wide[-1].size < FEWEST:
        return None
    stack = (*stack, *wide[:-1])
    terms = _last(deep, FEWEST)
    found = Product(KINDS[out.dtype], stack, _last(high), wide[-1], terms, registers)
    return found, first, second


def _last(axes: Sequence[Axis], least: int = 0) -> tuple[Axis, ...]:
    """The largest axis behind the others, or one of at least so many entries that lie next to each
    other in the first matrix; one of one entry if there is none."""
    from einsumgrad.fused.walks import Axis

    if not axes:
        return (Axis(1, (0, 0, 0)),)
    best = max(axes, key=lambda axis: axis.size)
    near = min(axes, key=lambda axis: axis.steps[0])
    if least and near.size >= least:
        best = near
    return (*(axis for axis in axes if axis is not best), best)
