"""In which order each register's axes lie in memory, so that few steps have to turn one around.

An order lists axes, outermost first. Consumers vote for the orders of what they read, the largest
first, from the last step back; then every step takes the order that it can make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from itertools import pairwise
from math import prod

from einsumgrad.plan.nodes import (
    Arrange,
    Buffer,
    Cast,
    Done,
    Fold,
    Instruction,
    Kernel,
    Load,
    Loop,
    Map,
    OverlapAdd,
    Pair,
    Plan,
    Room,
    Step,
    Store,
    Window,
)
from einsumgrad.plan.operands import Arg, Layout, Operand, lengths
from einsumgrad.record import record

Order = tuple[int, ...]
FEW, WIDE, DEEP, LOST = 64, 4, 128, 0.015
"""OpenBLAS makes float32 matrices of few rows and many columns, from long sums, slower than their
transposes: at 32×12544×144 with 16 instead of 31 GF/s, at 32×144×784 with 26 instead of 33 (AVX2,
one thread). That much a multiplication loses, in ns."""
TURNED = 0.3
"""What it costs in ns, for each entry, that a neighbour of an axis is not the one wished for."""


def orders(plan: Plan) -> Mapping[int, Order]:
    """The order of every register that is not laid out plainly."""
    leaves = {s.register for s in plan.steps if isinstance(s.instruction, Load)}
    ballot = Ballot(plan, leaves=leaves)
    for _, register in plan.results:
        ballot.vote(register, plain(len(plan.registers[register].shape)), 2)
    steps = [step for step, _ in flat(plan.steps)]
    for step in reversed(steps):
        ballot.ask(step)
    return {step.register: order for step in steps if (order := ballot.decide(step)) is not None}


def flat(steps: tuple[Step, ...], depth: int = 0) -> Iterator[tuple[Step, int]]:
    """All steps with the number of loops around them, those of a loop before the loop itself."""
    for step in steps:
        if isinstance(step.instruction, Loop):
            yield from flat(step.instruction.body, depth + 1)
        yield step, depth


def plain(rank: int) -> Order:
    return tuple(range(rank))


@record(frozen=False)
class Ballot:
    """Votes for orders by register, weighed by entries, and the orders that were decided. `leaves`:
    registers of a caller's arrays. `turning`: axes along which a loop steps: what it sees in a turn
    should be together."""

    plan: Plan
    votes: dict[int, dict[Order, int]] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    leaves: set[int] = field(default_factory=set)
    turning: dict[int, set[int]] = field(default_factory=dict)

    def vote(self, register: int, order: Order, weight: int) -> None:
        held = self.votes.setdefault(register, {})
        size = max(1, self.plan.registers[register].size)
        held[order] = held.get(order, 0) + weight * size

    def wish(self, register: int) -> Order | None:
        """The order with most votes; of several the plain one, as leaves and results have it."""
        held = self.votes.get(register)
        if not held:
            return None
        return max(held, key=lambda order: (held[order], order == plain(len(order))))

    def _wished(self, register: int) -> Order:
        return self.wish(register) or plain(len(self.plan.registers[register].shape))

    def ask(self, step: Step) -> None:
        """A step's votes on its operands."""
        made = step.instruction
        fixed = self._fixed(made.args, made.rank) if isinstance(made, Map) else None
        if fixed is not None:
            self.vote(step.register, fixed, 1)
        wish = self.wish(step.register)
        match made:
            case Map(_, args, _):
                for arg in args if wish is not None else ():
                    if isinstance(arg, Operand) and wish is not None:
                        self.through(step.register, arg, wish)
            case Cast(operand) if wish is not None:
                self.through(step.register, Operand(operand, plain(len(wish))), wish)
            case Arrange(operand, _) if wish is not None:
                self.through(step.register, operand, wish)
            case Kernel(nest=nest):
                for register, held in nest.held:
                    self.vote(register, along(held, nest.order), 3)
            case Window():
                self.window(made, wish)
            case OverlapAdd(into, value) if wish is not None:
                self.vote(into, wish, 2)
                if (steps := single(made)) is not None:
                    space = tuple(steps[k] for k in wish)
                    self.vote(value.register, along(value.layout, space), 2)
            case Store(into, value, places):
                kept = [axis for axis in self._wished(into) if axis not in dict(places)]
                inner = sorted(kept)
                space = tuple(inner.index(axis) for axis in kept)
                self.vote(value.register, along(value.layout, space), 2)
            case Pair():
                both, rows, columns, summed = made.parts
                for operand, own in ((made.left, rows), (made.right, columns)):
                    for order in ((*both, *own, *summed), (*both, *summed, *own)):
                        self.vote(operand.register, along(operand.layout, order), 1)
            case _:
                pass

    def window(self, made: Window, wish: Order | None) -> None:
        turned = [k for k, walk in enumerate(made.walks) if walk.moving]
        still = [k for k, walk in enumerate(made.walks) if not walk.moving]
        steps = single(made)
        if turned:
            self.vote(made.source, (*turned, *still), 3)
            self.turning.setdefault(made.source, set()).update(turned)
        elif wish is not None and steps is not None:
            self.vote(made.source, along(steps, wish), 2)

    def through(self, register: int, operand: Operand, wish: Order) -> None:
        """What is wished of a register is wished of what it is made of, entry by entry."""
        self.vote(operand.register, along(operand.layout, wish), 2)
        turned = {a for a, k in enumerate(operand.layout) if k in self.turning.get(register, ())}
        self.turning.setdefault(operand.register, set()).update(turned)

    def decide(self, step: Step) -> Order | None:
        """The order that a step makes, None for a plain one."""
        turning = self.turning.get(step.register, set())
        found = self._made(step.instruction, self.wish(step.register), turning)
        if found is None or found == plain(len(found)):
            return None
        self.orders[step.register] = found
        return found

    def _made(self, made: Instruction, wish: Order | None, turning: set[int]) -> Order | None:
        match made:
            case Map(_, args, rank):
                return (
                    wish
                    or self._fixed(args, rank)
                    or self._largest([a for a in args if isinstance(a, Operand)])
                )
            case Cast(operand):
                return wish or self.orders.get(operand)
            case Fold(function) if not function.startswith("arg"):
                kept = [k for k in self._space(made.operand) if k not in made.axes]
                left = sorted(kept)
                return tuple(left.index(k) for k in kept)
            case Pair():
                return self._product(made, wish, turning)
            case Room(None) | Buffer():
                return wish
            case OverlapAdd(into):
                return self.orders.get(into, wish)
            case Done(source):
                return self.orders.get(source)
            case Arrange(operand, rank) if len(operand.layout) == rank:
                return self._space(operand)
            case Window(source, walks, rank):
                held = self.orders.get(source) or plain(len(walks))
                axes = tuple(k for axis in held for k, _ in walks[axis].steps)
                alone = max((len(walk.steps) for walk in walks), default=0) <= 1
                return axes if alone and sorted(axes) == list(range(rank)) else None
            case _:
                return None

    def _fixed(self, args: tuple[Arg, ...], rank: int) -> Order | None:
        """The order of a leaf over the whole space: a caller has laid it out."""
        found = (
            a.layout
            for a in args
            if isinstance(a, Operand) and a.register in self.leaves and len(a.layout) == rank
        )
        return next(found, None)

    def _largest(self, operands: list[Operand]) -> Order | None:
        if not operands:
            return None
        largest = max(operands, key=lambda o: self.plan.registers[o.register].size)
        found = self._space(largest)
        rest = {k for o in operands for k in o.layout} - set(found)
        return (*sorted(rest), *found) if rest else found

    def _space(self, operand: Operand) -> Order:
        """The axes of the space in the order in which an operand has them in memory."""
        own = self.orders.get(operand.register) or plain(len(operand.layout))
        return tuple(operand.layout[k] for k in own)

    def _product(self, made: Pair, wish: Order | None, turning: set[int]) -> Order:
        """Rows before columns or after them; axes of a kind in the order of their operand."""
        both, rows, columns, _ = made.parts
        left = [k for k in self._space(made.left) if k in rows]
        right = [k for k in self._space(made.right) if k in columns]
        stack = [k for k in self._space(made.left) if k in both]
        ways = [
            tuple(made.out.index(k) for k in (*stack, *first, *second))
            for first, second in ((left, right), (right, left))
        ]
        found = lengths((made.left, made.right), self.plan.registers)
        first, second, summed = (
            prod(found[k] for k in part) for part in (rows, columns, made.parts[3])
        )
        slow = self._slow(made, first, second, summed), self._slow(made, second, first, summed)
        entries = prod(found[k] for k in made.out)
        missed = [0 if wish is None else _apart(way, wish) for way in ways]
        leaps = [3 * len(turning.intersection(way[-1:])) for way in ways]
        turned = [(m + n) * entries * TURNED for m, n in zip(missed, leaps, strict=True)]
        return ways[turned[0] + slow[0] > turned[1] + slow[1]]

    def _slow(self, made: Pair, rows: int, columns: int, summed: int) -> float:
        """What a product costs more than its transpose, in ns."""
        single = self.plan.registers[made.left.register].dtype == "float32"
        wide = rows <= FEW and columns >= WIDE * rows and summed > DEEP
        return LOST * rows * columns * summed if single and wide else 0.0


def single(made: Window | OverlapAdd) -> Layout | None:
    """The axis of the space that walks along each axis of a register, if each one does so alone."""
    if any(len(walk.steps) != 1 or walk.moving for walk in made.walks):
        return None
    axes = tuple(walk.steps[0][0] for walk in made.walks)
    return axes if sorted(axes) == list(range(made.rank)) else None


def along(layout: Layout, space: Order) -> Order:
    """An operand's axes in the order in which a space has them."""
    return tuple(sorted(range(len(layout)), key=lambda axis: space.index(layout[axis])))


def _apart(way: Order, wish: Order) -> int:
    """How many neighbours of a way are not neighbours in the wish, the innermost counting most."""
    pairs = set(pairwise(wish))
    missed = sum(pair not in pairs for pair in pairwise(way))
    return 2 * missed + (3 if way[-1:] != wish[-1:] else 0)
