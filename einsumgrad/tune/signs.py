"""What can be said of values before they are there: none is negative, none is near 0."""

from __future__ import annotations

from einsumgrad.plan.nodes import Fold, Map
from einsumgrad.plan.operands import Arg, Constant
from einsumgrad.tune.graph import Graph

SMALL = 1e-30
"""What is above has an inverse in float32."""
DEPTH = 8
"""So far up an expression is looked at."""
NEVER_NEGATIVE = ("square", "abs", "exp", "sqrt", "sigmoid", "relu", "softplus")


def away(graph: Graph, arg: Arg, depth: int = DEPTH) -> bool:
    """Whether values are surely positive, and so large that their inverses are finite."""
    if isinstance(arg, Constant):
        return arg.value >= SMALL
    made = graph.made[arg.register] if depth else None
    match made:
        case Map("sqrt", (one,)):
            return away(graph, one, depth - 1)
        case Map("max", args):
            return any(away(graph, a, depth - 1) for a in args)
        case Map("add", (one, other)):
            pairs = (one, other), (other, one)
            return any(away(graph, a, depth - 1) and natural(graph, b, depth - 1) for a, b in pairs)
        case _:
            return False


def natural(graph: Graph, arg: Arg, depth: int = DEPTH) -> bool:
    """Whether values are surely 0 or more."""
    if isinstance(arg, Constant):
        return arg.value >= 0
    made = graph.made[arg.register] if depth else None
    match made:
        case Map(function) if function in NEVER_NEGATIVE:
            return True
        case Map("max", args):
            return any(natural(graph, a, depth - 1) for a in args)
        case Map("add" | "multiply", args):
            return all(natural(graph, a, depth - 1) for a in args)
        case Fold("sum" | "max", operand):
            return natural(graph, operand, depth - 1)
        case _:
            return False
