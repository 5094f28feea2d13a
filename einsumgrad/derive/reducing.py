"""`max=`, `min=` and `*=` as the chain rule takes them.

A tensor that one such statement writes entry by entry is `max_k` (or `prod_k`) of its value. Where
several write it, or a target is computed, the derivative of a maximum goes to the entries that
reach it, ties sharing evenly: `m[at] += value [value = m[at]] / ties[at]` has that derivative,
since brackets have none of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from einsumgrad.derive.rules import exact
from einsumgrad.derive.split import argument_of, fresh_name, stem
from einsumgrad.ir.build import product, reciprocal
from einsumgrad.ir.circles import by_target
from einsumgrad.ir.nodes import (
    Access,
    Compare,
    Expr,
    Iverson,
    Op,
    Position,
    Program,
    Reduce,
    ReduceOp,
    Statement,
)
from einsumgrad.ir.walk import free_indices
from einsumgrad.record import record, replace

OPERATORS: Mapping[Op, ReduceOp] = {"max=": "max", "min=": "min", "*=": "prod"}
Helpers = Mapping[int, tuple[Statement, ...]]
"""Statements that have to stand before others, by the places of those."""


def as_operators(program: Program, taken: set[str]) -> tuple[Program, Helpers]:
    """The program with its reducing statements in a form that the chain rule knows, one for one,
    but for products that are not one operator. `taken`: names in use; new ones join them."""
    statements, helpers = list(program.statements), dict[int, tuple[Statement, ...]]()
    for name, found in by_target(program.statements).items():
        ops = {s.op for s in found} & OPERATORS.keys()
        if not ops:
            continue
        places = [k for k, s in enumerate(program.statements) if s.target.tensor == name]
        if len(found) == 1 and _entry_by_entry(found[0]):
            statements[places[0]] = _operator(found[0])
        elif "*=" not in ops:
            shares = _Shares(name, found, taken)
            helpers[places[0]] = shares.helpers()
            for place, statement in zip(places, shares.statements(), strict=True):
                statements[place] = statement
    return replace(program, statements=tuple(statements)), helpers


def _entry_by_entry(statement: Statement) -> bool:
    at = statement.target.at
    return all(isinstance(p, Position) for p in at) and len(set(at)) == len(at)


def _operator(statement: Statement) -> Statement:
    """`m[b] max= a[b,k]` as `m[b] = max_k a[b,k]`, where the conditions on b alone hold: elsewhere
    its derivative is 0."""
    kept = {p.index for p in statement.target.at if isinstance(p, Position)}
    over = tuple(i for i in statement.indices if i not in kept)
    if not over:
        return replace(statement, op="=")
    loops = tuple(i for i in statement.indices if i in kept)
    outer = tuple(c for c in statement.where if set(free_indices(c)).isdisjoint(over))
    inner = tuple(c for c in statement.where if c not in outer)
    value = Reduce(OPERATORS[statement.op], over, statement.value, inner)
    return replace(statement, op="=", indices=loops, value=value, where=outer)


@record(frozen=False)
class _Shares:
    """A maximum written out. Values that may be rounded otherwise when they are computed anew get
    a name, and their maximum is computed from that."""

    name: str
    found: list[Statement]
    taken: set[str]
    named: list[Statement] = field(default_factory=list)
    entries: list[Expr] = field(default_factory=list)
    best: str = ""
    ties: str = ""

    def __post_init__(self) -> None:
        for statement in self.found:
            simple = exact(statement.value, lambda _: True)
            self.entries.append(statement.value if simple else self._named(statement))
        self.best = self._fresh(f"{stem(self.name)}_best") if self.named else self.name
        self.ties = self._fresh(f"{stem(self.name)}_ties")

    def helpers(self) -> tuple[Statement, ...]:
        """The statements that name values, take their maximum, and count ties."""
        pairs = list(zip(self.found, self.entries, strict=True))
        extrema = [_made(s, Access(self.best, s.target.at), s.op, v) for s, v in pairs]
        counts = [_made(s, Access(self.ties, s.target.at), "+=", self._hit(s, v)) for s, v in pairs]
        return (*self.named, *(extrema if self.named else ()), *counts)

    def statements(self) -> list[Statement]:
        """For each statement what adds the shares of its entries."""
        return [
            replace(
                s, op="+=",
                value=product(s.value, self._hit(s, v), reciprocal(Access(self.ties, s.target.at))),
            )
            for s, v in zip(self.found, self.entries, strict=True)
        ]  # fmt: skip

    def _hit(self, statement: Statement, entry: Expr) -> Iverson:
        return Iverson(Compare("=", entry, Access(self.best, statement.target.at)))

    def _named(self, statement: Statement) -> Expr:
        target = Access(
            self._fresh(argument_of(self.name)), tuple(Position(i) for i in statement.indices)
        )
        self.named.append(_made(statement, target, "=", statement.value))
        return target

    def _fresh(self, name: str) -> str:
        found = fresh_name(name, self.taken)
        self.taken.add(found)
        return found


def _made(statement: Statement, target: Access, op: Op, value: Expr) -> Statement:
    return replace(statement, target=target, op=op, value=value, listed=True, derived=True)
