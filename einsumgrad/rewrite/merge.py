"""Contributions to one gradient written as one statement where a person would write one."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace

from einsumgrad.ir.build import negative, total
from einsumgrad.ir.nodes import Expr, Position, Program, Statement
from einsumgrad.rewrite.algebra import simplify
from einsumgrad.rewrite.edit import Reason, Told, plain_target, unheard, with_statements, writers
from einsumgrad.rewrite.factor import expand, weight
from einsumgrad.rewrite.simplify import simplify_statement
from einsumgrad.syntax.names import SUFFIXES

Key = Callable[[Statement], Hashable | None]


def merge(program: Program, told: Told = unheard) -> Program:
    """`p.grad += -y (1 - p)`, `p.grad += (1 - y) p` become `p.grad += p - y`. The sum stands where
    the last of them stood; a name that only one statement writes is defined by `=`.

    What one forward statement adds to the same entries is one statement, and so is all that is
    added to a helper's; other contributions are where terms cancel."""
    program = _grouped(program, _together, lambda *_: True, told)
    program = _grouped(program, _entries, _cancelling, told)
    return with_statements(program, _defined(program, told))


def _entries(statement: Statement) -> Hashable | None:
    """What statements have in common whose values can be added up."""
    if not statement.derived or statement.op not in ("+=", "-="):
        return None
    return frozenset(statement.indices), statement.target, statement.where


def _together(statement: Statement) -> Hashable | None:
    """What statements have in common that a person would write as one: entry by entry."""
    entries = _entries(statement)
    if entries is None or not {Position(i) for i in statement.indices} <= {*statement.target.at}:
        return None
    helper = not statement.target.tensor.endswith(SUFFIXES)
    return entries if helper else (entries, statement.origin)


def _cancelling(group: list[Statement], added: Statement) -> bool:
    """Whether terms of different statements cancel or are alike."""
    return weight(simplify(expand(added.value))) < sum(weight(expand(s.value)) for s in group)


def _grouped(
    program: Program, key: Key, wanted: Callable[[list[Statement], Statement], bool], told: Told
) -> Program:
    """The program with the statements of each group as one, if that is wanted."""
    groups: dict[Hashable, list[int]] = {}
    for place, statement in enumerate(program.statements):
        found = key(statement)
        if found is not None:
            groups.setdefault(found, []).append(place)
    made: list[Statement | None] = list(program.statements)
    for places in groups.values():
        if len(places) < 2:
            continue
        group = [program.statements[place] for place in places]
        added = _added(group)
        if wanted(group, added):
            for place in places:
                made[place] = None
            made[places[-1]] = _told(group, added, told)
    return with_statements(program, (s for s in made if s is not None))


def _added(group: list[Statement]) -> Statement:
    """The sum in the order of the source: the sweep came upon its last term first."""
    values = (negative(s.value) if s.op == "-=" else s.value for s in reversed(group))
    value: Expr = total(values)
    return replace(group[-1], op="+=", value=value)


def _told(group: list[Statement], added: Statement, told: Told) -> Statement:
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
    if not statement.derived or name.endswith(SUFFIXES) or statement.op == "=" or not whole:
        return statement
    value = statement.value if statement.op == "+=" else negative(statement.value)
    made = replace(statement, op="=", value=value)
    told(
        statement, made, Reason("nothing else is added to {0}, so this defines it", (made.target,))
    )
    return made
