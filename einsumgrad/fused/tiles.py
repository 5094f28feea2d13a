"""The innermost loops of products of matrices: a tile of the result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from einsumgrad.fused.text import BYTES
from einsumgrad.record import record

TURNS = 4
"""Terms of a turn of the innermost loop: the loop itself takes no time worth to speak of."""
LINE = 64
"""Bytes of a line of the cache."""


@record
class Terms:
    """An axis of terms: how many there are, which a caller says of the outermost one, and the bytes
    from one to the next in the first and in the second matrix."""

    count: int | None
    first: int
    second: int


@record
class Tile:
    """Some rows and columns of a result. `first` and `result`: the bytes from row to row in the
    first matrix and in the result. `terms`: axes of terms, outermost first. `lanes`: how many
    columns a vector has; the last one may have less, and in the second matrix zeros behind them if
    that is `padded`."""

    kind: str
    rows: int
    columns: int
    first: int
    result: int
    terms: tuple[Terms, ...]
    lanes: int
    padded: bool

    @property
    def vector(self) -> str:
        return f"<{self.lanes} x {self.kind}>"

    @property
    def fetches(self) -> bool:
        """Whether lines of the result are fetched while the sums run: where terms have several
        axes the loops are short, and it takes too long."""
        return len(self.terms) == 1

    @property
    def parts(self) -> list[tuple[int, int]]:
        """The vectors of a tile: the row of each and the bytes from there."""
        item = BYTES[self.kind]
        starts = range(0, self.columns, self.lanes)
        return [(row, start * item) for row in range(self.rows) for start in starts]

    def used(self, byte: int) -> int:
        """How many columns the vector has that begins so many bytes from the first."""
        return min(self.lanes, self.columns - byte // BYTES[self.kind])


def tile(name: str, made: Tile) -> str:
    """A function of pointers to the tile's first entries, the number of terms on the outermost
    axis, and whether the result has the sum of other terms already. LLVM keeps the sums in
    registers."""
    vector, parts = made.vector, made.parts
    held = [f"%c{k}" for k in range(len(parts))]
    places = [
        moved(c, "%c", row * made.result + byte) for c, (row, byte) in zip(held, parts, strict=True)
    ]
    own = [f"%s{k}" for k in range(len(parts))]
    sums = [f"{s} = alloca {vector}" for s in own]
    zeros = [f"store {vector} zeroinitializer, ptr {s}" for s in own]
    near = ["%near = alloca i64", "store i64 0, ptr %near"] if made.fetches else []
    blocks = {
        "entry": [*places, *sums, *zeros, *near, "br label %head0"],
        **_loop(made, 0, "entry", "end"),
        "end": ["br i1 %more, label %add, label %done"],
        "add": [*_added(made, held, own), "br label %done"],
        "done": [*_given(made, own, held), "ret void"],
    }  # fmt: skip
    head = f"define private void {name}(ptr noalias %a, ptr noalias %b, ptr noalias %c, i64 %k, "
    return f"{head}i1 %more) noinline nounwind {{\n{joined(blocks)}}}\n"


def _added(made: Tile, places: Sequence[str], sums: Sequence[str]) -> Iterator[str]:
    """What the result has is added to the sums."""
    for k, (place, own, (_, byte)) in enumerate(zip(places, sums, made.parts, strict=True)):
        yield from loaded(f"%l{k}", place, made.kind, made.used(byte), made.lanes)
        yield f"%o{k} = load {made.vector}, ptr {own}"
        yield f"%n{k} = fadd {made.vector} %o{k}, %l{k}"
        yield f"store {made.vector} %n{k}, ptr {own}"


def _given(made: Tile, sums: Sequence[str], places: Sequence[str]) -> Iterator[str]:
    """The result is what the sums are."""
    for k, (own, place, (_, byte)) in enumerate(zip(sums, places, made.parts, strict=True)):
        yield f"%d{k} = load {made.vector}, ptr {own}"
        yield from stored(f"%u{k}", f"%d{k}", place, made.kind, made.used(byte), made.lanes)


def _loop(made: Tile, level: int, before: str, after: str) -> dict[str, list[str]]:
    """The blocks of the loop over an axis of terms, entered from one block and left for another."""
    if level + 1 == len(made.terms):
        return _innermost(made, level, after)
    inside, back = f"head{level}", f"tail{level}"
    start, end = _turn(
        made, level, (inside, back), (f"0, %{before}", 1, _count(made, level)), after
    )
    inner = _loop(made, level + 1, inside, back)
    return {inside: [*start, f"br label %head{level + 1}"], **inner, back: end}


def _innermost(made: Tile, level: int, after: str) -> dict[str, list[str]]:
    """The blocks of the last loop, of several terms in a turn and then of one."""
    enter, count = f"head{level}", _count(made, level)
    several, single = (
        _terms(made, level, label, turns, left)
        for label, turns, left in (
            ("several", (f"0, %{enter}", TURNS, "%whole"), "rest"),
            ("single", ("%whole, %rest", 1, count), after),
        )
    )
    return {
        enter: [
            f"%whole = and i64 {count}, {-TURNS}",
            "%any = icmp ne i64 %whole, 0",
            "br i1 %any, label %several, label %rest",
        ],
        "several": several,
        "rest": [
            f"%left = icmp ult i64 %whole, {count}",
            f"br i1 %left, label %single, label %{after}",
        ],
        "single": single,
    }


def _terms(
    made: Tile, level: int, label: str, turns: tuple[str, int, str], after: str
) -> list[str]:
    """The block of a loop with so many terms in each turn."""
    several, axis = turns[1] > 1, made.terms[level]
    lines = _fetched(made) if several and made.fetches else list[str]()
    start, end = _turn(made, level, (label, label), turns, after)
    for k in range(turns[1]):
        own = f"_{label}{k}"
        lines.append(moved(f"%a{own}", f"%a_{label}", k * axis.first))
        lines.append(moved(f"%b{own}", f"%b_{label}", k * axis.second))
        lines += _term(made, own)
    return [*start, *lines, *end]


def _fetched(made: Tile) -> list[str]:
    """Fetches a line of the result, of the next row in each turn, while the sums run. All of them
    at once would be as many as a processor can wait for, and the terms would wait behind them."""
    high, wide = made.rows * made.result, made.columns * BYTES[made.kind]
    return [
        "%near_this = load i64, ptr %near",
        "%near_at = getelementptr i8, ptr %c, i64 %near_this",
        "call void @llvm.prefetch.p0(ptr %near_at, i32 1, i32 3, i32 1)",
        f"%near_row = add nsw i64 %near_this, {made.result}",
        f"%near_below = icmp sge i64 %near_row, {high}",
        f"%near_line = sub nsw i64 %near_row, {high - LINE}",
        f"%near_beyond = icmp sge i64 %near_line, {wide}",
        "%near_first = select i1 %near_beyond, i64 0, i64 %near_line",
        "%near_next = select i1 %near_below, i64 %near_first, i64 %near_row",
        "store i64 %near_next, ptr %near",
    ]


def _turn(
    made: Tile, level: int, labels: tuple[str, str], turns: tuple[str, int, str], after: str
) -> tuple[list[str], list[str]]:
    """How a turn begins and ends, in blocks of these labels. `turns`: the first place and the block
    before it, the step, the end."""
    (inside, back), (first, step, end), axis = labels, turns, made.terms[level]
    a, b = (f"%{x}_head{level - 1}" if level else f"%{x}" for x in "ab")
    start = [
        f"%i_{inside} = phi i64 [ {first} ], [ %next_{inside}, %{back} ]",
        f"%ka_{inside} = mul nsw i64 %i_{inside}, {axis.first}",
        f"%kb_{inside} = mul nsw i64 %i_{inside}, {axis.second}",
        f"%a_{inside} = getelementptr i8, ptr {a}, i64 %ka_{inside}",
        f"%b_{inside} = getelementptr i8, ptr {b}, i64 %kb_{inside}",
    ]
    return start, [
        f"%next_{inside} = add nuw nsw i64 %i_{inside}, {step}",
        f"%on_{inside} = icmp ult i64 %next_{inside}, {end}",
        f"br i1 %on_{inside}, label %{inside}, label %{after}",
    ]


def _count(made: Tile, level: int) -> str:
    count = made.terms[level].count
    return "%k" if count is None else str(count)


def _term(made: Tile, own: str) -> list[str]:
    """One term more in each sum. A product may be contracted with the sum that it enters. `own`:
    how the names of this term end."""
    vector, item, lines = made.vector, BYTES[made.kind], list[str]()
    for byte in dict.fromkeys(byte for _, byte in made.parts):
        lines.append(moved(f"%q{byte}{own}", f"%b{own}", byte))
        used = made.lanes if made.padded else made.used(byte)
        lines += loaded(f"%v{byte}{own}", f"%q{byte}{own}", made.kind, used, made.lanes)
    for r in range(made.rows):
        lines += (
            moved(f"%p{r}{own}", f"%a{own}", r * made.first),
            f"%e{r}{own} = load {made.kind}, ptr %p{r}{own}, align {item}",
            f"%f{r}{own} = insertelement {vector} poison, {made.kind} %e{r}{own}, i64 0",
            f"%g{r}{own} = shufflevector {vector} %f{r}{own}, {vector} poison, "
            f"<{made.lanes} x i32> zeroinitializer",
        )
    for k, (r, byte) in enumerate(made.parts):
        lines.append(f"%x{k}{own} = load {vector}, ptr %s{k}")
        lines.append(f"%m{k}{own} = fmul contract {vector} %g{r}{own}, %v{byte}{own}")
        lines.append(f"%y{k}{own} = fadd contract {vector} %x{k}{own}, %m{k}{own}")
        lines.append(f"store {vector} %y{k}{own}, ptr %s{k}")
    return lines


def loaded(name: str, place: str, kind: str, used: int, lanes: int) -> Iterator[str]:
    """A vector that has zeros behind the entries that are used."""
    part, type_ = name if used == lanes else f"{name}_used", f"<{used} x {kind}>"
    yield f"{part} = load {type_}, ptr {place}, align {BYTES[kind]}"
    if used < lanes:
        places = [min(k, used) for k in range(lanes)]
        yield shuffled(name, type_, (part, "zeroinitializer"), places)


def stored(name: str, vector: str, place: str, kind: str, used: int, lanes: int) -> Iterator[str]:
    """The first entries of a vector put into memory; `name`: for a vector of just them."""
    if used < lanes:
        yield shuffled(name, f"<{lanes} x {kind}>", (vector, "poison"), range(used))
        vector = name
    yield f"store <{used} x {kind}> {vector}, ptr {place}, align {BYTES[kind]}"


def shuffled(name: str, type_: str, vectors: tuple[str, str], places: Sequence[int]) -> str:
    """A vector of entries of two, at places that count them one behind the other."""
    both = ", ".join(f"{type_} {vector}" for vector in vectors)
    chosen = ", ".join(f"i32 {place}" for place in places)
    return f"{name} = shufflevector {both}, <{len(places)} x i32> <{chosen}>"


def moved(name: str, pointer: str, count: int) -> str:
    """A pointer so many bytes further on."""
    return f"{name} = getelementptr i8, ptr {pointer}, i64 {count}"


def joined(blocks: Mapping[str, Sequence[str]]) -> str:
    """The text of blocks, by their labels."""
    return "".join(
        f"{label}:\n" + "".join(f"  {line}\n" for line in lines) for label, lines in blocks.items()
    )
