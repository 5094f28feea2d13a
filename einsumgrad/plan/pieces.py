"""Pieces of a definition that only the data tell apart: counted, refused where two meet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from einsumgrad.check.pieces import meetings
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.build import ONE
from einsumgrad.plan.builder import Value
from einsumgrad.plan.lower import Lowering
from einsumgrad.plan.nodes import Fill, Once
from einsumgrad.plan.targets import put
from einsumgrad.record import replace

if TYPE_CHECKING:
    from einsumgrad.plan.plan import Planner


def piece_checks(planner: Planner, kept: set[str]) -> Iterator[int]:
    """The registers of the checks, after all statements."""
    found = (m for m in meetings(planner.program) if not m.surely)
    for name in dict.fromkeys(meeting.first.target.tensor for meeting in found):
        if name in kept:
            yield _check(planner, name)


def _check(planner: Planner, name: str) -> int:
    builder = planner.builder
    builder.owner = name
    pieces = [s for s in planner.program.statements if s.target.tensor == name and s.op == "="]
    started = planner.started(pieces[0].target)
    shape = builder.registers[started.register].shape
    counts = Value(builder.emit(Fill(0.0), shape, "int64", weak=True), ())
    for piece in pieces:
        statement = replace(piece, value=ONE)
        lowering = Lowering(builder, planner.tensors, statement.where)
        free = planner.free(statement, lowering)
        value = builder.spread(_laid(planner, statement, free, lowering), free)
        value = builder.cast(value, "int64", weak=True)
        counts = put(lowering, statement.target, "+=", counts, value)
    spans = tuple(piece.span for piece in pieces)
    return builder.emit(Once(counts.register, name, spans), (), "int64", weak=True)


def _laid(
    planner: Planner, statement: ir.Statement, free: tuple[ir.Index, ...], lowering: Lowering
) -> Value:
    term = planner.value(statement, free, lowering)
    return term if isinstance(term, Value) else planner.filled("", term.value, free)
