"""Conditions of a statement and of its operators in one order, as they are read back: what several
of them share is written once, behind the statement."""

from __future__ import annotations

from collections.abc import Mapping
from operator import is_

from einsumgrad.ir.build import rebuild
from einsumgrad.ir.nodes import (
    Condition,
    Expr,
    Node,
    Normalise,
    Program,
    Reduce,
    Statement,
    children,
    walk,
)
from einsumgrad.record import replace
from einsumgrad.rewrite.edit import Told, unheard, with_statements


def ordered(program: Program, _told: Told = unheard) -> Program:
    """The conditions of each derived statement's operators in the order of the statement's, then of
    the first operator that has others, and so on: no change that anybody is told of."""
    return with_statements(program, (_ordered(s) if s.derived else s for s in program.statements))


def _ordered(statement: Statement) -> Statement:
    operators = [n for n in walk(statement.value) if isinstance(n, Normalise | Reduce)]
    if all(len(operator.where) < 2 for operator in operators):
        return statement
    every = (*statement.where, *(c for operator in operators for c in operator.where))
    ranks = {condition: rank for rank, condition in enumerate(dict.fromkeys(every))}
    value = _sorted(statement.value, ranks)
    assert isinstance(value, Expr)
    return statement if value == statement.value else replace(statement, value=value)


def _sorted(node: Node, ranks: Mapping[Condition, int]) -> Node:
    before = tuple(children(node))
    after = tuple(_sorted(part, ranks) for part in before)
    made = node if all(map(is_, before, after)) else rebuild(node, after)
    if isinstance(made, Normalise | Reduce):
        where = tuple(sorted(made.where, key=lambda c: ranks.get(c, len(ranks))))
        made = made if where == made.where else replace(made, where=where)
    return made
