"""Conditions that a program need not write, written for its derivation: a maximum, a softmax or the
like leaves out what reads outside (LANGUAGE §6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeGuard

from einsumgrad.check.conditions import possible
from einsumgrad.check.ranges import Ranges, ranges
from einsumgrad.derive.named import named
from einsumgrad.diagnostics import EinError
from einsumgrad.ir.build import conjuncts, rebuild
from einsumgrad.ir.inside import chooses, computed_reads, entered, may_leave
from einsumgrad.ir.nodes import (
    And,
    Condition,
    Expr,
    Index,
    Node,
    Normalise,
    Not,
    Program,
    Reduce,
    Statement,
    children,
    walk,
)
from einsumgrad.ir.walk import bound_by, free_indices
from einsumgrad.record import record, replace


@record
class Outside:
    """What operators leave out since it is outside. `known`: what is known of sizes; None where
    nothing is read at a computed position."""

    known: Ranges | None

    def loose(
        self, node: Normalise | Reduce, around: Iterable[Condition], part: Expr | None = None
    ) -> bool:
        """Whether an operator leaves out more than conditions in print will say: what it is taken
        of has to stay where it is then, since a tensor that had its name would be 0 there. With
        `part`: whether it does for what that part of it reads."""
        if self.known is None or not chooses(node):
            return False
        reads = tuple(filter(may_leave, entered(node.body)))
        if part is not None:
            own = set(map(id, walk(part)))
            reads = tuple(access for access in reads if id(access) in own)
        if any(map(self.known.fixed, reads)):
            return True
        try:
            inside = tuple(c for access in reads for c in self.known.leaving(access))
        except EinError:  # a condition without words is nowhere
            return True
        where = (*around, *(() if _infinite(node) else node.where))
        if set(where).issuperset(inside):
            return False
        found = dict.fromkeys(i for c in (*where, *inside) for i in free_indices(c))
        return possible(found, where, Not(And(inside)), self.known)

    def unsaid(self, statement: Statement) -> Statement:
        """The statement, each log_softmax in it without conditions that its reads imply: as they
        would be read in print, its entries are 0 where they fail, and not -∞."""
        if self.known is None:
            return statement
        value = _unsaid(statement.value, self.known, _infinite)
        return statement if value is statement.value else replace(statement, value=value)

    def as_written(self, value: Expr) -> Expr:
        """The value, its operators without conditions that their reads imply."""
        return value if self.known is None else _unsaid(value, self.known, chooses)


def _infinite(node: Node) -> TypeGuard[Normalise]:
    return isinstance(node, Normalise) and node.op == "log_softmax"


def _unsaid(value: Expr, known: Ranges, asked: Callable[[Node], bool]) -> Expr:
    found = _without(value, known, asked)
    assert isinstance(found, Expr)
    return found


def _without(node: Node, known: Ranges, asked: Callable[[Node], bool]) -> Node:
    """The node, operators in it that are asked for without conditions that their reads imply."""
    parts = children(node)
    done = tuple(_without(part, known, asked) for part in parts)
    if any(new is not old for new, old in zip(done, parts, strict=True)):
        node = rebuild(node, done)
    if isinstance(node, Normalise | Reduce) and node.where and asked(node):
        implied = set(_entering(node.body, frozenset(bound_by(node)), known))
        return replace(node, where=tuple(c for c in node.where if c not in implied))
    return node


def outside(program: Program) -> Outside:
    return Outside(ranges(program) if computed_reads(program.statements) else None)


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
        bound = bound_by(node)
        inside = _entering(node.body, frozenset(bound), known)
        return replace(node, where=conjuncts((*node.where, *inside))) if inside else node
    return node


def _entering(body: Expr, bound: frozenset[Index], known: Ranges) -> tuple[Condition, ...]:
    """The conditions on what an operator binds. Where another fails there is nothing to derive, and
    no operator can bear it in print."""
    reads = filter(may_leave, entered(body))
    return tuple(c for access in reads for c in known.leaving(access, bound))
