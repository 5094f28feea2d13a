"""Loops over the axes of matrices, and where they are in each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field

from einsumgrad.fused.text import STORED, Memory, Text
from einsumgrad.record import record

Piece = tuple[int, int, int]
"""Equal pieces of a length, one behind the other: where they begin, how long they are, how many."""


@record
class Axis:
    """How long an axis of a product is, and the bytes from one entry to the next along it in each
    of the three matrices; 0 in one that lacks it."""

    size: int
    steps: tuple[int, int, int]


def shares(size: int, most: int) -> Iterator[Piece]:
    """A length cut into as few pieces as there have to be, of two lengths that differ by one."""
    count = -(-size // most)
    length = size // count
    longer = size % count
    if longer:
        yield 0, length + 1, longer
    yield longer * (length + 1), length, count - longer


def panels(size: int, lanes: int, most: int) -> Iterator[Piece]:
    """A length cut into pieces of whole vectors, of at most so many; the last one may have less."""
    for first, vectors, count in shares(-(-size // lanes), most):
        start, length = first * lanes, vectors * lanes
        lacking = max(0, start + count * length - size)
        whole = count - (lacking > 0)
        if whole:
            yield start, length, whole
        if lacking:
            yield start + whole * length, length - lacking, 1


@record(frozen=False)
class Walk:
    """`pointers`: to each of the matrices. `open`: the variables of the loops with their steps, and
    `start` how far from the beginning of each matrix they begin."""

    kind: str
    pointers: tuple[str, ...]
    text: Text = field(default_factory=Text)
    open: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)
    start: tuple[int, ...] = (0, 0, 0)

    def nested(self, axes: Sequence[Axis], body: Callable[[], None]) -> None:
        """Loops over whole axes."""
        if not axes:
            body()
            return
        first, *rest = axes
        self.loop(first, (0, 1, first.size), lambda _: self.nested(rest, body))

    def loop(self, axis: Axis, piece: Piece, body: Callable[[str], None]) -> None:
        """A loop over pieces of an axis; its body is given the number of the piece."""
        start, length, count = piece
        before, variable = self.start, len(self.open)
        moved = tuple(start * step for step in axis.steps)
        self.start = tuple(map(sum, zip(before, moved, strict=True)))
        self.open.append((variable, tuple(length * step for step in axis.steps)))
        self.text.loops((variable,), {variable: count}, lambda: body(self.text.at[variable]))
        self.open.pop()
        self.start = before

    def pointer(self, which: int) -> str:
        """Where the loops are in a matrix."""
        steps = tuple(step[which] for _, step in self.open)
        begin = self.moved(self.pointers[which], self.start[which])
        found = Memory(begin, steps, STORED[self.kind])
        return self.text.address(found, tuple(variable for variable, _ in self.open))

    def within(self, room: str, strides: tuple[int, ...]) -> str:
        """Where the innermost loops are in a room, in which each of them makes so large steps."""
        inner = self.open[len(self.open) - len(strides) :]
        found = Memory(room, strides, STORED[self.kind])
        return self.text.address(found, tuple(variable for variable, _ in inner))

    def moved(self, pointer: str, count: int) -> str:
        """A pointer so many bytes further on."""
        text = f"getelementptr inbounds i8, ptr {pointer}, i64 {count}"
        return self.text.value(text) if count else pointer
