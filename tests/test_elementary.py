"""Functions that NumPy lacks in steps of those it has, and sums along rows as products."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from plans import agree

import einsumgrad
from einsumgrad.arrays import leaves
from einsumgrad.engines.numpy import compile_plan
from einsumgrad.pipeline import prepared
from einsumgrad.plan.nodes import Fold, Map, Pair, Plan
from einsumgrad.steps.runner import Runner
from einsumgrad.tune.elementary import elementary
from einsumgrad.tune.tune import tuned

Array = npt.NDArray[Any]
ULPS = 4.5
SIZES = np.float32(10) ** np.linspace(-37, 38, 60_001, dtype=np.float32)
ENDS = np.array([0, -0.0, np.inf, -np.inf, np.nan, 1e-42, 3.4e38], np.float32)


def made(plan: Plan, kind: type) -> list[Any]:
    return [s.instruction for s in plan.steps if isinstance(s.instruction, kind)]


def planned(text: str, dtype: Any = np.float64) -> tuple[Plan, dict[str, Array]]:
    """What computes a program's values, on arrays of 4 by 4."""
    program = einsumgrad.parse(text).ir
    shape = (4, 4) if "x[b,k]" in text else (4,)
    arrays = {"x": np.random.default_rng(0).normal(size=shape).astype(dtype)}
    made, held = prepared(program), leaves(program)
    return Runner(made, held).plan(held.take(arrays), made.outputs), arrays


def erf_of(factor: float, x: Array) -> Array:
    program = einsumgrad.parse(f"y[b] = erf({factor!r} x[b])", engine="numpy")
    return program.run(x=x)["y"]


@pytest.mark.parametrize("factor", [1.0, 1 / math.sqrt(2), -0.3, 3.9, 1e4, 1e-5])
def test_erf_in_single_precision(factor: float) -> None:
    """Within a few ulp of the argument's own rounding, from denormal numbers up to the largest."""
    x = np.concatenate([SIZES, -SIZES, np.linspace(-5, 5, 60_001, dtype=np.float32)])
    found = erf_of(factor, x)
    exact = np.array([math.erf(v) for v in factor * x.astype(np.float64)])
    scaled = factor * x.astype(np.float64)
    near = np.abs(scaled) > 1e-36
    slope = 2 / math.sqrt(math.pi) * np.exp(-np.minimum(scaled**2, 700)) * np.abs(scaled) * 2**-24
    error = np.abs(found - exact)[near] - (factor != 1) * slope[near]
    assert found.dtype == np.float32
    assert np.max(error / np.spacing(np.abs(exact[near]).astype(np.float32))) < ULPS


def test_erf_at_the_ends() -> None:
    found = erf_of(1.0, ENDS)
    np.testing.assert_array_equal(found[:5], np.array([0, 0, 1, -1, np.nan], np.float32))
    assert np.signbit(found[1])
    assert found[6] == 1


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_erf_in_double_precision_stays(dtype: Any) -> None:
    plan, _ = planned("y[b] = erf x[b]", dtype)
    functions = {one.function for one in made(elementary(tuned(plan)), Map)}
    assert ("erf" in functions) == (dtype is np.float64)
    assert ("tanh" in functions) == (dtype is np.float32)


PRODUCTS = {
    "y[b] = Σ_k sin(x[b,k])^2": True,
    "y[b] = Σ_k sin(x[b,k]) cos(x[b,k])": True,
    "y[k] = Σ_b sin(x[b,k])^2": False,
    "z[b,k] = sin(x[b,k])^2\ny[b] = Σ_k z[b,k] + z[b,0]": False,
    "y[b] = max_k sin(x[b,k])^2": False,
}


@pytest.mark.parametrize("text", PRODUCTS)
def test_sums_along_rows_are_products(text: str) -> None:
    plan, arrays = planned(text)
    fast = elementary(tuned(plan))
    rows = [one for one in made(fast, Pair) if one.dots]
    assert bool(rows) == PRODUCTS[text]
    assert bool(made(fast, Fold)) != PRODUCTS[text]
    agree(fast, arrays, compile_plan(plan).run(arrays))


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("y[b] = σ(sin x[b] - cos x[b])", True),
        ("z[b] = sin x[b] - cos x[b]\ny[b] = σ(z[b]) z[b]", False),
        ("y[b] = σ(sin x[b] + cos x[b])", False),
    ],
)
def test_a_difference_takes_the_sign(text: str, joined: bool) -> None:
    plan, arrays = planned(text)
    fast = elementary(tuned(plan))
    assert ("sigmoid of minus" in {one.function for one in made(fast, Map)}) == joined
    agree(fast, arrays, compile_plan(plan).run(arrays))
