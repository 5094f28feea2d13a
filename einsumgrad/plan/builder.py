"""Registers and instructions as they are made: equal instructions become one."""

from __future__ import annotations

from dataclasses import field

import numpy as np

from einsumgrad.ir.nodes import Index
from einsumgrad.plan.nodes import Arrange, Cast, Fold, Instruction, Map
from einsumgrad.plan.operands import Arg, Constant, Operand, Register
from einsumgrad.plan.trace import Trace
from einsumgrad.plan.uses import uses
from einsumgrad.record import record

BOOLEAN = frozenset({"=", "!=", "<", "<=", ">", ">=", "and", "or", "not"})
WHOLE = frozenset({"argmax", "argmin"})
ENTRIES = 2**24
"""A window of overlapping entries may have so many."""


@record
class Value:
    """A register seen through index names, one for each axis, or a number."""

    register: int
    axes: tuple[Index, ...]


Term = Value | Constant


@record(frozen=False)
class Frame:
    """The instructions of a loop's body, or of none."""

    order: list[int] = field(default_factory=list)
    known: dict[tuple[Instruction, tuple[int, ...], str], int] = field(default_factory=dict)


@record(frozen=False)
class Builder:
    """Collects instructions for one plan.

    `frames`: the body of the loop that is being planned, after those around it. `depths`: for
    each register the frame in which it is written. `margins`: the room around buffers. `entries`: a
    window larger than that is taken apart. `trace`: what is told of all that."""

    sizes: dict[str, int]
    registers: list[Register] = field(default_factory=list)
    instructions: list[Instruction] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=lambda: [Frame()])
    depths: list[int] = field(default_factory=list)
    margins: dict[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    owner: str = ""
    entries: int = ENTRIES
    trace: Trace = field(default_factory=Trace)

    def emit(
        self, made: Instruction, shape: tuple[int, ...], dtype: str, *, weak: bool = False,
        space: tuple[int, ...] = (),
    ) -> int:  # fmt: skip
        """The register of an instruction, a new one if there is none yet. It runs in the outermost
        loop that has what it reads."""
        depth = max((self.depths[used] for used in uses(made)), default=0)
        return self.place(made, Register(shape, dtype, weak, self.owner, space), depth)

    def place(self, made: Instruction, register: Register, depth: int) -> int:
        """`emit` into a given frame."""
        frame = self.frames[depth]
        key = (made, register.shape, register.dtype)
        if key not in frame.known:
            frame.known[key] = len(self.registers)
            frame.order.append(len(self.registers))
            self.registers.append(register)
            self.instructions.append(made)
            self.depths.append(depth)
            self.trace.statements.append(self.trace.place)
        return frame.known[key]

    def lengths(self, register: int) -> tuple[int, ...]:
        """The shape of a register, the room around a buffer aside."""
        shape, margins = self.registers[register].shape, self.margins.get(register)
        if margins is None:
            return shape
        return tuple(n - before - after for n, (before, after) in zip(shape, margins, strict=True))

    def size(self, index: Index) -> int:
        return self.sizes[index.size]

    def whole_axis(self, axis: int, length: int) -> Index:
        """An index of no program, for an axis that is taken as it is."""
        index = Index(f"#{axis}", f"#{axis}:{length}")
        self.sizes[index.size] = length
        return index

    def shape(self, axes: tuple[Index, ...]) -> tuple[int, ...]:
        return tuple(self.sizes[i.size] for i in axes)

    def operand(self, value: Value, axes: tuple[Index, ...]) -> Operand:
        place = {index: k for k, index in enumerate(axes)}
        return Operand(value.register, tuple(place[i] for i in value.axes))

    def map(self, function: str, *terms: Term, axes: tuple[Index, ...] | None = None) -> Value:
        """An elementwise function over the axes of all its arguments."""
        if axes is None:
            axes = union(terms)
        terms, dtype, weak = self._promoted(function, terms)
        args = tuple(t if isinstance(t, Constant) else self.operand(t, axes) for t in terms)
        covered = {k for a in args if isinstance(a, Operand) for k in a.layout}
        if len(covered) < len(axes):
            inner = tuple(axes[k] for k in sorted(covered))
            return self.spread(self.map(function, *terms, axes=inner), axes)
        made = Map(function, args, len(axes))
        return Value(self.emit(made, self.shape(axes), dtype, weak=weak), axes)

    def spread(self, value: Value, axes: tuple[Index, ...]) -> Value:
        """The value over exactly these axes, repeated along those it lacks."""
        if value.axes == axes:
            return value
        register = self.registers[value.register]
        made = Arrange(self.operand(value, axes), len(axes))
        shape = self.shape(axes)
        return Value(self.emit(made, shape, register.dtype, weak=register.weak), axes)

    def cast(self, value: Value, dtype: str, *, weak: bool = False) -> Value:
        register = self.registers[value.register]
        if register.dtype == dtype and register.weak == weak:
            return value
        if register.dtype == dtype and not weak:
            return value
        made = Cast(value.register, dtype)
        return Value(self.emit(made, register.shape, dtype, weak=weak), value.axes)

    def fold(
        self, function: str, value: Value, over: tuple[Index, ...], mask: Value | None
    ) -> Value:
        """A reduction over some axes; they stay for softmax and log_softmax."""
        axes = value.axes
        keeps = function in ("softmax", "log_softmax")
        out = axes if keeps else tuple(i for i in axes if i not in over)
        register = self.registers[value.register]
        if function not in WHOLE and function != "any":
            value = self.floating(value)
            register = self.registers[value.register]
        dtype, weak = ("int64", True) if function in WHOLE else (register.dtype, register.weak)
        places = tuple(axes.index(i) for i in over)
        masked = None if mask is None else self.operand(mask, axes)
        made = Fold(function, self.operand(value, axes), places, len(axes), masked)
        return Value(self.emit(made, self.shape(out), dtype, weak=weak), out)

    def floating(self, value: Value) -> Value:
        """The value as floating numbers."""
        register = self.registers[value.register]
        return value if register.dtype[:1] == "f" else self.cast(value, "float64", weak=True)

    def _promoted(
        self, function: str, terms: tuple[Term, ...]
    ) -> tuple[tuple[Term, ...], str, bool]:
        """The arguments in one dtype, and the dtype of the result."""
        if function in ("and", "or", "not"):
            return terms, "bool", True
        own = terms[1:] if function == "select" else terms
        dtype, weak = self.common(own)
        cast = tuple(t if isinstance(t, Constant) else self.cast(t, dtype, weak=weak) for t in own)
        if function == "select":
            cast = (terms[0], *cast)
        return (cast, "bool", True) if function in BOOLEAN else (cast, dtype, weak)

    def common(self, terms: tuple[Term, ...]) -> tuple[str, bool]:
        """The dtype that floating terms promote to; a weak float64 if there is none."""
        found = [self.registers[t.register] for t in terms if isinstance(t, Value)]
        strong = [np.dtype(r.dtype) for r in found if not r.weak]
        return (str(np.result_type(*strong)), False) if strong else ("float64", True)


def union(terms: tuple[Term, ...]) -> tuple[Index, ...]:
    """All axes: those of the term with most of them first."""
    values = [t for t in terms if isinstance(t, Value)]
    longest = max(values, key=lambda v: len(v.axes), default=None)
    first = longest.axes if longest is not None else ()
    return tuple(dict.fromkeys((*first, *(i for v in values for i in v.axes))))


def constant(arg: Arg | Term) -> float | None:
    return arg.value if isinstance(arg, Constant) else None
