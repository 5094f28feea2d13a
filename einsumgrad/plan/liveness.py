"""When registers end, how much memory is in use at most, and which tensor needs most of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from einsumgrad.ir.circles import reachable
from einsumgrad.plan.builder import Builder
from einsumgrad.plan.counts import total
from einsumgrad.plan.nodes import Arrange, Done, Instruction, Load, Loop, Plan, Step, Window
from einsumgrad.plan.operands import Register
from einsumgrad.plan.scratch import bytes_of, scratch
from einsumgrad.plan.uses import uses


def finish(
    builder: Builder, results: tuple[tuple[str, int], ...], checks: tuple[int, ...] = ()
) -> Plan:
    """The plan of all instructions that the results need, and the checks."""
    roots = [*(register for _, register in results), *checks]
    needed = needed_by(builder.instructions, roots)
    order = [r for r in builder.frames[0].order if r in needed]
    kept = {register for _, register in results}
    last = _last_uses(builder.instructions, order)
    ends: dict[int, list[int]] = {}
    for used, at in last.items():
        if used not in kept:
            ends.setdefault(at, []).append(used)
    steps = tuple(Step(builder.instructions[r], r, tuple(ends.get(r, ()))) for r in order)
    peak, largest = _peak(steps, builder.registers)
    flops = total(steps, builder.registers)
    return Plan(steps, tuple(builder.registers), results, peak, largest, flops)


VIEWS = (Window, Arrange, Done)
"""Instructions whose result is another register's memory."""


def _last_uses(instructions: list[Instruction], order: list[int]) -> dict[int, int]:
    """For each register the last one that needs it; a view needs its source as long as it lives."""
    last: dict[int, int] = {}
    for register in reversed(order):
        made = instructions[register]
        until = max(register, last.get(register, register) if isinstance(made, VIEWS) else 0)
        for used in uses(made):
            last[used] = max(last.get(used, 0), until)
    return last


def needed_by(instructions: list[Instruction], results: list[int]) -> set[int]:
    """The registers that some need, themselves among them."""
    return reachable(lambda register: uses(instructions[register]), results)


def _peak(steps: tuple[Step, ...], registers: list[Register]) -> tuple[int, tuple[str, int]]:
    """The most bytes in use at once, and the largest register's owner."""
    peak = max(in_use(steps, registers), default=0)
    sizes = {step.register: _counted(step, registers) for step in steps}
    largest = max(steps, key=lambda step: sizes[step.register], default=None)
    if largest is None:
        return peak, ("", 0)
    return peak, (registers[largest.register].owner, sizes[largest.register])


def in_use(steps: tuple[Step, ...], registers: Sequence[Register]) -> Iterator[int]:
    """The bytes in use while each step runs. Arrays of a caller do not count; those that the run
    draws do, from before its first step."""
    sizes = {step.register: _counted(step, registers) for step in steps}
    drawn = {s.register for s in steps if isinstance(s.instruction, Load) and s.instruction.drawn}
    now = sum(sizes[register] for register in drawn)
    drawing = now + max((8 * registers[register].size for register in drawn), default=0)
    for step in steps:
        own = registers[step.register]
        now += 0 if step.register in drawn else sizes[step.register]
        yield max(drawing, now + scratch(step.instruction, own, registers))
        now -= sum(sizes[end] for end in step.ends if end not in drawn)
        drawing = 0


def _counted(step: Step, registers: Sequence[Register]) -> int:
    """The bytes that a step's result takes; none for an array that a caller has anyway, nor for a
    view. A loop keeps what its last turn made until it ends."""
    made = step.instruction
    if isinstance(made, Loop):
        return sum(_counted(inner, registers) for inner in made.body)
    given = isinstance(made, Load) and not (made.drawn or made.copied)
    given = given or isinstance(made, Window | Done)
    return 0 if given else bytes_of(registers[step.register])
