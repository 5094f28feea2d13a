"""Derivatives of single nodes, as expressions: the table's, and those of the operators."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field
from typing import assert_never

from einsumgrad.check.lower import Scope, lower
from einsumgrad.check.names import Names
from einsumgrad.ir.build import (
    MINUS_ONE,
    ZERO,
    coefficient_of,
    is_signed,
    power,
    product,
    reciprocal,
    total,
)
from einsumgrad.ir.functions import FUNCTIONS
from einsumgrad.ir.nodes import (
    Access,
    Call,
    Comparator,
    Compare,
    Expr,
    Index,
    Iverson,
    Normalise,
    Number,
    Or,
    Position,
    Power,
    Product,
    Reduce,
    Size,
    Sum,
)
from einsumgrad.ir.substitute import fresh_index, replace_all, substitute
from einsumgrad.record import record, replace
from einsumgrad.syntax import tree as t
from einsumgrad.syntax.parse import parse_expression


@record
class Rules:
    """The table of `ir/functions.py`, each entry parsed when it is first used."""

    parsed: dict[str, t.Expr] = field(default_factory=dict)

    def of_call(self, node: Call, place: int, result: Expr, *, named: bool) -> tuple[Expr, str]:
        """The derivative of a function by one argument, and its text in the table. `result` is how
        its value is read; `named`: whether the argument is a tensor of the source's."""
        function = FUNCTIONS[node.function]
        text = function.derivatives[place]
        if function.by_result and not named and isinstance(result, Access):
            text = function.by_result
        if text not in self.parsed:
            self.parsed[text] = parse_expression(text)
        args = (*zip("uv", node.args, strict=False), ("y", result))
        return lower(self.parsed[text], Scope(Names(), frozenset(), args=args)), text


def of_base(node: Power) -> Expr:
    """d u^n / du = n u^(n-1); where n may be 0, a bracket keeps 0·0⁻¹ away."""
    less = total((node.exponent, MINUS_ONE))
    guard = () if isinstance(node.exponent, Number) else (_against_zero(node.exponent, "!="),)
    return product(*guard, node.exponent, power(node.base, less))


def of_exponent(node: Power, result: Expr) -> Expr:
    """d u^n / dn = u^n log u for u > 0, and 0 at u = 0."""
    guard = () if isinstance(node.base, Number) else (_against_zero(node.base, ">"),)
    return product(*guard, result, Call("log", (node.base,)))


def _against_zero(value: Expr, op: Comparator) -> Expr:
    return Iverson(Compare(op, value, ZERO))


def of_extremum(node: Reduce, result: Expr, taken: frozenset[str], *, exact: bool) -> Expr:
    """The share of an entry in its maximum or minimum: ties share evenly (LANGUAGE §8).

    `exact`: the entries are a tensor's, so that one of them equals the result to the last bit. What
    is computed anew may be rounded otherwise than it was; its extremum is then computed from it."""
    best = result if exact else _apart(node, taken)
    hit = Iverson(Compare("=", node.body, best))
    return product(hit, reciprocal(Reduce("sum", node.indices, hit, node.where)))


def of_product(node: Reduce, taken: frozenset[str]) -> Expr:
    """The product of all the other entries, right with any number of zeros."""
    apart = _apart(node, taken)
    others = tuple(
        Compare("!=", Position(new), Position(old))
        for new, old in zip(apart.indices, node.indices, strict=True)
    )
    other = others[0] if len(others) == 1 else Or(others)
    return replace(apart, where=(*apart.where, other))


def _apart(node: Reduce, taken: frozenset[str]) -> Reduce:
    """The reduction over indices of other names."""
    fresh: dict[Index, Index] = {}
    names = set(taken)
    for index in node.indices:
        fresh[index] = fresh_index(index, names)
        names.add(fresh[index].name)
    moved = {old: Position(new) for old, new in fresh.items()}
    body = substitute(node.body, moved)
    assert isinstance(body, Expr)
    return Reduce(node.op, tuple(fresh.values()), body, replace_all(node.where, moved))


def exact(node: Expr, given: Callable[[Expr], bool]) -> bool:
    """Whether a node has the same value to the last bit wherever it is computed: an entry of a
    tensor, as `given` says, or one operation on two of them, which IEEE 754 rounds in one way."""
    node = coefficient_of(node)[1] if is_signed(node) else node
    if isinstance(node, Access):
        return given(node)
    parts = node.factors if isinstance(node, Product) else ()
    if isinstance(node, Sum):
        parts = tuple(coefficient_of(t)[1] if is_signed(t) else t for t in node.terms)
    simple = (
        isinstance(part, Number | Size | Position) or (isinstance(part, Access) and given(part))
        for part in parts
    )
    return len(parts) == 2 and all(simple)


def active_parts(node: Expr) -> tuple[Expr, ...]:
    """The sub-expressions that a derivative goes through."""
    match node:
        case Call(function, args):
            slopes = FUNCTIONS[function].derivatives
            return tuple(a for a, slope in zip(args, slopes, strict=True) if slope != "0")
        case Sum(parts) | Product(parts):
            return parts
        case Power(base, exponent):
            return (base, exponent)
        case Reduce(op, _, body):
            return () if op in ("argmax", "argmin") else (body,)
        case Normalise():
            return (node.body,)
        case Number() | Size() | Position() | Access() | Iverson():
            return ()
        case _:
            assert_never(node)


def active_reads(node: Expr) -> Iterator[str]:
    """The tensors whose derivative an expression asks for, once for each read."""
    if isinstance(node, Access):
        yield node.tensor
    for part in active_parts(node):
        yield from active_reads(part)
