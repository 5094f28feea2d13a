"""The intermediate representation: what a program means.

One `Program` type serves hand-written, derived and rewritten programs. Indices are objects that
carry their size; expressions are n-ary; index positions hold ordinary expressions (a plain index,
a number, a size, a gather, an affine combination). Spans and ways of writing do not count in `==`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from fractions import Fraction
from operator import attrgetter
from typing import Any, Literal

from einsumgrad.diagnostics import NOWHERE, Source, Span
from einsumgrad.record import Lazy, Open, record


@record
class Index:
    """A name ranging over 0 … size-1. `size` is the size's name; two indices with one size name
    are two names of one range."""

    name: str
    size: str

    def __lt__(self, other: Index) -> bool:
        return (self.name, self.size) < (other.name, other.size)


@record
class Number:
    """A constant: exact (a Fraction) where written with integers, else a float."""

    value: Fraction | float


@record
class Size:
    """The number of a size, as a value: the B of `1/B`."""

    name: str


@record
class Position:
    """A bare index: its value."""

    index: Index


@record
class Access:
    """An entry of a tensor. `at` holds one expression per axis."""

    tensor: str
    at: tuple[Expr, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@record
class Sum:
    terms: tuple[Expr, ...]


@record
class Product:
    """Factors in reading order; build it with `build.product`, which keeps the normal form:
    a Number first, then sizes, then the others, reciprocals last."""

    factors: tuple[Expr, ...]


@record
class Power:
    base: Expr
    exponent: Expr


@record
class Call:
    """An elementwise function of `functions.FUNCTIONS`."""

    function: str
    args: tuple[Expr, ...]


ReduceOp = Literal["sum", "prod", "mean", "max", "min", "logsumexp", "argmax", "argmin"]


@record
class Reduce:
    """Binds `indices` (one of them for logsumexp, argmax, argmin) over those tuples for which all
    of `where` hold. Over nothing: sum 0, prod 1, mean 0, max and logsumexp -∞, min ∞, arg… 0.
    A mean divides by the sizes of its indices, whatever `where` keeps."""

    op: ReduceOp
    indices: tuple[Index, ...]
    body: Expr
    where: tuple[Condition, ...] = ()


@record
class Normalise:
    """softmax or log_softmax of `body` over `index` (bound inside), read at `at`.

    In source `at` is always the index itself; rewriting may read it elsewhere. Entries that
    `where` drops are 0 (softmax) or -∞ (log_softmax)."""

    op: Literal["softmax", "log_softmax"]
    index: Index
    body: Expr
    at: Expr
    where: tuple[Condition, ...] = ()


@record
class Iverson:
    """`[condition]`: 1 or 0. A product with a 0 of it is 0, even where another factor is not
    finite (a masked branch makes no NaN)."""

    condition: Condition


Expr = (
    Number | Size | Position | Access | Sum | Product | Power | Call | Reduce | Normalise | Iverson
)

Comparator = Literal["=", "!=", "<", "<=", ">", ">="]


@record
class Compare:
    op: Comparator
    left: Expr
    right: Expr


@record
class And:
    items: tuple[Condition, ...]


@record
class Or:
    items: tuple[Condition, ...]


@record
class Not:
    item: Condition


Condition = Compare | And | Or | Not

Op = Literal["=", "+=", "-=", "max=", "min=", "*="]


Node = Expr | Condition


PARTS: Mapping[type[Node], Callable[[Any], tuple[Node, ...]]] = {
    Number: lambda _: (),
    Size: lambda _: (),
    Position: lambda _: (),
    Access: attrgetter("at"),
    Sum: attrgetter("terms"),
    Product: attrgetter("factors"),
    Power: attrgetter("base", "exponent"),
    Call: attrgetter("args"),
    Reduce: lambda node: (node.body, *node.where),
    Normalise: lambda node: (node.body, node.at, *node.where),
    Iverson: lambda node: (node.condition,),
    Compare: attrgetter("left", "right"),
    And: attrgetter("items"),
    Or: attrgetter("items"),
    Not: lambda node: (node.item,),
}
"""A table, as every traversal asks it for every node: a `match` takes three times as long."""


LEAVES = frozenset((Number, Size, Position))


def children(node: Node) -> tuple[Node, ...]:
    """The parts of a node in reading order; of a binder: body, (at,) conditions."""
    return PARTS[type(node)](node)


def walk(*nodes: Node) -> list[Node]:
    """The nodes and everything below them, outer before inner, in reading order."""
    found: list[Node] = []
    left = list(nodes[::-1])
    while left:
        current = left.pop()
        found.append(current)
        kind = type(current)
        if kind not in LEAVES:
            left += PARTS[kind](current)[::-1]
    return found


@record
class Statement(Open):
    """For each tuple of `indices` (in loop order) that meets all of `where`: target op value.

    `listed`: the source wrote a `for`. Indices bound by operators are not among `indices`.
    `derived`: the current derivation made it, so rewriting may change it; `origin` is then the
    number of what it derives from, a forward statement or a named part of one. What it reads is
    asked for by every pass, so it is looked up once."""

    indices: tuple[Index, ...]
    target: Access
    op: Op
    value: Expr
    where: tuple[Condition, ...] = ()
    listed: bool = field(default=False, compare=False)
    derived: bool = field(default=False, compare=False)
    origin: int | None = field(default=None, compare=False)
    span: Span = field(default=NOWHERE, compare=False, repr=False)

    @Lazy
    def nodes(self) -> tuple[Node, ...]:
        """What a statement reads from: value, conditions, and the target's index positions."""
        return (self.value, *self.where, *self.target.at)

    @Lazy
    def reads(self) -> tuple[Access, ...]:
        """Every tensor entry that the statement reads, in reading order."""
        return tuple(node for node in walk(*self.nodes) if isinstance(node, Access))

    @Lazy
    def every_index(self) -> frozenset[Index]:
        """Every index of the statement, bound ones too."""
        found = set(self.indices)
        for node in walk(*self.nodes):
            match node:
                case Position(index) | Normalise(index=index):
                    found.add(index)
                case Reduce():
                    found.update(node.indices)
                case _:
                    pass
        return frozenset(found)


@record
class Draw:
    """A distribution of `functions.DISTRIBUTIONS` with its arguments (sizes and numbers only)."""

    distribution: str
    args: tuple[Expr, ...]


Kind = Literal["input", "param", "const", "noise", "computed"]


@record
class Tensor:
    """What is known of a tensor before any array is seen.

    `axes`: the index that its declaration, its target or its first plain use names for each axis,
    None where none does. `holds`: it is integer, with values of that index. `start`: how training
    (a param), a run (noise) or nothing given (const) fills it. `integer`: used as a gather."""

    name: str
    kind: Kind
    axes: tuple[Index | None, ...]
    holds: Index | None = None
    start: Draw | Expr | None = None
    integer: bool = False
    batched: bool = False
    declared: bool = field(default=False, compare=False)
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@record
class Program:
    """Declarations and statements. `batch` is None under `batch none`.

    `sizes` are the sizes that declarations give (a number, or an affine expression in others).
    `outputs` are what a run returns besides the loss. `places`: where sizes are declared."""

    statements: tuple[Statement, ...]
    tensors: tuple[Tensor, ...]
    batch: Index | None
    sizes: tuple[tuple[str, Expr], ...] = ()
    loss: str | None = None
    outputs: tuple[str, ...] = ()
    indices: tuple[Index, ...] = ()
    places: tuple[tuple[str, Span], ...] = field(default=(), compare=False, repr=False)
    source: Source = field(default=NOWHERE.source, compare=False, repr=False)

    def tensor(self, name: str) -> Tensor:
        """The tensor of that name; KeyError if there is none. Linear: build a dict for many."""
        for tensor in self.tensors:
            if tensor.name == name:
                return tensor
        raise KeyError(name)
