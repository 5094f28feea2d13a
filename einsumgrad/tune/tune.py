"""A plan as fast engines take it: the same results by fewer instructions."""

from __future__ import annotations

from einsumgrad.plan.nodes import Cast, Fold, Instruction, Map, Pad, Plan
from einsumgrad.plan.operands import Arg, Register
from einsumgrad.tune.carried import carried
from einsumgrad.tune.expand import folded
from einsumgrad.tune.graph import Graph, plainly, replay
from einsumgrad.tune.live import live
from einsumgrad.tune.peephole import cast, mapped, padded
from einsumgrad.tune.puts import set_once
from einsumgrad.tune.scales import scaled
from einsumgrad.tune.unroll import unrolled


def tuned(plan: Plan) -> Plan:
    """The plan by fewer instructions: softmaxes in parts, numbers multiplied once and late, small
    windows taken apart, buffers set and not added to, nothing that no result needs."""
    return set_once(live(unrolled(live(carried(live(scaled(live(replay(plan, _rule)))))))))


def _rule(graph: Graph, made: Instruction, own: Register) -> Arg:
    match made:
        case Map():
            return mapped(graph, made, own)
        case Fold():
            return folded(graph, made, own)
        case Cast():
            return cast(graph, made, own)
        case Pad():
            return plainly(graph, padded(graph, made), own)
        case _:
            return plainly(graph, made, own)
