"""What is timed: a program's value and gradients, on arrays that are given or drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from einsumgrad.api import Program
from einsumgrad.arrays import leaves
from einsumgrad.bench.faults import NothingToTime
from einsumgrad.check.sizes import bind_sizes
from einsumgrad.derive.gradients import gradient_suffix
from einsumgrad.derive.reverse import default_wrt
from einsumgrad.diagnostics import EinError
from einsumgrad.evaluate import gradients_apart
from einsumgrad.ir import nodes as ir
from einsumgrad.pipeline import backward, prepared
from einsumgrad.plan.nodes import Plan
from einsumgrad.record import record
from einsumgrad.steps.runner import Runner
from einsumgrad.verify.sample import Values, draw_arrays, draw_sizes
from einsumgrad.verify.setting import fixed, seeds
from einsumgrad.wrt import parameters

Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]
VALUES: tuple[Values, ...] = get_args(Values)


@record
class Work:
    """A program with declared sizes, its leaves' arrays, and what is differentiated by.

    `derived`: forward and backward together. `cotangents`: the `.grad` of the outputs by the
    outputs' names, none with a loss. `drawn`: the arrays that nobody gave. `sizes`: all of them."""

    program: ir.Program
    derived: ir.Program
    wrt: tuple[str, ...]
    arrays: Arrays
    cotangents: Arrays
    drawn: tuple[str, ...]
    sizes: Mapping[str, int]
    dtype: str

    @property
    def suffix(self) -> str:
        return gradient_suffix(self.program)

    @property
    def outputs(self) -> tuple[str, ...]:
        """What the objective is made of."""
        return (self.program.loss,) if self.program.loss else tuple(self.cotangents)

    @property
    def given(self) -> dict[str, Array]:
        """What the derived program takes."""
        outer = {name + self.suffix: array for name, array in self.cotangents.items()}
        known = {tensor.name for tensor in self.derived.tensors}
        return {n: a for n, a in {**self.arrays, **outer}.items() if n in known}

    @property
    def wanted(self) -> tuple[str, ...]:
        """What the derived program returns."""
        grads = (name + self.suffix for name in self.wrt)
        return (*self.outputs, *(name for name in grads if name in self.derived.outputs))

    @property
    def plan(self) -> Plan:
        """The plan of the derived program. Raises EinError if it does not fit into memory."""
        runner = Runner(prepared(self.derived), leaves(self.derived))
        return runner.plan(self.given, self.wanted)


def make_work(
    program: ir.Program, given: Mapping[str, Any], *, sizes: Mapping[str, int], seed: int,
    dtype: str | None, wrt: tuple[str, ...] | None,
) -> Work:  # fmt: skip
    """The work of a program: its loss or, without one, its outputs, and gradients by `wrt`
    (default: the parameters, or the inputs if there are none). What is not given is drawn by the
    seed as `verify` draws it. `dtype`: that of all floats; None: as the data is, float32 of none.

    Raises EinError if arrays do not fit, or if nothing has a derivative."""
    own, cotangents = (dict(given), {}) if program.loss else gradients_apart(program, given)
    taken = leaves(program).take(own, some=True)
    dtype = dtype or _floating(taken)
    bound = draw_sizes(program, sizes, {name: array.shape for name, array in taken.items()})
    program = fixed(program, bound)
    names = wrt or parameters(program) or default_wrt(program)
    if not names or not seeds(program):
        raise EinError(NothingToTime())
    arrays, found = _finite(program, taken, bound, seed, dtype)
    outer = {} if program.loss else _cotangents(program, found, cotangents, seed, dtype)
    derived = backward(program, names, seeds=tuple(outer))
    shapes = {name: array.shape for name, array in arrays.items()}
    drawn = tuple(name for name in arrays if name not in taken)
    every = {**bound, **bind_sizes(program, shapes)}
    return Work(program, derived, names, arrays, outer, drawn, every, dtype)


def _floating(arrays: Arrays) -> str:
    floats = [a.dtype for a in arrays.values() if a.dtype.kind == "f"]
    return str(np.result_type(*floats)) if floats else "float32"


def _finite(
    program: ir.Program, taken: Arrays, sizes: Mapping[str, int], seed: int, dtype: str
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Arrays on which the results are finite, if any draw gives them; and these results."""
    found: list[tuple[dict[str, Array], dict[str, Array]]] = []
    for values in VALUES:
        rng = np.random.default_rng(seed)
        arrays = _cast(draw_arrays(program, taken, sizes, rng, values), dtype)
        found.append((arrays, Program(program).run(arrays)))
        if all(np.all(np.isfinite(array)) for array in found[-1][1].values()):
            return found[-1]
    return found[0]


def _cast(arrays: Arrays, dtype: str) -> dict[str, Array]:
    return {n: a.astype(dtype) if a.dtype.kind == "f" else a for n, a in arrays.items()}


def _cotangents(
    program: ir.Program, found: Arrays, given: Mapping[str, Any], seed: int, dtype: str
) -> dict[str, Array]:
    """The outputs' `.grad`: those that are given, or random ones for all outputs."""
    rng = np.random.default_rng(seed)
    names = tuple(name for name in seeds(program) if name in given) or seeds(program)
    drawn = {name: rng.normal(size=found[name].shape) for name in names}
    return {n: np.asarray(given.get(n, drawn[n]), dtype) for n in names}
