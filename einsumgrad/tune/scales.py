"""A number that several results are multiplied by, taken once where all of them come from.

The gradients of parameters are means over the batch: each is multiplied by 1/B. All of them depend
linearly on what the loss begins the backward pass with, and often nothing else does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from math import isclose

from einsumgrad.plan.nodes import (
    Arrange,
    Fill,
    Fold,
    Guard,
    Instruction,
    Map,
    OverlapAdd,
    Pair,
    Plan,
    Scatter,
    Step,
    Window,
)
from einsumgrad.plan.operands import Constant, Operand
from einsumgrad.plan.uses import uses
from einsumgrad.record import record
from einsumgrad.tune.graph import Graph, again, finished, plainly
from einsumgrad.tune.orders import flat
from einsumgrad.tune.peephole import mapped

FLOATS = ("float32", "float64")


def scaled(plan: Plan) -> Plan:
    """The plan with numbers taken where they multiply fewest entries."""
    return Scaling(plan).plan_made()


def multiplied(made: Instruction) -> tuple[Operand, float] | None:
    """What an instruction multiplies by a number, and the number."""
    match made:
        case Map(
            "multiply", (Constant(value), Operand() as arg) | (Operand() as arg, Constant(value))
        ):
            return (arg, value) if value and len(arg.layout) == made.rank else None
        case _:
            return None


def linear(made: Instruction, around: Mapping[int, Step]) -> tuple[tuple[int, ...], ...]:
    """Ways to multiply a result by a number: each names the registers that are multiplied by it
    instead. `around`: the steps that made what it reads."""
    read = uses(made)
    if len(set(read)) < len(read):
        return ()
    match made:
        case Pair(left, right):
            return ((left.register,), (right.register,))
        case Map("multiply", (Operand() as one, Operand() as other)):
            return ((one.register,), (other.register,))
        case Map("add" | "subtract", (Operand(), Operand())):
            return (read,)
        case Map("negative") | Fold("sum", mask=None) | Arrange() | Window():
            return (read,)
        case Map("divide", (Operand(register), _)):
            return ((register,),)
        case Map("select", (_, Operand(register), Constant(0.0))):
            return ((register,),)
        case Guard(result, args):
            return tuple((result, arg.register) for arg in args)
        case Scatter(into, value, function="add") | OverlapAdd(into, value, function="add"):
            zero = into in around and around[into].instruction == Fill(0.0)
            return ((value.register,),) if zero else ()
        case _:
            return ()


@record(frozen=False)
class Scaling:
    """Numbers to be taken once. `made`: the steps outside loops. `factors`: of each register what
    all that is made of it is multiplied by. `moved`: registers to be multiplied by that; `sources`:
    those of them where it is to be done; `come`: where it comes from for the others. `gone`:
    instructions that multiply no more."""

    plan: Plan
    made: dict[int, Step] = field(default_factory=dict)
    factors: dict[int, float] = field(default_factory=dict)
    moved: set[int] = field(default_factory=set)
    sources: set[int] = field(default_factory=set)
    gone: dict[int, tuple[Operand, float]] = field(default_factory=dict)
    come: dict[int, tuple[int, ...]] = field(default_factory=dict)

    def plan_made(self) -> Plan:
        self.made = {step.register: step for step in self.plan.steps}
        self._look()
        for step in self.plan.steps:
            by = multiplied(step.instruction)
            if by is not None and by[0].register in self.factors:
                self.gone[step.register] = by
                self._demand(by[0].register)
        groups = self._groups()
        while bad := [g for g in groups if not (self._gains(g) and self._agrees(g))]:
            groups = [group for group in groups if group not in bad]
            for group in bad:
                self.moved -= group
                self.sources -= group
                self.gone = {r: by for r, by in self.gone.items() if by[0].register not in group}
        return self._rewritten() if self.gone and self._right() else self.plan

    def _look(self) -> None:
        """The factor of every register of floating numbers that all its readers agree on."""
        asked: dict[int, set[float]] = {r: {1.0} for _, r in self.plan.results}
        for step in reversed(self.plan.steps):
            own = asked.get(step.register, {1.0})
            dtype = self.plan.registers[step.register].dtype
            factor = own.pop() if len(own) == 1 and dtype in FLOATS else 1.0
            if factor != 1:
                self.factors[step.register] = factor
            for register, wanted in self._asks(step, factor):
                known = asked.setdefault(register, set())
                if not any(isclose(wanted, other, rel_tol=1e-12) for other in known):
                    known.add(wanted)

    def _asks(self, step: Step, factor: float) -> list[tuple[int, float]]:
        """By what a step could take its operands multiplied."""
        by = multiplied(step.instruction)
        if by is not None:
            return [(by[0].register, abs(by[1]) * factor)]
        passing = {r for way in linear(step.instruction, self.made) for r in way}
        every = (r for one, _ in flat((step,)) for r in uses(one.instruction))
        return [(r, factor if r in passing else 1.0) for r in every]

    def _ways(self, register: int) -> list[tuple[int, ...]]:
        """What may be multiplied instead of a register."""
        made = self.made[register].instruction
        by = multiplied(made)
        ways = linear(made, self.made) if by is None else ((by[0].register,),)
        return [way for way in ways if self.factors.keys() >= set(way)]

    def _demand(self, register: int) -> None:
        """Moves the number up from a register as far as it goes."""
        waiting = [register]
        while waiting:
            at = waiting.pop()
            if at in self.moved:
                continue
            self.moved.add(at)
            ways = self._ways(at)
            self.come[at] = max(ways, key=self._far) if ways else ()
            if not ways:
                self.sources.add(at)
            waiting += self.come[at]

    def _far(self, way: tuple[int, ...]) -> tuple[bool, bool]:
        """Better where it is moved already, or goes on from there."""
        return self.moved.issuperset(way), all(self._ways(register) for register in way)

    def _groups(self) -> list[set[int]]:
        """Moved registers that hang together."""
        groups = {register: {register} for register in self.moved}
        for register in self.moved:
            for other in self.come[register]:
                less, more = sorted((groups[register], groups[other]), key=len)
                if less is not more:
                    more |= less
                    groups.update(dict.fromkeys(less, more))
        return list({id(group): group for group in groups.values()}.values())

    def _gains(self, group: set[int]) -> bool:
        """Whether fewer instructions multiply fewer entries."""
        less = [r for r, by in self.gone.items() if by[0].register in group]
        more = [r for r in self.sources & group if multiplied(self.made[r].instruction) is None]
        before, after = (
            sum(self.plan.registers[r].size for r in registers) for registers in (less, more)
        )
        return len(more) < len(less) and after <= before

    def _agrees(self, group: set[int]) -> bool:
        """Whether the factors are those of results that are multiplied, or are not."""
        for register, (operand, value) in self.gone.items():
            if operand.register in group:
                own = self.factors[register] if register in self.moved else 1.0
                if not isclose(self.factors[operand.register], abs(value) * own, rel_tol=1e-12):
                    return False
        return True

    def _right(self) -> bool:
        """Whether all that is read of moved registers is multiplied just once."""
        for register, step in self.made.items():
            touched = self.moved.intersection(uses(step.instruction))
            passes = register in self.moved and register not in self.sources
            if register in self.gone:
                if self.gone[register][0].register not in self.moved:
                    return False
                continue
            ways = linear(step.instruction, self.made)
            times = sum(self.moved.issuperset(way) for way in ways)
            if times != passes or (touched and not passes):
                return False
        return True

    def _rewritten(self) -> Plan:
        graph = Graph(self.plan)
        for step in self.plan.steps:
            own, register = self.plan.registers[step.register], step.register
            if register in self.gone:
                operand, value = self.gone[register]
                arg = graph.operand(operand.register, operand.layout)
                negative = Map("negative", (arg,), len(own.shape))
                graph.seen[register] = arg if value > 0 else mapped(graph, negative, own)
                continue
            again(graph, step, plainly)
            if register in self.sources:
                arg = graph.operand(register, tuple(range(len(own.shape))))
                times = Map("multiply", (Constant(self.factors[register]), arg), len(own.shape))
                graph.seen[register] = mapped(graph, times, own)
        return finished(graph)
