"""Plan → Plan: what `stop` reads held fixed, and floating numbers made complex."""

from __future__ import annotations

from einsumgrad.plan.nodes import Cast, Instruction, Load, Map, Plan, Step
from einsumgrad.plan.operands import Operand, Register
from einsumgrad.plan.scratch import bytes_of
from einsumgrad.record import replace

COMPLEX = "complex128"


def stops(plan: Plan) -> tuple[tuple[str, int], ...]:
    """A name and the register for every `stop`."""
    return tuple((f"stop {s.register}", s.register) for s in plan.steps if _stopped(s))


def with_stops(plan: Plan) -> Plan:
    """The plan that also returns what every `stop` reads."""
    held = stops(plan)
    kept = {register for _, register in held}
    steps = (replace(s, ends=tuple(r for r in s.ends if r not in kept)) for s in plan.steps)
    return replace(plan, steps=tuple(steps), results=(*plan.results, *held))


def frozen(plan: Plan) -> Plan:
    """The plan that takes what every `stop` reads as given, so that no change goes through it."""
    names = {register: name for name, register in stops(plan)}
    steps = tuple(
        replace(s, instruction=Load(names[s.register])) if s.register in names else s
        for s in plan.steps
    )
    return replace(plan, steps=steps)


def widened(plan: Plan) -> Plan:
    """The plan on complex numbers."""
    registers = tuple(_widened(register) for register in plan.registers)
    steps = tuple(_complex(step, plan.registers) for step in plan.steps)
    loaded = (registers[s.register] for s in steps if isinstance(s.instruction, Load))
    peak = 2 * plan.peak_bytes + sum(bytes_of(register) for register in loaded)
    return replace(plan, steps=steps, registers=registers, peak_bytes=peak)


def _stopped(step: Step) -> bool:
    return isinstance(step.instruction, Map) and step.instruction.function == "stop"


def _widened(register: Register) -> Register:
    return replace(register, dtype=COMPLEX) if register.dtype[:1] == "f" else register


def _complex(step: Step, registers: tuple[Register, ...]) -> Step:
    made: Instruction = step.instruction
    if isinstance(made, Cast):
        rank = len(registers[made.operand].shape)
        whole = Map("whole", (Operand(made.operand, tuple(range(rank))),), rank)
        made = Cast(made.operand, COMPLEX) if made.dtype[:1] == "f" else whole
    return replace(step, instruction=made)
