"""Memory for every register: one block for a call, parts of which are used again and again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import field

from einsumgrad.emit.lives import OWN, Lives, Moment, lives, moments
from einsumgrad.emit.mosaic import Piece, pieces
from einsumgrad.emit.places import Place, laid
from einsumgrad.emit.table import REREADING
from einsumgrad.plan.nodes import (
    Buffer,
    Done,
    Guard,
    Instruction,
    Kernel,
    Map,
    OverlapAdd,
    Pair,
    Plan,
    Room,
    Step,
)
from einsumgrad.plan.operands import Operand
from einsumgrad.record import record, replace
from einsumgrad.tune.orders import Order

ALIGNED = 64


@record
class Homes:
    """`places`: of registers with memory of their own. `results`: those made for the caller, by the
    results' register. `bytes`: the size of the block."""

    places: Mapping[int, Place]
    results: frozenset[int]
    bytes: int


def homes(plan: Plan, orders: Mapping[int, Order], outs: Mapping[int, Place] | None) -> Homes:
    """`outs`: where a caller wants the results, if it says so."""
    every = moments(plan)
    life = lives(plan, every)
    outer = {m.step.register for m in every if m.depth == 0 and _lasts(m.step)}
    if outs is None:
        given = outer & {life.owner(register) for _, register in plan.results}
    else:
        mended = {m.step.instruction.result for m in every if isinstance(m.step.instruction, Guard)}
        products = {m.step.register for m in every if isinstance(m.step.instruction, Pair)}
        given = {
            r
            for r in (outs.keys() & outer) - mended
            if r not in products or (_plain(outs[r]) and r not in orders)
        }  # a product is made where a caller has plain order, unless the other one is faster
    found = Finder(plan, orders, frozenset(given), outs or {}, life, _over(every, life))
    found.pieces |= pieces(plan, every, found.wholes(every))
    ends = _ends(life)
    for moment in every:
        if isinstance(moment.step.instruction, OWN):
            found.places[moment.step.register] = found.home(moment)
        for ended in ends.get(moment.time, ()):
            if ended in found.places and ended not in given:
                found.block.free(ended)
    return Homes(found.places, found.given, found.block.size)


def _lasts(step: Step) -> bool:
    """Whether a step's memory may be the caller's: a buffer has room around it."""
    return isinstance(step.instruction, OWN) and not isinstance(step.instruction, Buffer)


def _plain(place: Place) -> bool:
    return place.strides == laid(place.base, place.offset, place.shape, None, place.dtype).strides


def _ends(life: Lives) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for register, time in life.until.items():
        found.setdefault(time, []).append(register)
    return found


@record(frozen=False)
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


@record(frozen=False)
class Finder:
    """Finds a home for one register after another."""

    plan: Plan
    orders: Mapping[int, Order]
    given: frozenset[int]
    outs: Mapping[int, Place]
    life: Lives
    over: Mapping[int, tuple[int, list[Operand]]]
    places: dict[int, Place] = field(default_factory=dict)
    block: Block = field(default_factory=Block)
    pieces: dict[int, Piece] = field(default_factory=dict)

    def wholes(self, every: tuple[Moment, ...]) -> dict[int, Place]:
        """How arrays into which values are put would lie."""
        steps = [m.step for m in every if isinstance(m.step.instruction, OverlapAdd)]
        return {s.register: self._laid(s) for s in steps if s.register not in self.given}

    def home(self, moment: Moment) -> Place:
        register = moment.step.register
        plain = self._laid(moment.step)
        if register in self.given:
            return self.outs.get(register) or replace(plain, base=f"o{register}")
        if register in self.pieces:
            return self._piece(self.pieces[register])
        if register in self.block.held:  # that of its pieces
            return self.places[register]
        taken = self._taken_over(moment, plain)
        if taken is not None:
            self.block.move(taken, register)
            return replace(plain, offset=self.places[taken].offset)
        return replace(plain, offset=self.block.take(plain.nbytes, register))

    def _piece(self, piece: Piece) -> Place:
        """In the memory of the whole, which begins with its first piece."""
        whole = self.places.get(piece.whole)
        if whole is None:
            offset = self.block.take(piece.around.nbytes, piece.whole)
            whole = self.places[piece.whole] = replace(piece.around, offset=offset)
        return replace(piece.place, offset=whole.offset + piece.place.offset)

    def _laid(self, step: Step) -> Place:
        own = self.plan.registers[step.register]
        return laid("s", 0, own.shape, self._order(step), own.dtype)

    def _order(self, step: Step) -> Order | None:
        made, rank = step.instruction, len(self.plan.registers[step.register].shape)
        if isinstance(made, Room) and made.axis is not None:
            return (made.axis, *(k for k in range(rank) if k != made.axis))
        return self.orders.get(step.register)

    def _taken_over(self, moment: Moment, plain: Place) -> int | None:
        """An operand that ends here and lies as the result does: its memory is the result's."""
        time, like = moment.time, _like(moment.step.instruction)
        time, like = self.over.get(moment.step.register, (time, like))
        for operand in like:
            register = operand.register
            if register not in self.block.held or self.life.until[register] != time:
                continue
            place = self.places[register].spread(operand.layout, len(plain.shape))
            if place == replace(plain, offset=place.offset):
                return register
        return None


def _over(every: tuple[Moment, ...], life: Lives) -> dict[int, tuple[int, list[Operand]]]:
    """For each room of a kernel when that runs, and over which memory of what it reads it may
    write: that which no other of its operands shows. A buffer may lie where what it begins with
    does."""
    found: dict[int, tuple[int, list[Operand]]] = {}
    shown = {m.step.register: m.step.instruction for m in every}
    for moment in every:
        made = moment.step.instruction
        if isinstance(made, Kernel):
            owners = Counter(map(life.owner, made.takes))
            alone = (pair for pair in made.over if owners[life.owner(pair[1].register)] == 1)
            for room, taken in alone:
                source = _filled(shown, taken.register)
                found.setdefault(room, (moment.time, []))[1].append(replace(taken, register=source))
        elif (
            isinstance(made, Buffer) and made.source is not None and not any(map(any, made.widths))
        ):
            like = Operand(_filled(shown, made.source), tuple(range(len(made.widths))))
            found[moment.step.register] = (moment.time, [like])
    return found


def _filled(shown: Mapping[int, Instruction], register: int) -> int:
    """The room or buffer that a register is, once it is filled."""
    while isinstance(done := shown.get(register), Done) and not any(map(any, done.widths)):
        register = done.source
    return register


def _like(made: Instruction) -> list[Operand]:
    """The operands that the result may be written over, entry by entry."""
    match made:
        case OverlapAdd(into, value, walks) if into != value.register:
            return [Operand(into, tuple(range(len(walks))))]
        case Map(function, args, rank) if function not in REREADING:
            whole = tuple(range(rank))
            return [a for a in args if isinstance(a, Operand) and a.layout == whole]
        case _:
            return []
