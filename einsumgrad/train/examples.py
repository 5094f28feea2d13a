"""Data as examples: arrays that are split along the batch axis, and those given whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from einsumgrad.arrays import Leaves, leaves
from einsumgrad.check.sizes import sizes_given
from einsumgrad.diagnostics import EinError, Fault
from einsumgrad.ir import nodes as ir
from einsumgrad.plan.faults import OutOfRange
from einsumgrad.record import record, replace
from einsumgrad.train.faults import DataParameter, NoExamples
from einsumgrad.train.parameters import parameters

Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]


@record
class Examples:
    """The data of a program. `axes`: the batch axes of every array that has some. `count`: how many
    examples there are; 1 without a batch, where all data is one example."""

    arrays: Arrays
    axes: Mapping[str, tuple[int, ...]]
    count: int

    def rows(self, chosen: Array) -> dict[str, Array]:
        """The arrays with these examples only."""
        found = dict(self.arrays)
        for name, axes in self.axes.items():
            for axis in axes:
                found[name] = found[name].take(chosen, axis)
        return found

    def batches(self, size: int, rng: np.random.Generator | None) -> Iterator[Array]:
        """The numbers of the examples of each batch, shuffled by `rng`; the last batch holds what
        is left."""
        order = np.arange(self.count) if rng is None else rng.permutation(self.count)
        return (order[start : start + size] for start in range(0, self.count, size))

    def placed(self, error: EinError, chosen: Array) -> EinError:
        """The error with positions in the data instead of positions in a batch."""
        return EinError(*(self._placed(fault, chosen) for fault in error.faults))

    def _placed(self, fault: Fault, chosen: Array) -> Fault:
        if not isinstance(fault, OutOfRange) or fault.name not in self.axes:
            return fault
        place = fault.position[1:-1].split(",")
        for axis in self.axes[fault.name]:
            if "[" not in fault.position[1:] and place[axis].isdigit():
                place[axis] = str(chosen[int(place[axis])])
        return replace(fault, position=f"[{','.join(place)}]")


def take_data(
    program: ir.Program, given: Mapping[str, Any], params: Mapping[str, Any] | None = None
) -> dict[str, Array]:
    """The given arrays, and those of `params`, by the tensors' own names; other parameters are not
    asked for.

    Raises EinError with the faults of all arrays, a parameter among the data one of them."""
    held: Leaves = leaves(program)
    names = {held.spelled.get(name, name) for name in given}
    faults = [
        DataParameter(span=p.span, name=p.name, entry=p.entry)
        for p in parameters(program)
        if p.name in names
    ]
    if faults:
        raise EinError(*faults)
    init = params or {}
    known = {held.spelled.get(name, name) for name in init}
    lacking = [t for t in program.tensors if t.kind == "param" and t.name not in known]
    missing = {t.name: np.zeros((0,) * len(t.axes)) for t in lacking}
    found = held.take({**missing, **given, **init})
    return {name: array for name, array in found.items() if name not in missing}


def examples(program: ir.Program, data: Arrays, params: Arrays, do: str = "train") -> Examples:
    """The data as examples. Raises EinError if sizes disagree, or if there is no example to `do`
    something with."""
    shapes = {name: array.shape for name, array in {**params, **data}.items()}
    sizes = sizes_given(program, {}, shapes)
    size = program.batch.size if program.batch else None
    axes = {t.name: _axes(t, size) for t in program.tensors if t.name in data}
    split = {name: found for name, found in axes.items() if found}
    count = sizes[size] if size and split else 1
    if count == 0:
        raise EinError(NoExamples(do=do))
    return Examples(data, split, count)


def _axes(tensor: ir.Tensor, size: str | None) -> tuple[int, ...]:
    return tuple(k for k, i in enumerate(tensor.axes) if i is not None and i.size == size)
