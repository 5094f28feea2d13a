"""Elementwise instructions that two or three others amount to."""

from __future__ import annotations

import math

from einsumgrad.plan.nodes import Cast, Done, Fill, Fold, Instruction, Map, Pad
from einsumgrad.plan.operands import Arg, Constant, Operand, Register
from einsumgrad.record import replace
from einsumgrad.tune.graph import Graph, plainly
from einsumgrad.tune.scalars import scalar
from einsumgrad.tune.signs import away

COMPARED = ("=", "!=", "<", "<=", ">", ">=")
ROOT_HALF = 1 / math.sqrt(2)


def mapped(graph: Graph, made: Map, own: Register) -> Arg:
    """An elementwise function of numbers is a number, of others the shortest way to say it."""
    if all(isinstance(arg, Constant) for arg in made.args):
        found = scalar(made.function, tuple(a.value for a in made.args if isinstance(a, Constant)))
        if found is not None:
            return Constant(found)
    rule = RULES.get(made.function)
    return covered(graph, made if rule is None else rule(graph, made), own)


def covered(graph: Graph, made: Map, own: Register) -> Arg:
    """The instruction over those axes only that its arguments have."""
    axes = sorted({k for a in made.args if isinstance(a, Operand) for k in a.layout})
    if len(axes) == made.rank:
        return plainly(graph, made, own)
    args = tuple(
        replace(a, layout=tuple(axes.index(k) for k in a.layout)) if isinstance(a, Operand) else a
        for a in made.args
    )
    shape = tuple(own.shape[k] for k in axes)
    number = graph.emit(Map(made.function, args, len(axes)), replace(own, shape=shape))
    return Operand(number, tuple(axes))


def padded(graph: Graph, made: Pad) -> Pad | Done:
    """Zeros around what a loop has written are there already, if its buffer has so much room."""
    done = graph.made[made.source]
    if not isinstance(done, Done) or made.value != 0:
        return made
    pairs = [(*room, *asked) for room, asked in zip(done.widths, made.widths, strict=True)]
    widths = tuple((before - more, after - rest) for before, after, more, rest in pairs)
    return made if min(map(min, widths), default=0) < 0 else replace(done, widths=widths)


def inner(graph: Graph, arg: Arg, function: str) -> tuple[Arg, ...] | None:
    """The arguments of an argument that a function gives, in the space of what it is used in."""
    if isinstance(arg, Constant):
        return None
    made = graph.made[arg.register]
    if not isinstance(made, Map) or made.function != function:
        return None
    return tuple(
        a
        if isinstance(a, Constant)
        else Operand(a.register, tuple(arg.layout[k] for k in a.layout))
        for a in made.args
    )


def _add(graph: Graph, made: Map) -> Map:
    """`a + -b` is `a - b`; a condition counts as 1 or 0."""
    left, right = made.args
    for one, other in ((left, right), (right, left)):
        found = inner(graph, other, "negative")
        if found is not None:
            return replace(made, function="subtract", args=(one, found[0]))
        match inner(graph, other, "select"):
            case (Operand() as mask, Constant(1.0 | -1.0 as value), Constant(0.0)):
                function = "add" if value > 0 else "subtract"
                return replace(made, function=function, args=(one, mask))
    return made


def _multiply(graph: Graph, made: Map) -> Map:
    """`a (1/b)` is `a/b`, but where one inverse, that surely is finite, serves many entries; two
    numbers are one."""
    left, right = made.args
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Constant):
            found = inner(graph, other, "multiply") or ()
            known = [a.value for a in found if isinstance(a, Constant)]
            if known:
                rest = next(a for a in found if not isinstance(a, Constant))
                return replace(made, args=(Constant(one.value * known[0]), rest))
            continue
        below = inner(graph, other, "reciprocal")
        if below is None:
            continue
        wide = isinstance(other, Operand) and len(other.layout) == made.rank
        if wide or isinstance(below[0], Constant) or not away(graph, below[0]):
            return replace(made, function="divide", args=(one, below[0]))
    return made


def _negative(graph: Graph, made: Map) -> Map:
    """A number that something is multiplied by takes the sign. `-(a - b)` stays: `b - a` is another
    zero where they are equal."""
    (arg,) = made.args
    match inner(graph, arg, "multiply"):
        case (Constant(value), other) | (other, Constant(value)):
            return replace(made, function="multiply", args=(Constant(-value), other))
        case _:
            return made


def _compared(graph: Graph, made: Map) -> Map:
    """Whole numbers are compared as such."""
    whole = []
    for arg in made.args:
        if isinstance(arg, Constant):
            return made
        cast = graph.made[arg.register]
        if not isinstance(cast, Cast) or graph.registers[cast.operand].dtype != "int64":
            return made
        whole.append(Operand(cast.operand, arg.layout))
    return replace(made, args=tuple(whole))


def _gelu(graph: Graph, made: Map) -> Map:
    """`u (1 + erf(u/√2))/2`: its derivative has the same erf."""
    (u,) = made.args
    if isinstance(u, Constant):
        return made
    own = graph.registers[u.register]
    plain = tuple(range(len(own.shape)))
    at = Operand(u.register, plain)
    scaled = graph.emit(Map("multiply", (Constant(ROOT_HALF), at), len(plain)), own)
    found = graph.emit(Map("erf", (Operand(scaled, plain),), len(plain)), own)
    above = graph.emit(Map("add", (Operand(found, plain), Constant(1.0)), len(plain)), own)
    half = graph.emit(Map("multiply", (Constant(0.5), at), len(plain)), own)
    return Map("multiply", (Operand(half, u.layout), Operand(above, u.layout)), made.rank)


def _silu(graph: Graph, made: Map) -> Map:
    """`u σ(u)`: its derivative has the same σ."""
    (u,) = made.args
    if isinstance(u, Constant):
        return made
    own = graph.registers[u.register]
    plain = tuple(range(len(own.shape)))
    found = graph.emit(Map("sigmoid", (Operand(u.register, plain),), len(plain)), own)
    return Map("multiply", (u, Operand(found, u.layout)), made.rank)


RULES = {
    "add": _add, "multiply": _multiply, "negative": _negative, "gelu": _gelu, "silu": _silu,
    **dict.fromkeys(COMPARED, _compared),
}  # fmt: skip


def cast(graph: Graph, made: Cast, own: Register) -> Arg:
    """What no array gives a dtype is made in the one that is asked for."""
    before = graph.made[made.operand]
    inside = graph.registers[made.operand]
    if isinstance(before, Fill) and inside.shape == ():
        return Constant(before.value)
    if own.dtype[:1] == "f" and inside.dtype[:1] == "f" and inside.weak:
        again = _retyped(graph, before, own)
        if again is not None:
            return plainly(graph, again, replace(inside, dtype=own.dtype, weak=own.weak))
    return plainly(graph, made, own)


def _retyped(graph: Graph, made: Instruction, own: Register) -> Instruction | None:
    """The instruction for results of another dtype, if it has no operand of its own."""
    match made:
        case Map("select", (Operand() as mask, *others)) if all(
            isinstance(a, Constant) for a in others
        ):
            return Map("select", (mask, *others), made.rank)
        case Map("reciprocal", (Operand(register, layout),)):
            below = graph.made[register]
            if isinstance(below, Fold) and below.function == "sum":
                typed = replace(graph.registers[register], dtype=own.dtype, weak=own.weak)
                below = replace(below, operand=_counted(graph, below.operand, typed))
                return replace(made, args=(Operand(graph.emit(below, typed), layout),))
        case Cast(operand) if graph.registers[operand].dtype in ("bool", "int64"):
            return replace(made, dtype=own.dtype)
        case Fill():
            return made
        case _:
            pass
    return None


def _counted(graph: Graph, operand: Operand, own: Register) -> Operand:
    """What is counted, as the dtype of its count."""
    before = graph.made[operand.register]
    if not isinstance(before, Cast) or graph.registers[before.operand].dtype != "bool":
        return operand
    typed = replace(own, shape=graph.registers[operand.register].shape)
    return replace(operand, register=graph.emit(replace(before, dtype=own.dtype), typed))
