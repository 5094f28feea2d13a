"""Plans of whole programs, and their steps held against the reference engine."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from test_fuzz import Trial

import einsumgrad
from einsumgrad.arrays import leaves
from einsumgrad.emit.script import script
from einsumgrad.ir.nodes import Program
from einsumgrad.pipeline import backward, prepared
from einsumgrad.plan.nodes import Plan
from einsumgrad.steps.compiled import compiled
from einsumgrad.steps.runner import Runner
from einsumgrad.steps.starts import fill
from einsumgrad.steps.workers import Workers
from einsumgrad.verify.setting import fixed, make_setting

Array = npt.NDArray[Any]
ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.ein"))


def planned(program: Program, wrt: tuple[str, ...] | None = None) -> tuple[Plan, dict[str, Array]]:
    """The plan of all gradients of a program, or of those by `wrt`, on drawn arrays."""
    runner, names, arrays = planned_for(program, wrt)
    return runner.plan(arrays, names), arrays


def planned_for(
    program: Program, wrt: tuple[str, ...] | None = None
) -> tuple[Runner, tuple[str, ...], dict[str, Array]]:
    """What plans all gradients of a program, or those by `wrt`, their names, and drawn arrays."""
    setting = make_setting(program, {}, {}, 0, None)
    derived = prepared(backward(fixed(program, setting.sizes), wrt))
    seeds = {f"{name}.grad": array for name, array in setting.cotangents.items()}
    takes = {tensor.name for tensor in derived.tensors}
    held = leaves(derived)
    taken = held.take({n: a for n, a in {**setting.arrays, **seeds}.items() if n in takes})
    return Runner(derived, held), derived.outputs, dict(taken)


def planned_on(
    program: einsumgrad.Program, wrt: tuple[str, ...], arrays: Mapping[str, Array]
) -> tuple[Plan, dict[str, Array]]:
    """The plan of the gradients of a program's loss by `wrt`, and those of the arrays that it
    takes."""
    derived = prepared(backward(program.ir, wrt, seeds=()))
    given = {t.name: arrays[t.name] for t in derived.tensors if t.name in arrays}
    return Runner(derived, leaves(derived)).plan(given, derived.outputs), given


def drawn(trial: Trial) -> tuple[Plan, dict[str, Array]]:
    """The plan of a random program's derived program, on its arrays."""
    runner, names, arrays = drawn_for(trial)
    return runner.plan(arrays, names), arrays


def drawn_for(trial: Trial) -> tuple[Runner, tuple[str, ...], dict[str, Array]]:
    """What plans a random program's derived program; what is not finite is drawn again."""
    derived = prepared(trial.derived.ir)
    held = leaves(derived)
    takes = {tensor.name for tensor in derived.tensors}
    arrays = held.take({n: a for n, a in trial.backward_arrays.items() if n in takes})
    arrays = fill(derived, arrays, trial.sample.sizes, 0, "float64")
    trial.loops(derived, arrays)
    return Runner(derived, held), derived.outputs, dict(arrays)


def agree(
    made: Plan, arrays: Mapping[str, Array], expected: Mapping[str, Array],
    workers: Workers | None = None, *, reuse: bool = False, cores: int = 1,
) -> None:  # fmt: skip
    """Whether the step of a plan gives these results, also when it uses its memory again."""
    step = compiled(script(made, reuse=reuse, cores=cores), workers)
    for _ in range(2):
        found = step.run(arrays)
        assert found.keys() == expected.keys()
        shared = sum(np.shares_memory(a, b) for a, b in combinations(found.values(), 2))
        assert not shared, "results overlap"
        for name, array in expected.items():
            assert (found[name].shape, found[name].dtype) == (array.shape, array.dtype), name
            scale = 1e-9 * float(np.max(np.abs(array), initial=1.0))
            np.testing.assert_allclose(found[name], array, 1e-9, scale, err_msg=name)
