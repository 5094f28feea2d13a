"""The meaning of the language: nested Python loops over the indices, entry by entry.

Slow on purpose and free of cleverness; the only thing shared with the package is the node types.
What an expression means is in `oracle_values`, the functions are in `oracle_functions`.
Statements run one after the other, each over all its tuples. Where one reads what it or a later
one writes, they run again and again, each time on the values found before, until nothing changes:
whatever the order in which entries depend on each other, they then are what the statements say.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from oracle_functions import STATEMENTS, SUMS
from oracle_values import Array, GatherError, Values

from einsumgrad.ir import nodes as ir

__all__ = ["Array", "CircleError", "GatherError", "central_difference", "run"]


class CircleError(Exception):
    """Entries that depend on themselves."""


def run(
    program: ir.Program,
    arrays: Mapping[str, Array],
    sizes: dict[str, int],
    frozen: dict[str, Array] | None = None,
) -> dict[str, Array]:
    """Every tensor of the program. With `frozen`, the tensors of an earlier run, `stop` reads
    those: what a difference quotient needs, so that no change goes through a `stop`."""
    loops = Loops({name: np.asarray(array) for name, array in arrays.items()}, sizes, frozen)
    for tensor in program.tensors:
        if tensor.kind == "const" and isinstance(tensor.start, ir.Expr):
            value = loops.values().value(tensor.start, frozenset())({})
            loops.tensors.setdefault(tensor.name, np.full(loops.shape(tensor), float(value)))
    loops.program(program)
    return loops.tensors


@dataclass
class Loops:
    tensors: dict[str, Array]
    sizes: dict[str, int]
    frozen: dict[str, Array] | None

    def shape(self, tensor: ir.Tensor) -> tuple[int, ...]:
        """By its axes; one without an index has a size of its own, or that of what it derives."""
        by = self.tensors.get(tensor.name.removesuffix(".grad").removesuffix(".dot"))
        own = [i.size if i else f"{tensor.name}#{k}" for k, i in enumerate(tensor.axes)]
        apart = [i is None and by is not None for i in tensor.axes]
        return tuple(by.shape[k] if apart[k] else self.sizes[own[k]] for k in range(len(own)))

    def program(self, program: ir.Program) -> None:
        last = {s.target.tensor: place for place, s in enumerate(program.statements)}
        early = any(
            last.get(read.tensor, -1) >= place
            for place, s in enumerate(program.statements)
            for read in s.reads
        )
        for tensor in program.tensors:
            if early and tensor.name in last:
                self.tensors[tensor.name] = np.zeros(self.shape(tensor))
        changed = self.once(program, last)
        for _ in range(2 + sum(self.tensors[name].size for name in last)):
            changed = early and changed and self.once(program, last)
        if changed and early:
            raise CircleError

    def once(self, program: ir.Program, last: dict[str, int]) -> bool:
        """Every statement once; what is written last is read anew. Whether any value changed."""
        known, fresh, changed = {t.name: t for t in program.tensors}, dict[str, Array](), False
        for place, statement in enumerate(program.statements):
            name = statement.target.tensor
            start = STATEMENTS[statement.op][0]
            array = fresh.setdefault(name, np.full(self.shape(known[name]), start))
            self.execute(statement, array)
            if last[name] == place:
                before = self.tensors.get(name)
                changed |= before is None or not np.array_equal(before, array, equal_nan=True)
                self.tensors[name] = array
        return changed

    def values(self) -> Values:
        return Values(self.tensors, self.sizes, self.frozen)

    def execute(self, statement: ir.Statement, array: Array) -> None:
        """Over all tuples; only a maximum or the like asks whether a tuple enters it."""
        values, opened = self.values(), frozenset(i.name for i in statement.indices)
        tuples = values.tuples(statement.indices, statement.where, frozenset())
        place_of = values.place(statement.target, array.shape, opened)
        value, update = values.value(statement.value, opened), STATEMENTS[statement.op][1]
        enters = None if statement.op in SUMS else values.enters(statement.value, opened)
        for env in tuples({}):
            place = place_of(env)
            if place is not None and (enters is None or enters(env)):
                array[place] = update(array.item(place), value(env))


def central_difference(f: Callable[[Array], float], x: Array, v: Array) -> tuple[float, float]:
    """The derivative of f at x along v, and how far it may be off.

    Central differences of two steps, extrapolated (Richardson 1911). Where the two disagree, or the
    slopes to both sides come no closer with the step, a kink or too much curvature is near, and
    shorter steps are tried; the best pair counts.
    """
    best = (math.nan, math.inf)
    middle = f(x)
    rounding = 1e-15 * max(1.0, abs(middle))
    for step in (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8):
        ends = [(f(x + h * v), f(x - h * v), h) for h in (step, step / 2)]
        wide, narrow = ((right - left) / (2 * h) for right, left, h in ends)
        bend, less = (abs(right + left - 2 * middle) / h for right, left, h in ends)
        derivative, off = (4 * narrow - wide) / 3, abs(narrow - wide) + rounding / step
        off += less if less > 0.75 * bend else 0.0
        best = min(best, (derivative, off), key=lambda pair: pair[1])
        if off <= 1e-6 * abs(derivative):
            break
    return best
