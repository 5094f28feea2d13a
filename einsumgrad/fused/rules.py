"""Instructions in the form in which kernels do them best."""

from __future__ import annotations

from math import isclose, prod

from einsumgrad.fused.nests import FLOATS
from einsumgrad.plan.nodes import Count, Fold, Gather, Guard, Instruction, Map, Pair, Plan
from einsumgrad.plan.operands import Arg, At, Constant, Layout, Operand, Register, lengths
from einsumgrad.plan.rows import row
from einsumgrad.record import replace
from einsumgrad.tune.graph import Graph, plainly, replay
from einsumgrad.tune.live import live
from einsumgrad.tune.peephole import ROOT_HALF, covered, inner

SMALL = 2**14
"""Products in a contraction up to which loops are done with it as soon as BLAS, which first copies
its matrices into an order of its own; and what is around it can be in the same kernel."""


def ruled(plan: Plan) -> Plan:
    """The plan with small contractions as products and sums, and with twice the normal distribution
    where `1 + erf(u/√2)` stands, as in gelu: it shares its exponential with the density, whose
    argument is never above 0."""
    return live(replay(plan, _rule))


def _rule(graph: Graph, made: Instruction, own: Register) -> Arg:
    if own.dtype not in FLOATS:
        return plainly(graph, made, own)
    match made:
        case Map("add", (left, right)):
            for one, other in ((left, right), (right, left)):
                u = _argument(graph, one) if other == Constant(1.0) else None
                if u is not None:
                    return covered(graph, replace(made, function="twice cdf", args=(u,)), own)
        case Map("exp", (arg,)) if _below(graph, arg):
            return covered(graph, replace(made, function="exp below"), own)
        case Pair():
            return _pair(graph, made, own)
        case Guard():
            return _guarded(graph, made, own)
        case Gather():
            return _gather(graph, made, own)
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


def _below(graph: Graph, found: Arg) -> bool:
    """Whether it is a square times a negative number."""
    match inner(graph, found, "multiply"):
        case (Constant(value), other) | (other, Constant(value)):
            return value < 0 and inner(graph, other, "square") is not None
        case _:
            return False


def _gather(graph: Graph, made: Gather, own: Register) -> Arg:
    """One entry of each row, where the rows are made entry by entry, as a sum over what a condition
    keeps: then nobody needs the rows in memory. The values of the index are checked as positions in
    what counts them."""
    found, rows = row(made), graph.registers[made.source]
    if found is None or not isinstance(graph.made[made.source], Map):
        return plainly(graph, made, own)
    axis, index, rest = found
    length, rank = rows.shape[axis], made.rank
    whole = replace(own, shape=(*own.shape, length))
    count = graph.emit(Count(length), Register((length,), "int64", weak=True, owner=""))
    at = At(index, made.at[axis].entry)
    checked = graph.emit(
        Gather(count, (at,), rank, made.tensor), replace(own, dtype="int64", weak=False)
    )
    every = tuple(range(rank))
    here = Map("=", (Operand(count, (rank,)), Operand(checked, every)), rank + 1)
    mask = graph.emit(here, replace(whole, dtype="bool"))
    along = dict(rest)
    layout = tuple(along.get(a, rank) for a in range(len(rows.shape)))
    kept = (Operand(mask, (*every, rank)), Operand(made.source, layout), Constant(0.0))
    picked = graph.emit(Map("select", kept, rank + 1), whole)
    fold = Fold("sum", Operand(picked, (*every, rank)), (rank,), rank + 1)
    return Operand(graph.emit(fold, own), every)


def _pair(graph: Graph, made: Pair, own: Register) -> Arg:
    found = lengths((made.left, made.right), graph.registers)
    if prod(found.values()) > SMALL:
        return plainly(graph, made, own)
    every = tuple(range(len(found)))
    whole = replace(own, shape=tuple(found[k] for k in every))
    product = graph.emit(Map("multiply", (made.left, made.right), len(every)), whole)
    return _summed(graph, product, made.out, whole)


def _guarded(graph: Graph, made: Guard, own: Register) -> Arg:
    """A small sum of what a mask keeps, as just that."""
    found = lengths((*made.args, made.mask), graph.registers)
    if prod(found.values()) > SMALL:
        return plainly(graph, made, own)
    every = tuple(range(made.rank))
    whole = replace(own, shape=tuple(found[k] for k in every))
    product: Arg = made.args[0]
    for factor in made.args[1:]:
        product = Operand(graph.emit(Map("multiply", (product, factor), made.rank), whole), every)
    kept = Map("select", (made.mask, product, Constant(0.0)), made.rank)
    return _summed(graph, graph.emit(kept, whole), made.out, whole)


def _summed(graph: Graph, register: int, out: Layout, whole: Register) -> Arg:
    """A register over a space, summed along all axes that are not in `out`."""
    every = tuple(range(len(whole.shape)))
    kept = tuple(k for k in every if k in out)
    if kept == every:
        return Operand(register, tuple(map(out.index, kept)))
    gone = tuple(k for k in every if k not in out)
    fold = Fold("sum", Operand(register, every), gone, len(every))
    number = graph.emit(fold, replace(whole, shape=tuple(whole.shape[k] for k in kept)))
    return Operand(number, tuple(map(out.index, kept)))
