"""Which memory each register has: its own, another's, a caller's; and from when until when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from einsumgrad.plan.nodes import (
    Arrange,
    Buffer,
    Cast,
    Done,
    Fold,
    Guard,
    Instruction,
    Loop,
    Map,
    Pad,
    Pair,
    Plan,
    Step,
    Window,
)
from einsumgrad.plan.uses import uses

OWN = (Map, Cast, Pair, Fold, Pad, Buffer)
"""Instructions that write into memory that is kept from call to call."""
VIEWS = (Arrange, Window, Done, Guard)
"""Instructions that show another register's memory."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A step and its place in time; a loop's own step comes after those in it."""

    step: Step
    time: int
    depth: int


def moments(plan: Plan) -> tuple[Moment, ...]:
    """All steps in the order in which they begin to run, those of loops before the loop."""
    steps = list(_flat(plan.steps, 0))
    return tuple(Moment(step, time, depth) for time, (step, depth) in enumerate(steps))


def _flat(steps: tuple[Step, ...], depth: int) -> Iterator[tuple[Step, int]]:
    for step in steps:
        if isinstance(step.instruction, Loop):
            yield from _flat(step.instruction.body, depth + 1)
        yield step, depth


@dataclass(slots=True)
class Lives:
    """`until`: for each register that has memory the last time at which it is read, by itself or
    through a view. `source`: the register whose memory a view shows."""

    until: dict[int, int] = field(default_factory=dict)
    source: dict[int, int] = field(default_factory=dict)
    begun: dict[int, int] = field(default_factory=dict)

    def owner(self, register: int) -> int:
        while register in self.source:
            register = self.source[register]
        return register


def lives(plan: Plan) -> Lives:
    found = Lives()
    every = moments(plan)
    for moment in every:
        made = moment.step.instruction
        if isinstance(made, VIEWS):
            found.source[moment.step.register] = shown(made)
    for moment in every:
        register = moment.step.register
        found.begun.setdefault(register, moment.time)
        for used in uses(moment.step.instruction):
            _extend(found, used, moment.time)
        if isinstance(moment.step.instruction, Loop):
            _keep(found, moment.step.instruction, moment.time)
    for _, register in plan.results:
        _extend(found, register, len(every))
    return found


def shown(made: Instruction) -> int:
    """The register that a view shows."""
    match made:
        case Arrange(operand, _):
            return operand.register
        case Window(source) | Done(source):
            return source
        case Guard(result):
            return result
        case _:
            raise AssertionError(made)


def _extend(found: Lives, register: int, time: int) -> None:
    owner = found.owner(register)
    found.until[owner] = max(found.until.get(owner, time), time)


def _keep(found: Lives, loop: Loop, time: int) -> None:
    """What a loop reads from outside is there until it ends; so are its buffers."""
    inner = {step.register for step, _ in _flat(loop.body, 0)}
    for step, _ in _flat(loop.body, 0):
        for used in uses(step.instruction):
            if found.owner(used) not in inner:
                _extend(found, used, time)
