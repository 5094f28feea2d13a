"""float32 on both engines: all examples and random programs, as near to float64 as the reference
engine is in float32."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume
from plans import EXAMPLES, Array, drawn_for, planned_for
from programs import programs
from test_fuzz import Trial, hold, wanted

import einsumgrad
from einsumgrad.emit.script import script
from einsumgrad.engines.numpy import compile_plan
from einsumgrad.fused.groups import fused
from einsumgrad.fused.rules import ruled
from einsumgrad.plan.nodes import Plan
from einsumgrad.steps.compiled import compiled
from einsumgrad.steps.runner import Runner
from einsumgrad.tune.tune import tuned

pytest.importorskip("llvmlite")
Arrays = Mapping[str, Array]
ROUNDING = 1e-5
"""Some hundred roundings, of the largest entry: sums are in other orders."""


def single(arrays: Arrays) -> dict[str, Array]:
    return {n: a.astype(np.float32) if a.dtype == np.float64 else a for n, a in arrays.items()}


def errors(found: Arrays, expected: Arrays) -> dict[str, float]:
    """The largest error of each tensor, relative to its largest entry."""
    made = {}
    for name, array in expected.items():
        if array.dtype == np.int64:
            assert found[name].tolist() == array.tolist(), name
            continue
        assert found[name].dtype == np.float32, name
        scale = max(1e-2, float(np.max(np.abs(array), initial=0.0)))
        made[name] = float(np.max(np.abs(found[name] - array), initial=0.0)) / scale
    return made


def steps(plan: Plan) -> Iterator[Plan]:
    yield tuned(plan)
    yield fused(ruled(tuned(plan)))


def holds(runner: Runner, names: tuple[str, ...], arrays: Arrays, most: float | None) -> None:
    """`most`: the error of the reference in float32 up to which a program is well conditioned; one
    that is not says nothing."""
    expected = compile_plan(runner.plan(arrays, names)).run(arrays)
    small = single(arrays)
    plan = runner.plan(small, names)
    with np.errstate(all="ignore"):
        known = errors(compile_plan(plan).run(small), expected)
    if most is not None:
        assume(max(known.values(), default=0.0) <= most)
    for made in steps(plan):
        for name, error in errors(compiled(script(made)).run(small), expected).items():
            assert error <= 8 * known[name] + ROUNDING, name


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples(path: Path) -> None:
    holds(*planned_for(einsumgrad.load(path).ir), most=None)


def in_single_precision(trial: Trial) -> None:
    if trial.sample.wrt:
        holds(*drawn_for(trial), most=1e-5)


def test_random_programs(pytestconfig: pytest.Config) -> None:
    hold({"single": in_single_precision}, programs(), wanted(pytestconfig) // 4)
