"""What the turns of a loop share, made ready before it: matrices that lie as BLAS takes them
fastest."""

from __future__ import annotations

from dataclasses import field

from einsumgrad.plan.nodes import Arrange, Loop, Pad, Pair, Plan, Step
from einsumgrad.plan.operands import Operand, Register
from einsumgrad.record import record, replace
from einsumgrad.tune.orders import flat

FEWEST = 4
"""Turns from which on a matrix is copied before them: BLAS takes twice as long for one of 128 rows
whose transpose lies in memory, about as long as the copy takes."""


def readied(plan: Plan) -> Plan:
    """The plan with second matrices of products in loops copied so that rows are summed."""
    made = Preparing(list(plan.registers))
    steps = tuple(step for whole in plan.steps for step in made.step(whole))
    return replace(plan, steps=steps, registers=tuple(made.registers))


@record(frozen=False)
class Preparing:
    """The registers so far; what is made before the loop that is being looked at; the copies that
    it has."""

    registers: list[Register]
    before: list[Step] = field(default_factory=list)
    copies: dict[int, int] = field(default_factory=dict)

    def step(self, step: Step) -> list[Step]:
        """A step, behind what is made ready for it."""
        made = step.instruction
        if not isinstance(made, Loop) or made.count < FEWEST:
            return [step]
        self.before, self.copies = [], {}
        own = {inner.register for inner, _ in flat((step,))} | {made.variable}
        found = replace(step, instruction=self._loop(made, own))
        return [*self.before, found]

    def _loop(self, made: Loop, own: set[int]) -> Loop:
        return replace(made, body=tuple(self._inner(step, own) for step in made.body))

    def _inner(self, step: Step, own: set[int]) -> Step:
        made = step.instruction
        if isinstance(made, Loop):
            return replace(step, instruction=self._loop(made, own))
        if not isinstance(made, Pair):
            return step
        left, right = (self._side(made, side, own) for side in (made.left, made.right))
        return replace(step, instruction=replace(made, left=left, right=right))

    def _side(self, made: Pair, side: Operand, own: set[int]) -> Operand:
        """An operand of two axes from outside the loops, of which the first one stays."""
        shape = self.registers[side.register].shape
        turned = len(shape) == 2 and side.layout[0] in made.out and side.layout[1] not in made.out
        if side.register in own or not turned or made.dots or side.layout[0] in made.parts[0]:
            return side
        return Operand(self._copy(side.register), side.layout[::-1])

    def _copy(self, register: int) -> int:
        if register not in self.copies:
            given = self.registers[register]
            own = replace(given, shape=given.shape[::-1])
            view = self._made(Arrange(Operand(register, (1, 0)), 2), own)
            self.copies[register] = self._made(Pad(view, ((0, 0), (0, 0)), 0.0), own)
        return self.copies[register]

    def _made(self, instruction: Arrange | Pad, register: Register) -> int:
        number = len(self.registers)
        self.registers.append(register)
        self.before.append(Step(instruction, number))
        return number
