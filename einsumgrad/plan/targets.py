"""Values put where a target says: along affine walks, or where tensors say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from einsumgrad.diagnostics import EinError
from einsumgrad.ir import nodes as ir
from einsumgrad.plan.builder import Value
from einsumgrad.plan.faults import DefinedAgain
from einsumgrad.plan.nodes import Scatter
from einsumgrad.plan.operands import Constant
from einsumgrad.plan.overlap import meets
from einsumgrad.plan.places import placed
from einsumgrad.plan.windows import leaving, overlap_add, reach, walks
from einsumgrad.record import record

if TYPE_CHECKING:
    from einsumgrad.plan.lower import Lowering


@record
class Way:
    """What a statement's operator does: the function that puts an entry to those before it, the
    reduction over indices that the target lacks, and what both begin with."""

    function: str
    fold: str
    start: float


WAYS: dict[ir.Op, Way] = {
    "=": Way("add", "sum", 0.0),
    "+=": Way("add", "sum", 0.0),
    "-=": Way("subtract", "sum", 0.0),
    "max=": Way("max", "max", -math.inf),
    "min=": Way("min", "min", math.inf),
    "*=": Way("multiply", "prod", 1.0),
}


def start_of(ops: set[ir.Op]) -> float:
    """What a tensor holds before the statements of these operators; 0 where one defines it."""
    return 0.0 if "=" in ops else WAYS[next(iter(sorted(ops)))].start


def put(lowering: Lowering, target: ir.Access, op: ir.Op, into: Value, value: Value) -> Value:
    """The register with the value put at the target's positions; both of one dtype."""
    function = WAYS[op].function
    made = overlap_add(lowering, into, value, target.at, function)
    return scattered(lowering, target, op, into, value) if made is None else made


def scattered(lowering: Lowering, target: ir.Access, op: ir.Op, into: Value, value: Value) -> Value:
    """Values put where tensors say; positions that are computed beside are kept inside."""
    builder, free = lowering.builder, value.axes
    inside = leaving(target.at, builder.sizes, builder.registers[into.register].shape)
    kept = lowering.conjunction(inside)
    places, mask = placed(lowering.under(inside), target.at, free)
    if Constant(0.0) in (mask, kept):
        return into
    if isinstance(kept, Value):
        neutral = Constant(WAYS[op].start)
        value = builder.spread(builder.map("select", kept, value, neutral), free)
    masked = builder.operand(mask, free) if isinstance(mask, Value) else None
    register = builder.registers[into.register]
    made = Scatter(
        into.register, builder.operand(value, free), places, len(free), target.tensor,
        WAYS[op].function, masked,
    )  # fmt: skip
    return Value(builder.emit(made, register.shape, register.dtype, weak=register.weak), ())


def check_once(
    lowering: Lowering,
    statement: ir.Statement,
    axes: tuple[ir.Index, ...],
    lengths: tuple[int, ...],
) -> None:
    """Raises EinError if a definition meets an entry twice."""
    target, sizes = statement.target, lowering.builder.sizes
    found = reach(target.at, sizes, lengths)
    if found is None or found.nowhere or statement.where:
        return
    steps = walks(lowering, found, found.widths, axes)
    if meets(steps, found.padded, lowering.builder.shape(axes)):
        raise EinError(
            DefinedAgain(span=target.span, target=target.span.text, tensor=target.tensor)
        )
