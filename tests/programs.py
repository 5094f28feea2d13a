"""Hypothesis strategies for whole programs: text, arrays, sizes.

Every program is valid by LANGUAGE.md: one definition for each entry, in pieces at times; writers
before readers, recurrences aside.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from atoms import ATOM, DATA, Draw, Piece, Range, Tensor
from expressions import Maker
from forms import Wrap, pieces, recurrence, reducing, unwrapped
from hypothesis import strategies as st

Array = npt.NDArray[Any]
COMPUTED = ("h0", "h̃", "s₁", "P", "g⁰", "mix", "o'", "ψ", "h1", "h2", "h3", "h4", "h5", "h6")
DEFS = (
    ("gelu2(u) = u σ(1.702 u)", ("gelu2", 1)),
    ("bump(u) = exp(-u^2) / 2", ("bump", 1)),
    ("blend(u, v) = σ(u) v + (1 - σ(u)) / 2", ("blend", 2)),
)
WORD = re.compile(r"[^\W\d_][\w\u0300-\u036f'⁰-⁹¹²³₀-₉]*")
CAPITALS = {"b": "B", "n": "N", "i": "I", "j": "J", "k": "K", "t": "T", "ŷ": "Ŷ", "κ": "Κ"}


@dataclass(frozen=True, repr=False)
class Sample:
    """A program and data for it; `sizes` by the size's name, `loss` if it has one.

    `wrt` are the tensors with a derivative, `params` those of them that are parameters."""

    text: str
    arrays: dict[str, Array]
    sizes: dict[str, int]
    loss: str | None
    wrt: tuple[str, ...]
    params: tuple[str, ...]

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name}{list(a.shape)}" for name, a in self.arrays.items())
        sizes = ", ".join(f"{name}={size}" for name, size in self.sizes.items())
        return f"\n{self.text}\n# arrays: {shapes}\n# sizes: {sizes}\n# wrt: {self.wrt}"


@st.composite
def programs(draw: Draw, *, loss: bool | None = None, empty: bool = False) -> Sample:
    """Programs with data. `loss`: with or without one; `empty`: one range has no values."""
    author = Author(draw, *ranges(draw, empty=empty), empty=empty)
    author.defs_used = author.some(DEFS, 1) if author.chance(20) else ()
    author.defs = tuple(named for _, named in author.defs_used)
    with_loss = author.chance(50) if loss is None else loss
    for _ in range(author.draw(st.integers(1, 4))):
        author.statement()
    if with_loss:
        author.loss_statement()
    text = "\n".join([*author.header(), *author.lines]) + "\n"
    return author.sample(text, author.draw(st.integers(0, 2**32 - 1)))


def ranges(draw: Draw, *, empty: bool) -> tuple[tuple[Range, ...], Range | None]:
    """Two to four ranges of distinct sizes, and which of them is the batch's."""
    batch = draw(st.sampled_from(("b", "b", "b", "n", "none", "absent")))
    first = "n" if batch == "n" else "i" if batch == "absent" else "b"
    others = draw(st.permutations(["j", "k", "ŷ", "head", "t"]))
    names = [first, *others[: draw(st.integers(1, 3))]]
    sizes = draw(st.permutations([2, 3, 1, 4]))[: len(names)]
    if empty:
        sizes[draw(st.integers(0, len(names) - 1))] = 0
    second = draw(st.integers(0, 5))
    made = tuple(
        Range(name, size, CAPITALS.get(name, f"|{name}|"), name + "'" if number == second else None)
        for number, (name, size) in enumerate(zip(names, sizes, strict=True))
    )
    return made, made[0] if batch in {"b", "n"} else None


def without_sizes(text: str) -> str:
    """The text without `|i|`, which names no entry of an index."""
    return re.sub(r"\|[^|]*\|", "", text)


@dataclass
class Author(Maker):
    """Writes statements, one after the other."""

    lines: list[str] = field(default_factory=list)
    defs_used: tuple[tuple[str, tuple[str, int]], ...] = ()
    loss: str | None = None
    open_outputs: list[str] = field(default_factory=list)

    def statement(self) -> None:
        """A new tensor, at times written by two statements."""
        name = self.unused()
        target = self.some(
            tuple(r.names[-1] if self.chance(10) else r.name for r in self.ranges), 3
        )
        axes = tuple(self.range_of(n) for n in target)
        place = f"{name}[{','.join(target)}]" if target else name
        kind = 0 if self.empty else self.draw(st.integers(0, 11))
        if kind == 11 and target:
            bound = recurrence(self, name, target)
        elif kind == 10:
            bound = reducing(self, place, target)
        elif kind == 9 and target:
            bound = pieces(self, place, target)
        else:
            bound = self.sum(place, target)
            if axes and self.chance(8) and not self.empty:
                bound += self.scatter(name, axes)
        self.tensors[name] = Tensor(name, axes, "computed", bound=bound)

    def unused(self, but: str = "") -> str:
        return next(name for name in COMPUTED if name not in self.tensors and name != but)

    def sum(self, place: str, target: tuple[str, ...]) -> float:
        """One or two statements that define or add."""
        op = self.pick(("=", "=", "=", "+=", "+=", "-="))
        bound = self.write(place, target, op)
        if self.chance(15):
            bound += self.write(place, target, self.pick(("+=", "-=")))
        return bound

    def scatter(self, name: str, axes: tuple[Range, ...]) -> float:
        """A further `+=` at gathered, constant or repeated positions, as derived programs have."""
        names = self.names()
        scratch = Tensor(name, axes, "computed")
        place = self.entry(scratch, names)
        return self.write(place.text, tuple(n for n in names if n in place.uses), "+=")

    def write(
        self, place: str, target: tuple[str, ...], op: str, wrap: Wrap = unwrapped,
        where: str | None = None,
    ) -> float:  # fmt: skip
        """One statement, its value wrapped; the bound of what it adds to an entry. `where`: its
        condition, on the target's indices; empty for none."""
        extra = tuple(n for n in self.names() if n not in target) if op != "=" else ()
        self.free = (*target, *self.some(extra, 2))
        self.bound_names, self.shadowed, self.restrictions = [], set(), []
        self.restricted = set()
        value = wrap(self.expression(self.free, self.draw(st.integers(1, 4))))
        words = {*target, *WORD.findall(without_sizes(value.text))}
        conditions = [r for r in self.restrictions if self.named(without_sizes(r.text)) <= words]
        uses = {*target, *value.uses}.union(*(r.uses for r in conditions))
        allowed = tuple(n for n in self.free if n in uses and n not in self.shadowed)
        if where is not None:
            conditions += [Piece(where, ATOM)] if where else []
        elif allowed and self.chance(20):
            condition = self.condition(allowed)
            conditions.append(condition)
            uses |= condition.uses
        self.lines.append(self.line(place, op, value, sorted(uses), conditions))
        self.free = ()
        return value.bound * math.prod(self.range_of(n).size for n in uses - {*target})

    def named(self, text: str) -> set[str]:
        """The indices that a text names."""
        names = {name for r in self.ranges for name in r.names}
        return names & set(WORD.findall(text))

    def line(
        self, place: str, op: str, value: Piece, uses: list[str], conditions: list[Piece]
    ) -> str:
        text = f"{place} {op} {value.text}"
        if conditions:
            text += " where " + ", ".join(c.text for c in conditions)
        if uses and self.chance(35):
            order = self.draw(st.permutations(uses))
            text = f"for {self.pick((',', ', ')).join(order)}{self.pick(('  ', ' : ', ': '))}{text}"
        return text

    def loss_statement(self) -> None:
        """The sum of what is not yet read, of each example or over all."""
        batch = self.batch
        self.loss = self.pick(("ℓ", "loss_1"))
        axes = (batch,) if batch is not None and self.chance(70) else ()
        if self.chance(15):
            axes = (*axes, *self.some([r for r in self.ranges if r not in {*axes, batch}], 1))
        target = tuple(r.name for r in axes)
        place = f"{self.loss}[{','.join(target)}]" if target else self.loss
        left = [t for t in self.tensors.values() if t.kind == "computed" and not t.read]
        terms = [self.reduced(t, target) for t in left if self.chance(85) or t is left[-1]]
        if not terms or self.chance(30):
            self.free = target
            self.bound_names, self.shadowed = [], set()
            terms.append(self.expression(target, 2).within(1))
        self.restrictions, self.free = [], ()
        for name in target:
            self.range_of(name)
        apart = self.chance(25)
        self.lines.append(f"{'' if apart else 'loss '}{place} = {' + '.join(terms)}")
        if apart:
            self.lines.insert(0, f"loss {place}")

    def reduced(self, tensor: Tensor, target: tuple[str, ...]) -> str:
        """A tensor at the loss's indices, summed or averaged over its others."""
        tensor.read = True
        names: list[str] = []
        for r in tensor.axes:
            fitting = [n for n in (r.name, *r.names) if n not in names]
            names.append(fitting[0] if fitting else r.name)
        over = [n for n in dict.fromkeys(names) if n not in target]
        entry = f"{tensor.name}[{','.join(names)}]" if names else tensor.name
        self.mentioned |= {*names}
        entry = self.pick((f"{entry}^2", entry, f"sin({entry})", f"σ({entry})"))
        op = self.pick(("Σ", "mean", "sum"))
        return f"{op}_{{{','.join(over)}}}({entry})" if over else entry

    def header(self) -> list[str]:
        by_kind: dict[str, list[str]] = {}
        for tensor in self.tensors.values():
            if tensor.kind in {"input", "param", "const"}:
                by_kind.setdefault(str(tensor.kind), []).append(self.declared(tensor))
        lines = [*self.batch_line(), *self.index_line()]
        lines += [f"def {text}" for text, _ in self.defs_used]
        for kind, entries in by_kind.items():
            joined = self.chance(70)
            lines += (
                [f"{kind} {', '.join(entries)}"] if joined else [f"{kind} {e}" for e in entries]
            )
        return lines

    def batch_line(self) -> list[str]:
        if self.batch is None:
            return ["batch none"] if self.ranges[0].name == "b" or self.chance(20) else []
        return [f"batch {self.batch.name}"] if self.batch.name != "b" or self.chance(20) else []

    def index_line(self) -> list[str]:
        """Sizes that no array gives, second names, and some that need not be said."""
        groups = []
        self.mentioned |= self.named(" ".join(self.lines))
        words = set(WORD.findall(" ".join(self.lines)))
        given = (t for t in self.tensors.values() if t.kind != "computed" and t.name in words)
        self.pinned &= {
            r.name
            for t in given
            if not (t.kind == "const" and t.start)
            for place, r in enumerate(t.axes)
            if t.kind is not None or self.plain(t, place, r)
        }
        for r in self.ranges:
            seconds = r.second if r.second in self.mentioned else None
            needed = r.name in self.mentioned and r.name not in self.pinned
            if needed or seconds or (r.name in self.mentioned and self.chance(15)):
                name = f"{r.name}, {seconds}" if seconds else r.name
                by_name = seconds and not needed and "|" not in r.capital and self.chance(50)
                groups.append(f"{name} : {r.capital if by_name else r.size}")
        return [f"index {', '.join(groups)}"] if groups else []

    def plain(self, tensor: Tensor, place: int, axis: Range) -> bool:
        """Whether a statement reads this axis of an undeclared tensor at a plain index."""
        reads = re.findall(rf"(?<!\w){tensor.name}\[([^\[\]]*)\]", " ".join(self.lines))
        return any(read.split(",")[place].strip() in axis.names for read in reads)

    def declared(self, tensor: Tensor) -> str:
        names: list[str] = []
        for r in tensor.axes:
            names.append(next(n for n in r.names if n not in names))
            self.mentioned.add(names[-1])
        at = f"[{','.join(names)}]" if names else ""
        holds = f" : {tensor.holds.name}" if tensor.holds else ""
        return f"{tensor.name}{at}{holds}{tensor.start}"

    def sample(self, text: str, seed: int) -> Sample:
        rng = np.random.default_rng(seed)
        spelled = re.sub(r"\^0(?=[\[\s),])", "⁰", re.sub(r"^def .*", "", text, flags=re.MULTILINE))
        words = set(WORD.findall(spelled))
        leaves = [t for t in self.tensors.values() if t.kind != "computed" and t.name in words]
        arrays: dict[str, Array] = {}
        for leaf in leaves:
            shape = tuple(r.size for r in leaf.axes)
            if leaf.holds is not None:
                arrays[leaf.name] = rng.integers(0, max(1, leaf.holds.size), shape)
            elif not (leaf.kind == "const" and leaf.start):
                arrays[leaf.name] = rng.uniform(-DATA, DATA, shape)
        free = [t for t in leaves if t.holds is None and t.kind != "const"]
        params = [
            t.name
            for t in free
            if t.kind == "param" or (t.kind is None and all(r != self.batch for r in t.axes))
        ]
        sizes = {r.capital: r.size for r in self.ranges}
        wrt = tuple(t.name for t in free)
        return Sample(text, arrays, sizes, self.loss, wrt, tuple(params))
