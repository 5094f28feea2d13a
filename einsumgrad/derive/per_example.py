"""Parameters' gradients kept apart for each example.

The gradient of an unbatched tensor gets the batch index in front, and no 1/B. That is each
example's own derivative as long as no statement mixes examples; where one does, there is no such
gradient."""

from __future__ import annotations

from einsumgrad.check.faults import NoDerivative
from einsumgrad.check.tensors import complete
from einsumgrad.diagnostics import EinError
from einsumgrad.ir.build import product, rebuild
from einsumgrad.ir.nodes import (
    Access,
    Expr,
    Index,
    Node,
    Position,
    Program,
    Size,
    Statement,
    children,
)
from einsumgrad.ir.walk import accesses, free_indices
from einsumgrad.record import replace


def per_example(program: Program, derived: Program) -> Program:
    """The raw derived program with per-example gradients. Raises EinError if examples mix."""
    if program.batch is None:
        raise EinError(NoDerivative(what="a program without a batch has no examples", hint=""))
    _refuse_mixing(program, program.batch)
    batched = {t.name: t.batched for t in derived.tensors}
    forward = {s.target.tensor for s in program.statements}
    apart = {
        s.target.tensor
        for s in derived.statements
        if s.derived and not batched[s.target.tensor] and s.target.tensor not in forward
    }
    made = tuple(_apart(s, apart, program.batch) if s.derived else s for s in derived.statements)
    declared = tuple(t for t in derived.tensors if t.declared)
    tensors = complete(declared, made, program.batch)
    return replace(derived, statements=made, tensors=tensors)


def _apart(statement: Statement, apart: set[str], batch: Index) -> Statement:
    value = _with_batch(statement.value, apart, batch)
    assert isinstance(value, Expr)
    target = statement.target
    if target.tensor in apart:
        target = replace(target, at=(Position(batch), *target.at))
        value = _without_mean(value, batch)
    used = {i for node in (value, *target.at, *statement.where) for i in free_indices(node)}
    loops = tuple(i for i in (batch, *statement.indices) if i in used)
    return replace(statement, indices=tuple(dict.fromkeys(loops)), target=target, value=value)


def _with_batch(node: Node, apart: set[str], batch: Index) -> Node:
    """Reads of gradients that are kept apart, at the batch index."""
    parts = children(node)
    node = rebuild(node, tuple(_with_batch(part, apart, batch) for part in parts))
    if isinstance(node, Access) and node.tensor in apart:
        return replace(node, at=(Position(batch), *node.at))
    return node


def _without_mean(value: Expr, batch: Index) -> Expr:
    """Times B where the batch rule had divided by it: the loop over b is no sum any more."""
    factors = value.factors if hasattr(value, "factors") else (value,)
    averaged = any(b == Size(batch.size) for f in factors if (b := getattr(f, "base", None)))
    return product(Size(batch.size), value) if averaged else value


def _refuse_mixing(program: Program, batch: Index) -> None:
    """A statement mixes examples if it sums over the batch, or reads another example's entry."""
    batched = {t.name for t in program.tensors if t.batched}
    for statement in program.statements:
        result = statement.target.tensor in batched
        for access in (*accesses(statement.value),):
            if access.tensor not in batched:
                continue
            own = Position(batch) in access.at
            if not result or not own:
                what = f"`{access.tensor}` is read across examples here"
                hint = "a gradient for each example needs examples that do not mix"
                raise EinError(NoDerivative(span=statement.span, what=what, hint=hint))
