"""Conditions that a program need not write, written for its derivation: a maximum, a softmax or the
like leaves out what reads outside (LANGUAGE §6)."""

from __future__ import annotations

from collections.abc import Iterator

from einsumgrad.check.conditions import possible
from einsumgrad.check.ranges import Ranges, ranges
from einsumgrad.derive.named import named
from einsumgrad.diagnostics import EinError
from einsumgrad.ir.build import ZERO, conjuncts, rebuild
from einsumgrad.ir.inside import (
    chooses,
    computed_reads,
    entered,
    may_leave,
    over_nothing,
    without_nothing,
)
from einsumgrad.ir.nodes import (
    And,
    Call,
    Compare,
    Condition,
    Expr,
    Iverson,
    Node,
    Normalise,
    Not,
    Position,
    Program,
    Reduce,
    Statement,
    Sum,
    children,
)
from einsumgrad.ir.walk import bound_by, free_indices, outer
from einsumgrad.record import replace

Where = tuple[Condition, ...]


def explicit(program: Program) -> Program:
    """The program with the conditions of its operators, but for those that surely hold. One that
    does not name what an operator binds leaves it over nothing where it fails."""
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
    where = statement.where
    if statement.op in ("max=", "min="):
        inside = (c for access in entered(statement.value) for c in known.leaving(access))
        where = conjuncts((*where, *(c for c in inside if free_indices(c))))
    value = _operator(statement.value, known, where)
    changed = value is not statement.value or where != statement.where
    return replace(statement, value=value, where=where) if changed else statement


def _operator(value: Expr, known: Ranges, around: Where) -> Expr:
    """A whole right side: if it is a log_softmax, it stays one, since its entries have a name."""
    found = _explicit(value, known, around)
    match value, found:
        case Normalise(), Sum((Call("log"), inner)):
            return inner
        case _:
            assert isinstance(found, Expr)
            return found


def _explicit(node: Node, known: Ranges, around: Where) -> Node:
    infinite: Where = ()
    if isinstance(node, Normalise | Reduce):
        around = outer(around, node)
        own = tuple(_unwritten(node, known, around)) if chooses(node) else ()
        infinite = own if own and _may_fail(own, (*around, *node.where), known) else ()
        where = conjuncts((*node.where, *own))
        node = node if where == node.where else replace(node, where=where)
        around = (*around, *where)
    parts = children(node)
    done = tuple(_explicit(part, known, around) for part in parts)
    changed = any(new is not old for new, old in zip(done, parts, strict=True))
    made = rebuild(node, done) if changed else node
    if isinstance(made, Normalise) and made.op == "log_softmax" and infinite:
        return _infinite_outside(made, infinite)
    return made


def _infinite_outside(node: Normalise, own: Where) -> Expr:
    """A log_softmax that is -∞ where it is left out, though its name is 0 there."""
    inside = conjuncts(tuple(map(without_nothing, own)))
    bracket = Iverson(inside[0] if len(inside) == 1 else And(inside))
    return Sum((Call("log", (bracket,)), node))


def _unwritten(node: Normalise | Reduce, known: Ranges, around: Where) -> Iterator[Condition]:
    """The conditions under which a tuple enters an operator that are not written for it."""
    bound = set(bound_by(node))
    reads = tuple(filter(may_leave, entered(node.body)))
    inside = dict.fromkeys(c for access in reads for c in known.leaving(access))
    yield from (c for c in inside if not bound.isdisjoint(free_indices(c)))
    others = tuple(c for c in inside if bound.isdisjoint(free_indices(c)))
    first = bound_by(node)[0]
    if any(map(known.fixed, reads)):
        yield Compare("<", Position(first), ZERO)
    elif others and _may_fail(others, (*around, *node.where), known):
        yield over_nothing(And(others) if len(others) > 1 else others[0], first)


def _may_fail(inside: Where, where: Where, known: Ranges) -> bool:
    if set(where).issuperset(inside):
        return False
    found = dict.fromkeys(i for c in (*where, *inside) for i in free_indices(c))
    return possible(found, where, Not(And(inside)), known)
