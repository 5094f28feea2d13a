"""What can be said of values before they are there: none is negative, none is near 0."""

from __future__ import annotations

from einsumgrad.plan.nodes import Fold, Map
from einsumgrad.plan.operands import Arg, Constant, Operand
from einsumgrad.tune.graph import Graph

SMALL = {"float16": 1e-4}, 1e-30
"""What is above has an inverse: in some dtypes, and in all others."""
DEPTH = 8
"""So far up an expression is looked at."""
NEVER_NEGATIVE = ("square", "abs", "exp", "sqrt", "sigmoid", "relu", "softplus")


def away(graph: Graph, arg: Operand) -> bool:
    """Whether values are surely positive, and so large that their inverses are finite."""
    some, others = SMALL
    return _above(graph, arg, some.get(graph.registers[arg.register].dtype, others), DEPTH)


def _above(graph: Graph, arg: Arg, least: float, depth: int) -> bool:
    """Whether values are surely as large as that, which is less than 1."""
    if isinstance(arg, Constant):
        return arg.value >= least
    made = graph.made[arg.register] if depth else None
    match made:
        case Map("sqrt", (one,)):
            return _above(graph, one, least, depth - 1)
        case Map("max", args):
            return any(_above(graph, a, least, depth - 1) for a in args)
        case Map("add", (one, other)):
            pairs = (one, other), (other, one)
            return any(
                _above(graph, a, least, depth - 1) and natural(graph, b, depth - 1)
                for a, b in pairs
            )
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
