"""Whether a plan gains by strips that several workers share, by an estimate of its time.

The rates are rough ones of a current core: what counts is which of two ways takes longer. A strip
is the shorter the less of what lies between its steps fits into the cache."""

from __future__ import annotations

import math
from collections.abc import Iterable

from einsumgrad.fused.nests import fusable
from einsumgrad.plan.counts import flops, multiplications
from einsumgrad.plan.nodes import (
    Arrange,
    Count,
    Fill,
    Gather,
    Load,
    Loop,
    Map,
    OverlapAdd,
    Pair,
    Plan,
    Scatter,
    Step,
    Store,
    Variable,
    Window,
)
from einsumgrad.plan.scratch import bytes_of
from einsumgrad.plan.uses import uses
from einsumgrad.record import record
from einsumgrad.tune.bodies import HARD_ONES, turns
from einsumgrad.tune.levels import Cut
from einsumgrad.tune.strips import cuts, stripped

PRODUCT, ENTRY, HARD, PLACED = 5.7e-11, 2e-10, 1e-9, 5e-9
"""Seconds for a multiplication of a product, for an entry of a simple function, of a hard one, and
of one that is read or written at a position."""
SLOW = HARD_ONES | {"gelu", "silu", "twice cdf", "exp below"}
LARGE = 2**21
"""Multiplications in a product from which on a loop is not compiled: shared by the cores it is
faster in spite of its call."""
CALL, WAITING, SHARING = 1.2e-6, 2, 5e-4
"""Seconds for a call of NumPy; how much more it takes where threads wait for the interpreter, which
only one of them has at a time; seconds for work to reach another thread and to come back."""
CACHE, NEAR, FAR = 2**20, 3e-11, 1e-10
"""Bytes of a core's cache; seconds a byte within it and from beyond."""
BLAS_GAIN = 0.65
"""How well a library of products uses more than one core at these sizes."""


def shared(plan: Plan, workers: int) -> Plan:
    """The plan with the strips that gain most for so many workers, or as it is."""
    if workers < 2:
        return plan
    whole = costs(plan, plan.steps)
    best, time = None, whole.alone(workers)
    for made in cuts(plan):
        length, found = _best(plan, made, workers)
        if found < 0.9 * time:
            best, time = (made, length), found
    if best is None:
        return plan
    cut, length = best
    return stripped(plan, cut, lambda _cut, own: length if _heavy(own, workers) else 0)


def _heavy(own: Plan, workers: int) -> bool:
    """Whether one level's strips alone are worth the sharing."""
    found = costs(own, own.steps)
    return found.alone(1) * (1 - 1 / workers) > SHARING


def _best(plan: Plan, made: Cut, workers: int) -> tuple[int, float]:
    """The length of a strip that takes least time, and the time."""
    levels = [costs(plan, steps) for steps in made.parts.values()]
    plain = costs(plan, [s for steps in made.plain.values() for s in steps])
    lengths = []
    length = math.ceil(made.size / workers)
    while length:
        lengths.append(length)
        length //= 2
    times = {
        n: plain.alone(1) + sum(level.parted(made, n, workers) for level in levels) for n in lengths
    }
    least = min(times, key=lambda n: times[n])
    return least, times[least]


@record(frozen=False)
class Costs:
    """Some steps of a plan: their seconds of work, of products among it, the bytes that they keep
    between each other, and how many calls they are."""

    plan: Plan
    work: float
    products: float
    kept: int
    calls: float

    def alone(self, workers: int) -> float:
        """In one thread, but for products."""
        gained = self.products * (1 - 1 / (1 + BLAS_GAIN * (workers - 1)))
        return self.work - gained + self.calls * CALL + self._moved(self.kept)

    def parted(self, made: Cut, length: int, workers: int) -> float:
        """In strips of so many entries."""
        parts = made.size / length
        sums = sum(bytes_of(self.plan.registers[r]) for r in made.sums)
        added = max(0.0, parts - 1) * 3 * sums * FAR / 2
        moved = self._moved(self.kept / parts) * parts
        turned = self._gaps(made) * 10 * FAR
        spent = self.work + moved + added + turned
        return spent / min(workers, parts) + parts * (self.calls + 5) * CALL * WAITING + SHARING

    def _gaps(self, made: Cut) -> int:
        """The bytes of leaves of which a part is no piece of memory."""
        loads = (s.register for s in self.plan.steps if isinstance(s.instruction, Load))
        return sum(bytes_of(self.plan.registers[r]) for r in loads if made.axis.get(r, 0) > 0)

    def _moved(self, count: float) -> float:
        return count * 2 * (NEAR if count <= CACHE else FAR)


def costs(plan: Plan, steps: Iterable[Step], *, compiled: bool = True) -> Costs:
    """The costs of some steps of a plan; `compiled`: with loops compiled where they can be."""
    steps = tuple(steps)
    every = [(s, n) for s, n in turns(steps) if not isinstance(s.instruction, Load)]
    hard = [(s, n) for s, n in every if not fusable(plan, s)]
    held = {r for s, _ in hard for r in (s.register, *uses(s.instruction))}
    made = {s.register for s, _ in every}
    return Costs(
        plan,
        work=sum(_work(plan, s) * n for s, n in every),
        products=sum(_work(plan, s) * n for s, n in hard if isinstance(s.instruction, Pair)),
        kept=sum(bytes_of(plan.registers[r]) for r in held & made),
        calls=_calls(plan, steps, compiled=compiled),
    )


def _calls(plan: Plan, steps: Iterable[Step], *, compiled: bool) -> float:
    """How many calls steps are: those that can be fused share one, and so do those of a loop all of
    whose steps are compiled."""
    found = 0.0
    for step in steps:
        made = step.instruction
        if isinstance(made, Loop):
            alone = compiled and _compiled(plan, made)
            found += 1 if alone else made.count * _calls(plan, made.body, compiled=compiled)
        elif not isinstance(made, Load):
            found += 0.1 if fusable(plan, step) else 1
    return found


def _compiled(plan: Plan, loop: Loop) -> bool:
    return all(_light(plan, step) for step in loop.body)


def _light(plan: Plan, step: Step) -> bool:
    made = step.instruction
    match made:
        case Pair():
            return multiplications(made, plan.registers) <= LARGE
        case Loop():
            return _compiled(plan, made)
        case Window() | Store() | Arrange() | Variable() | Fill() | Count():
            return True
        case _:
            return fusable(plan, step)


def _work(plan: Plan, step: Step) -> float:
    made = step.instruction
    size = plan.registers[step.register].size
    match made:
        case Pair():
            return PRODUCT * flops(made, plan.registers[step.register], plan.registers) / 2
        case Map(function):
            return size * (HARD if function in SLOW else ENTRY)
        case Gather() | Scatter() | OverlapAdd():
            return size * PLACED
        case _:
            return size * ENTRY
