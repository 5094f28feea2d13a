"""Contributions to one gradient written as one statement where their sum is shorter."""

from __future__ import annotations

from dataclasses import replace

from einsumgrad.ir.build import negative, total
from einsumgrad.ir.nodes import Access, Condition, Expr, Index, Program, Statement
from einsumgrad.rewrite.algebra import cost
from einsumgrad.rewrite.edit import Reason, Told, plain_target, unheard, with_statements, writers
from einsumgrad.rewrite.simplify import simplify_statement

Key = tuple[frozenset[Index], Access, tuple[Condition, ...]]


def merge(program: Program, told: Told = unheard) -> Program:
    """`p.grad += -y (1 - p)`, `p.grad += (1 - y) p` become `p.grad += p - y`. The sum stands where
    the last of them stood; a name that only one statement writes is defined by `=`."""
    groups: dict[Key, list[int]] = {}
    for place, statement in enumerate(program.statements):
        if statement.derived and statement.op in ("+=", "-="):
            key = (frozenset(statement.indices), statement.target, statement.where)
            groups.setdefault(key, []).append(place)
    made: list[Statement | None] = list(program.statements)
    for places in groups.values():
        merged = _merged([program.statements[place] for place in places], told)
        if merged is not None:
            for place in places:
                made[place] = None
            made[places[-1]] = merged
    kept = with_statements(program, (s for s in made if s is not None))
    return with_statements(kept, _defined(kept, told))


def _merged(group: list[Statement], told: Told) -> Statement | None:
    if len(group) < 2:
        return None
    values = (negative(s.value) if s.op == "-=" else s.value for s in group)
    value: Expr = total(values)
    added = replace(group[-1], op="+=", value=value)
    merged = simplify_statement(added)
    if cost(merged.value) >= sum(cost(s.value) for s in group):
        return None
    for statement in group[:-1]:
        told(statement, None, Reason("it is added to a later contribution to {0}", (added.target,)))
    told(group[-1], added, Reason("an earlier contribution to {0} is added", (added.target,)))
    return simplify_statement(added, told)


def _defined(program: Program, told: Told) -> list[Statement]:
    """A helper that one statement writes, entry by entry, is written with `=`."""
    found = writers(program)
    return [_define(s, told) if len(found[s.target.tensor]) == 1 else s for s in program.statements]


def _define(statement: Statement, told: Told) -> Statement:
    name = statement.target.tensor
    whole = plain_target(statement.target) and len(statement.target.at) == len(statement.indices)
    if not statement.derived or name.endswith(".grad") or statement.op == "=" or not whole:
        return statement
    value = statement.value if statement.op == "+=" else negative(statement.value)
    made = replace(statement, op="=", value=value)
    told(
        statement, made, Reason("nothing else is added to {0}, so this defines it", (made.target,))
    )
    return made
