"""Loops of a plan as one call: of all their steps it is known where in memory they work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING

from einsumgrad.emit.kernels import call
from einsumgrad.emit.places import Place
from einsumgrad.emit.slices import always, arranged, inner, still
from einsumgrad.emit.tiled import FLOATS, oriented
from einsumgrad.emit.writer import Writer, plain
from einsumgrad.plan.counts import multiplications
from einsumgrad.plan.nodes import (
    Arrange,
    Done,
    Kernel,
    Loop,
    Pair,
    Plan,
    Room,
    Step,
    Store,
    Variable,
    Window,
)
from einsumgrad.plan.operands import Operand, Walk
from einsumgrad.plan.uses import uses
from einsumgrad.record import record

if TYPE_CHECKING:
    from einsumgrad.fused.text import Memory
    from einsumgrad.fused.turns import Moved, Node, Turn

PUTS = ("set", "add", "subtract", "multiply", "max", "min")
Moving = dict[int, int]
"""By how many bytes a place moves with each turn of a loop, by its variable."""


def turned(
    writer: Writer, made: Loop, plan: Plan, places: Mapping[int, Place], homes: Mapping[int, Place]
) -> bool:
    """Writes a loop as one call; False if one of its steps is none that such a loop can do."""
    if not any(isinstance(s.instruction, Kernel) for s in made.body):
        return False
    filled = frozenset(_filled(made))
    work = Turns(writer, plan, dict(places), homes, frozenset(_variables(made)), filled)
    loop = work.loop(made)
    if loop is None:
        return False
    from einsumgrad.fused import turns

    for name, place in work.copies.items():
        writer.copy(name, place)
    call(writer, partial(turns.turned, loop), work.roots)
    return True


def _variables(loop: Loop) -> Iterable[int]:
    yield loop.variable
    for step in loop.body:
        if isinstance(step.instruction, Loop):
            yield from _variables(step.instruction)


def _filled(loop: Loop) -> Iterable[int]:
    """The buffers that its steps store into."""
    for step in loop.body:
        if isinstance(step.instruction, Loop):
            yield from _filled(step.instruction)
        elif isinstance(step.instruction, Store):
            yield step.instruction.into


@record(frozen=False)
class Turns:
    """`places`: where registers are in the first turn of all loops; `moving`: how they move;
    `inside`: those that turns make. `variables` of the loops, `filled`: buffers that they fill.
    `roots`: the arrays in which places are. `copies`: matrices laid out anew before the loop."""

    writer: Writer
    plan: Plan
    places: dict[int, Place]
    homes: Mapping[int, Place]
    variables: frozenset[int]
    filled: frozenset[int]
    moving: dict[int, Moving] = field(default_factory=dict)
    roots: list[Place] = field(default_factory=list)
    copies: dict[str, Place] = field(default_factory=dict)
    inside: set[int] = field(default_factory=set)

    def loop(self, made: Loop) -> Turn | None:
        from einsumgrad.fused.turns import Turn

        self.places[made.variable] = plain(f"i{made.variable}", (), "int64")
        body: list[Node] = []
        for step in made.body:
            self.inside.add(step.register)
            if not self.step(step, body):
                return None
        return Turn(made.variable, made.count, made.upward, tuple(body))

    def step(self, step: Step, body: list[Node]) -> bool:
        """Notes where a step's register is, and adds what it does; False if that cannot be."""
        made, register = step.instruction, step.register
        match made:
            case Variable():
                return True
            case Room():
                self.places[register] = self.homes[register]
            case Done(source, _, widths):
                self.view(register, inner(self.places[source], widths), source)
            case Arrange(operand, rank):
                return self.arranged(operand, rank, register)
            case Window():
                return self.window(made, register)
            case Kernel():
                return self.kernel(made, body)
            case Pair():
                self.places[register] = self.homes[register]
                return self.pair(made, register, body)
            case Store():
                return self.store(made, body)
            case Loop():
                found = self.loop(made)
                body += () if found is None else (found,)
                return found is not None
            case _:
                return False
        return True

    def view(self, register: int, place: Place, of: int) -> None:
        self.places[register] = place
        self.moving[register] = self.moving.get(of, {})

    def arranged(self, operand: Operand, rank: int, register: int) -> bool:
        shape = self.plan.registers[register].shape
        found = self.places[operand.register].spread(operand.layout, rank)
        self.view(register, arranged(found, shape), operand.register)
        return True

    def window(self, made: Window, register: int) -> bool:
        source, shape = self.places[made.source], self.plan.registers[register].shape
        moving = dict(self.moving.get(made.source, {}))
        for walk, stride in zip(made.walks, source.strides, strict=True):
            _moves(moving, walk, stride)
        self.places[register] = still(made, source, shape)
        self.moving[register] = moving
        return self.variables.issuperset(moving)

    def array(self, place: Place, moving: Moving, start: int = 0) -> Moved:
        """An array so many bytes behind a place, and further on for each turn."""
        from einsumgrad.fused.turns import Moved

        begins = [(root.base, root.offset) for root in self.roots]
        if (place.base, place.offset) not in begins:
            begins.append((place.base, place.offset))
            self.roots.append(place)
        at = begins.index((place.base, place.offset))
        return Moved(at, start, tuple(sorted((v, n) for v, n in moving.items() if n)))

    def of(self, register: int) -> Moved:
        from einsumgrad.fused.turns import Moved

        if register in self.variables:
            return Moved(-1 - register, 0, ())
        return self.array(self.places[register], self.moving.get(register, {}))

    def kernel(self, made: Kernel, body: list[Node]) -> bool:
        from einsumgrad.fused.kernel import inner as written
        from einsumgrad.fused.turns import Call

        if made.scratch is not None:
            return False
        arrays = tuple(map(self.of, uses(made)))
        own = _memories([self.places[r] for r in uses(made)], arrays)
        body.append(Call(lambda name, hints: written(made, own, name, hints)[0], arrays))
        return True

    def pair(self, made: Pair, register: int, body: list[Node]) -> bool:
        from einsumgrad.fused.products import inner as written
        from einsumgrad.fused.turns import Call
        from einsumgrad.fused.worth import LARGE

        found = oriented(made, self.places, self.places[register], self.writer.registers)
        if found is None or multiplications(made, self.plan.registers) > LARGE:
            return False
        product, first, second = found
        if product.copied and self.stays(second.register):
            self.copy(second, made)
            found = oriented(made, self.places, self.places[register], self.writer.registers)
            assert found is not None
            product, first, second = found
        registers = first.register, second.register, register
        arrays = tuple(map(self.of, registers))
        own = _memories([self.places[r] for r in registers], arrays)
        body.append(Call(partial(written, product, own), arrays))
        return True

    def stays(self, register: int) -> bool:
        """Whether no turn changes an array: none makes it, and none stores into its memory."""
        if register in self.inside:
            return False
        own = self.places[register]
        return not any(own.overlaps(self.places[into]) for into in self.filled)

    def copy(self, operand: Operand, made: Pair) -> None:
        """Lays out a matrix that no turn changes anew, its columns next to each other."""
        self.writer.count += 1
        name, place = f"m{self.writer.count}", self.places[operand.register]
        order = sorted(range(len(place.shape)), key=lambda k: operand.layout[k] in made.out)
        self.copies[name] = place.turned(tuple(order))
        whole = plain(name, self.copies[name].shape, place.dtype)
        self.writer.whole(name, whole)
        self.places[operand.register] = whole.turned(tuple(map(order.index, range(len(order)))))

    def store(self, made: Store, body: list[Node]) -> bool:
        from einsumgrad.fused.turns import Call, Inside, put

        into, single = self.places[made.into], dict(made.places)
        rank = len(made.widths) - len(single)
        value = self.places[made.value.register].spread(made.value.layout, rank)
        if made.function not in PUTS or {into.dtype, value.dtype} not in FLOATS:
            return False
        moving, start = dict(self.moving.get(made.into, {})), 0
        shape, strides, tests = [], [], []
        for axis, (before, after) in enumerate(made.widths):
            size, stride = into.shape[axis] - before - after, into.strides[axis]
            walk = single.get(axis)
            start += (before + (walk.offset if walk else 0)) * stride
            if walk is None:
                shape.append(size)
                strides.append(stride)
                continue
            _moves(moving, walk, stride)
            if not always(walk):
                tests.append((walk.offset, walk.moving, size))
        if not self.variables.issuperset(moving):
            return False
        target = Place(into.base, into.offset, tuple(shape), tuple(strides), into.dtype)
        arrays = self.array(into, moving, start), self.of(made.value.register)
        own = _memories([target, value], arrays)
        step = Call(partial(put, made.function, own, shape), arrays)
        body.append(Inside(tuple(tests), step) if tests else step)
        return True


def _moves(moving: Moving, walk: Walk, stride: int) -> None:
    """Adds how a walk along an axis moves a place."""
    for variable, count in walk.moving:
        moving[variable] = moving.get(variable, 0) + count * stride


def _memories(places: Sequence[Place], arrays: Sequence[Moved]) -> list[Memory]:
    """The arrays of a step, those with one pointer that are one in every turn."""
    from einsumgrad.fused.text import KINDS, Memory

    return [
        Memory(f"%p{arrays.index(array)}", place.strides, KINDS[place.dtype])
        for place, array in zip(places, arrays, strict=True)
    ]
