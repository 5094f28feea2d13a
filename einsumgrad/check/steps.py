"""Which index a circle can be run along, and which way: distances between reads and writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from einsumgrad.check.ranges import Ranges
from einsumgrad.ir.affine import MINUS, Affine, added, affine, times
from einsumgrad.ir.nodes import Access, Expr, Index, Statement
from einsumgrad.record import record

Axes = Mapping[str, tuple[int, ...]]
Active = Mapping[int, tuple[Access, ...]]
"""The reads of each statement, by its place, that count for the circle."""
Statements = Mapping[int, Statement]


def loop_axes(statements: Statements, active: Active, used: Axes) -> Iterator[dict[str, int]]:
    """For each way to run a circle the axis of each of its tensors that is run along; first the
    axes that stand further left."""
    first = next(iter(statements.values()))
    name = first.target.tensor
    for axis in range(len(first.target.at)):
        if axis not in used.get(name, ()):
            found = _spread({name: axis}, statements, active, used)
            if found is not None:
                yield found


def _spread(
    axes: dict[str, int], statements: Statements, active: Active, used: Axes
) -> dict[str, int] | None:
    """The axes of all the tensors, found from that of one."""
    touching: dict[str, list[int]] = {}
    for place, statement in statements.items():
        for access in (statement.target, *active[place]):
            touching.setdefault(access.tensor, []).append(place)
    left, queue = set(statements), list(axes)
    while queue:
        name = queue.pop()
        for place in touching.get(name, ()):
            if place not in left:
                continue
            left.discard(place)
            found = _axes_of((statements[place].target, *active[place]), name, axes, used)
            if found is None:
                return None
            queue += found.keys() - axes.keys()
            axes |= found
    return None if left else axes


def _axes_of(
    accesses: tuple[Access, ...], known: str, axes: Mapping[str, int], used: Axes
) -> dict[str, int] | None:
    """The axes of what a statement writes and reads, one of its tensors being known."""
    first = next(access for access in accesses if access.tensor == known)
    index, found = stepped(first, axes[known]), dict[str, int]()
    for access in accesses:
        name = access.tensor
        own = axes.get(name, found.get(name))
        axis = None if index is None else _axis_of(access, index, own, used.get(name, ()))
        if axis is None:
            return None
        found[name] = axis
    return found


def stepped(access: Access, axis: int) -> Index | None:
    """The index that stands in a position, once; with others the first of them."""
    form = affine(access.at[axis]) if axis < len(access.at) else None
    return None if form is None else next((i for i, c in form.terms if c == {(): 1}), None)


def _axis_of(access: Access, index: Index, known: int | None, used: tuple[int, ...]) -> int | None:
    """The axis along which an access is run, the one known if it is."""
    every = range(len(access.at)) if known is None else (known,)
    return next((k for k in every if k not in used and _bears(access.at[k], index)), None)


def _bears(at: Expr, index: Index) -> bool:
    form = affine(at)
    return form is not None and any(i == index and c == {(): 1} for i, c in form.terms)


@record(frozen=False)
class Distances:
    """How far behind its writes each read of a circle stands, along the chosen axes.

    `same_step`: the reads of what the same step writes; `pairs`: those, and what writes it, by
    their places. Both are found by `direction`."""

    statements: Statements
    axes: Mapping[str, int]
    active: Active
    known: Ranges
    same_step: dict[int, tuple[Access, ...]] = field(default_factory=dict)
    pairs: set[tuple[int, int]] = field(default_factory=set)

    def graph(self) -> dict[int, list[int]]:
        """For each statement those that write in the same step what it reads."""
        found: dict[int, list[int]] = {place: [] for place in self.statements}
        for reader, writer in sorted(self.pairs):
            found[reader].append(writer)
        return found

    def index(self, place: int) -> Index:
        """What a statement calls the index that is run along."""
        target = self.statements[place].target
        index = stepped(target, self.axes[target.tensor])
        assert index is not None
        return index

    def direction(self) -> int | None:
        """1 if all is read at earlier values or the same, -1 if at later ones; None otherwise."""
        self.same_step = dict.fromkeys(self.statements, ())
        writers: dict[str, list[int]] = {}
        for place, statement in self.statements.items():
            writers.setdefault(statement.target.tensor, []).append(place)
        signs = {
            self._against(place, access, writer)
            for place in self.statements
            for access in self.active[place]
            for writer in writers.get(access.tensor, ())
        } - {0}
        return -sign if len(signs) == 1 and (sign := signs.pop()) is not None else None

    def _against(self, place: int, access: Access, writer: int) -> int | None:
        target = self.statements[writer].target
        sign = self._sign(access, self.index(place), target, self.index(writer))
        if sign == 0:
            self.pairs.add((place, writer))
            self.same_step[place] = (*self.same_step[place], access)
        return sign

    def _sign(self, access: Access, index: Index, target: Access, written: Index) -> int | None:
        """Whether a read is before (-1), with (0) or after (1) a write, for all values."""
        axis = self.axes[access.tensor]
        read, write = affine(access.at[axis]), affine(target.at[axis])
        if read is None or write is None:
            return None
        further = tuple((i, times(MINUS, c)) for i, c in write.terms if i != written)
        rest = (*(pair for pair in read.terms if pair[0] != index), *further)
        offset = added(read.offset, times(MINUS, write.offset))
        low, high = self.known.bounds(Affine(offset, rest))
        if not rest and not low:
            return 0
        if high is not None and self.known.natural(added(times(MINUS, high), MINUS)):
            return -1
        return 1 if low is not None and self.known.natural(added(low, MINUS)) else None
