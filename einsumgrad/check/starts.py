"""How a declaration starts a tensor: a distribution or a constant, in numbers and sizes only."""

from __future__ import annotations

from einsumgrad.check.constants import start_fault
from einsumgrad.check.faults import ArgumentCount, NotConstant, UnknownDistribution
from einsumgrad.check.lower import Scope, lower
from einsumgrad.diagnostics import Fault
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.functions import DISTRIBUTIONS
from einsumgrad.ir.nodes import walk
from einsumgrad.syntax import tree as t


def lower_start(entry: t.Declared, scope: Scope, faults: list[Fault]) -> ir.Draw | ir.Expr | None:
    """The IR of a start; what it may not be is added to the faults."""
    if entry.start is None:
        return None
    count = len(faults)
    if isinstance(entry.start, t.Draw):
        start: ir.Draw | ir.Expr = _draw(entry.start, scope, faults)
    else:
        start = constant(entry.start, "a start", scope, faults)
    wrong = start_fault(start, {}, entry.start.span) if len(faults) == count else None
    faults += [wrong] if wrong is not None else []
    return start


def _draw(draw: t.Draw, scope: Scope, faults: list[Fault]) -> ir.Draw:
    allowed = DISTRIBUTIONS.get(draw.distribution)
    if allowed is None:
        faults.append(UnknownDistribution(span=draw.span, name=draw.distribution))
    elif len(draw.args) not in allowed:
        wanted = " or ".join(str(count) for count in allowed) + " arguments"
        faults.append(
            ArgumentCount(
                span=draw.span, function=draw.distribution, wanted=wanted, given=len(draw.args)
            )
        )
    where = f"`{draw.distribution}(…)`"
    args = tuple(constant(arg, where, scope, faults) for arg in draw.args)
    return ir.Draw(draw.distribution, args)


def constant(
    value: t.Expr, where: str, scope: Scope, faults: list[Fault], *, calls: bool = True
) -> ir.Expr:
    """The IR of an expression in numbers, sizes and, with `calls`, functions; what else it holds
    is a fault."""
    lowered = lower(value, scope)
    allowed = ir.Number | ir.Size | ir.Sum | ir.Product | ir.Power | (ir.Call if calls else ir.Size)
    if any(not isinstance(node, allowed) for node in walk(lowered)):
        faults.append(NotConstant(span=value.span, where=where, text=value.span.text))
    else:
        faults += scope.faults
    scope.faults.clear()
    return lowered
