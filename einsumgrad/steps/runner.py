"""Runs a program on arrays; plans once for equal shapes and dtypes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from einsumgrad.arrays import Leaves, floating
from einsumgrad.check.sizes import bind_sizes
from einsumgrad.diagnostics import EinError
from einsumgrad.engines.numpy import compile_plan
from einsumgrad.ir.nodes import Program
from einsumgrad.plan.memory import check_memory, free_memory
from einsumgrad.plan.nodes import Plan
from einsumgrad.plan.plan import make_plan
from einsumgrad.record import record
from einsumgrad.steps.engine import Engine, automatic
from einsumgrad.steps.memory import Compiled
from einsumgrad.steps.starts import fill, lacking, shape_of

Array = npt.NDArray[Any]
Key = tuple[tuple[str, ...], tuple[tuple[str, tuple[int, ...], str], ...]]
Given = tuple[tuple[str, ...], tuple[str, ...], tuple[Any, ...]]
MAX_PLANS = 64
FACTS = attrgetter("shape", "dtype", "strides")
"""All that the checks of an array look at, and how it lies."""


@record
class Ready:
    """A plan as a step; `drawn`: the leaves that a run makes itself, of these `sizes`."""

    plan: Plan
    compiled: Compiled
    drawn: frozenset[str]
    sizes: Mapping[str, int]


@record
class Known:
    """A step for arrays that need no check, as the like of them have been taken; their `names` as a
    caller spells them, in the order of the step's leaves. `ready`: the step takes them as they
    are."""

    compiled: Compiled
    names: list[str]
    ready: bool


def _key(given: Mapping[str, Any], wanted: tuple[str, ...]) -> Given | None:
    """What arrays of one key have in common; None if one is no plain array."""
    for array in given.values():
        if type(array) is not np.ndarray:
            return None
    return wanted, tuple(given), tuple(map(FACTS, given.values()))


@record(frozen=False)
class Runner:
    """A program with the plans made for it so far.

    `leaves`: what its arrays are held against. `memory`: the bytes that a run may allocate; None:
    what the machine has free."""

    program: Program
    leaves: Leaves
    memory: int | None = None
    engine: Engine = field(default_factory=automatic)
    plans: dict[Key, Ready] = field(default_factory=dict)
    seen: dict[Given, Known] = field(default_factory=dict)

    def run(self, given: Mapping[str, Any], wanted: tuple[str, ...], seed: int) -> dict[str, Array]:
        """The wanted tensors; `seed` draws the noise that is not given. Raises EinError if the
        arrays do not fit the program, the sizes disagree, a gather leaves its range, or the run
        would need more memory than it may use."""
        key = _key(given, wanted)
        known = None if key is None else self.seen.get(key)
        if known is not None:
            try:
                listed = [given[name] for name in known.names]
                return known.compiled.call(listed, ready=known.ready)
            except EinError:
                pass  # said below, of the whole plan
        arrays = self.leaves.take(given)
        ready = self.ready(arrays, wanted)
        if key is not None and not ready.drawn:
            if len(self.seen) >= MAX_PLANS:
                self.seen.clear()
            self.seen[key] = self._known(given, ready)
        if ready.drawn:
            arrays = fill(self.program, arrays, ready.sizes, seed, floating(arrays))
        try:
            return ready.compiled.run(arrays)
        except EinError:
            if not ready.compiled.script.strips:
                raise
            # a strip's positions are those of its part: the whole plan names the right one
            return compile_plan(ready.plan).run(arrays)

    def _known(self, given: Mapping[str, Any], ready: Ready) -> Known:
        spelled = {self.leaves.spelled[key]: key for key in given}
        names = [spelled[name] for name, _ in ready.compiled.script.leaves]
        return Known(ready.compiled, names, ready.compiled.takes([given[name] for name in names]))

    def ready(self, arrays: Mapping[str, Array], wanted: tuple[str, ...]) -> Ready:
        """The plan for arrays like these, made if there is none."""
        key = (wanted, tuple((name, a.shape, a.dtype.str) for name, a in arrays.items()))
        found = self.plans.get(key)
        if found is None:
            if len(self.plans) >= MAX_PLANS:
                self.plans.clear()
                self.seen.clear()
            sizes = bind_sizes(self.program, {name: array.shape for name, array in arrays.items()})
            drawn = frozenset(t.name for t in lacking(self.program, arrays))
            plan = self._plan(arrays, wanted, sizes)
            step = self.engine.compiled(plan)
            found = self.plans[key] = Ready(plan, step, drawn, sizes)
        return found

    def plan(self, arrays: Mapping[str, Array], wanted: tuple[str, ...]) -> Plan:
        """A plan for arrays like these. Raises EinError if it does not fit the memory."""
        sizes = bind_sizes(self.program, {name: array.shape for name, array in arrays.items()})
        return self._plan(arrays, wanted, sizes)

    def _plan(
        self, arrays: Mapping[str, Array], wanted: tuple[str, ...], sizes: Mapping[str, int]
    ) -> Plan:
        drawn = {t.name: shape_of(t, sizes) for t in lacking(self.program, arrays)}
        dtype = np.dtype(floating(arrays))
        shapes = {**{name: array.shape for name, array in arrays.items()}, **drawn}
        dtypes = {name: arrays[name].dtype if name in arrays else dtype for name in shapes}
        plan = make_plan(self.program, sizes, shapes, dtypes, wanted, frozenset(drawn))
        check_memory(self.program, plan, free_memory() if self.memory is None else self.memory)
        return plan
