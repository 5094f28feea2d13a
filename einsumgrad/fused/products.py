"""Products of matrices as functions of LLVM IR.

BLAS copies both matrices into an order of its own before it multiplies, which takes as long as a
small product itself. Here tiles of a few rows and two vectors of columns stay in registers while
the sum runs, and only the second matrix is copied, if at all: the inner loops of F. G. Van Zee and
R. A. van de Geijn, BLIS, ACM TOMS 41 (2015)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from functools import partial

from einsumgrad.fused.entry import NAME, Written, entry
from einsumgrad.fused.text import BYTES, STORED, Memory, Text
from einsumgrad.fused.tiles import VECTOR, Tile, copy, tile
from einsumgrad.record import record

ROWS = 6
"""Rows of a tile of two vectors of columns: its sums are in 12 of AVX2's 16 registers."""
DEEP, HIGH = 256, 192
"""Terms and rows that are worked on at a time: a copy of DEEP rows and two vectors of columns stays
in the first cache, HIGH rows of DEEP terms stay in the second."""
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
    entries lie next to each other."""

    kind: str
    stack: tuple[Axis, ...]
    rows: Axis
    columns: Axis
    summed: Axis

    @property
    def copied(self) -> bool:
        """Whether the second matrix is copied, some columns at a time."""
        if self.columns.steps[1] != BYTES[self.kind]:
            return True
        return self.rows.size > 2 * ROWS and self.summed.size * self.summed.steps[1] > NEAR


def multiplied(made: Product, arrays: Sequence[Memory]) -> Written:
    """The function of a product, which is given a table of pointers to the three matrices.
    `arrays`: those, each with the pointer `%pN` of the first that is the same."""
    own = {memory.pointer: memory for memory in arrays}
    writer = Writer(made, tuple(memory.pointer for memory in arrays))
    writer.write()
    body = "\n".join([*writer.text.first, *writer.text.lines])
    pointers = ", ".join(f"ptr noalias {pointer}" for pointer in own)
    inner = (
        f"define private void {NAME}_loops({pointers}) noinline nounwind {{\n"
        f"entry:\n{body}\n  ret void\n}}\n"
    )
    text = "".join((*writer.called.values(), inner, entry(own, len(arrays), {})))
    return Written(text, frozenset(), writer.text.hints)


def pieces(size: int, *lengths: int) -> Iterator[tuple[int, int, int]]:
    """A length cut into as many pieces of the first length as there are, then of the next ones:
    where they begin, how long they are, how many."""
    start = 0
    for length in lengths:
        count = (size - start) // length if length else 0
        if count:
            yield start, length, count
            start += count * length


@record(frozen=False)
class Writer:
    """`called`: the functions that the loops call. `open`: the variables of the loops with their
    steps, and `start` how far from the beginning of each matrix they begin."""

    made: Product
    pointers: tuple[str, ...]
    text: Text = field(default_factory=Text)
    called: dict[str, str] = field(default_factory=dict)
    open: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)
    start: tuple[int, ...] = (0, 0, 0)
    room: Memory | None = None

    def write(self) -> None:
        self.stacked(self.made.stack)

    def stacked(self, axes: tuple[Axis, ...]) -> None:
        if axes:
            self.loop(axes[0], (0, 1, axes[0].size), lambda _: self.stacked(axes[1:]))
            return
        size = self.made.summed.size
        for piece in pieces(size, DEEP, size % DEEP):
            self.loop(self.made.summed, piece, partial(self.terms, piece))

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
        start, deep, count = piece
        more = "true" if start else "false"
        if not start and count > 1:
            more = self.text.value(f"icmp ne i64 {place}, 0")
        size = self.made.rows.size
        for high in pieces(size, HIGH, size % HIGH):
            self.loop(self.made.rows, high, partial(self.band, high[1], deep, more))

    def band(self, high: int, deep: int, more: str, _: str) -> None:
        """Some rows of the result, columns after columns."""
        lanes = VECTOR // BYTES[self.made.kind]
        widths = [2 * lanes, *(lanes >> k for k in range(lanes.bit_length()))]
        for piece in pieces(self.made.columns.size, *widths):
            body = partial(self.panel, (high, piece[1], deep), more)
            self.loop(self.made.columns, piece, body)

    def panel(self, sizes: tuple[int, int, int], more: str, _: str) -> None:
        high, width, deep = sizes
        second, step = self.pointer(1), self.made.summed.steps[1]
        if self.made.copied:
            second, step = self.copied(second, width, deep), width * BYTES[self.made.kind]
        for piece in pieces(high, ROWS, high % ROWS):
            name = self.tile(piece[1], width, step)

            def body(_: str, name: str = name) -> None:
                first, result = self.pointer(0), self.pointer(2)
                passed = f"ptr {first}, ptr {second}, ptr {result}, i64 {deep}, i1 {more}"
                self.text.line(f"call void {name}({passed})")

            self.loop(self.made.rows, piece, body)

    def tile(self, rows: int, width: int, step: int) -> str:
        made = self.made
        found = Tile(
            made.kind, rows, width, (made.rows.steps[0], made.summed.steps[0]), step,
            made.rows.steps[2],
        )  # fmt: skip
        name = f"{NAME}_tile_{rows}_{width}"
        self.called.setdefault(name, tile(name, found))
        return name

    def copied(self, second: str, width: int, deep: int) -> str:
        """Some columns of the second matrix without gaps."""
        made = self.made
        if self.room is None:
            most = min(made.summed.size, DEEP), 2 * VECTOR // BYTES[made.kind]
            self.room = self.text.reserved(made.kind, most)
        name = f"{NAME}_copy_{width}"
        steps = made.summed.steps[1], made.columns.steps[1]
        self.called.setdefault(name, copy(name, made.kind, width, steps))
        passed = f"ptr {second}, ptr {self.room.pointer}, i64 {deep}"
        self.text.line(f"call void {name}({passed})")
        return self.room.pointer

    def pointer(self, which: int) -> str:
        """Where the loops are in a matrix."""
        steps = tuple(step[which] for _, step in self.open)
        begin = self.pointers[which]
        if self.start[which]:
            text = f"getelementptr inbounds i8, ptr {begin}, i64 {self.start[which]}"
            begin = self.text.value(text)
        found = Memory(begin, steps, STORED[self.made.kind])
        return self.text.address(found, tuple(variable for variable, _ in self.open))
