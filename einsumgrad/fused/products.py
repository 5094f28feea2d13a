"""Products of matrices as functions of LLVM IR.

BLAS copies both matrices into an order of its own before it multiplies, which takes as long as a
small product itself. Here tiles of a few rows and two vectors of columns stay in registers while
the sum runs, and only the second matrix is copied, if at all: the inner loops of F. G. Van Zee and
R. A. van de Geijn, BLIS, ACM TOMS 41 (2015)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from functools import partial
from math import prod

from einsumgrad.fused.entry import LOOPS, Inner, Written, entry, function
from einsumgrad.fused.panels import Panel, copy
from einsumgrad.fused.registers import Registers
from einsumgrad.fused.text import BYTES, STORED, Memory, Text
from einsumgrad.fused.tiles import Terms, Tile, tile
from einsumgrad.record import record, replace

DEEP, HIGH = 256, 192
"""Terms and rows that are worked on at a time: a copy of DEEP rows and two vectors of columns stays
in the first cache, HIGH rows of DEEP terms stay in the second."""
KEPT = 2**17
"""Bytes of a result that is gone through for each copy of some columns."""
NEAR = 2**16
"""Bytes over which the rows of the second matrix may be spread, if it is to be read where it is."""


@record
class Axis:
    """How long an axis of a product is, and the bytes from one entry to the next along it in each
    of the three matrices; 0 in one that lacks it."""

    size: int
    steps: tuple[int, int, int]


@record
class Product:
    """A result, the third matrix, for each place on the axes of the stack. Along the columns its
    entries lie next to each other. Of rows and terms that are no single axis the last axis is that
    of tiles and of their sums. `registers`: those that the tiles are to lie in."""

    kind: str
    stack: tuple[Axis, ...]
    rows: tuple[Axis, ...]
    columns: Axis
    summed: tuple[Axis, ...]
    registers: Registers

    @property
    def lanes(self) -> int:
        """How many entries a vector has."""
        return self.registers.vector // BYTES[self.kind]

    @property
    def copied(self) -> bool:
        """Whether the second matrix is copied, some columns at a time."""
        if self.columns.steps[1] != BYTES[self.kind]:
            return True
        many = prod(axis.size for axis in self.rows) > 2 * self.registers.rows
        return many and self.summed[-1].size * self.summed[-1].steps[1] > NEAR


def multiplied(made: Product, arrays: Sequence[Memory]) -> Written:
    """The function of a product, which is given a table of pointers to the three matrices.
    `arrays`: those, each with the pointer `%pN` of the first that is the same."""
    return entry(inner(made, arrays, LOOPS), arrays, {})


def inner(made: Product, arrays: Sequence[Memory], name: str, hints: int = 0) -> Inner:
    """The function of pointers to the three matrices; `hints`: how many loops of its module's text
    have had hints before."""
    pointers = tuple(memory.pointer for memory in arrays)
    writer = Writer(made, pointers, name, Text(hints=hints))
    writer.write()
    own = tuple(dict.fromkeys(pointers))
    text = "".join((*writer.called.values(), function(name, own, writer.text)))
    return Inner(name, own, text, frozenset(), writer.text.hints)


def pieces(size: int, *lengths: int) -> Iterator[tuple[int, int, int]]:
    """A length cut into as many pieces of the first length as there are, then of the next ones:
    where they begin, how long they are, how many."""
    start = 0
    for length in lengths:
        count = (size - start) // length if length else 0
        if count:
            yield start, length, count
            start += count * length


def shares(size: int, most: int) -> Iterator[tuple[int, int, int]]:
    """A length cut into as few pieces as there have to be, of two lengths that differ by one."""
    count = -(-size // most)
    length = size // count
    longer = size % count
    if longer:
        yield 0, length + 1, longer
    yield longer * (length + 1), length, count - longer


@record(frozen=False)
class Writer:
    """`called`: the functions that the loops call, which are named after this one. `open`: the
    variables of the loops with their steps, and `start` how far from the beginning of each matrix
    they begin. `before`: the places of loops over terms: where one is not the first, other terms
    have been summed already."""

    made: Product
    pointers: tuple[str, ...]
    name: str
    text: Text = field(default_factory=Text)
    called: dict[str, str] = field(default_factory=dict)
    open: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)
    before: list[str] = field(default_factory=list)
    start: tuple[int, ...] = (0, 0, 0)
    room: Memory | None = None

    def write(self) -> None:
        self.nested((*self.made.stack, *self.apart), self.sums)

    @property
    def apart(self) -> tuple[Axis, ...]:
        """Outer axes of rows that are gone through before the terms are, so that the result of the
        others stays in the second cache meanwhile."""
        *outer, last = self.made.rows
        size = last.size * self.made.columns.size * BYTES[self.made.kind]
        inner = 0
        while inner < len(outer) and size * outer[-1 - inner].size <= KEPT:
            inner += 1
            size *= outer[-inner].size
        return tuple(outer[: len(outer) - inner])

    @property
    def within(self) -> tuple[Axis, ...]:
        """The other outer axes of rows."""
        return self.made.rows[len(self.apart) : -1]

    def nested(self, axes: tuple[Axis, ...], body: Callable[[], None]) -> None:
        """Loops over whole axes."""
        if not axes:
            body()
            return
        first, *rest = axes
        self.loop(first, (0, 1, first.size), lambda _: self.nested(tuple(rest), body))

    def sums(self) -> None:
        """The terms, a few rows of the second matrix after the other."""
        first, *rest = self.block
        most = max(1, DEEP // prod(axis.size for axis in rest))

        def parts() -> None:
            for piece in shares(first.size, most):
                self.loop(first, piece, partial(self.terms, piece))

        self.outer(self.made.summed[: -len(self.block)], parts)

    @property
    def block(self) -> tuple[Axis, ...]:
        """The axes of terms that a tile goes through, of the first of them perhaps a part."""
        summed = self.made.summed
        count, deep = 1, summed[-1].size
        while count < len(summed) and 2 * deep <= DEEP:
            count += 1
            deep *= summed[-count].size
        return summed[-count:]

    def outer(self, axes: Sequence[Axis], body: Callable[[], None]) -> None:
        """Loops over axes of terms."""
        if not axes:
            body()
            return

        def turn(place: str) -> None:
            self.before.append(place)
            self.outer(axes[1:], body)
            self.before.pop()

        self.loop(axes[0], (0, 1, axes[0].size), turn)

    def loop(self, axis: Axis, piece: tuple[int, int, int], body: Callable[[str], None]) -> None:
        """A loop over pieces of an axis; its body is given the number of the piece."""
        start, length, count = piece
        before, variable = self.start, len(self.open)
        moved = tuple(start * step for step in axis.steps)
        self.start = tuple(map(sum, zip(before, moved, strict=True)))
        self.open.append((variable, tuple(length * step for step in axis.steps)))
        self.text.loops((variable,), {variable: count}, lambda: body(self.text.at[variable]))
        self.open.pop()
        self.start = before

    def terms(self, piece: tuple[int, int, int], place: str) -> None:
        """The product of some terms; those after the first are added to what is there."""
        more = "true" if piece[0] else self.later([*self.before, place])
        last = self.made.rows[-1]
        for high in pieces(last.size, HIGH, last.size % HIGH):
            self.loop(last, high, partial(self.band, high[1], piece[1], more))

    def later(self, places: Sequence[str]) -> str:
        """Whether one of the places is not the first."""
        total = "0"
        for place in places:
            if place != "0":
                total = place if total == "0" else self.text.value(f"or i64 {total}, {place}")
        return "false" if total == "0" else self.text.value(f"icmp ne i64 {total}, 0")

    def band(self, high: int, deep: int, more: str, _: str) -> None:
        """Some rows of the result, columns after columns."""
        size, most = self.made.columns.size, 2 * self.made.lanes
        for piece in pieces(size, most, size % most):
            body = partial(self.panel, (high, piece[1], deep), more)
            self.loop(self.made.columns, piece, body)

    def panel(self, sizes: tuple[int, int, int], more: str, _: str) -> None:
        high, width, deep = sizes
        second = self.copied(width, deep) if self.made.copied else self.pointer(1)

        def tiles() -> None:
            for piece in shares(high, self.made.registers.rows):
                name = self.tile(piece[1], width)
                self.loop(self.made.rows[-1], piece, partial(one, name))

        def one(name: str, _: str) -> None:
            first, result = self.pointer(0), self.pointer(2)
            passed = f"ptr {first}, ptr {second}, ptr {result}, i64 {deep}, i1 {more}"
            self.text.line(f"call void {name}({passed})")

        self.nested(self.within, tiles)

    def tile(self, rows: int, width: int) -> str:
        made, last = self.made, self.made.rows[-1]
        found = Tile(
            made.kind, rows, width, last.steps[0], last.steps[2], self.along(width),
            self.lanes(width), made.copied,
        )  # fmt: skip
        name = f"{self.name}_tile_{rows}_{width}"
        self.called.setdefault(name, tile(name, found))
        return name

    def lanes(self, width: int) -> int:
        """How many columns a vector has where a tile has so many."""
        return min(self.made.lanes, 1 << (width - 1).bit_length())

    def along(self, width: int) -> tuple[Terms, ...]:
        """The axes of terms of a tile; a copy has whole vectors without gaps."""
        lanes = self.lanes(width)
        found, step = list[Terms](), -(-width // lanes) * lanes * BYTES[self.made.kind]
        for axis in reversed(self.block):
            second = step if self.made.copied else axis.steps[1]
            found.append(Terms(axis.size, axis.steps[0], second))
            step *= axis.size
        return replace(found.pop(), count=None), *reversed(found)

    def copied(self, width: int, deep: int) -> str:
        """Some columns of the second matrix without gaps; `deep`: of how many terms on the
        outermost axis of a tile."""
        made, (*outer, last) = self.made, self.block
        if self.room is None:
            self.room = self.text.reserved(made.kind, (DEEP, 2 * made.lanes))
        name, room = f"{self.name}_copy_{width}", self.room.pointer
        steps = last.steps[1], made.columns.steps[1]
        panel = Panel(made.kind, width, steps, self.lanes(width))
        self.called.setdefault(name, copy(name, panel))
        count = last.size if outer else deep
        strides = tuple(terms.second for terms in self.along(width)[:-1])

        def one() -> None:
            own = tuple(variable for variable, _ in self.open[len(self.open) - len(outer) :])
            to = self.text.address(Memory(room, strides, made.kind), own)
            self.text.line(f"call void {name}(ptr {self.pointer(1)}, ptr {to}, i64 {count})")

        if outer:
            piece, rest = (0, 1, deep), tuple(outer[1:])
            self.loop(outer[0], piece, lambda _: self.nested(rest, one))
        else:
            one()
        return room

    def pointer(self, which: int) -> str:
        """Where the loops are in a matrix."""
        steps = tuple(step[which] for _, step in self.open)
        begin = self.pointers[which]
        if self.start[which]:
            text = f"getelementptr inbounds i8, ptr {begin}, i64 {self.start[which]}"
            begin = self.text.value(text)
        found = Memory(begin, steps, STORED[self.made.kind])
        return self.text.address(found, tuple(variable for variable, _ in self.open))
