"""Where arrays lie: memory, offset, strides. All of it is known before anything runs."""

from __future__ import annotations

import math

import numpy as np

from einsumgrad.plan.operands import Layout
from einsumgrad.record import record, replace


@record
class Place:
    """An array in a memory that a variable of the source names; offset and strides in bytes."""

    base: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: str

    @property
    def item(self) -> int:
        return np.dtype(self.dtype).itemsize

    @property
    def nbytes(self) -> int:
        return self.item * math.prod(self.shape)

    @property
    def order(self) -> tuple[int, ...]:
        """The axes as they lie in memory, outermost first."""
        return tuple(sorted(range(len(self.shape)), key=lambda k: (-self.strides[k], k)))

    def turned(self, order: tuple[int, ...]) -> Place:
        """The same entries, axis k being the old axis `order[k]`."""
        shape, strides = (tuple(part[k] for k in order) for part in (self.shape, self.strides))
        return replace(self, shape=shape, strides=strides)

    def spread(self, layout: Layout, rank: int) -> Place:
        """Seen in a space of `rank` axes, of length 1 along those it lacks."""
        shape, strides = [1] * rank, [0] * rank
        for axis, n, stride in zip(layout, self.shape, self.strides, strict=True):
            shape[axis], strides[axis] = n, stride
        return replace(self, shape=tuple(shape), strides=tuple(strides))

    def merged(self, groups: tuple[Layout, ...]) -> Place | None:
        """Each group of axes as one, None if that is no view."""
        if 0 in self.shape:  # nothing lies anywhere
            lengths = tuple(math.prod(self.shape[axis] for axis in group) for group in groups)
            return laid(self.base, self.offset, lengths, None, self.dtype)
        shape, strides = [], []
        for group in groups:
            n, stride = 1, self.item
            for axis in reversed(group):
                if self.shape[axis] == 1:
                    continue
                if n == 1:
                    stride = self.strides[axis]
                elif self.strides[axis] != n * stride:
                    return None
                n *= self.shape[axis]
            shape.append(n)
            strides.append(stride)
        return replace(self, shape=tuple(shape), strides=tuple(strides))

    def overlaps(self, other: Place) -> bool:
        """Whether two arrays may have memory in common."""
        return self.base == other.base and max(self.offset, other.offset) < min(self.end, other.end)

    @property
    def end(self) -> int:
        """Where the memory of an array ends, whose strides go up."""
        return (
            self.offset
            + self.item
            + sum((n - 1) * stride for n, stride in zip(self.shape, self.strides, strict=True))
        )

    def is_matrix(self) -> bool:
        """Whether BLAS takes the last two axes as they are, in one order or the other."""
        (rows, columns), (down, along) = self.shape[-2:], self.strides[-2:]
        return _blas(rows, columns, down, along, self.item) or _blas(
            columns, rows, along, down, self.item
        )


def _blas(rows: int, columns: int, down: int, along: int, item: int) -> bool:
    unit = along == item or columns == 1
    return unit and (rows == 1 or (down % item == 0 and down >= columns * item))


def laid(
    base: str, offset: int, shape: tuple[int, ...], order: tuple[int, ...] | None, dtype: str
) -> Place:
    """An array whose axes lie in memory in this order, outermost first."""
    strides, step = [0] * len(shape), np.dtype(dtype).itemsize
    for axis in reversed(order if order is not None else range(len(shape))):
        strides[axis] = step
        step *= max(1, shape[axis])
    return Place(base, offset, shape, tuple(strides), dtype)
