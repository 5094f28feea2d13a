"""Runs a program on arrays; plans once for equal shapes and dtypes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from einsumgrad.arrays import Leaves, floating
from einsumgrad.check.sizes import bind_sizes
from einsumgrad.engines.numpy import Compiled, compile_plan
from einsumgrad.engines.starts import fill
from einsumgrad.ir.nodes import Program
from einsumgrad.plan.memory import check_memory, free_memory
from einsumgrad.plan.nodes import Plan
from einsumgrad.plan.plan import make_plan

Array = npt.NDArray[Any]
Key = tuple[tuple[str, ...], tuple[tuple[str, tuple[int, ...], str], ...]]
Shapes = tuple[tuple[str, tuple[int, ...]], ...]
MAX_PLANS = 64


@dataclass(slots=True)
class Runner:
    """A program with the plans made for it so far.

    `leaves`: what its arrays are held against. `memory`: the bytes that a run may allocate; None:
    what the machine has free."""

    program: Program
    leaves: Leaves
    memory: int | None = None
    plans: dict[Key, Compiled] = field(default_factory=dict)
    sizes: dict[Shapes, dict[str, int]] = field(default_factory=dict)

    def run(self, given: Mapping[str, Any], wanted: tuple[str, ...], seed: int) -> dict[str, Array]:
        """The wanted tensors; `seed` draws the noise that is not given. Raises EinError if the
        arrays do not fit the program, the sizes disagree, a gather leaves its range, or the run
        would need more memory than it may use."""
        arrays = self.filled(self.leaves.take(given), seed)
        return self.compiled(arrays, wanted).run(arrays)

    def filled(self, arrays: dict[str, Array], seed: int) -> dict[str, Array]:
        """The arrays with the constants and the noise that none of them gives."""
        every = self.program.tensors
        if all(t.kind not in ("const", "noise") or t.name in arrays for t in every):
            return arrays
        return fill(self.program, arrays, self.bound(arrays), seed, floating(arrays))

    def bound(self, arrays: Mapping[str, Array]) -> dict[str, int]:
        """Every size of the program, for arrays of these shapes."""
        key = tuple((name, array.shape) for name, array in arrays.items())
        if key not in self.sizes:
            if len(self.sizes) >= MAX_PLANS:
                self.sizes.clear()
            self.sizes[key] = bind_sizes(self.program, dict(key))
        return self.sizes[key]

    def compiled(self, arrays: Mapping[str, Array], wanted: tuple[str, ...]) -> Compiled:
        """The plan for arrays like these, made if there is none."""
        key = (wanted, tuple((name, a.shape, a.dtype.str) for name, a in arrays.items()))
        found = self.plans.get(key)
        if found is None:
            if len(self.plans) >= MAX_PLANS:
                self.plans.clear()
            found = self.plans[key] = compile_plan(self.plan(arrays, wanted))
        return found

    def plan(self, arrays: Mapping[str, Array], wanted: tuple[str, ...]) -> Plan:
        """A plan that fits the memory."""
        shapes = {name: array.shape for name, array in arrays.items()}
        dtypes: dict[str, np.dtype[Any]] = {name: a.dtype for name, a in arrays.items()}
        plan = make_plan(self.program, self.bound(arrays), shapes, dtypes, wanted)
        check_memory(plan, free_memory() if self.memory is None else self.memory)
        return plan
