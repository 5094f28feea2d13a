"""The tree: what was written, node by node, with the place of each.

Every node is frozen; its span does not count in `==`. Sums and products are n-ary, because a
binary chain of a thousand terms would overflow any recursion over it. Parentheses are no nodes:
the printer puts them where the meaning needs them.
"""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from einsumgrad.diagnostics import NOWHERE, Source, Span
from einsumgrad.record import record


@record
class Number:
    """A literal as written, `784` or `1.702` or `1e-5`."""

    text: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@record
class Name:
    """A bare name: a scalar tensor, an index, a size, `π` or `∞` (stored as `inf`)."""

    name: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@record
class Access:
    """`h[b,j]`, `W.grad[j,i]`, `P[b, y[b]]`; `name` includes `.grad` suffixes."""

    name: str
    at: tuple[Expr, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@record
class SizeOf:
    """`|i|`, the size of index i."""

    index: str
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@record
class Call:
    """A function (canonical name, or a `def`ined one) of its arguments."""

    function: str
    args: tuple[Expr, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@record
class Operator:
    """A subscripted operator such as `Σ_i` or `softmax_{i}` (canonical name) over its body."""

    op: str
    indices: tuple[str, ...]
    body: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@record
class Negative:
    """Unary minus, and every subtracted term of a sum."""

    value: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@record
class Sum:
    """Two or more terms; a subtracted one is a Negative. No term is itself a Sum written bare."""

    terms: tuple[Expr, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@record
class Reciprocal:
    """A factor after `/`; occurs only directly inside a Product, never first."""

    value: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@record
class Product:
    """Two or more factors, grouped to the left; `1/B h[b]` is (1, Reciprocal(B), h[b])."""

    factors: tuple[Expr, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@record
class Power:
    base: Expr
    exponent: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@record
class Bracket:
    """`[CONDITION]`: 1 where it holds, else 0."""

    condition: Condition
    span: Span = field(default=NOWHERE, compare=False, repr=False)


Comparator = Literal["=", "!=", "<", "<=", ">", ">="]


@record
class Comparison:
    """A chain `0 <= p < P`: one operator fewer than operands; `==` is stored as `=`."""

    operands: tuple[Expr, ...]
    operators: tuple[Comparator, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@record
class Not:
    condition: Condition
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@record
class And:
    conditions: tuple[Condition, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@record
class Or:
    conditions: tuple[Condition, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


Expr = (
    Number | Name | Access | SizeOf | Call | Operator | Negative | Sum | Reciprocal | Product
    | Power | Bracket
)  # fmt: skip
Condition = Comparison | Not | And | Or


@record
class IndexGroup:
    """`b, b' : B`: names of one range and its size, an expression in numbers and sizes."""

    names: tuple[str, ...]
    size: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@record
class IndexDecl:
    groups: tuple[IndexGroup, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@record
class BatchDecl:
    """`batch n`, or `batch none` with name None."""

    name: str | None
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@record
class Draw:
    """`~ normal(1/sqrt(I))`: a distribution and its arguments."""

    distribution: str
    args: tuple[Expr, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@record
class Declared:
    """One entry of a declaration: `y[b] : ŷ`, `W[j,i] ~ normal(1)`, `c[j] = 0`."""

    name: str
    indices: tuple[str, ...]
    holds: str | None = None
    start: Draw | Expr | None = None
    span: Span = field(default=NOWHERE, compare=False, repr=False)


Kind = Literal["input", "param", "const", "noise", "loss", "output"]


@record
class TensorDecl:
    kind: Kind
    entries: tuple[Declared, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@record
class Def:
    """`def gelu2(u) = u σ(1.702 u)`."""

    name: str
    params: tuple[str, ...]
    body: Expr
    span: Span = field(default=NOWHERE, compare=False, repr=False)


Op = Literal["=", "+=", "-=", "max=", "min=", "*="]


@record
class Statement:
    """`[for indices] target op value [where conditions]`.

    `indices` is None without a `for`; `declares` is "loss" for `loss ℓ[b] = …` (or "output").
    A scalar target is an Access with no indices.
    """

    indices: tuple[str, ...] | None
    target: Access
    op: Op
    value: Expr
    where: tuple[Condition, ...] = ()
    declares: Literal["loss", "output"] | None = None
    span: Span = field(default=NOWHERE, compare=False, repr=False)


Item = IndexDecl | BatchDecl | TensorDecl | Def | Statement


@record
class File:
    items: tuple[Item, ...]
    source: Source = field(default=NOWHERE.source, compare=False, repr=False)
