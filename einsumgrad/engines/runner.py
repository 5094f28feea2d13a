"""Runs a program on arrays; plans once for equal shapes and dtypes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from einsumgrad.check.sizes import bind_sizes
from einsumgrad.engines.numpy import Compiled, compile_plan
from einsumgrad.ir.nodes import Program
from einsumgrad.plan.memory import check_memory, free_memory
from einsumgrad.plan.nodes import Plan
from einsumgrad.plan.plan import make_plan

Array = npt.NDArray[Any]
Key = tuple[tuple[str, ...], tuple[tuple[str, tuple[int, ...], str], ...]]
MAX_PLANS = 64


@dataclass(slots=True)
class Runner:
    """A program with the plans made for it so far.

    `memory`: the bytes that a run may allocate; None: what the machine has free."""

    program: Program
    memory: int | None = None
    plans: dict[Key, Compiled] = field(default_factory=dict)

    def run(self, arrays: Mapping[str, Array], wanted: tuple[str, ...]) -> dict[str, Array]:
        """The wanted tensors. Raises EinError if the sizes disagree, a gather leaves its range, or
        the run would need more memory than it may use."""
        compiled = self.compiled(arrays, wanted)
        return compiled.run(arrays)

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
        plan = make_plan(self.program, bind_sizes(self.program, shapes), shapes, dtypes, wanted)
        check_memory(plan, free_memory() if self.memory is None else self.memory)
        return plan
