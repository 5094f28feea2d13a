"""A whole program as a function of a peer's arrays: its statements one after the other."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from einsumgrad.check.schedule import schedule
from einsumgrad.diagnostics import EinError
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.circles import needed
from einsumgrad.ir.walk import free_indices
from einsumgrad.peers.code import Code, Maker, held, union
from einsumgrad.peers.entries import placed
from einsumgrad.peers.faults import NotTranslated
from einsumgrad.peers.table import Peer
from einsumgrad.peers.translate import Translator
from einsumgrad.plan.loops import every_place
from einsumgrad.plan.targets import WAYS, start_of
from einsumgrad.record import replace

Function = Callable[[Mapping[str, Any]], dict[str, Any]]
ADDED = ("add", "subtract")
"""How values may be put at places that an index does not walk along."""


def translated(
    program: ir.Program, sizes: Mapping[str, int], peer: Peer, dtype: str, wanted: tuple[str, ...]
) -> Function:
    """The function from leaves to wanted tensors, both by name, for sizes and floats of a dtype.

    Raises EinError for what has no translation: a recurrence, say."""
    make = Maker(peer, sizes, dtype)
    known = {tensor.name: tensor for tensor in program.tensors}
    kept = needed(program.statements, wanted)
    ops: dict[str, set[ir.Op]] = {}
    for statement in program.statements:
        ops.setdefault(statement.target.tensor, set()).add(statement.op)
    written: dict[str, Code] = {}
    steps: list[tuple[str, Code]] = []
    for statement in _in_order(program, kept):
        name = statement.target.tensor
        translator = Translator(make, known, statement.span)
        before = _own(name) if name in written else None
        start = start_of(ops[name])
        written[name] = after(translator, statement, before, start)
        steps.append((name, written[name]))
    return _runs(steps, wanted)


def _in_order(program: ir.Program, kept: set[str]) -> list[ir.Statement]:
    """The statements that something needs. Raises EinError if some run in a loop."""
    found: list[ir.Statement] = []
    for item in schedule(program)[0]:
        if isinstance(item, int):
            found.append(program.statements[item])
            continue
        looped = [program.statements[place] for place in every_place(item)]
        if any(statement.target.tensor in kept for statement in looped):
            index = next(iter(item.indices.values()))
            what = f"the recurrence over `{index.name}`"
            raise EinError(NotTranslated(span=looped[0].span, what=what))
    return [statement for statement in found if statement.target.tensor in kept]


def _own(name: str) -> Code:
    return Code((), lambda env: env[name])


def _runs(steps: list[tuple[str, Code]], wanted: tuple[str, ...]) -> Function:
    def function(given: Mapping[str, Any]) -> dict[str, Any]:
        env = dict(given)
        for name, code in steps:
            env[name] = code.run(env)
        return {name: env[name] for name in wanted}

    return function


def after(
    translator: Translator, statement: ir.Statement, before: Code | None, start: float
) -> Code:
    """The target after a statement; `before`: what it holds, `start`: if it holds nothing yet."""
    make, target, way = translator.make, statement.target, WAYS[statement.op]
    shape, whole = translator.shape(target.tensor), translator.known[target.tensor].integer
    free = tuple(dict.fromkeys(i for at in target.at for i in free_indices(at)))
    laid = make.spread(_value(translator, statement, free), free)
    laid = make.cast(laid, "int64") if whole else laid
    plain = all(isinstance(at, ir.Position) for at in target.at) and len(free) == len(target.at)
    if plain and make.shape(free) == shape:
        if before is None:
            return make.lifted(operator.neg, laid) if statement.op == "-=" else laid
        return _combined(translator, way.function, replace(before, axes=free), laid)
    if way.function not in ADDED:
        raise translator.refuse(f"`{statement.op}` at such a place")
    return _put(translator, statement, before or _filled(make, shape, start, whole=whole), laid)


def _value(translator: Translator, statement: ir.Statement, free: tuple[ir.Index, ...]) -> Code:
    """The right side, reduced over the loops that the target does not bear."""
    way, where = WAYS[statement.op], statement.where
    over = tuple(i for i in statement.indices if i not in free)
    if over and way.fold == "sum":
        return translator.summed(statement.value, over, where)
    if way.fold in ("max", "min"):
        where = (*where, *translator.entering(statement.value))
    if over:
        return translator.folded(way.fold, statement.value, over, where)
    value = translator.value(statement.value)
    return translator.make.where(translator.conjunction(where), value, way.start)


def _combined(translator: Translator, function: str, left: Code, right: Code) -> Code:
    table = {"add": operator.add, "subtract": operator.sub, "multiply": operator.mul}
    if function in table:
        return translator.make.lifted(table[function], left, right, axes=right.axes)
    return translator.make.called(function, left, right)


def _filled(make: Maker, shape: tuple[int, ...], start: float, *, whole: bool) -> Code:
    filled = np.full(shape, start, "int64" if whole else make.dtype)
    full = make.peer.tools["array"](filled)
    return Code((), lambda _: full, static=True)


def _put(translator: Translator, statement: ir.Statement, into: Code, laid: Code) -> Code:
    """Values added at index arrays; those outside are 0 there."""
    make, target = translator.make, statement.target
    codes, inside = placed(translator, target.at, translator.shape(target.tensor))
    axes = union(codes)
    value = make.spread(make.where(inside, laid, 0), axes)
    value = make.lifted(operator.neg, value) if statement.op == "-=" else value
    places = [make.aligned(_index(make, code), axes) for code in codes]
    put = make.peer.put
    return Code((), lambda env: put(into.run(env), tuple(p(env) for p in places), value.run(env)))


def _index(make: Maker, code: Code) -> Code:
    if code.number is None:
        return code
    return held(make.peer.tools["array"](np.asarray(int(code.number))), ())
