"""The positions at which a tensor is read or written, and where they have to be inside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from einsumgrad.ir import nodes as ir
from einsumgrad.ir.walk import free_indices
from einsumgrad.plan.builder import Term, Value
from einsumgrad.plan.entries import entry
from einsumgrad.plan.nodes import Fill
from einsumgrad.plan.operands import At, Constant, Operand
from einsumgrad.record import replace

if TYPE_CHECKING:
    from einsumgrad.plan.lower import Lowering

PLAIN = -1
"""The register of an `At` that means the axis itself."""


def placed(
    lowering: Lowering, at: tuple[ir.Expr, ...], axes: tuple[ir.Index, ...]
) -> tuple[tuple[At, ...], Term | None]:
    """The positions over these axes, and the mask of those that are looked at; None for all."""
    found = tuple(_places(lowering, at, axes))
    return found, _mask(lowering, axes) if any(place.entry for place in found) else None


def _places(
    lowering: Lowering, at: tuple[ir.Expr, ...], axes: tuple[ir.Index, ...]
) -> Iterator[At]:
    builder = lowering.builder
    for position in at:
        if isinstance(position, ir.Position):
            yield At(Operand(PLAIN, (axes.index(position.index),)))
        elif (fixed := lowering.fixed(position)) is not None:
            yield At(fixed)
        else:
            value = lowering.term(position)
            if isinstance(value, Constant):  # of an entry that is outside whatever its indices are
                value = _repeated(lowering, value, position)
            access = position if isinstance(position, ir.Access) else ir.Access("the position", ())
            named = entry(access, axes, builder.sizes, lowering.loops)
            yield At(builder.operand(builder.cast(value, "int64"), axes), named)


def _repeated(lowering: Lowering, value: Constant, position: ir.Expr) -> Value:
    """A number for all values of a position's indices."""
    own = lowering.loose(free_indices(position))
    made, shape = Fill(value.value), lowering.builder.shape(own)
    return Value(lowering.builder.emit(made, shape, "int64", weak=True), own)


def _mask(lowering: Lowering, axes: tuple[ir.Index, ...]) -> Term | None:
    """Where any entry that the conditions keep needs the position."""
    if not lowering.where:
        return None
    mask = replace(lowering, where=()).conjunction(lowering.where)
    if isinstance(mask, Constant):
        return None if mask.value else mask
    extra = tuple(i for i in mask.axes if i not in axes)
    return lowering.builder.fold("any", mask, extra, None) if extra else mask
