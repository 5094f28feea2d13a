"""What leaves a loop: parts that need no entry of it, computed for all its steps at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from einsumgrad.ir import nodes as ir
from einsumgrad.ir.walk import accesses, free_indices
from einsumgrad.plan.builder import Term, Value
from einsumgrad.plan.nodes import Window
from einsumgrad.plan.operands import Walk
from einsumgrad.record import replace

if TYPE_CHECKING:
    from einsumgrad.plan.lower import Lowering


def outside(lowering: Lowering, node: ir.Expr) -> Lowering:
    """The lowering around those inner loops that the node moves with, but need not be in."""
    free = set(free_indices(node))
    reads = {access for part in (node, *lowering.where) for access in accesses(part)}
    loops = list(lowering.loops)
    while loops and reads.isdisjoint(lowering.active[loops[-1]]):
        loops.pop()
    left = {index: lowering.loops[index] for index in loops}
    gone = lowering.loops.keys() - left.keys()
    return replace(lowering, loops=left) if gone & free else lowering


def sliced(lowering: Lowering, term: Term) -> Term:
    """The part of a value that belongs to the current step of the loops around."""
    if not isinstance(term, Value) or not any(i in lowering.loops for i in term.axes):
        return term
    builder, register = lowering.builder, lowering.builder.registers[term.register]
    axes = lowering.loose(term.axes)
    walks = tuple(
        Walk(0, (), ((lowering.loops[i], 1),)) if i in lowering.loops
        else Walk(0, ((axes.index(i), 1),))
        for i in term.axes
    )  # fmt: skip
    made = Window(term.register, walks, len(axes))
    shape = builder.shape(axes)
    return Value(builder.emit(made, shape, register.dtype, weak=register.weak), axes)
