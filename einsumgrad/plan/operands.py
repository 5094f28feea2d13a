"""What instructions of a plan are made of: registers, and how their axes lie in a space."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from einsumgrad.plan.entries import Entry
from einsumgrad.record import record

Layout = tuple[int, ...]


@record
class Operand:
    """A register whose axis k is axis `layout[k]` of the instruction's space."""

    register: int
    layout: Layout


@record
class Constant:
    """A number without a dtype of its own."""

    value: float


Arg = Operand | Constant


@record
class At:
    """One axis of a tensor: at a constant, or at the values of a register, which are `entry`."""

    place: int | Operand
    entry: Entry | None = None


@record
class Walk:
    """How one axis of a register is walked along: from `offset`, by `steps` (an axis of the space
    and how far one step on it goes), and by `moving` loop variables (a register and a factor)."""

    offset: int
    steps: tuple[tuple[int, int], ...]
    moving: tuple[tuple[int, int], ...] = ()


@record
class Register:
    """What is known of a register: shape, dtype; `weak`: its dtype gives way to any other; `owner`:
    the tensor whose statement needed it first."""

    shape: tuple[int, ...]
    dtype: str
    weak: bool
    owner: str
    space: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        return math.prod(self.shape)


@record
class Nest:
    """Loops over variables of these `sizes`, in this `order`, the first `outer` of them around all
    steps. `axes`: for each step its register and the variables of its space; `held`: for what is
    read and filled the variables of its axes."""

    sizes: tuple[int, ...]
    order: tuple[int, ...]
    outer: int
    axes: tuple[tuple[int, Layout], ...]
    held: tuple[tuple[int, Layout], ...]


def lengths(operands: Iterable[Operand], registers: Sequence[Register]) -> dict[int, int]:
    """How long each axis is of the space in which some operands stand together."""
    found: dict[int, int] = {}
    for operand in operands:
        found.update(zip(operand.layout, registers[operand.register].shape, strict=True))
    return found
