"""The innermost loops of products of matrices: a tile of the result, and a copy of some columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from einsumgrad.fused.text import BYTES
from einsumgrad.record import record

VECTOR = 32
"""Bytes of a vector."""


@record
class Tile:
    """Some rows and columns of a result. `first`: the bytes from row to row and from term to term
    in the first matrix; `second`: from term to term in the second; `result`: from row to row."""

    kind: str
    rows: int
    columns: int
    first: tuple[int, int]
    second: int
    result: int

    @property
    def lanes(self) -> int:
        """How many columns a vector has."""
        return min(self.columns, VECTOR // BYTES[self.kind])

    @property
    def vector(self) -> str:
        return f"<{self.lanes} x {self.kind}>"

    @property
    def parts(self) -> list[tuple[int, int]]:
        """The vectors of a tile: the row of each and the bytes from there."""
        item = BYTES[self.kind]
        starts = range(0, self.columns, self.lanes)
        return [(row, start * item) for row in range(self.rows) for start in starts]


def tile(name: str, made: Tile) -> str:
    """A function of pointers to the tile's first entries, the number of terms, and whether the
    result has the sum of other terms already."""
    vector, parts, item = made.vector, made.parts, BYTES[made.kind]
    held = [f"%c{k}" for k in range(len(parts))]
    places = [
        line
        for c, (row, byte) in zip(held, parts, strict=True)
        for line in [_moved(c, "%c", row * made.result + byte)]
    ]
    loads = [f"%l{k} = load {vector}, ptr {c}, align {item}" for k, c in enumerate(held)]
    sums = [
        f"%x{k} = phi {vector} [ zeroinitializer, %entry ], [ %l{k}, %load ], [ %y{k}, %head ]"
        for k in range(len(parts))
    ]
    stores = [f"store {vector} %y{k}, ptr {c}, align {item}" for k, c in enumerate(held)]
    blocks = {
        "entry": [*places, "br i1 %more, label %load, label %head"],
        "load": [*loads, "br label %head"],
        "head": [
            "%i = phi i64 [ 0, %entry ], [ 0, %load ], [ %next, %head ]", *sums, *_term(made),
            "%next = add nuw nsw i64 %i, 1", "%on = icmp ult i64 %next, %k",
            "br i1 %on, label %head, label %done",
        ],
        "done": [*stores, "ret void"],
    }  # fmt: skip
    head = f"define private void {name}(ptr noalias %a, ptr noalias %b, ptr noalias %c, i64 %k, "
    return f"{head}i1 %more) noinline nounwind {{\n{_joined(blocks)}}}\n"


def _term(made: Tile) -> list[str]:
    """One term more in each sum. A product may be contracted with the sum that it enters."""
    vector, item = made.vector, BYTES[made.kind]
    row, term = made.first
    lines = [f"%ka = mul nsw i64 %i, {term}", f"%kb = mul nsw i64 %i, {made.second}"]
    lines += ["%pa = getelementptr i8, ptr %a, i64 %ka", "%pb = getelementptr i8, ptr %b, i64 %kb"]
    for byte in dict.fromkeys(byte for _, byte in made.parts):
        lines.append(_moved(f"%b{byte}", "%pb", byte))
        lines.append(f"%v{byte} = load {vector}, ptr %b{byte}, align {item}")
    for r in range(made.rows):
        lines += (
            _moved(f"%a{r}", "%pa", r * row),
            f"%e{r} = load {made.kind}, ptr %a{r}, align {item}",
            f"%f{r} = insertelement {vector} poison, {made.kind} %e{r}, i64 0",
            f"%g{r} = shufflevector {vector} %f{r}, {vector} poison, "
            f"<{made.lanes} x i32> zeroinitializer",
        )
    for k, (r, byte) in enumerate(made.parts):
        lines.append(f"%m{k} = fmul contract {vector} %g{r}, %v{byte}")
        lines.append(f"%y{k} = fadd contract {vector} %x{k}, %m{k}")
    return lines


def copy(name: str, kind: str, columns: int, steps: tuple[int, int]) -> str:
    """A function that copies columns of a matrix to one without gaps; `steps`: the bytes from term
    to term and from column to column."""
    item = BYTES[kind]
    moved = [
        line
        for k in range(columns)
        for line in (
            _moved(f"%b{k}", "%pb", k * steps[1]), f"%e{k} = load {kind}, ptr %b{k}, align {item}",
            _moved(f"%t{k}", "%pt", k * item), f"store {kind} %e{k}, ptr %t{k}, align {item}",
        )
    ]  # fmt: skip
    blocks = {
        "entry": ["br label %head"],
        "head": [
            "%i = phi i64 [ 0, %entry ], [ %next, %head ]",
            f"%kb = mul nsw i64 %i, {steps[0]}", f"%kt = mul nsw i64 %i, {columns * item}",
            "%pb = getelementptr i8, ptr %b, i64 %kb", "%pt = getelementptr i8, ptr %t, i64 %kt",
            *moved, "%next = add nuw nsw i64 %i, 1", "%on = icmp ult i64 %next, %k",
            "br i1 %on, label %head, label %done",
        ],
        "done": ["ret void"],
    }  # fmt: skip
    head = f"define private void {name}(ptr noalias %b, ptr noalias %t, i64 %k)"
    return f"{head} noinline nounwind {{\n{_joined(blocks)}}}\n"


def _moved(name: str, pointer: str, count: int) -> str:
    return f"{name} = getelementptr i8, ptr {pointer}, i64 {count}"


def _joined(blocks: Mapping[str, Sequence[str]]) -> str:
    return "".join(
        f"{label}:\n" + "".join(f"  {line}\n" for line in lines) for label, lines in blocks.items()
    )
