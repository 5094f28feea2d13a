"""Memory for every register: one block for a call, parts of which are used again and again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from einsumgrad.emit.lives import OWN, Lives, Moment, lives, moments
from einsumgrad.emit.places import Place, laid
from einsumgrad.emit.table import REREADING
from einsumgrad.plan.nodes import Buffer, Map, Operand, Plan, Step
from einsumgrad.tune.orders import Order

ALIGNED = 64


@dataclass(frozen=True, slots=True)
class Homes:
    """`places`: of registers with memory of their own. `results`: those made for the caller, by the
    results' register. `bytes`: the size of the block."""

    places: Mapping[int, Place]
    results: frozenset[int]
    bytes: int


def homes(plan: Plan, orders: Mapping[int, Order]) -> Homes:
    every = moments(plan)
    life = lives(plan, every)
    outer = {m.step.register for m in every if m.depth == 0 and _lasts(m.step)}
    given = frozenset(outer & {life.owner(register) for _, register in plan.results})
    block = Block()
    places: dict[int, Place] = {}
    ends = _ends(life)
    for moment in every:
        step = moment.step
        if isinstance(step.instruction, OWN):
            places[step.register] = _home(plan, step, orders, given, places, block, life, moment)
        for ended in ends.get(moment.time, ()):
            if ended in places and ended not in given:
                block.free(ended)
    return Homes(places, given, block.size)


def _lasts(step: Step) -> bool:
    """Whether a step's memory may be the caller's: a buffer has room around it."""
    return isinstance(step.instruction, OWN) and not isinstance(step.instruction, Buffer)


def _ends(life: Lives) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for register, time in life.until.items():
        found.setdefault(time, []).append(register)
    return found


def _home(
    plan: Plan, step: Step, orders: Mapping[int, Order], given: frozenset[int],
    places: Mapping[int, Place], block: Block, life: Lives, moment: Moment,
) -> Place:  # fmt: skip
    own, register = plan.registers[step.register], step.register
    order = orders.get(register)
    if register in given:
        return laid(f"o{register}", 0, own.shape, order, own.dtype)
    plain = laid("s", 0, own.shape, order, own.dtype)
    taken = _taken_over(step, plain, places, life, moment, given)
    if taken is not None:
        block.move(taken, register)
        return places[taken]
    return laid("s", block.take(plain.nbytes, register), own.shape, order, own.dtype)


def _taken_over(
    step: Step, plain: Place, places: Mapping[int, Place], life: Lives, moment: Moment,
    given: frozenset[int],
) -> int | None:  # fmt: skip
    """An operand that ends here and lies just as the result does: its memory is the result's."""
    made = step.instruction
    if not isinstance(made, Map) or made.function in REREADING:
        return None
    for arg in made.args:
        if not isinstance(arg, Operand) or arg.layout != tuple(range(made.rank)):
            continue
        place = places.get(arg.register)
        if place is None or arg.register in given or life.until[arg.register] != moment.time:
            continue
        if (place.shape, place.strides, place.dtype) == (plain.shape, plain.strides, plain.dtype):
            return arg.register
    return None


@dataclass(slots=True)
class Block:
    """Parts of one block of bytes, the free ones in order."""

    size: int = 0
    spare: list[tuple[int, int]] = field(default_factory=list)
    held: dict[int, tuple[int, int]] = field(default_factory=dict)

    def take(self, count: int, register: int) -> int:
        """The smallest part that is large enough."""
        count = max(ALIGNED, -(-count // ALIGNED) * ALIGNED)
        fitting = [part for part in self.spare if part[1] >= count]
        if not fitting and self.spare and sum(self.spare[-1]) == self.size:
            fitting = [self.spare[-1]]  # grow the last one
            self.size = fitting[0][0] + count
        if not fitting:
            fitting = [(self.size, count)]
            self.spare.append(fitting[0])
            self.size += count
        part = min(fitting, key=lambda p: p[1])
        self.spare.remove(part)
        if part[1] > count:
            self.spare.append((part[0] + count, part[1] - count))
            self.spare.sort()
        self.held[register] = (part[0], count)
        return part[0]

    def move(self, register: int, to: int) -> None:
        self.held[to] = self.held.pop(register)

    def free(self, register: int) -> None:
        part = self.held.pop(register, None)
        if part is None:
            return
        self.spare.append(part)
        self.spare.sort()
        joined: list[tuple[int, int]] = []
        for start, count in self.spare:
            if joined and sum(joined[-1]) == start:
                joined[-1] = (joined[-1][0], joined[-1][1] + count)
            else:
                joined.append((start, count))
        self.spare = joined
