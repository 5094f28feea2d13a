"""Where gradients are verified: sizes, arrays, and the objective around them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from einsumgrad.arrays import leaves
from einsumgrad.data_faults import Cotangents, NotFinite
from einsumgrad.derive.gradients import gradient_suffix, objective
from einsumgrad.diagnostics import EinError
from einsumgrad.evaluate import gradients_apart
from einsumgrad.ir import nodes as ir
from einsumgrad.pipeline import backward, prepared
from einsumgrad.plan.nodes import Plan
from einsumgrad.record import record, replace
from einsumgrad.steps.runner import Runner
from einsumgrad.verify.forward import Forward, make_forward
from einsumgrad.verify.sample import Values, draw_arrays, draw_sizes

Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]
AGAIN = 100
"""Draws that are tried where the objective is not finite, or is 0."""


@record
class Setting:
    """The point at which gradients are checked.

    `drawn`: the names of the arrays that were not given. `cotangents`: the `.grad` of the outputs,
    by the outputs' names; none with a loss. `drawn_cotangents`: those that were not given."""

    sizes: Mapping[str, int]
    drawn: tuple[str, ...]
    arrays: Arrays
    cotangents: Arrays
    drawn_cotangents: tuple[str, ...]
    forward: Forward


def make_setting(
    program: ir.Program,
    given: Mapping[str, Any],
    sizes: Mapping[str, int],
    seed: int,
    memory: int | None,
) -> Setting:
    """Arrays and cotangents as given, the others drawn by the seed so that the objective is
    finite and, if that can be, not 0, as it is where no condition holds. Raises EinError if what is
    given does not fit, or if no objective is finite."""
    own, cotangents = gradients_apart(program, given)
    if _is_loss(program):
        own, cotangents = dict(given), {}
    held = leaves(program)
    taken = {n: _wide(a, program.tensor(n)) for n, a in held.take(own, some=True).items()}
    bound = draw_sizes(program, sizes, {name: a.shape for name, a in taken.items()})
    program = fixed(program, bound)
    runner = Runner(prepared(program), held, memory)
    drawn = tuple(t.name for t in program.tensors if t.kind != "computed" and t.name not in taken)
    plan, least = None, None
    for values, rng in _attempts(seed)[: None if drawn else 1]:
        arrays = draw_arrays(program, taken, bound, rng, values)
        plan = plan or runner.plan(arrays, seeds(program))
        outer = _cotangents(program, plan, cotangents, rng)
        weights = {n: w / per_example(program, n, w.shape) for n, w in outer.items()}
        forward = make_forward(plan, arrays, weights, memory)
        if np.isfinite(forward.here.value):
            outer = {} if _is_loss(program) else outer
            random = tuple(name for name in outer if name not in cotangents)
            found = Setting(bound, drawn, arrays, outer, random, forward)
            if forward.here.value != 0:
                return found
            least = least or found
    if least is not None:
        return least
    raise EinError(NotFinite(where="the given arrays" if not drawn else "random arrays"))


def _attempts(seed: int) -> list[tuple[Values, np.random.Generator]]:
    """Ordinary numbers, then others, then the same with other generators of the seed."""
    first: list[tuple[Values, np.random.Generator]] = [
        (values, np.random.default_rng(seed)) for values in get_args(Values)
    ]
    others = (np.random.default_rng([seed, k]) for k in range(1, AGAIN + 1))
    return first + [("normal", rng) for rng in others]


def gradients(
    program: ir.Program, wrt: tuple[str, ...], setting: Setting, memory: int | None
) -> dict[str, Array]:
    """The derived gradients, 0 for what the objective does not depend on."""
    suffix = gradient_suffix(program)
    derived = fixed(backward(program, wrt), setting.sizes)
    known = {tensor.name for tensor in derived.tensors}
    given = {**setting.arrays, **{n + suffix: a for n, a in setting.cotangents.items()}}
    given = {name: array for name, array in given.items() if name in known}
    wanted = tuple(name + suffix for name in wrt if name + suffix in derived.outputs)
    found = Runner(prepared(derived), leaves(derived), memory).run(given, wanted, 0)
    return {n: found.get(n + suffix, np.zeros(setting.arrays[n].shape)) for n in wrt}


def fixed(program: ir.Program, sizes: Mapping[str, int]) -> ir.Program:
    """The program with these sizes declared; what only targets bear has no other source."""
    declared = dict(program.sizes)
    more = ((n, ir.Number(Fraction(size))) for n, size in sizes.items() if n not in declared)
    return replace(program, sizes=(*program.sizes, *more))


def per_example(program: ir.Program, name: str, shape: tuple[int, ...]) -> int:
    """The factor between a tensor's `.grad` and the derivative of J by it (LANGUAGE §8)."""
    tensor = program.tensor(name)
    if program.batch is None or not tensor.batched:
        return 1
    sizes = zip(tensor.axes, shape, strict=True)
    return max(1, next((n for i, n in sizes if i and i.size == program.batch.size), 1))


def _is_loss(program: ir.Program) -> bool:
    return objective(program) == (program.loss,)


def seeds(program: ir.Program) -> tuple[str, ...]:
    """What the objective is made of."""
    if _is_loss(program):
        return objective(program)
    integer = {t.name for t in program.tensors if t.integer}
    return tuple(name for name in objective(program) if name not in integer)


def _wide(array: Array, tensor: ir.Tensor) -> Array:
    """Numbers as float64, positions as int64."""
    return array.astype(np.int64 if tensor.integer else np.float64)


def _cotangents(
    program: ir.Program, plan: Plan, given: Mapping[str, Any], rng: np.random.Generator
) -> dict[str, Array]:
    """Ones for the loss; for each output what is given, else random numbers."""
    shapes = {name: plan.registers[register].shape for name, register in plan.results}
    if _is_loss(program):
        return {name: np.ones(shape) for name, shape in shapes.items()}
    found = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    for name, value in given.items():
        found[name] = np.asarray(value, np.float64)
        if found[name].shape != shapes[name]:
            what = f"the `.grad` of `{name}` has the shape {list(np.shape(value))}"
            hint = f"`{name}` has the shape {list(shapes[name])}"
            raise EinError(Cotangents(what=what, hint=hint))
    return found
