"""Random accesses, numbers and indices of the language, as text: valid by construction.

Every piece of text carries the free index names that it uses and a bound of its values, so that
no function leaves its domain and no value grows beyond what a difference quotient can bear.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")
Draw = Callable[[st.SearchStrategy[Any]], Any]
SUM, PRODUCT, FACTOR, ATOM = range(4)
DATA = 1.5
"""Random entries lie in -DATA … DATA."""

LEAVES = ("x", "W", "θ", "u", "V⁰", "b⁰", "M'", "ã", "q_1", "γ", "z₂", "E", "R", "tbl", "L", "φ")
SCALARS = ("η", "λ", "scale", "c₀", "τ", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9")
INTEGERS = ("y", "word", "n_b", "tag", "lab", "m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8")


@dataclass(frozen=True, slots=True)
class Range:
    """An index, the second name of its range if it has one, and what its size is called."""

    name: str
    size: int
    capital: str
    second: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,) if self.second is None else (self.name, self.second)


@dataclass(slots=True)
class Tensor:
    """`kind` is None without a declaration, "computed" for a target; `holds` for integers."""

    name: str
    axes: tuple[Range, ...]
    kind: str | None = None
    holds: Range | None = None
    bound: float = DATA
    start: str = ""
    read: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """Text, how tightly it binds, its free indices, a bound of its absolute value.

    `open`: it ends in a big operator, which takes in every factor put behind it."""

    text: str
    level: int
    uses: frozenset[str] = frozenset()
    bound: float = 1.0
    open: bool = False

    def within(self, level: int) -> str:
        return self.text if self.level >= level else f"({self.text})"


@dataclass
class Atoms:
    """Draws what expressions are made of; keeps the tensors and names that were used."""

    draw: Draw
    ranges: tuple[Range, ...]
    batch: Range | None
    empty: bool
    tensors: dict[str, Tensor] = field(default_factory=dict)
    defs: tuple[tuple[str, int], ...] = ()
    pinned: set[str] = field(default_factory=set)
    mentioned: set[str] = field(default_factory=set)
    bound_names: list[str] = field(default_factory=list)
    shadowed: set[str] = field(default_factory=set)
    restrictions: list[Piece] = field(default_factory=list)
    restricted: set[str] = field(default_factory=set)
    free: tuple[str, ...] = ()
    entering: bool | None = None
    """Whether the maximum, softmax or the like around may be over nothing, being infinite then;
    None: there is none around."""

    def pick(self, options: Sequence[T]) -> T:
        chosen: T = self.draw(st.sampled_from(options))
        return chosen

    def chance(self, percent: int) -> bool:
        return bool(self.draw(st.integers(0, 99)) >= 100 - percent)

    def some(self, options: Sequence[T], most: int) -> tuple[T, ...]:
        """Up to `most` distinct ones of the options, in random order."""
        left = list(options)
        count = self.draw(st.integers(0, min(most, len(left))))
        return tuple(left.pop(self.draw(st.integers(0, len(left) - 1))) for _ in range(count))

    def range_of(self, name: str) -> Range:
        found = next(r for r in self.ranges if name in r.names)
        self.mentioned |= {found.name, name}
        return found

    def names(self) -> tuple[str, ...]:
        return tuple(name for r in self.ranges for name in r.names)

    def atom(self, names: tuple[str, ...]) -> Piece:
        kind = self.draw(st.integers(0, 11))
        if kind < 9 or (kind == 10 and not names) or (kind == 11 and self.empty):
            return self.access(names)
        if kind == 9:
            return self.number()
        if kind == 10:
            name = self.pick(names)
            return Piece(name, ATOM, frozenset({name}), self.range_of(name).size)
        found = self.range_of(self.pick(self.ranges).name)
        return Piece(self.size(found), ATOM, bound=found.size)

    def size(self, found: Range) -> str:
        return f"|{self.pick(found.names)}|" if self.chance(20) else found.capital

    def number(self) -> Piece:
        text = self.pick(("2", "0.5", "3", "1.5", "1e-1", "1", "π", "0"))
        return Piece(text, ATOM, bound=4.0)

    def access(self, names: tuple[str, ...]) -> Piece:
        known = [t for t in self.tensors.values() if t.holds is None and self.reachable(t, names)]
        if not known or self.chance(35):
            return self.new_leaf(names)
        fresh = [t for t in known if t.kind == "computed" and not t.read]
        tensor = self.pick(fresh if fresh and self.chance(60) else known)
        if tensor.holds is None and not tensor.axes:
            tensor.read = True
            return Piece(tensor.name, ATOM, bound=tensor.bound)
        return self.entry(tensor, names)

    def reachable(self, tensor: Tensor, names: tuple[str, ...]) -> bool:
        """Without gathers and constants (nothing is in range of an empty axis), by names only."""
        return not self.empty or all(set(r.names) & set(names) for r in tensor.axes)

    def entry(self, tensor: Tensor, names: tuple[str, ...], *, plain: bool = False) -> Piece:
        tensor.read = True
        parts = [self.position(r, names, tensor, plain=plain) for r in tensor.axes]
        name = tensor.name
        if name.endswith("⁰") and self.chance(20):
            name = name.replace("⁰", "^0")
        uses = frozenset[str]().union(*(p.uses for p in parts))
        return Piece(f"{name}[{','.join(p.text for p in parts)}]", ATOM, uses, tensor.bound)

    def position(
        self, axis: Range, names: tuple[str, ...], tensor: Tensor, *, plain: bool = False
    ) -> Piece:
        likely = {True: 40, False: 0, None: 8}[self.entering]
        if names and not (plain or self.empty) and likely and self.chance(likely):
            return self.affine(axis, names)
        fitting = [name for name in names if name in axis.names]
        if fitting and (plain or self.empty or not self.chance(15)):
            name = self.pick(fitting)
            self.range_of(name)
            if tensor.kind != "computed":
                self.pinned.add(axis.name)
            return Piece(name, ATOM, frozenset({name}))
        if not plain and tensor.holds is None and self.chance(50):
            return self.entry(self.integers(axis, names), names)
        if self.chance(25):
            self.range_of(axis.name)
            return Piece(f"{axis.capital}-1", SUM)
        return Piece(str(self.draw(st.integers(0, axis.size - 1))), ATOM)

    def affine(self, axis: Range, names: tuple[str, ...]) -> Piece:
        """A position computed from indices, perhaps outside."""
        name, other = self.pick(names), self.pick(names)
        self.range_of(name)
        self.range_of(other)
        self.range_of(axis.name)
        alone = (f"{name}+1", f"{name}-1", f"2{name}", f"{axis.capital}-1-{name}")
        both = (
            f"{name}+{other}", f"2{name}+{other}-1", f"{other}-{name}",
            f"{axis.capital} {name}+{other}",
        )  # fmt: skip
        text = self.pick((*alone, *both))
        uses = frozenset({name, other} if text in both else {name})
        return Piece(text, SUM, uses)

    def integers(self, holds: Range, names: tuple[str, ...]) -> Tensor:
        known = [t for t in self.tensors.values() if t.holds == holds]
        if known and self.chance(60):
            return self.pick(known)
        axes = tuple(self.range_of(n) for n in self.some(names, 2))
        taken = [name for name in INTEGERS if name not in self.tensors]
        while len({r.name for r in axes}) < len(axes) or not axes:
            axes = (self.pick(self.ranges),)
        self.mentioned |= {r.name for r in axes}
        kinds = ("input", "const", None) if self.batch in axes else ("input", "const")
        made = Tensor(taken[0], axes, self.pick(kinds), holds, float(holds.size))
        if made.kind is not None:
            self.pinned |= {r.name for r in axes}
            self.mentioned.add(holds.name)
        self.tensors[made.name] = made
        return made

    def new_leaf(self, names: tuple[str, ...]) -> Piece:
        at = self.some(names, 3)
        if at and len(at) < 3 and self.chance(10):
            at = (*at, self.pick(at))
        axes = tuple(self.range_of(name) for name in at)
        pool = LEAVES if axes else SCALARS
        free = (f"{name}{end}" for end in ("", *range(20, 99)) for name in pool)
        name = next(name for name in free if name not in self.tensors)
        made = Tensor(name, axes, self.leaf_kind(axes))
        if made.kind in {"const", "param"} and self.chance(20):
            made.start = " = 0.5" if made.kind == "const" else self.pick((" = 0", " ~ normal(1)"))
        self.tensors[name] = made
        self.pinned |= {r.name for r in axes}
        uses = frozenset(at)
        return Piece(f"{name}[{','.join(at)}]" if at else name, ATOM, uses, DATA)

    def leaf_kind(self, axes: tuple[Range, ...]) -> str | None:
        """How it is declared; a diagonal needs two names of its range to be declared by."""
        if any(axes.count(r) > len(r.names) for r in axes):
            return None
        return self.pick((None, "input", "const" if self.batch in axes else "param", None, "const"))
