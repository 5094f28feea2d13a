"""Entries of tensors: as views where the positions are affine, else gathered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from einsumgrad.ir import nodes as ir
from einsumgrad.ir.walk import accesses, free_indices
from einsumgrad.plan.builder import Term, Value
from einsumgrad.plan.nodes import Fill, Gather
from einsumgrad.plan.operands import Constant
from einsumgrad.plan.places import placed
from einsumgrad.plan.windows import leaving, window
from einsumgrad.record import replace

if TYPE_CHECKING:
    from einsumgrad.plan.lower import Lowering


def read(lowering: Lowering, access: ir.Access) -> Term:
    source = lowering.tensors[access.tensor]
    if not access.at:
        return Value(source.register, ())
    plain = [p.index for p in access.at if isinstance(p, ir.Position)]
    if len(plain) == len(access.at) == len(set(lowering.loose(tuple(plain)))):
        shape = lowering.builder.registers[source.register].shape
        if lowering.builder.shape(tuple(plain)) == shape:
            return Value(source.register, tuple(plain))
    if any(any(accesses(p)) for p in access.at):
        return gathered(lowering, source, access)
    found = window(lowering, source, access.at)
    return far(lowering, source, access) if found is None else found


def gathered(lowering: Lowering, source: Value, access: ir.Access) -> Term:
    """Entries where tensors say: the other axes are viewed first."""
    builder, shape = lowering.builder, lowering.builder.lengths(source.register)
    at = {k: p for k, p in enumerate(access.at) if any(accesses(p))}
    whole = {k: builder.whole_axis(k, shape[k]) for k in at}
    others = tuple(ir.Position(whole[k]) if k in whole else p for k, p in enumerate(access.at))
    seen = read(lowering, replace(access, at=others))
    if isinstance(seen, Constant):
        return seen
    places = {whole[k]: p for k, p in at.items()}
    positions = tuple(places.get(i, ir.Position(i)) for i in seen.axes)
    return gather(lowering, seen, positions, access.tensor)


def far(lowering: Lowering, source: Value, access: ir.Access) -> Term:
    """Entries so far apart that a view of them would be larger than they are."""
    shape = lowering.builder.registers[source.register].shape
    inside = leaving(access.at, lowering.builder.sizes, shape)
    found = gather(lowering.under(inside), source, access.at, access.tensor)
    return lowering.masked(found, lowering.conjunction(inside))


def gather(lowering: Lowering, source: Value, at: tuple[ir.Expr, ...], tensor: str) -> Value:
    """The entries of a register at positions of which some are computed entry by entry."""
    axes = lowering.loose(tuple(dict.fromkeys(i for p in at for i in free_indices(p))))
    places, mask = placed(lowering, at, axes)
    if mask == Constant(0.0):
        none = lowering.builder.emit(Fill(0.0), lowering.builder.shape(axes), "float64", weak=True)
        return Value(none, axes)
    masked = lowering.builder.operand(mask, axes) if isinstance(mask, Value) else None
    register = lowering.builder.registers[source.register]
    made = Gather(source.register, places, len(axes), tensor, masked)
    shape = lowering.builder.shape(axes)
    return Value(lowering.builder.emit(made, shape, register.dtype, weak=register.weak), axes)
