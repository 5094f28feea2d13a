"""Each instruction as lines of the source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import assert_never

import numpy as np

from einsumgrad.emit.gathers import checked, picked, take
from einsumgrad.emit.homes import Homes
from einsumgrad.emit.kernels import called
from einsumgrad.emit.maps import mapped
from einsumgrad.emit.matrices import product
from einsumgrad.emit.places import Place
from einsumgrad.emit.put import added
from einsumgrad.emit.slices import arranged, edges, inner, sliced, stored
from einsumgrad.emit.sums import summed
from einsumgrad.emit.table import FOLDS, STARTS
from einsumgrad.emit.turns import turned
from einsumgrad.emit.writer import Writer, named, number, plain
from einsumgrad.engines.functions import REAL
from einsumgrad.engines.numpy import call_of
from einsumgrad.plan.nodes import (
    Arrange,
    Buffer,
    Cast,
    Count,
    Done,
    Fill,
    Fold,
    Gather,
    Guard,
    Instruction,
    Kernel,
    Load,
    Loop,
    Map,
    Once,
    OverlapAdd,
    Pad,
    Pair,
    Plan,
    Room,
    Scatter,
    Step,
    Store,
    Strips,
    Variable,
    Window,
)
from einsumgrad.plan.operands import Operand
from einsumgrad.plan.uses import uses
from einsumgrad.record import record


@record(frozen=False)
class Lines:
    """Writes the steps of a plan. `places`: where the register of each step so far is. `around`:
    the variables of the loops that are open. `given`: where leaves lie that are parts of
    others' arrays. `strips`: what the source calls for strips, with the places of what they read
    and of what they fill."""

    plan: Plan
    homes: Homes
    writer: Writer
    places: dict[int, Place]
    owner: str = ""
    around: list[int] = field(default_factory=list)
    given: Mapping[int, Place] = field(default_factory=dict)
    strips: dict[str, tuple[Strips, dict[int, Place], tuple[Place, ...]]] = field(
        default_factory=dict
    )

    def steps(self, steps: tuple[Step, ...]) -> None:
        for step in steps:
            self.comment(step)
            self.step(step)

    def comment(self, step: Step) -> None:
        """The tensor that a step is for, where another one begins."""
        owner = self.plan.registers[step.register].owner
        if owner != self.owner and not isinstance(step.instruction, Load | Fill | Count):
            self.writer.line(f"# {step.register}", before=True)
            self.owner = owner

    def step(self, step: Step) -> None:
        made, register = step.instruction, step.register
        match made:
            case Load() | Fill() | Count():
                self.leaf(made, register)
            case Map() | Cast() | Pair() | Fold() | Pad() | Buffer() | Room() | OverlapAdd():
                self.own(made, register)
            case Arrange(operand, rank):
                self.places[register] = self.arranged(operand, rank, register)
            case Window():
                self.window(made, register)
            case Done(source, _, widths):
                self.places[register] = inner(self.places[source], widths)
            case Loop():
                self.loop(made)
            case Strips():
                self.stripped(made)
            case Kernel():
                called(self.writer, made, [self.places[r] for r in uses(made)])
            case Store():
                self.store(made)
            case Guard():
                self.guarded(made, register)
            case Gather() | Scatter() | Once():
                self.called(made, register)
            case Variable():
                pass
            case _:
                assert_never(made)

    def leaf(self, made: Load | Fill | Count, register: int) -> None:
        own = self.plan.registers[register]
        if isinstance(made, Load):
            name = f"a{register}"
            self.places[register] = self.given.get(register, plain(name, own.shape, own.dtype))
            self.writer.whole(name, self.places[register])
            return
        if isinstance(made, Count):
            name = self.writer.constant("k", np.arange(made.size))
            self.places[register] = plain(name, own.shape, own.dtype)
        else:  # one entry, seen everywhere
            one = np.broadcast_to(np.asarray(made.value, own.dtype), own.shape)
            name = self.writer.constant("k", one)
            self.places[register] = Place(name, 0, own.shape, one.strides, own.dtype)
        self.writer.whole(name, self.places[register])

    def own(
        self, made: Map | Cast | Pair | Fold | Pad | Buffer | Room | OverlapAdd, register: int
    ) -> None:
        """What is written into a home of the register."""
        place = self.homes.places[register]
        self.places[register] = place
        if register in self.homes.results and place.base not in self.writer.wholes:
            self.fresh(place)
        match made:
            case Map():
                mapped(self.writer, made, self.places, place)
            case Cast(operand):
                source = self.writer.name(self.places[operand])
                self.writer.line(f"copyto({self.writer.name(place)}, {source}, 'unsafe')")
            case Pair():
                product(self.writer, made, self.places, place)
            case Fold():
                self.fold(made, place)
            case Room():
                pass
            case OverlapAdd():
                if not added(self.writer, made, self.places, place):
                    self.writer.line(
                        f"copyto({self.writer.name(place)}, {self.call(made, register)})"
                    )
            case Pad(source, widths, value):
                if any(map(any, widths)):
                    self.filled(place, value)
                self.inside(place, widths, source)
            case Buffer():
                self.buffer(made, place)
            case _:
                assert_never(made)

    def buffer(self, made: Buffer, place: Place) -> None:
        whole = made.source is None and not made.bare
        for part in [place] if whole else edges(place, made.widths):
            self.filled(part, 0.0)
        if made.source is not None:
            self.inside(place, made.widths, made.source)
        elif made.value:
            self.filled(inner(place, made.widths), made.value)

    def fresh(self, place: Place) -> None:
        """An array for the caller, which only the run makes; its axes are turned afterwards."""
        memory = place.turned(place.order)
        made = f"{place.base} = empty({memory.shape}, {named(place.dtype)})"
        self.writer.line(made, before=True)
        self.writer.whole(place.base, memory)

    def fold(self, made: Fold, place: Place) -> None:
        source = self.places[made.operand.register].spread(made.operand.layout, made.rank)
        if summed(self.writer, made, source, place, alone=not self.given):
            return
        out, whole = self.writer.name(place), self.writer.name(source)
        if made.function in FOLDS:
            empty = made.function in STARTS and any(source.shape[k] == 0 for k in made.axes)
            start = f", initial={STARTS[made.function]}" if empty else ""
            axes = f"({', '.join(map(str, made.axes))},)"
            self.writer.line(f"{FOLDS[made.function]}.reduce({whole}, {axes}, None, {out}{start})")
            return
        function = self.writer.constant("f", REAL.folds[made.function][0])
        self.writer.line(f"copyto({out}, {function}({whole}, {made.axes}), 'unsafe')")

    def filled(self, place: Place, value: float) -> None:
        self.writer.line(f"{self.writer.name(place)}.fill({number(value)})")

    def inside(self, place: Place, widths: tuple[tuple[int, int], ...], source: int) -> None:
        """A register put into a place with room around it."""
        target, given = inner(place, widths), self.places[source]
        if target != given:
            self.writer.line(f"copyto({self.writer.name(target)}, {self.writer.name(given)})")

    def arranged(self, operand: Operand, rank: int, register: int) -> Place:
        """The operand turned, and repeated along the axes that it lacks."""
        shape = self.plan.registers[register].shape
        found = self.places[operand.register].spread(operand.layout, rank)
        return arranged(found, shape)

    def window(self, made: Window, register: int) -> None:
        own, name = self.plan.registers[register], f"w{register}"
        place = sliced(self.writer, made, self.places[made.source], own.shape, name)
        if place is None:
            self.called(made, register)
        else:
            self.places[register] = place

    def store(self, made: Store) -> None:
        rank = len(made.widths) - len(made.places)
        value = self.places[made.value.register].spread(made.value.layout, rank)
        stored(self.writer, made, self.places[made.into], value)

    def loop(self, made: Loop) -> None:
        if turned(self.writer, made, self.plan, self.places, self.homes.places):
            self.owner = ""
            return
        variable = f"i{made.variable}"
        self.places[made.variable] = plain(variable, (), "int64")
        self.writer.whole(variable, self.places[made.variable])
        turns = f"range({made.count})" if made.upward else f"range({made.count - 1}, -1, -1)"
        self.around.append(made.variable)
        self.writer.block(f"for {variable} in {turns}:", lambda: self.steps(made.body))
        self.around.pop()
        self.owner = ""

    def stripped(self, made: Strips) -> None:
        """One call, which is given what the strips read and fill."""
        name = f"strips{len(self.strips)}"
        takes = {register: self.places[register] for register, _ in made.takes}
        outs = tuple(self.places[register] for register, _ in made.outs)
        self.strips[name] = (made, takes, outs)
        given = (self.writer.name(place) for place in (*takes.values(), *outs))
        self.writer.line(f"{name}({', '.join(given)})")

    def called(self, made: Instruction, register: int) -> None:
        """An instruction that is a function over registers: it makes an array of its own."""
        name, own = f"r{register}", self.plan.registers[register]
        call = self.call(made, register)
        if isinstance(made, Once):
            self.writer.line(call)
            return
        found = picked(made, self.places, own.shape) if isinstance(made, Gather) else None
        if found is not None and checked(self.writer, found, call):
            self.places[register] = found.index
            return
        if found is not None:
            take(self.writer, found, name)
        else:
            self.writer.line(f"{name} = owned({call}, '{own.dtype}')")
        self.places[register] = plain(name, own.shape, own.dtype)
        self.writer.whole(name, self.places[register])

    def call(self, made: Instruction, register: int) -> str:
        function = self.writer.constant("f", call_of(made, self.plan.registers, register))
        read = dict.fromkeys((*uses(made), *self.around))
        given = ", ".join(f"{r}: {self.value(r)}" for r in read)
        return f"{function}({{{given}}}, None)"

    def guarded(self, made: Guard, register: int) -> None:
        """A contraction is put right in its place, if need be."""
        self.places[register] = self.places[made.result]
        name = self.writer.name(self.places[made.result])
        self.writer.line(f"g = {self.call(made, register)}")
        self.writer.block(f"if g is not {name}:", lambda: self.writer.line(f"copyto({name}, g)"))

    def value(self, register: int) -> str:
        """What a function over registers finds in one: an array, a loop's variable, or nothing."""
        return self.writer.name(self.places[register]) if register in self.places else "None"
