"""Products of matrices as functions of LLVM IR.

BLAS copies both matrices into an order of its own before it multiplies, which takes as long as a
small product itself. Here tiles of a few rows and some vectors of columns stay in registers while
the sum runs, and the matrices are copied only where the tiles would wait for them: the loops of
F. G. Van Zee and R. A. van de Geijn, BLIS, ACM TOMS 41 (2015)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from functools import partial
from math import prod

from einsumgrad.fused.blocks import DEEP, Product
from einsumgrad.fused.entry import LOOPS, Inner, Written, entry, function
from einsumgrad.fused.panels import Panel, copy
from einsumgrad.fused.text import BYTES, Memory, Text
from einsumgrad.fused.tiles import Terms, Tile, tile
from einsumgrad.fused.walks import Axis, Piece, Walk, shares
from einsumgrad.record import record, replace

RUN = 128
"""Bytes of a matrix next to each other that are copied at least, where they can be."""


def multiplied(made: Product, arrays: Sequence[Memory]) -> Written:
    """The function of a product, which is given a table of pointers to the three matrices and, if
    the first one is to be packed, to room for that. `arrays`: those, each with the pointer `%pN` of
    the first that is the same."""
    return entry(inner(made, arrays, LOOPS), arrays, {})


def inner(made: Product, arrays: Sequence[Memory], name: str, hints: int = 0) -> Inner:
    """The function of pointers to the matrices; `hints`: how many loops of its module's text have
    had hints before."""
    pointers = tuple(memory.pointer for memory in arrays)
    writer = Writer(made, name, Walk(made.kind, pointers, Text(hints=hints)))
    writer.write()
    own, text = tuple(dict.fromkeys(pointers)), writer.walk.text
    texts = "".join((*writer.called.values(), function(name, own, text)))
    return Inner(name, own, texts, frozenset(), text.hints)


@record(frozen=False)
class Writer:
    """`called`: the functions that the loops call, which are named after this one. `before`: the
    places of loops over terms: where one is not the first, other terms have been summed already.
    `room`: for a copy of columns of the second matrix."""

    made: Product
    name: str
    walk: Walk
    called: dict[str, str] = field(default_factory=dict)
    before: list[str] = field(default_factory=list)
    room: str = ""

    @property
    def packed(self) -> bool:
        """Whether there is room for a copy of rows of the first matrix."""
        return len(self.walk.pointers) > 3

    def write(self) -> None:
        if self.made.copied:
            sizes = DEEP, self.made.wide
            self.room = self.walk.text.reserved(self.made.kind, sizes).pointer
        self.walk.nested((*self.made.stack, *self.made.apart), self.sums)

    def sums(self) -> None:
        """The terms, a few rows of the second matrix after the other."""
        first, *rest = self.made.block
        most = max(1, DEEP // prod(axis.size for axis in rest))

        def parts() -> None:
            for piece in shares(first.size, most):
                self.walk.loop(first, piece, partial(self.terms, piece))

        self.outer(self.made.summed[: -len(self.made.block)], parts)

    def outer(self, axes: Sequence[Axis], body: Callable[[], None]) -> None:
        """Loops over axes of terms."""
        if not axes:
            body()
            return

        def turn(place: str) -> None:
            self.before.append(place)
            self.outer(axes[1:], body)
            self.before.pop()

        self.walk.loop(axes[0], (0, 1, axes[0].size), turn)

    def terms(self, piece: Piece, place: str) -> None:
        """The product of some terms; those after the first are added to what is there."""
        more = "true" if piece[0] else self.later([*self.before, place])
        for high in self.made.bands:
            self.walk.loop(self.made.rows[-1], high, partial(self.band, high[1], piece[1], more))

    def later(self, places: Sequence[str]) -> str:
        """Whether one of the places is not the first."""
        total, text = "0", self.walk.text
        for place in places:
            if place != "0":
                total = place if total == "0" else text.value(f"or i64 {total}, {place}")
        return "false" if total == "0" else text.value(f"icmp ne i64 {total}, 0")

    def band(self, high: int, deep: int, more: str, _: str) -> None:
        """Some rows of the result, columns after columns."""
        if self.packed:
            self.tiles(high, partial(self.pack, deep), self.beside)
        for piece in self.made.panels:
            body = partial(self.panel, (high, piece[1], deep), more)
            self.walk.loop(self.made.columns, piece, body)

    def tiles(
        self,
        high: int,
        body: Callable[[int, int, str], None],
        beside: Callable[[int], int] = lambda _: 1,
    ) -> None:
        """Loops over the tiles of some rows, `beside` of them at a time; a body is given how many
        rows a tile has, how many tiles there are, and where the first, or a copy of it, begins."""
        made, step = self.made, self.made.room[-1]
        outer = tuple(step * prod(made.room[k + 1 : -1]) for k in range(len(made.within)))

        def several() -> None:
            before = 0
            for start, rows, count in shares(high, made.high):
                for first, tiles, turns in shares(count, min(count, beside(rows))):
                    piece = start + first * rows, tiles * rows, turns
                    self.walk.loop(made.rows[-1], piece, partial(one, rows, tiles, before + first))
                before += count

        def one(rows: int, tiles: int, number: int, _: str) -> None:
            walk = self.walk
            room = walk.moved(walk.pointers[3], number * step) if self.packed else ""
            copied = walk.within(room, (*outer, tiles * step)) if self.packed else ""
            body(rows, tiles, copied or walk.pointer(0))

        self.walk.nested(made.within, several)

    def beside(self, rows: int) -> int:
        """How many tiles of so many rows are copied at a time: where those lie next to each other,
        so many that whole lines of the cache are read, which come from far away."""
        step, item = self.made.rows[-1].steps[0], BYTES[self.made.kind]
        return -(-RUN // (rows * item)) if step == item else 1

    def pack(self, deep: int, rows: int, tiles: int, room: str) -> None:
        """Some terms of the rows of tiles, in each of these those of a term next to each other."""
        made = self.made
        steps, apart = (made.block[-1].steps[0], made.rows[-1].steps[0]), made.room[-1]
        panel = Panel(made.kind, rows, steps, self.lanes(rows), rows, tiles, apart)
        self.copy(panel, 0, room, deep)

    def panel(self, sizes: tuple[int, int, int], more: str, _: str) -> None:
        """Some columns of some rows of the result."""
        high, width, deep = sizes
        made, second = self.made, self.room or self.walk.pointer(1)
        if self.room:
            steps, lanes = (made.block[-1].steps[1], made.columns.steps[1]), self.lanes(width)
            panel = Panel(made.kind, width, steps, lanes, self.padded(width))
            self.copy(panel, 1, self.room, deep)

        def one(rows: int, _: int, first: str) -> None:
            passed = f"ptr {first}, ptr {second}, ptr {self.walk.pointer(2)}, i64 {deep}, i1 {more}"
            self.walk.text.line(f"call void {self.tile(rows, width)}({passed})")

        self.tiles(high, one)

    def tile(self, rows: int, width: int) -> str:
        """The name of the function of a tile."""
        made, last = self.made, self.made.rows[-1]
        first = BYTES[made.kind] if self.packed else last.steps[0]
        found = Tile(
            made.kind, rows, width, first, last.steps[2], self.along(rows, width),
            self.lanes(width), made.copied,
        )  # fmt: skip
        name = f"{self.name}_tile_{rows}_{width}"
        if name not in self.called:
            self.called[name] = tile(name, found)
        return name

    def lanes(self, width: int) -> int:
        """How many columns a vector has where a tile has so many."""
        return min(self.made.lanes, 1 << (width - 1).bit_length())

    def padded(self, width: int) -> int:
        """How many entries of each term a copy of so many columns has."""
        lanes = self.lanes(width)
        return -(-width // lanes) * lanes

    def along(self, rows: int, width: int) -> tuple[Terms, ...]:
        """The axes of terms of a tile."""
        block = self.made.block
        firsts = self.spans(rows) if self.packed else [axis.steps[0] for axis in block]
        seconds = self.spans(self.padded(width)) if self.room else [a.steps[1] for a in block]
        outermost, *others = map(Terms, (axis.size for axis in block), firsts, seconds)
        return replace(outermost, count=None), *others

    def spans(self, width: int) -> tuple[int, ...]:
        """The bytes from term to term along each axis of them, in a copy that has so many entries
        of each term."""
        sizes = [axis.size for axis in self.made.block]
        return tuple(
            width * BYTES[self.made.kind] * prod(sizes[k + 1 :]) for k in range(len(sizes))
        )

    def copy(self, panel: Panel, which: int, room: str, deep: int) -> None:
        """A copy of some columns or rows of a matrix; `deep`: of how many terms on the outermost
        axis of a tile."""
        *outer, last = self.made.block
        name = f"{self.name}_copy{which}_{panel.columns}_{panel.tiles}"
        if name not in self.called:
            self.called[name] = copy(name, panel)
        count, strides = last.size if outer else deep, self.spans(panel.width)[:-1]

        def one() -> None:
            to = self.walk.within(room, strides)
            passed = f"ptr {self.walk.pointer(which)}, ptr {to}, i64 {count}"
            self.walk.text.line(f"call void {name}({passed})")

        if outer:
            piece, rest = (0, 1, deep), tuple(outer[1:])
            self.walk.loop(outer[0], piece, lambda _: self.walk.nested(rest, one))
        else:
            one()
