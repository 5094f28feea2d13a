"""One run of a program on arrays by name: outputs, objective and gradients together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from einsumgrad.arrays import leaves
from einsumgrad.data_faults import Cotangents
from einsumgrad.derive.gradients import gradient_suffix
from einsumgrad.derive.reverse import default_wrt
from einsumgrad.diagnostics import EinError
from einsumgrad.ir.nodes import Program
from einsumgrad.pipeline import backward, prepared
from einsumgrad.record import record
from einsumgrad.steps.runner import Runner
from einsumgrad.wrt import aliases, parameters

Array = npt.NDArray[Any]
FEW = 64
"""Entries up to which Python adds them up sooner than NumPy does."""


@record
class Evaluation:
    """`arrays`: outputs, loss and gradients (`W.grad`) by name. `objective`: J, None without a
    loss or without gradients."""

    arrays: Mapping[str, Array]
    objective: float | None


def evaluate(
    program: Program,
    arrays: Mapping[str, Any],
    *,
    grad: bool = False,
    wrt: tuple[str, ...] | None = None,
    seed: int = 0,
    memory: int | None = None,
) -> Evaluation:
    """The outputs and the loss; with `grad` the objective and its gradients by `wrt` too (default:
    the parameters if there are any, else the inputs). Without a loss `arrays` hold the gradients
    of some outputs, `h.grad` for `h`. `seed`: draws noise. `memory`: bytes that may be allocated.

    Raises EinError for arrays that do not fit the program.

    >>> from einsumgrad import parse
    >>> evaluate(parse("h[b] = w x[b]").ir, {"w": 2.0, "x": [1.0], "h.grad": [1.0]}, grad=True)
    Evaluation(arrays={'h': array([2.]), 'w.grad': array(1.)}, objective=None)
    """
    outer = tuple(dict.fromkeys((*program.outputs, *((program.loss,) if program.loss else ()))))
    if not grad:
        return Evaluation(_run(program, arrays, outer, seed, memory), None)
    names = parameters(program) or default_wrt(program) if wrt is None else wrt
    seeds = () if program.loss else _seeds(program, arrays)
    derived = backward(program, names, seeds=seeds)
    grads = tuple(name + gradient_suffix(program) for name in names)
    wanted = (*outer, *(name for name in grads if name in derived.outputs))
    found = _run(derived, arrays, wanted, seed, memory)
    value = mean_loss(program, found[program.loss]) if program.loss else None
    return Evaluation(found, value)


def mean_loss(program: Program, loss: Array) -> float:
    """The objective J of LANGUAGE §8: the mean over the batch of a batched loss, summed over
    further indices; NaN over no examples."""
    return averaged(loss, batch_axis(program))


def batch_axis(program: Program) -> int | None:
    """The axis of the loss that is the batch, None if it has none."""
    tensor = program.tensor(program.loss or "")
    if program.batch is None or not tensor.batched:
        return None
    sizes = [None if index is None else index.size for index in tensor.axes]
    return sizes.index(program.batch.size)


def averaged(loss: Array, batch: int | None) -> float:
    """The sum of a loss over the number of its examples."""
    if loss.size <= FEW:
        total = float(sum(loss.ravel().tolist()))
    else:
        total = float(np.add.reduce(loss, None, np.float64))
    if batch is None:
        return total
    count = loss.shape[batch]
    return total / count if count else math.nan


def _run(
    program: Program,
    arrays: Mapping[str, Any],
    wanted: tuple[str, ...],
    seed: int,
    memory: int | None,
) -> dict[str, Array]:
    return Runner(prepared(program), leaves(program), memory).run(arrays, wanted, seed)


def gradients_apart(
    program: Program, arrays: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arrays of leaves, and the gradients of outputs (`h.grad`) by the outputs' names."""
    suffix = gradient_suffix(program)
    named = aliases(program).items()
    outer = {key + suffix: name for key, name in named if name in program.outputs}
    own = {key: value for key, value in arrays.items() if key not in outer}
    return own, {outer[key]: value for key, value in arrays.items() if key in outer}


def _seeds(program: Program, arrays: Mapping[str, Any]) -> tuple[str, ...]:
    """The outputs whose gradients are given."""
    given = gradients_apart(program, arrays)[1]
    seeds = tuple(name for name in program.outputs if name in given)
    if not seeds:
        there = ", ".join(f"`{name}{gradient_suffix(program)}`" for name in program.outputs)
        what = "the program has no loss, and no array gives the gradient of an output"
        raise EinError(Cotangents(what=what, hint=f"give {there}, or declare a loss"))
    return seeds
