"""A plan run in strips: for parts of one axis, mostly the batch, that are so small that what is
between two steps stays in the cache, and that may run side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field

from einsumgrad.plan.nodes import Done, Instruction, Load, Loop, Plan, Room, Step, Strips
from einsumgrad.plan.operands import Register
from einsumgrad.plan.uses import uses
from einsumgrad.record import record, replace
from einsumgrad.tune.classes import classes
from einsumgrad.tune.levels import Cut, cut, cuttable

Length = Callable[[Cut, Plan], int]
"""How many entries of a cut axis a strip has, given what one strip over all of them would run; 0:
it is not worth a cut."""


def cuts(plan: Plan) -> list[Cut]:
    """All ways to cut a plan along one class of axes."""
    found = classes(plan)
    every = (cut(found, axis) for axis in cuttable(found).values())
    return [made for made in every if made is not None and made.parts]


def stripped(plan: Plan, made: Cut, length: Length) -> Plan:
    """The plan with those strips of a cut that are worth it."""
    builder = Builder(made, list(plan.registers))
    for level in range(max((*made.plain, *made.parts)) + 1):
        builder.steps += made.plain.get(level, ())
        steps = tuple(made.parts.get(level, ()))
        if not steps:
            continue
        own = part(plan, made, steps, made.size)
        count = length(made, own)
        if 0 < count < made.size:
            builder.strips(plan, steps, own, count)
        else:
            builder.steps += steps
    return replace(plan, steps=tuple(builder.steps), registers=tuple(builder.registers))


def part(plan: Plan, made: Cut, steps: tuple[Step, ...], count: int) -> Plan:
    """Steps as a plan of their own, for so many entries of the axis."""
    own = {step.register for step in steps}
    elsewhere = _read(tuple(s for s in plan.steps if s.register not in own))
    wanted = elsewhere | {register for _, register in plan.results}
    outs = [
        s.register for s in steps if s.register in wanted and not isinstance(s.instruction, Loop)
    ]
    registers = tuple(
        _shortened(register, made.axis.get(k), count) for k, register in enumerate(plan.registers)
    )
    return replace(apart(plan, steps, outs), registers=registers)


def apart(plan: Plan, steps: Sequence[Step], outs: Sequence[int]) -> Plan:
    """Steps as a plan of their own, its leaves and results named by their registers."""
    own = {step.register for step in steps}
    read = dict.fromkeys(r for step in steps for r in uses(step.instruction) if r not in own)
    loads = (Step(Load(str(r)), r) for r in read)
    return replace(plan, steps=(*loads, *steps), results=tuple((str(r), r) for r in outs))


def filled(plan: Plan, register: int, room: int, by: int) -> Step:
    """A register of the plan as what a room is once a step has filled it."""
    return Step(Done(room, by, ((0, 0),) * len(plan.registers[register].shape)), register)


def _read(steps: tuple[Step, ...]) -> set[int]:
    return {r for step in steps for r in uses(step.instruction)}


def _shortened(register: Register, axis: int | None, count: int) -> Register:
    if axis is None:
        return register
    shape = (*register.shape[:axis], count, *register.shape[axis + 1 :])
    return replace(register, shape=shape)


@record(frozen=False)
class Builder:
    """The steps of a plan with strips, and its registers: those of the plan, and new ones."""

    made: Cut
    registers: list[Register]
    steps: list[Step] = field(default_factory=list)

    def emit(self, instruction: Instruction, register: Register) -> int:
        self.registers.append(register)
        self.steps.append(Step(instruction, len(self.registers) - 1))
        return len(self.registers) - 1

    def strips(self, plan: Plan, steps: tuple[Step, ...], whole: Plan, count: int) -> None:
        """Strips of so many entries; what they give keeps the numbers that it has."""
        axis, size = self.made.axis, self.made.size
        rooms = []
        for _, register in whole.results:
            own = plan.registers[register]
            rooms.append(self.emit(Room(axis.get(register), len(self.registers)), own))
        loads = [s.register for s in whole.steps if isinstance(s.instruction, Load)]
        instruction = Strips(
            part(plan, self.made, steps, count),
            part(plan, self.made, steps, size % count) if size % count else None,
            count, size // count,
            tuple((r, axis.get(r)) for r in loads),
            tuple(
                (room, axis.get(register))
                for room, (_, register) in zip(rooms, whole.results, strict=True)
            ),
        )  # fmt: skip
        token = self.emit(instruction, Register((), "int64", weak=True, owner=""))
        for room, (_, register) in zip(rooms, whole.results, strict=True):
            self.steps.append(filled(plan, register, room, token))
