"""The innermost loops of products of matrices: a tile of the result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from einsumgrad.fused.text import BYTES
from einsumgrad.record import record


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
    blocks = {
        "entry": [*places, *sums, *zeros, "br i1 %more, label %load, label %start"],
        "load": [*_taken(made, held, own), "br label %start"],
        "start": ["br label %head0"],
        **_loop(made, 0, "start", "done"),
        "done": [*_given(made, own, held), "ret void"],
    }  # fmt: skip
    head = f"define private void {name}(ptr noalias %a, ptr noalias %b, ptr noalias %c, i64 %k, "
    return f"{head}i1 %more) noinline nounwind {{\n{joined(blocks)}}}\n"


def _taken(made: Tile, places: Sequence[str], sums: Sequence[str]) -> Iterator[str]:
    """The sums begin with what the result has."""
    for k, (place, own, (_, byte)) in enumerate(zip(places, sums, made.parts, strict=True)):
        yield from loaded(f"%l{k}", place, made.kind, made.used(byte), made.lanes)
        yield f"store {made.vector} %l{k}, ptr {own}"


def _given(made: Tile, sums: Sequence[str], places: Sequence[str]) -> Iterator[str]:
    """The result is what the sums are."""
    for k, (own, place, (_, byte)) in enumerate(zip(sums, places, made.parts, strict=True)):
        used, item = made.used(byte), BYTES[made.kind]
        name, type_ = f"%d{k}", f"<{used} x {made.kind}>"
        yield f"{name} = load {made.vector}, ptr {own}"
        if used < made.lanes:
            yield shuffled(f"{name}_used", made.vector, (name, "poison"), range(used))
            name = f"{name}_used"
        yield f"store {type_} {name}, ptr {place}, align {item}"


def _loop(made: Tile, level: int, before: str, after: str) -> dict[str, list[str]]:
    """The blocks of the loop over an axis of terms, entered from one block and left for another."""
    axis, last = made.terms[level], level + 1 == len(made.terms)
    a, b = (f"%{x}_{level - 1}" if level else f"%{x}" for x in "ab")
    inside, count = f"head{level}", "%k" if axis.count is None else str(axis.count)
    back = inside if last else f"tail{level}"
    start = [
        f"%i{level} = phi i64 [ 0, %{before} ], [ %next{level}, %{back} ]",
        f"%ka{level} = mul nsw i64 %i{level}, {axis.first}",
        f"%kb{level} = mul nsw i64 %i{level}, {axis.second}",
        f"%a_{level} = getelementptr i8, ptr {a}, i64 %ka{level}",
        f"%b_{level} = getelementptr i8, ptr {b}, i64 %kb{level}",
    ]
    end = [
        f"%next{level} = add nuw nsw i64 %i{level}, 1",
        f"%on{level} = icmp ult i64 %next{level}, {count}",
        f"br i1 %on{level}, label %{inside}, label %{after}",
    ]
    if last:
        return {inside: [*start, *_term(made, f"%a_{level}", f"%b_{level}"), *end]}
    inner = _loop(made, level + 1, inside, back)
    return {inside: [*start, f"br label %head{level + 1}"], **inner, back: end}


def _term(made: Tile, first: str, second: str) -> list[str]:
    """One term more in each sum. A product may be contracted with the sum that it enters."""
    vector, item, lines = made.vector, BYTES[made.kind], list[str]()
    for byte in dict.fromkeys(byte for _, byte in made.parts):
        lines.append(moved(f"%b{byte}", second, byte))
        used = made.lanes if made.padded else made.used(byte)
        lines += loaded(f"%v{byte}", f"%b{byte}", made.kind, used, made.lanes)
    for r in range(made.rows):
        lines += (
            moved(f"%a{r}", first, r * made.first),
            f"%e{r} = load {made.kind}, ptr %a{r}, align {item}",
            f"%f{r} = insertelement {vector} poison, {made.kind} %e{r}, i64 0",
            f"%g{r} = shufflevector {vector} %f{r}, {vector} poison, "
            f"<{made.lanes} x i32> zeroinitializer",
        )
    for k, (r, byte) in enumerate(made.parts):
        lines.append(f"%x{k} = load {vector}, ptr %s{k}")
        lines.append(f"%m{k} = fmul contract {vector} %g{r}, %v{byte}")
        lines.append(f"%y{k} = fadd contract {vector} %x{k}, %m{k}")
        lines.append(f"store {vector} %y{k}, ptr %s{k}")
    return lines


def loaded(name: str, place: str, kind: str, used: int, lanes: int) -> Iterator[str]:
    """A vector that has zeros behind the entries that are used."""
    part, type_ = name if used == lanes else f"{name}_used", f"<{used} x {kind}>"
    yield f"{part} = load {type_}, ptr {place}, align {BYTES[kind]}"
    if used < lanes:
        places = [min(k, used) for k in range(lanes)]
        yield shuffled(name, type_, (part, "zeroinitializer"), places)


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
