"""What instructions of a plan are made of: registers, and how their axes lie in a space."""

from __future__ import annotations

import math
from dataclasses import dataclass

from einsumgrad.plan.entries import Entry

Layout = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Operand:
    """A register whose axis k is axis `layout[k]` of the instruction's space."""

    register: int
    layout: Layout


@dataclass(frozen=True, slots=True)
class Constant:
    """A number without a dtype of its own."""

    value: float


Arg = Operand | Constant


@dataclass(frozen=True, slots=True)
class At:
    """One axis of a tensor: at a constant, or at the values of a register, which are `entry`."""

    place: int | Operand
    entry: Entry | None = None


@dataclass(frozen=True, slots=True)
class Walk:
    """How one axis of a register is walked along: from `offset`, by `steps` (an axis of the space
    and how far one step on it goes), and by `moving` loop variables (a register and a factor)."""

    offset: int
    steps: tuple[tuple[int, int], ...]
    moving: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Nest:
    """Loops over variables of these `sizes`, in this `order`, the first `outer` of them around all
    steps. `axes`: for each step its register and the variables of its space; `held`: for what is
    read and filled the variables of its axes."""

    sizes: tuple[int, ...]
    order: tuple[int, ...]
    outer: int
    axes: tuple[tuple[int, Layout], ...]
    held: tuple[tuple[int, Layout], ...]
