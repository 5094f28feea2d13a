"""Numbers that are multiplied later than where they stand: by fewer entries, or by other numbers.

`½ u (1 + erf …)` squared and summed, its gradient times 1/B: the numbers pass through products and
sums until two meet, or until a sum has left few entries. Values are as large as before divided by
the number that waits, which has bounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from math import isclose

from einsumgrad.plan.nodes import Arrange, Fold, Instruction, Map, Pair, Plan, Step, Window
from einsumgrad.plan.operands import Constant, Operand
from einsumgrad.plan.uses import uses
from einsumgrad.record import record
from einsumgrad.tune.graph import Graph, again, finished, plainly
from einsumgrad.tune.orders import flat
from einsumgrad.tune.peephole import mapped
from einsumgrad.tune.scales import FLOATS, multiplied

BOUNDS = (2.0**-32, 2.0**32)
"""What waits has an absolute value between these: float32 ends at 2¹²⁸."""
CALL = 2**12
"""Entries that cost as much as a call."""
END = 3
"""How much more a result costs that is multiplied in the end: it is read from memory and copied."""


def carried(plan: Plan) -> Plan:
    """The plan with numbers multiplied where that costs least."""
    barred = set[int]()
    while True:
        found = Carrying(plan, barred)
        bad = found.bad()
        if not bad:
            return found.rewritten() if found.sources else plan
        barred |= bad


@record(frozen=False)
class Carrying:
    """What each register has still to be multiplied by. `barred`: steps that multiply where they
    stand. `sources`: those that do not. `due`: registers that a step reads multiplied, by what.
    `group`: registers that hang together, by one of them."""

    plan: Plan
    barred: set[int]
    factors: dict[int, float] = field(default_factory=dict)
    sources: dict[int, Operand] = field(default_factory=dict)
    due: dict[int, dict[int, float]] = field(default_factory=dict)
    group: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for step in self.plan.steps:
            by = multiplied(step.instruction)
            if by is None or step.register in self.barred or not self._waits(step, *by):
                self._passed(step)

    def bad(self) -> set[int]:
        """Sources of groups that cost more than before."""
        gains: dict[int, int] = {}
        for register in self.sources:
            group = self._of(register)
            gains[group] = gains.get(group, 0) + self._cost(register)
        for register, _ in self._ends():
            gains[self._of(register)] -= END * self._cost(register)
        for register, _ in {pair for due in self.due.values() for pair in due.items()}:
            gains[self._of(register)] -= self._cost(register)
        return {register for register in self.sources if gains[self._of(register)] <= 0}

    def _cost(self, register: int) -> int:
        return self.plan.registers[register].size + CALL

    def _waits(self, step: Step, operand: Operand, value: float) -> bool:
        """Takes a number up, if it is one that may wait."""
        factor = value * self.factors.get(operand.register, 1.0)
        floating = self.plan.registers[step.register].dtype in FLOATS
        if not floating or not within(factor):
            return False
        self.sources[step.register] = operand
        self._holds(step.register, factor, (operand.register,))
        return True

    def _holds(self, register: int, factor: float, read: tuple[int, ...]) -> None:
        self.factors[register] = factor
        for other in read:
            if other in self.factors:
                self.group[self._of(other)] = self._of(register)

    def _of(self, register: int) -> int:
        path = []
        while (above := self.group.get(register, register)) != register:
            path.append(register)
            register = above
        self.group.update(dict.fromkeys(path, register))
        return register

    def _passed(self, step: Step) -> None:
        """What a step gives is multiplied later if it can be, else what it reads is multiplied."""
        read = dict.fromkeys(r for s, _ in flat((step,)) for r in uses(s.instruction))
        held = {r: self.factors[r] for r in read if r in self.factors}
        if not held:
            return
        factor, due = self._through(step.instruction, held)
        if factor != 1 and not within(factor):
            factor, due = 1.0, held
        if due:
            self.due[step.register] = due
        if factor != 1:
            self._holds(step.register, factor, tuple(held))

    def _through(
        self, made: Instruction, held: dict[int, float]
    ) -> tuple[float, dict[int, float]]:  # fmt: skip
        """By what a result is to be multiplied, and before that what is read, by what."""
        match made:
            case Map("multiply", (left, right)) | Pair(left, right):
                return _factor(left, held) * _factor(right, held), {}
            case Map("square", (arg,)):
                return _factor(arg, held) ** 2, {}
            case Map("divide", (above, below)):
                return _factor(above, held) / _factor(below, held), {}
            case Map("negative", (arg,)):
                return _factor(arg, held), {}
            case Fold("sum", operand, mask=None) | Arrange(operand):
                return _factor(operand, held), {}
            case Window(source):
                return held.get(source, 1.0), {}
            case Map("add" | "subtract", (Operand() as left, Operand() as right)):
                return self._added(left.register, right.register, held)
            case _:
                return 1.0, held

    def _added(
        self, left: int, right: int, held: dict[int, float]
    ) -> tuple[float, dict[int, float]]:  # fmt: skip
        """Terms have one factor; of two, the term with fewer entries takes the other's."""
        if left not in held or right not in held:
            return 1.0, held
        less, more = sorted((left, right), key=lambda r: self.plan.registers[r].size)
        same = isclose(held[less], held[more], rel_tol=1e-12)
        ratio = held[less] / held[more]
        if not same and not within(ratio):
            return 1.0, held
        return held[more], {} if same else {less: ratio}

    def rewritten(self) -> Plan:
        graph = Graph(self.plan)
        for step in self.plan.steps:
            source = self.sources.get(step.register)
            if source is not None:
                graph.seen[step.register] = graph.operand(source.register, source.layout)
                continue
            plain = {r: graph.seen[r] for r in self.due.get(step.register, ())}
            self._multiplied(graph, self.due.get(step.register, {}))
            again(graph, step, plainly)
            graph.seen.update(plain)
        self._multiplied(graph, dict(self._ends()))
        return finished(graph)

    def _ends(self) -> Iterator[tuple[int, float]]:
        return ((r, self.factors[r]) for _, r in self.plan.results if r in self.factors)

    def _multiplied(self, graph: Graph, due: dict[int, float]) -> None:
        for register, factor in due.items():
            own = self.plan.registers[register]
            rank = len(own.shape)
            arg = graph.operand(register, tuple(range(rank)))
            times = Map("multiply", (Constant(factor), arg), rank)
            graph.seen[register] = mapped(graph, times, own)


def within(factor: float) -> bool:
    low, high = BOUNDS
    return low <= abs(factor) <= high


def _factor(arg: Constant | Operand, held: dict[int, float]) -> float:
    return 1.0 if isinstance(arg, Constant) else held.get(arg.register, 1.0)
