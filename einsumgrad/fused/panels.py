"""Copies of some columns of a matrix, or of some rows, to where they have no gaps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from einsumgrad.fused.text import BYTES
from einsumgrad.fused.tiles import joined, loaded, moved, shuffled, stored
from einsumgrad.record import record

LANE = 16
"""Bytes of the parts of a vector within which entries change their places at the least cost."""


@record
class Panel:
    """Columns of a matrix, or rows; `steps`: the bytes from term to term and from column to column.
    `lanes`: how many entries a vector has. `width`: how many entries the copy has of each term,
    zeros behind the columns. `tiles`: how many times so many columns are copied, of those that are
    not `turned`, each so many bytes `apart` from the one before."""

    kind: str
    columns: int
    steps: tuple[int, int]
    lanes: int
    width: int
    tiles: int = 1
    apart: int = 0

    @property
    def item(self) -> int:
        return BYTES[self.kind]

    @property
    def turned(self) -> bool:
        """Whether vectors are read along the terms, and turned in registers."""
        return self.lanes > 1 and self.steps[0] == self.item


def copy(name: str, made: Panel) -> str:
    """A function of pointers to the columns and to where they are copied, and of how many terms
    there are."""
    head = f"define private void {name}(ptr noalias %b, ptr noalias %t, i64 %k)"
    blocks = _turned(made) if made.turned else {"entry": ["br label %head"]}
    start = "%whole, %rest" if made.turned else "0, %entry"
    blocks["head"] = _turn(made, "head", start, 1, "%k", "done", _entries(made))
    blocks["done"] = ["ret void"]
    return f"{head} noinline nounwind {{\n{joined(blocks)}}}\n"


def _turned(made: Panel) -> dict[str, list[str]]:
    """The blocks that copy as many terms as fill vectors."""
    vectors = _vectors(made)
    return {
        "entry": [
            f"%whole = and i64 %k, {-made.lanes}",
            "%any = icmp ne i64 %whole, 0",
            "br i1 %any, label %squares, label %rest",
        ],
        "squares": _turn(made, "squares", "0, %entry", made.lanes, "%whole", "rest", vectors),
        "rest": [
            "%left = icmp ult i64 %whole, %k",
            "br i1 %left, label %head, label %done",
        ],
    }


def _turn(
    made: Panel, label: str, start: str, step: int, end: str, after: str, body: Iterable[str]
) -> list[str]:
    """The block of a loop over terms, some of them in each turn, from `%b_` to `%t_`."""
    i = f"%i_{label}"
    lines = (
        f"{i} = phi i64 [ {start} ], [ {i}_next, %{label} ]",
        f"{i}_b = mul nsw i64 {i}, {made.steps[0]}",
        f"{i}_t = mul nsw i64 {i}, {made.width * made.item}",
        f"%b_{label} = getelementptr i8, ptr %b, i64 {i}_b",
        f"%t_{label} = getelementptr i8, ptr %t, i64 {i}_t",
        *body,
        f"{i}_next = add nuw nsw i64 {i}, {step}",
        f"{i}_more = icmp ult i64 {i}_next, {end}",
        f"br i1 {i}_more, label %{label}, label %{after}",
    )
    return list(lines)


def _entries(made: Panel) -> Iterator[str]:
    """A term of every column: of those that lie next to each other, as many as a vector has, before
    LLVM takes many terms of a column at once, which lie far apart."""
    size = made.lanes if made.steps[1] == made.item else 1
    for tile in range(made.tiles):
        for k in range(0, made.width, size):
            yield from _entry(made, tile, k, min(size, made.width - k))


def _entry(made: Panel, tile: int, k: int, size: int) -> Iterator[str]:
    """So many columns, from one of a tile on."""
    kind, item, own = made.kind, made.item, tile * made.width + k
    type_, value = f"<{size} x {kind}>", "zeroinitializer"
    if k < made.columns:
        yield moved(f"%b{own}", "%b_head", (tile * made.columns + k) * made.steps[1])
        yield from loaded(f"%e{own}", f"%b{own}", kind, min(size, made.columns - k), size)
        value = f"%e{own}"
    yield moved(f"%t{own}", "%t_head", tile * made.apart + k * item)
    yield f"store {type_} {value}, ptr %t{own}, align {item}"


def _vectors(made: Panel) -> Iterator[str]:
    """A square of terms and columns after the other."""
    lanes, item = made.lanes, made.item
    type_ = f"<{lanes} x {made.kind}>"
    for first in range(0, made.columns, lanes):
        rows, last = list[str](), min(first + lanes, made.columns)
        for k in range(first, last):
            yield moved(f"%p{k}", "%b_squares", k * made.steps[1])
            yield f"%r{k} = load {type_}, ptr %p{k}, align {item}"
            rows.append(f"%r{k}")
        rows += ["zeroinitializer"] * (first + lanes - last)
        for depth, stage in enumerate(stages(lanes, min(lanes, LANE // item))):
            names = [f"%x{first + k}_{depth}" for k in range(lanes)]
            for name, (one, two, places) in zip(names, stage, strict=True):
                yield shuffled(name, type_, (rows[one], rows[two]), places)
            rows = names
        for term, row in enumerate(rows):
            yield moved(f"%q{first + term}", "%t_squares", (term * made.width + first) * item)
            used = min(lanes, made.width - first)
            yield from stored(f"%u{first + term}", row, f"%q{first + term}", made.kind, used, lanes)


Stage = list[tuple[int, int, tuple[int, ...]]]
"""For each new row the two rows of which it is made, and the places of its entries in them, one
behind the other."""


def stages(size: int, near: int) -> Iterator[Stage]:
    """How the rows of a square become its columns. Blocks of at least `near` rows and columns
    change places first; then the entries of blocks of so many do, as a perfect shuffle turns
    them."""
    step = size // 2
    while step >= near:
        yield [(r & ~step, r | step, _exchanged(size, step, r & step)) for r in range(size)]
        step //= 2
    half = near // 2
    for _ in range(near.bit_length() - 1):
        pairs = [r - r % near + r % near // 2 for r in range(size)]
        yield [(p, p + half, _shuffled(size, near, r % 2)) for r, p in enumerate(pairs)]


def _exchanged(size: int, step: int, further: int) -> tuple[int, ...]:
    return tuple(further + (size + e - step if e & step else e) for e in range(size))


def _shuffled(size: int, near: int, high: int) -> tuple[int, ...]:
    """The low or the high halves of blocks, entries of one and the other in turns."""
    return tuple(
        e - e % near + near // 2 * high + e % near // 2 + size * (e % 2) for e in range(size)
    )
