"""Which memory each register has: its own, another's, a caller's; and from when until when."""

from __future__ import annotations

from dataclasses import field

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
    OverlapAdd,
    Pad,
    Pair,
    Plan,
    Room,
    Step,
    Window,
)
from einsumgrad.plan.uses import uses
from einsumgrad.record import record
from einsumgrad.tune.orders import flat

OWN = (Map, Cast, Pair, Fold, Pad, Buffer, Room, OverlapAdd)
"""Instructions that write into memory that is kept from call to call."""
VIEWS = (Arrange, Window, Done, Guard)
"""Instructions that show another register's memory."""


@record
class Moment:
    """A step and its place in time; a loop's own step comes after those in it."""

    step: Step
    time: int
    depth: int


def moments(plan: Plan) -> tuple[Moment, ...]:
    """All steps in the order in which they begin to run, those of loops before the loop."""
    return tuple(Moment(step, time, depth) for time, (step, depth) in enumerate(flat(plan.steps)))


@record(frozen=False)
class Lives:
    """`until`: for each register that has memory the last time at which it is read, by itself or
    through a view. `source`: the register whose memory a view shows."""

    until: dict[int, int] = field(default_factory=dict)
    source: dict[int, int] = field(default_factory=dict)

    def owner(self, register: int) -> int:
        while register in self.source:
            register = self.source[register]
        return register


def lives(plan: Plan, every: tuple[Moment, ...]) -> Lives:
    """The lives of all registers, the moments being those of the plan."""
    found = Lives()
    for moment in every:
        made = moment.step.instruction
        if isinstance(made, VIEWS):
            found.source[moment.step.register] = shown(made)
    for moment in every:
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
    steps = list(flat(loop.body))
    inner = {step.register for step, _ in steps}
    for step, _ in steps:
        for used in uses(step.instruction):
            if found.owner(used) not in inner:
                _extend(found, used, time)
