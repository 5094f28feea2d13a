"""Contributions to one gradient written as one statement where their sum is shorter."""

from __future__ import annotations

from dataclasses import replace

from einsumgrad.ir.build import negative, total
from einsumgrad.ir.nodes import Access, Condition, Expr, Index, Program, Statement
from einsumgrad.rewrite.algebra import cost
from einsumgrad.rewrite.edit import plain_target, with_statements, writers
from einsumgrad.rewrite.simplify import simplify_statement

Key = tuple[frozenset[Index], Access, tuple[Condition, ...]]


def merge(program: Program) -> Program:
    """`p.grad += -y (1 - p)`, `p.grad += (1 - y) p` become `p.grad += p - y`. The sum stands where
    the last of them stood; a name that only one statement writes is defined by `=`."""
    groups: dict[Key, list[int]] = {}
    for place, statement in enumerate(program.statements):
        if statement.derived and statement.op in ("+=", "-="):
            key = (frozenset(statement.indices), statement.target, statement.where)
            groups.setdefault(key, []).append(place)
    made: list[Statement | None] = list(program.statements)
    for places in groups.values():
        merged = _merged([program.statements[place] for place in places])
        if merged is not None:
            for place in places:
                made[place] = None
            made[places[-1]] = merged
    kept = with_statements(program, (s for s in made if s is not None))
    return with_statements(kept, _defined(kept))


def _merged(group: list[Statement]) -> Statement | None:
    if len(group) < 2:
        return None
    values = (negative(s.value) if s.op == "-=" else s.value for s in group)
    value: Expr = total(values)
    merged = simplify_statement(replace(group[-1], op="+=", value=value))
    before = sum(cost(s.value) for s in group)
    return merged if cost(merged.value) < before else None


def _defined(program: Program) -> list[Statement]:
    """A helper that one statement writes, entry by entry, is written with `=`."""
    found = writers(program)
    return [_define(s) if len(found[s.target.tensor]) == 1 else s for s in program.statements]


def _define(statement: Statement) -> Statement:
    name = statement.target.tensor
    whole = plain_target(statement.target) and len(statement.target.at) == len(statement.indices)
    if not statement.derived or name.endswith(".grad") or statement.op == "=" or not whole:
        return statement
    value = statement.value if statement.op == "+=" else negative(statement.value)
    return replace(statement, op="=", value=value)
