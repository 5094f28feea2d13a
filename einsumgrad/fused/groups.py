"""A plan whose elementwise steps and reductions run in nests of loops, as few as possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from einsumgrad.fused.nests import Group, fusable, opened, operands
from einsumgrad.fused.segments import laid
from einsumgrad.plan.nodes import (
    Count,
    Fill,
    Instruction,
    Kernel,
    Load,
    Loop,
    Pair,
    Plan,
    Room,
    Step,
    Store,
    Strips,
)
from einsumgrad.plan.operands import Layout, Nest, Register
from einsumgrad.plan.uses import uses
from einsumgrad.record import record, replace
from einsumgrad.tune.live import live
from einsumgrad.tune.orders import Order, orders
from einsumgrad.tune.strips import apart, filled

LEAVES = (Load, Count, Fill)
"""What needs nothing stands in front, where it keeps nobody apart."""
STACK = 2**17
"""Bytes that a kernel may keep on the stack."""
MOST = 200
"""Steps of a nest: more are compiled too slowly."""


def fused(plan: Plan, *, part: bool = False) -> Plan:
    """The plan with kernels, in loops and strips too. How arrays lie depends on the kernels, and
    their loops on how arrays lie: what a first attempt finds is where the second begins. `part`: it
    is that of a strip, whose products have one core."""
    first = _fused(plan, orders(plan), part=part)
    return _fused(plan, orders(first), part=part)


def _fused(plan: Plan, known: Mapping[int, Order], *, part: bool) -> Plan:
    builder = Builder(plan, known, list(plan.registers), part)
    wanted = {register for _, register in plan.results}
    steps = builder.fused(plan.steps, wanted)
    return live(replace(plan, steps=steps, registers=tuple(builder.registers)))


@record(frozen=False)
class Builder:
    """`registers`: those of the plan, and new ones. `part`: it is a strip's."""

    plan: Plan
    orders: Mapping[int, Order]
    registers: list[Register]
    part: bool

    def fused(self, steps: Sequence[Step], wanted: set[int]) -> tuple[Step, ...]:
        """Steps that run one after another; `wanted`: the registers that others read."""
        slots = self._slots(demanded(self.plan, steps))
        read = [set(uses_of(slot)) for slot in slots]
        made: list[Step] = []
        for place, slot in enumerate(slots):
            outside = wanted.union(*read[:place], *read[place + 1 :])
            if isinstance(slot, Step):
                made.append(self._single(slot, outside))
                continue
            made += self._kernel(slot, [s.register for s in slot.steps if s.register in outside])
        return tuple(made)

    def _single(self, step: Step, wanted: set[int]) -> Step:
        made = step.instruction
        if isinstance(made, Loop):
            return replace(step, instruction=replace(made, body=self.fused(made.body, wanted)))
        if isinstance(made, Strips):
            rest = None if made.rest is None else fused(made.rest, part=True)
            own = fused(made.plan, part=True)
            return replace(step, instruction=replace(made, plan=own, rest=rest))
        if isinstance(made, Pair):
            return replace(step, instruction=replace(made, tiled=True))
        return step

    def _slots(self, steps: Sequence[Step]) -> list[Step | Group]:
        """Each step in the nest that has most of what it reads; else behind all others."""
        slots: list[Step | Group] = []
        place: dict[int, int] = {}
        for number, step in enumerate(steps):
            first = max((place.get(r, 0) for r in uses_of(step)), default=0)
            place[step.register] = len(slots)
            if not fusable(self.plan, step):
                slots.append(step)
                continue
            at = self._best(slots, step, first)
            if at is None:
                slots.append(opened(self.plan, step, steps[number + 1 :][:MOST], self.orders))
            else:
                place[step.register] = at
        return slots

    def _best(self, slots: list[Step | Group], step: Step, first: int) -> int | None:
        """Adds the step to the best group and gives its place; None if there is none."""
        found: tuple[int, int, Group, Layout] | None = None
        for place in range(first, len(slots)):
            slot = slots[place]
            if not isinstance(slot, Group) or len(slot.steps) >= MOST:
                continue
            shared = slot.shared(self.plan, step)
            axes = slot.fits(self.plan, step) if shared or slot.like(self.plan, step) else None
            if axes is not None and not shared and not self._along(slot, step, axes):
                continue
            if axes is not None and (found is None or shared >= found[0]):
                found = shared, place, slot, axes
        if found is None:
            return None
        _, place, group, axes = found
        group.add(self.plan, step, axes)
        return place

    def _along(self, group: Group, step: Step, axes: Layout) -> bool:
        """Whether the innermost loop of a group reads nothing of a step's in leaps."""
        for operand in operands(step.instruction, self.plan):
            variables = [axes[k] for k in operand.layout]
            order = self.orders.get(operand.register, range(len(variables)))
            last = [variables[k] for k in order[-1:]]
            if any(inner in variables and last != [inner] for inner in group.order[-1:]):
                return False
        return True

    def _kernel(self, group: Group, outs: list[int]) -> list[Step]:
        """The kernel with rooms for what others read, which keep the numbers of the registers."""
        plan = apart(self.plan, group.steps, outs)
        takes = tuple(s.register for s in plan.steps if isinstance(s.instruction, Load))
        rooms = [self._new(Room(None, len(self.registers)), self.plan.registers[r]) for r in outs]
        shown = [*((r, group.held[r]) for r in takes)]
        shown += ((room.register, group.held[r]) for room, r in zip(rooms, outs, strict=True))
        nest = Nest(group.sizes, group.order, group.outer, tuple(group.axes.items()), tuple(shown))
        kernel = Kernel(plan, takes, tuple(room.register for room in rooms), nest)
        turns = laid(kernel)
        kernel, needed = replace(kernel, over=turns.over()), turns.scratch()
        if needed > STACK:
            room = Register((needed,), "bool", weak=True, owner=self._owner(group))
            rooms.append(self._new(Room(None, len(self.registers)), room))
            kernel = replace(kernel, scratch=rooms[-1].register)
        token = self._new(kernel, Register((), "int64", weak=True, owner=self._owner(group)))
        done = [
            filled(self.plan, r, room.register, token.register)
            for room, r in zip(rooms, outs, strict=False)
        ]
        return [*rooms, token, *done]

    def _owner(self, group: Group) -> str:
        return self.plan.registers[group.steps[0].register].owner

    def _new(self, made: Instruction, register: Register) -> Step:
        self.registers.append(register)
        return Step(made, len(self.registers) - 1)


def demanded(plan: Plan, steps: Sequence[Step]) -> list[Step]:
    """The steps in an order in which those that can be fused run only when others need them, so
    that they may join those; but before anything is stored that they might see."""
    waiting: dict[int, Step] = {}
    made = [step for step in steps if isinstance(step.instruction, LEAVES)]

    def need(step: Step) -> None:
        stack = [step]
        while stack:
            first = next((r for r in uses_of(stack[-1]) if r in waiting), None)
            if first is None:
                made.append(stack.pop())
            else:
                stack.append(waiting.pop(first))

    for step in steps:
        if isinstance(step.instruction, LEAVES):
            continue
        if fusable(plan, step):
            waiting[step.register] = step
            continue
        while waiting and isinstance(step.instruction, Store | Loop):
            need(waiting.pop(next(iter(waiting))))
        need(step)
    while waiting:
        need(waiting.pop(next(iter(waiting))))
    return made


def uses_of(slot: Step | Group) -> tuple[int, ...]:
    """What a slot reads, of a loop also what the steps in it read."""
    if isinstance(slot, Group):
        return tuple(r for step in slot.steps for r in uses(step.instruction))
    made = slot.instruction
    if isinstance(made, Loop):
        return (*uses(made), *(r for step in made.body for r in uses_of(step)))
    return uses(made)
