"""A plan being rewritten: its instructions replayed one by one, equal ones made once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any

from einsumgrad.diagnostics import InternalError
from einsumgrad.plan.entries import Entry
from einsumgrad.plan.entries import Step as Along
from einsumgrad.plan.nodes import (
    Arrange,
    Buffer,
    Fill,
    Instruction,
    Loop,
    Map,
    Plan,
    Step,
    Variable,
)
from einsumgrad.plan.operands import Arg, At, Constant, Operand, Register, Walk
from einsumgrad.plan.uses import NAMES
from einsumgrad.record import facts, record, replace


@record(frozen=False)
class Graph:
    """Steps as they are made. `scopes`: the steps of the loop that is being replayed, after those
    around it. `seen`: what each register of the plan is here, a number or another register's axes
    in some order. `turning`: the variables of the plan's loops that are being replayed."""

    plan: Plan
    registers: list[Register] = field(default_factory=list)
    made: dict[int, Instruction] = field(default_factory=dict)
    scopes: list[list[Step]] = field(default_factory=lambda: [[]])
    known: list[dict[tuple[Instruction, Register], int]] = field(default_factory=lambda: [{}])
    seen: dict[int, Arg] = field(default_factory=dict)
    turning: list[int] = field(default_factory=list)

    def emit(self, instruction: Instruction, register: Register) -> int:
        """The register of an instruction, an old one if an equal instruction has been made."""
        key = (instruction, replace(register, owner=""))
        for known in self.known:
            if key in known and not isinstance(instruction, Buffer | Variable):
                return known[key]
        number = len(self.registers)
        self.registers.append(register)
        self.made[number] = instruction
        self.known[-1][key] = number
        self.scopes[-1].append(Step(instruction, number))
        return number

    def operand(self, register: int, layout: tuple[int, ...]) -> Arg:
        """An operand of the plan as it is here."""
        found = self.seen[register]
        if isinstance(found, Constant):
            return found
        return Operand(found.register, tuple(layout[k] for k in found.layout))

    def whole(self, register: int) -> int:
        """A register here with the same axes as that of the plan, each in its place."""
        found, own = self.seen[register], self.plan.registers[register]
        if isinstance(found, Constant):
            return self.emit(Fill(found.value), own)
        plain = found.layout == tuple(range(len(own.shape)))
        if plain and self.registers[found.register].shape == own.shape:
            return found.register
        return self.emit(Arrange(found, len(own.shape)), own)

    def copied(self, instruction: Instruction) -> Instruction:
        """The instruction over registers here. Raises InternalError for a loop."""
        if isinstance(instruction, Loop):
            raise InternalError("a loop is replayed by its steps")
        changes: dict[str, Any] = {}
        for name in facts(type(instruction)):
            value = getattr(instruction, name)
            if name in NAMES and isinstance(value, int):
                changes[name] = self.whole(value)
            elif isinstance(value, Operand | tuple):
                changes[name] = self._part(value, maps=isinstance(instruction, Map))
        return replace(instruction, **changes)

    def _part(self, value: Any, *, maps: bool) -> Any:
        match value:
            case Operand(register, layout):
                return self.operand(register, layout) if maps else self._held(value)
            case Walk(offset, steps, moving):
                return Walk(offset, steps, tuple((self.whole(r), c) for r, c in moving))
            case At(place, entry):
                held = self._held(place) if isinstance(place, Operand) else place
                return At(held, None if entry is None else self._named(entry))
            case tuple():
                return tuple(self._part(part, maps=maps) for part in value)
            case _:
                return value

    def _named(self, entry: Entry) -> Entry:
        """How an error names an entry: by the variables of the loops here."""
        return replace(entry, at=tuple(map(self._along, entry.at)))

    def _along(self, part: Along | Entry | str) -> Along | Entry | str:
        match part:
            case Entry():
                return self._named(part)
            case Along(_, _, moving) if any(r not in self.turning for r, _ in moving):
                return "?"
            case Along(offset, steps, moving):
                return Along(offset, steps, tuple((self.whole(r), step) for r, step in moving))
            case _:
                return part

    def _held(self, value: Operand) -> Operand:
        """An operand that may not be a number, nor lack an axis along which it repeats."""
        if value.register < 0:
            return value
        found = self.operand(value.register, value.layout)
        if isinstance(found, Operand) and len(found.layout) == len(value.layout):
            return found
        return Operand(self.whole(value.register), value.layout)


Rule = Callable[[Graph, Instruction, Register], Arg]
"""Makes an instruction over registers of the graph; what it gives may be a number, or another
register with axes in some order."""


def replay(plan: Plan, rule: Rule) -> Plan:
    """The plan made anew, each instruction by the rule."""
    graph = Graph(plan)
    for step in plan.steps:
        again(graph, step, rule)
    return finished(graph)


def finished(graph: Graph) -> Plan:
    """The plan of what a graph has."""
    results = tuple((name, graph.whole(register)) for name, register in graph.plan.results)
    return replace(
        graph.plan, steps=tuple(graph.scopes[0]), registers=tuple(graph.registers), results=results
    )


def again(graph: Graph, step: Step, rule: Rule) -> None:
    """A step of the plan made anew, by the rule."""
    made, own = step.instruction, graph.plan.registers[step.register]
    if not isinstance(made, Loop):
        graph.seen[step.register] = rule(graph, graph.copied(made), own)
        return
    graph.scopes.append([])
    graph.known.append({})
    variable = graph.emit(Variable(len(graph.registers)), graph.plan.registers[made.variable])
    graph.seen[made.variable] = Operand(variable, ())
    graph.scopes[-1].pop()
    graph.turning.append(made.variable)
    for inner in made.body:
        again(graph, inner, rule)
    graph.turning.pop()
    graph.known.pop()
    body = tuple(graph.scopes.pop())
    number = graph.emit(Loop(variable, made.count, made.upward, body), own)
    graph.seen[step.register] = Operand(number, ())


def plainly(graph: Graph, instruction: Instruction, register: Register) -> Arg:
    """The instruction as it is; an arrangement of axes is only looked through."""
    if isinstance(instruction, Arrange):
        operand = instruction.operand
        shape = graph.registers[operand.register].shape
        if all(shape[k] == register.shape[p] for k, p in enumerate(operand.layout)):
            return operand
    number = graph.emit(instruction, register)
    return Operand(number, tuple(range(len(register.shape))))
