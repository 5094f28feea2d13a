"""Values that are made where they are put: windows of zeros that meet each entry just once, as the
gradient of a pooling has them. Nothing is added then, and nothing copied."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import field
from itertools import combinations

from einsumgrad.emit.lives import Moment
from einsumgrad.emit.places import Place, laid
from einsumgrad.emit.slices import spots
from einsumgrad.plan.nodes import Cast, Done, Fill, Instruction, Map, OverlapAdd, Plan, Room
from einsumgrad.plan.operands import Operand, Walk
from einsumgrad.plan.uses import uses
from einsumgrad.record import record

READ = {Map: 1, Cast: 1, Room: 2}
"""Instructions that may write with gaps, and how many others read what only one is to see: a room
is filled by a kernel, and then shown."""
Chain = list[tuple[int, OverlapAdd]]


@record
class Piece:
    """A value in the memory of another register, which would lie at a place `around` it."""

    whole: int
    around: Place
    place: Place


def pieces(plan: Plan, every: tuple[Moment, ...], wholes: Mapping[int, Place]) -> dict[int, Piece]:
    """Such values, by their registers, and the sums before the last one. `wholes`: arrays into
    which values are put, as they would lie at the beginning of a memory."""
    if not wholes:
        return {}
    finder = Finder(plan)
    for moment in every:
        made = moment.step.instruction
        if moment.depth == 0:
            finder.made[moment.step.register] = made
        finder.read.update(dict.fromkeys(uses(made), 1))
    finder.read.update(register for _, register in plan.results)
    found: dict[int, Piece] = {}
    for last, whole in wholes.items():
        found |= finder.pieces(last, whole)
    return found


@record(frozen=False)
class Finder:
    """`made`: the instructions outside of loops, by register; `read`: how many read each."""

    plan: Plan
    made: dict[int, Instruction] = field(default_factory=dict)
    read: Counter[int] = field(default_factory=Counter)

    def pieces(self, last: int, whole: Place) -> dict[int, Piece]:
        """The pieces of one array; none if some value has to be added as ever."""
        chain = self.chain(last)
        if not self.covered([one for _, one in chain], math.prod(whole.shape)):
            return {}
        found = {register: Piece(last, whole, whole) for register, _ in chain if register != last}
        for _, one in chain:
            own = self.own(one.value)
            place = None if own is None else self.place(one, own, whole)
            if own is None or place is None:
                return {}
            found[own] = Piece(last, whole, place)
        return found

    def chain(self, last: int) -> Chain:
        """One sum after the other, from the last one back to zeros; none if there is more."""
        found: Chain = []
        register = last
        while isinstance(one := self.made.get(register), OverlapAdd):
            if one.function != "add" or (found and self.read[register] != 1):
                return []
            found.append((register, one))
            register = one.into
        return found if isinstance(one, Fill) and one.value == 0 else []

    def covered(self, chain: list[OverlapAdd], size: int) -> bool:
        """Whether just one of the sums meets each of so many entries."""
        counts = [self.plan.registers[one.value.register].size for one in chain]
        return sum(counts) == size and all(_apart(*pair) for pair in combinations(chain, 2))

    def own(self, value: Operand) -> int | None:
        """The register that has a value's memory, if nobody else sees that."""
        register, made = value.register, self.made.get(value.register)
        while isinstance(made, Done) and self.read[register] == 1 and not _cut(made):
            register = made.source
            made = self.made.get(register)
        return register if READ.get(type(made)) == self.read[register] else None

    def place(self, made: OverlapAdd, own: int, whole: Place) -> Place | None:
        """Where a value is put, if all of it is, and each of its axes walks along one."""
        register = self.plan.registers[own]
        if sorted(made.value.layout) != list(range(made.rank)) or register.dtype != whole.dtype:
            return None
        value = laid(whole.base, 0, register.shape, None, register.dtype)
        found = spots(made, whole, value.spread(made.value.layout, made.rank))
        target = None if found is None else found[0].turned(made.value.layout)
        return target if target is not None and target.shape == register.shape else None


def _cut(made: Done) -> bool:
    """Whether it shows a part of an array."""
    return any(map(any, made.widths))


def _apart(one: OverlapAdd, other: OverlapAdd) -> bool:
    """Whether two walk along some axis in equal steps, and never meet."""
    return any(
        _between(a, b, more - less) != 0
        for a, b, (more, _), (less, _) in zip(
            one.walks, other.walks, other.widths, one.widths, strict=True
        )
    )


def _between(one: Walk, other: Walk, moved: int) -> int:
    """How far a walk is from the next place of another one; 0 if they may meet."""
    step, like = (sum(count for _, count in walk.steps) for walk in (one, other))
    if step != like:
        return 0
    distance = one.offset - other.offset + moved
    return distance % step if step else distance
