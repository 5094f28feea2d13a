"""What may stand in an index position."""

from __future__ import annotations

from fractions import Fraction

from einsumgrad.check.faults import ComputedGather, NotIndex
from einsumgrad.diagnostics import Fault
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.affine import affine
from einsumgrad.ir.nodes import walk
from einsumgrad.syntax import tree as t

AFFINE = "a sum of indices times whole numbers or sizes"


def check_position(written: t.Expr, value: ir.Expr, faults: list[Fault]) -> ir.Expr:
    """The value, after adding a fault if it cannot be an index.

    Affine expressions of indices pass, with integers and sizes as coefficients, and gathers."""
    if isinstance(value, ir.Position):
        return value
    parts = [part for part in walk(value) if isinstance(part, ir.Expr)]
    if any(isinstance(part, ir.Number) and not _integer(part) for part in parts):
        faults.append(NotIndex(span=written.span, text=written.span.text))
    elif any(isinstance(part, ir.Access) for part in parts):
        _check_gather(written, value, faults)
    elif affine(value) is None:
        faults.append(NotIndex(span=written.span, text=written.span.text, what=AFFINE))
    return value


def _check_gather(written: t.Expr, value: ir.Expr, faults: list[Fault]) -> None:
    if not isinstance(value, ir.Access):
        faults.append(ComputedGather(span=written.span, text=written.span.text))


def _integer(number: ir.Number) -> bool:
    return isinstance(number.value, Fraction) and number.value.denominator == 1
