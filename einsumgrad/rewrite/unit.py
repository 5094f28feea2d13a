"""The entries of a softmax sum to 1."""

from __future__ import annotations

from collections.abc import Iterator

from einsumgrad.ir.build import ONE, rebuild
from einsumgrad.ir.circles import by_target
from einsumgrad.ir.nodes import (
    Access,
    Expr,
    Node,
    Normalise,
    Position,
    Program,
    Reduce,
    Statement,
    children,
)
from einsumgrad.ir.walk import free_indices
from einsumgrad.record import replace
from einsumgrad.rewrite.edit import Reason, Told, plain_target, unheard, with_statements
from einsumgrad.rewrite.simplify import simplify_statement


def unit_sums(program: Program, told: Told = unheard) -> Program:
    """`Σ_k P[b,k]` becomes 1 where `P[b,k] = softmax_k s[b,k]` defines P for all k."""
    axes = dict(_softmaxes(program))
    made = (_without(s, axes, told) if s.derived else s for s in program.statements)
    return with_statements(program, made) if axes else program


def _softmaxes(program: Program) -> Iterator[tuple[str, int]]:
    """The tensors that one statement defines as a softmax of everything, and over which axis."""
    for name, (first, *more) in by_target(program.statements).items():
        value = first.value
        whole = len(first.indices) == len(first.target.at) and first.op in ("=", "+=")
        if more or first.where or not whole or not plain_target(first.target):
            continue
        if isinstance(value, Normalise) and value.op == "softmax" and not value.where:
            yield name, first.target.at.index(Position(value.index))


def _without(statement: Statement, axes: dict[str, int], told: Told) -> Statement:
    value = _summed(statement.value, axes)
    assert isinstance(value, Expr)
    if value is statement.value:
        return statement
    made = replace(statement, value=value)
    told(statement, made, Reason("the entries of a softmax sum to 1"))
    return simplify_statement(made, told)


def _summed(node: Node, axes: dict[str, int]) -> Node:
    match node:
        case Reduce("sum", (index,), Access(name, at), ()) if name in axes:
            bearing = [place for place, i in enumerate(at) if index in free_indices(i)]
            if bearing == [axes[name]] and at[axes[name]] == Position(index):
                return ONE
        case _:
            pass
    parts = children(node)
    done = tuple(_summed(part, axes) for part in parts)
    changed = any(new is not old for new, old in zip(done, parts, strict=True))
    return rebuild(node, done) if changed else node
