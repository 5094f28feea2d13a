"""`1 + erf(u/√2)` as one function: it shares its exponential with the density beside it."""

from __future__ import annotations

from dataclasses import replace
from math import isclose

from einsumgrad.fused.nests import FLOATS
from einsumgrad.plan.nodes import Instruction, Map, Plan
from einsumgrad.plan.operands import Arg, Constant, Register
from einsumgrad.tune.graph import Graph, plainly, replay
from einsumgrad.tune.live import live
from einsumgrad.tune.orders import flat
from einsumgrad.tune.peephole import ROOT_HALF, covered, inner


def with_cdf(plan: Plan) -> Plan:
    """The plan with twice the normal distribution where it stands, as in gelu."""
    made = (step.instruction for step, _ in flat(plan.steps))
    if not any(isinstance(m, Map) and m.function == "erf" for m in made):
        return plan
    return live(replay(plan, _rule))


def _rule(graph: Graph, made: Instruction, own: Register) -> Arg:
    match made:
        case Map("add", (left, right)) if own.dtype in FLOATS:
            for one, other in ((left, right), (right, left)):
                u = _argument(graph, one) if other == Constant(1.0) else None
                if u is not None:
                    return covered(graph, replace(made, function="twice cdf", args=(u,)), own)
        case _:
            pass
    return plainly(graph, made, own)


def _argument(graph: Graph, found: Arg) -> Arg | None:
    """The u of erf(u/√2)."""
    for scaled in inner(graph, found, "erf") or ():
        match inner(graph, scaled, "multiply"):
            case (Constant(value), u) | (u, Constant(value)) if isclose(value, ROOT_HALF):
                return u
            case _:
                pass
    return None
