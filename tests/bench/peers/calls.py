"""What a program of NumPy calls takes at least: each call a fixed time, or its entries at the rate
of that function in the cache, divided among the cores as if nothing else cost anything."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from einsumgrad.emit.table import FOLDS, LINES, UFUNCS
from einsumgrad.plan.counts import flops
from einsumgrad.plan.nodes import (
    Count,
    Fold,
    Instruction,
    Map,
    Pair,
    Plan,
    Room,
    Step,
    Store,
)
from einsumgrad.tune.bodies import VIEWS, turns

ROWS, TERMS, TIMES = 64, 512, 30
"""Entries of a call that is timed: its arrays fit a core's cache, and its fixed time is a hundredth
of it."""
NOTHING = (*VIEWS, Count, Room)
COPIES = ("copyto", "fill", "array")


def spent(call: Callable[[], object], times: int) -> list[float]:
    """The seconds of calls, one after the other."""
    found = list[float]()
    for _ in range(times):
        started = time.perf_counter()
        call()
        found.append(time.perf_counter() - started)
    return found


class Rates:
    """Seconds of calls in one thread, as they are now; each is measured once."""

    def __init__(self, dtype: str) -> None:
        self.one, self.other, self.out = (np.full((ROWS, TERMS), v, dtype) for v in (0.5, 0.7, 0))
        self.known: dict[str, float] = {}

    def call(self) -> float:
        """For one entry: no call takes less."""
        one, out = self.one[0, :1], self.out[0, :1]
        return self._known("call", lambda: np.add(one, one, out)) * self.out.size

    def entry(self, function: str) -> float:
        """An entry of a function of an array, and of a number: two arrays take longer."""
        if function in COPIES:
            return self._known("copyto", lambda: np.copyto(self.out, self.one))
        if function == "vecdot":
            return self._known(function, lambda: np.vecdot(self.one, self.other))
        made = getattr(np, function)
        args = (self.one, self.other[0, 0])[: made.nin]
        given = made(*args)
        return self._known(function, lambda: made(*args, out=given))

    def reduced(self, function: str) -> float:
        """An entry of a reduction along rows."""
        if function == "sum":
            return self.entry("vecdot")
        made = getattr(np, FOLDS.get(function, "maximum"))
        return self._known(f"{made.__name__}.reduce", lambda: made.reduce(self.one, 1))

    def _known(self, name: str, call: Callable[[], Any]) -> float:
        if name not in self.known:
            self.known[name] = median(spent(call, TIMES)) / self.out.size
        return self.known[name]


def least(plan: Plan, rates: Rates, product: float, cores: int) -> float:
    """Seconds of a plan's steps; `product`: those of an operation of a large product on all
    cores."""
    return sum(n * _least(plan, step, rates, product, cores) for step, n in turns(plan.steps))


def _least(plan: Plan, step: Step, rates: Rates, product: float, cores: int) -> float:
    made, own = step.instruction, plan.registers[step.register]
    if isinstance(made, NOTHING):
        return 0.0
    if isinstance(made, Pair) and made.threaded:
        return max(rates.call(), flops(made, own, plan.registers) * product)
    return sum(max(rates.call(), n * s / cores) for s, n in _parts(plan, made, own.size, rates))


def _parts(
    plan: Plan, made: Instruction, size: int, rates: Rates
) -> list[tuple[float, int]]:  # fmt: skip
    """The calls of an instruction: seconds an entry, and entries."""
    match made:
        case Map(function):
            return [(rates.entry(called), size) for called in _called(function)]
        case Fold(function, operand):
            return [(rates.reduced(function), plan.registers[operand.register].size)]
        case Pair(left, right):
            sizes = (plan.registers[side.register].size for side in (left, right))
            return [(rates.entry("vecdot"), max(sizes))]
        case Store(_, value):
            return [(rates.entry("add"), plan.registers[value.register].size)]
        case _:
            return [(rates.entry("copyto"), size)]


def _called(function: str) -> list[str]:
    """NumPy's functions that an elementwise one consists of; a function of ours counts as one."""
    names = [line.split("(")[0] for line in LINES.get(function, (f"{UFUNCS.get(function)}(",))]
    return [name if hasattr(np, name) else "copyto" for name in names]
