"""Conditions that a program need not write, written for its derivation: a maximum, a softmax or the
like leaves out what reads outside (LANGUAGE §6)."""

from __future__ import annotations

from einsumgrad.check.ranges import Ranges, ranges
from einsumgrad.derive.named import named
from einsumgrad.diagnostics import EinError
from einsumgrad.ir.build import conjuncts, rebuild
from einsumgrad.ir.inside import chooses, computed_reads, entered
from einsumgrad.ir.nodes import (
    Condition,
    Expr,
    Index,
    Node,
    Normalise,
    Program,
    Reduce,
    Statement,
    children,
)
from einsumgrad.record import replace


def explicit(program: Program) -> Program:
    """The program with the conditions of its operators, but for those that surely hold."""
    if not computed_reads(program.statements):
        return program
    known = ranges(program)
    return replace(program, statements=tuple(_statement(s, known) for s in program.statements))


def worded(program: Program) -> Program:
    """The program itself if its conditions have words, else with its leaves declared."""
    try:
        explicit(program)
    except EinError:
        return named(program)
    return program


def _statement(statement: Statement, known: Ranges) -> Statement:
    value = _explicit(statement.value, known)
    assert isinstance(value, Expr)
    where = statement.where
    if statement.op in ("max=", "min="):
        inside = (c for access in entered(statement.value) for c in known.leaving(access))
        where = conjuncts((*where, *inside))
    changed = value is not statement.value or where != statement.where
    return replace(statement, value=value, where=where) if changed else statement


def _explicit(node: Node, known: Ranges) -> Node:
    parts = children(node)
    done = tuple(_explicit(part, known) for part in parts)
    if any(new is not old for new, old in zip(done, parts, strict=True)):
        node = rebuild(node, done)
    if isinstance(node, Normalise | Reduce) and chooses(node):
        bound = node.indices if isinstance(node, Reduce) else (node.index,)
        inside = _entering(node.body, frozenset(bound), known)
        return replace(node, where=conjuncts((*node.where, *inside))) if inside else node
    return node


def _entering(body: Expr, bound: frozenset[Index], known: Ranges) -> tuple[Condition, ...]:
    """The conditions on what an operator binds. Where another fails there is nothing to derive, and
    no operator can bear it in print."""
    return tuple(c for access in entered(body) for c in known.leaving(access, bound))
