"""Softmaxes and their kind in elementwise steps and plain reductions, each of them done once."""

from __future__ import annotations

import numpy as np

from einsumgrad.engines.functions import FOLDS
from einsumgrad.plan.nodes import Arrange, Fold, Map
from einsumgrad.plan.operands import Arg, Constant, Operand, Register
from einsumgrad.record import replace
from einsumgrad.tune.graph import Graph, plainly
from einsumgrad.tune.peephole import covered, mapped


def folded(graph: Graph, made: Fold, own: Register) -> Arg:
    """A reduction of what its mask keeps."""
    if made.mask is not None:
        made = _unmasked(graph, made)
    if made.function in ("softmax", "log_softmax", "logsumexp"):
        return _exponentials(graph, made)
    return plainly(graph, made, own)


def _unmasked(graph: Graph, made: Fold) -> Fold:
    assert made.mask is not None
    before = graph.registers[made.operand.register]
    shape = [0] * made.rank
    for operand in (made.operand, made.mask):
        for k, n in zip(operand.layout, graph.registers[operand.register].shape, strict=True):
            shape[k] = n
    neutral = Constant(FOLDS[made.function][1])
    select = Map("select", (made.mask, made.operand, neutral), made.rank)
    found = covered(graph, select, replace(before, shape=tuple(shape)))
    return replace(made, operand=_held(graph, found, tuple(shape), before), mask=None)


def _held(graph: Graph, arg: Arg, shape: tuple[int, ...], like: Register) -> Operand:
    """The argument over all axes of a space."""
    assert isinstance(arg, Operand)
    if len(arg.layout) == len(shape):
        return arg
    number = graph.emit(Arrange(arg, len(shape)), replace(like, shape=shape))
    return Operand(number, tuple(range(len(shape))))


def _exponentials(graph: Graph, made: Fold) -> Arg:
    """With t the maximum: exp(u - t)/Σ exp(u - t), u - t - log Σ exp(u - t), t + log Σ exp(u - t).
    An infinite t counts as the largest number, so that no difference is one of infinities. The sum
    is 1 at least, but 0 over nothing, and where all is -∞."""
    rank, before = made.rank, graph.registers[made.operand.register]
    placed = dict(zip(made.operand.layout, before.shape, strict=True))
    whole = replace(before, shape=tuple(placed[k] for k in range(rank)))
    left = tuple(k for k in range(rank) if k not in made.axes)
    row = replace(before, shape=tuple(placed[k] for k in left))

    def folded_(function: str, arg: Arg) -> Arg:
        assert isinstance(arg, Operand)
        number = graph.emit(Fold(function, arg, made.axes, rank), row)
        return Operand(number, left)

    def rows(function: str, arg: Arg, *others: Arg) -> Arg:
        args = tuple(_without(a, left) for a in (arg, *others))
        found = mapped(graph, Map(function, args, len(left)), row)
        assert isinstance(found, Operand)
        return Operand(found.register, tuple(left[k] for k in found.layout))

    def map_(function: str, *args: Arg) -> Arg:
        return mapped(graph, Map(function, args, rank), whole)

    largest = float(np.finfo(before.dtype).max)
    top = rows("max", folded_("max", made.operand), Constant(-largest))
    top = rows("min", top, Constant(largest))
    shifted = map_("subtract", made.operand, top)
    raised = map_("exp", shifted)
    total = folded_("sum", raised)
    match made.function:
        case "softmax":
            inverse = rows("reciprocal", rows("max", total, Constant(1.0)))
            return map_("multiply", raised, inverse)
        case "log_softmax":
            return map_("subtract", shifted, rows("max", rows("log", total), Constant(-largest)))
        case _:
            found = rows("add", rows("log", total), top)
            assert isinstance(found, Operand)
            return Operand(found.register, tuple(left.index(k) for k in found.layout))


def _without(arg: Arg, left: tuple[int, ...]) -> Arg:
    """An argument in the space of the axes that are left."""
    if isinstance(arg, Constant):
        return arg
    return Operand(arg.register, tuple(left.index(k) for k in arg.layout))
