"""When registers end, how much memory is in use at most, and which tensor needs most of it."""

from __future__ import annotations

import dataclasses

import numpy as np

from einsumgrad.plan.builder import Builder
from einsumgrad.plan.nodes import Instruction, Load, Operand, Plan, Register, Step


def finish(builder: Builder, results: tuple[tuple[str, int], ...]) -> Plan:
    """The plan of all instructions that the results need."""
    needed = _needed(builder.instructions, [register for _, register in results])
    order = [r for r in range(len(builder.registers)) if r in needed]
    last: dict[int, int] = {}
    for register in order:
        for used in uses(builder.instructions[register]):
            last[used] = register
    kept = {register for _, register in results}
    ends: dict[int, list[int]] = {}
    for used, at in last.items():
        if used not in kept:
            ends.setdefault(at, []).append(used)
    steps = tuple(Step(builder.instructions[r], r, tuple(ends.get(r, ()))) for r in order)
    peak, largest = _peak(steps, builder.registers)
    return Plan(steps, tuple(builder.registers), results, peak, largest, builder.flops)


def uses(instruction: Instruction) -> tuple[int, ...]:
    """The registers that an instruction reads."""
    found: list[int] = []
    for name in ("operand", "source", "into", "result"):
        value = getattr(instruction, name, None)
        if isinstance(value, int):
            found.append(value)
    found += [o.register for o in _operands(instruction) if o.register >= 0]
    return tuple(found)


def _operands(instruction: Instruction) -> list[Operand]:
    found: list[Operand] = []
    for f in dataclasses.fields(instruction):
        value = getattr(instruction, f.name)
        parts = value if isinstance(value, tuple) else (value,)
        for part in parts:
            place = getattr(part, "place", part)
            if isinstance(place, Operand):
                found.append(place)
    return found


def _needed(instructions: list[Instruction], results: list[int]) -> set[int]:
    needed, left = set(results), list(results)
    while left:
        for used in uses(instructions[left.pop()]):
            if used not in needed:
                needed.add(used)
                left.append(used)
    return needed


def bytes_of(register: Register) -> int:
    return register.size * np.dtype(register.dtype).itemsize


def _peak(steps: tuple[Step, ...], registers: list[Register]) -> tuple[int, tuple[str, int]]:
    """The most bytes in use at once, leaves not counted, and the largest register's owner."""
    now = peak = 0
    largest = ("", 0)
    counted: dict[int, int] = {}
    for step in steps:
        if isinstance(step.instruction, Load):
            continue
        register = registers[step.register]
        counted[step.register] = bytes_of(register)
        now += counted[step.register]
        peak = max(peak, now)
        largest = max(largest, (register.owner, counted[step.register]), key=lambda pair: pair[1])
        now -= sum(counted.pop(end, 0) for end in step.ends)
    return peak, largest
