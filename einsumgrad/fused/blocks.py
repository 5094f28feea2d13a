"""How a product of matrices is cut, so that its parts stay in registers and in the caches."""

from __future__ import annotations

from math import prod

from einsumgrad.fused.registers import Registers
from einsumgrad.fused.text import BYTES
from einsumgrad.fused.walks import Axis, Piece, panels, shares
from einsumgrad.record import record

DEEP = 256
"""Terms that are worked on at a time: a copy of so many rows and a tile's vectors of columns stays
in the first cache."""
KEPT = 2**17
"""Bytes of a result that is gone through for each copy of some columns."""
NEAR = 2**16
"""Bytes over which the rows of the second matrix may be spread, if it is to be read where it is."""
PAGE = 2**12
"""Bytes from one entry to another that is for the same place in the first cache."""


@record
class Product:
    """A result, the third matrix, for each place on the axes of the stack. Along the columns its
    entries lie next to each other. Of rows and terms that are no single axis the last axis is that
    of tiles and of their sums. `registers`: those that the tiles are to lie in."""

    kind: str
    stack: tuple[Axis, ...]
    rows: tuple[Axis, ...]
    columns: Axis
    summed: tuple[Axis, ...]
    registers: Registers

    @property
    def lanes(self) -> int:
        """How many entries a vector has."""
        return self.registers.vector // BYTES[self.kind]

    @property
    def panels(self) -> tuple[Piece, ...]:
        """The columns, as many at a time as a tile has."""
        return tuple(panels(self.columns.size, self.lanes, len(self.registers.rows)))

    @property
    def wide(self) -> int:
        """The columns of the widest tile, in whole vectors."""
        return self.lanes * -(-max(length for _, length, _ in self.panels) // self.lanes)

    @property
    def high(self) -> int:
        """The rows of a tile."""
        return self.registers.rows[self.wide // self.lanes - 1]

    @property
    def copied(self) -> bool:
        """Whether the second matrix is copied, some columns at a time."""
        if self.columns.steps[1] != BYTES[self.kind]:
            return True
        many = prod(axis.size for axis in self.rows) > 2 * self.high
        return many and self.summed[-1].size * self.summed[-1].steps[1] > NEAR

    @property
    def packed(self) -> bool:
        """Whether rows of the first matrix are worth to be copied, for all columns: where they lie
        in each other's way in the first cache, or the terms of them far apart."""
        first, terms = self.rows[-1].steps[0], self.summed[-1].steps[0]
        many = self.columns.size > self.wide and self.rows[-1].size > self.high
        near = terms == BYTES[self.kind]
        return many and (first % PAGE == 0 if near else terms >= PAGE // 2)

    @property
    def apart(self) -> tuple[Axis, ...]:
        """Outer axes of rows that are gone through before the terms are, so that the result of the
        others stays in the second cache meanwhile."""
        *outer, last = self.rows
        size = last.size * self.columns.size * BYTES[self.kind]
        inner = 0
        while inner < len(outer) and size * outer[-1 - inner].size <= KEPT:
            inner += 1
            size *= outer[-inner].size
        return tuple(outer[: len(outer) - inner])

    @property
    def within(self) -> tuple[Axis, ...]:
        """The other outer axes of rows."""
        return self.rows[len(self.apart) : -1]

    @property
    def block(self) -> tuple[Axis, ...]:
        """The axes of terms that a tile goes through, of the first of them perhaps a part."""
        summed = self.summed
        count, deep = 1, summed[-1].size
        while count < len(summed) and 2 * deep <= DEEP:
            count += 1
            deep *= summed[-count].size
        return summed[-count:]

    @property
    def count(self) -> int:
        """How many multiplications it is."""
        axes = (*self.stack, *self.rows, self.columns, *self.summed)
        return prod(axis.size for axis in axes)

    @property
    def bands(self) -> tuple[Piece, ...]:
        """The rows that are gone through for all columns."""
        return tuple(shares(self.rows[-1].size, self.registers.high))

    @property
    def room(self) -> tuple[int, ...]:
        """The sizes of a copy of the first matrix: tiles, the bytes of each."""
        tiles = -(-max(length for _, length, _ in self.bands) // self.high)
        own = DEEP * self.high * BYTES[self.kind]
        return (*(axis.size for axis in self.within), tiles, own)
