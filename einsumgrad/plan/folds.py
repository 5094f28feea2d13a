"""What a reduction needs entry by entry: its body over all axes, and the mask of what enters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from einsumgrad.ir import nodes as ir
from einsumgrad.ir.inside import entered
from einsumgrad.plan.builder import Value, union
from einsumgrad.plan.operands import Constant
from einsumgrad.plan.windows import leaving

if TYPE_CHECKING:
    from einsumgrad.plan.lower import Lowering

FALSE = Constant(0.0)


def laid_out(
    lowering: Lowering, body: ir.Expr, over: tuple[ir.Index, ...], where: tuple[ir.Condition, ...]
) -> tuple[Value, Value | None]:
    """The body and the mask, over all indices that either of them has."""
    term = lowering.term(body)
    mask = lowering.conjunction(where)
    parts = [t for t in (term, mask) if isinstance(t, Value)]
    axes = tuple(dict.fromkeys((*union(tuple(parts)), *over)))
    if isinstance(term, Constant):
        term = lowering.builder.map("add", lowering.count(over[0]), Constant(0.0))
        term = lowering.builder.map("multiply", term, Constant(0.0))
        term = lowering.builder.map("add", term, lowering.term(body))
    if mask == FALSE:
        none = lowering.builder.map("!=", lowering.count(over[0]), lowering.count(over[0]))
        return lowering.builder.spread(term, axes), none
    spread = lowering.builder.spread(term, axes)
    return spread, mask if isinstance(mask, Value) else None


def entering(lowering: Lowering, body: ir.Expr) -> tuple[ir.Condition, ...]:
    """Where what a maximum or the like is taken of reads no entry outside (LANGUAGE §6)."""
    found: list[ir.Condition] = []
    for access in entered(body):
        shape = lowering.builder.lengths(lowering.tensors[access.tensor].register)
        found += leaving(access.at, lowering.builder.sizes, shape)
    return tuple(found)
