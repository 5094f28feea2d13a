"""Compiled steps: what they are made of, that they agree with the reference engine, and that calls
do not disturb each other."""

from __future__ import annotations

import ast
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from plans import EXAMPLES, ROOT, agree, planned, planned_on

import einsumgrad
from einsumgrad.emit.script import script
from einsumgrad.engines.numpy import compile_plan
from einsumgrad.plan.nodes import Guard
from einsumgrad.steps.compiled import NAMES
from einsumgrad.tune.scales import multiplied
from einsumgrad.tune.tune import tuned

MADE = re.compile(r"(v|u|a|o|r|w|m|i|k|f|at|t|g)\d*|[cd]m?(\d[\d_em]*|inf|nan)")
"""Names that the source may make up: their numbers count registers, views and constants, or say
which number it is."""


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_source_is_made_of_made_up_names(path: Path) -> None:
    """No text of a program is in it: names of its own, NumPy's functions, numbers."""
    plan, _ = planned(einsumgrad.load(path).ir)
    source = script(tuned(plan)).source
    tree = ast.parse(source)
    known = {*NAMES, "make", "step", "range", "None"}
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert all(name in known or MADE.fullmatch(name) for name in names)
    texts = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}
    assert {t for t in texts if isinstance(t, str)} <= {
        "unsafe", "float64", "float32", "int64", "bool"
    }  # fmt: skip
    assert source.isascii()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("wrt", ["all", "parameters"])
def test_both_engines_agree(path: Path, wrt: str) -> None:
    program = einsumgrad.load(path)
    plan, arrays = planned(program.ir, program.params if wrt == "parameters" else None)
    expected = compile_plan(plan).run(arrays)
    agree(tuned(plan), arrays, expected)
    agree(tuned(plan), arrays, expected, reuse=True)


SCALED = {
    "the mean": ("loss ℓ[b] = exp(Σ_j V[j] h[b,j])", (), [1 / 8]),
    "signs": ("loss ℓ[b] = exp(-Σ_j V[j] h[b,j])", (), [1 / 8]),
    "with other numbers": ("loss ℓ[b] = (1 - Σ_j V[j] h[b,j])^2", (), [1 / 4, 1 / 4]),
    "in sums": ("loss ℓ[b] = exp(Σ_j V[j] (h[b,j] + h[b,j]^2))", (), [1 / 8, 2]),
    "scattered": ("loss ℓ[b] = exp(Σ_j E[y[b],j] h[b,j])", (), [1 / 8]),
    "read by others": ("loss ℓ[b] = exp(Σ_j V[j] h[b,j])", ("x",), [1 / 8, 1 / 8]),
}
"""A loss, by what else than parameters it is derived, and the numbers that are multiplied by."""


@pytest.mark.parametrize("name", SCALED)
def test_numbers_are_multiplied_by_once(name: str) -> None:
    loss, beside, numbers = SCALED[name]
    index = "index k : 5\n" if "E[" in loss else ""
    program = einsumgrad.parse(
        f"{index}param W[j,i], {'E[k,j]' if index else 'V[j]'}\n"
        f"h[b,j] = tanh(Σ_i W[j,i] x[b,i])\n{loss}"
    )
    rng = np.random.default_rng(0)
    shapes = {"x": (8, 3), "W": (4, 3), "V": (4,), "E": (5, 4)}
    arrays = {n: rng.normal(size=shape) for n, shape in shapes.items()}
    arrays["y"] = rng.integers(0, 5, 8)
    plan, given = planned_on(program, (*program.params, *beside), arrays)
    made = tuned(plan)
    found = [multiplied(step.instruction) for step in made.steps]
    assert [by[1] for by in found if by is not None] == numbers
    agree(made, given, compile_plan(plan).run(given))


def test_numbers_pass_where_a_mask_guards_a_sum() -> None:
    program = einsumgrad.load(ROOT / "tests" / "bench" / "works" / "attention.ein")
    rng = np.random.default_rng(0)
    names = {"x": "btd", "y": "btd", "W^Q": "hkd", "W^K": "hkd", "W^V": "hkd", "W^O": "dhk"}
    sizes = {"b": 7, "t": 32, "d": 128, "h": 8, "k": 16}
    arrays = {n: rng.normal(size=[sizes[i] for i in axes]) for n, axes in names.items()}
    plan, arrays = planned_on(program, program.params, arrays)
    made = tuned(plan)
    assert any(isinstance(step.instruction, Guard) for step in made.steps)
    found = [by[1] for step in made.steps if (by := multiplied(step.instruction)) is not None]
    assert all(number != pytest.approx(1 / 7) for number in found)
    assert pytest.approx(1 / (7 * 32 * 128)) in found
    agree(made, arrays, compile_plan(plan).run(arrays))


def test_a_number_is_not_taken_where_a_result_stays_as_it_is() -> None:
    text = "index k : 1\nh[k] = erf(x[1]) where k <= k\nP = erf(h[0]) + Σ_i x[i]"
    program = einsumgrad.parse(text, engine="numpy")
    x, direction, step = np.array([0.3, -0.2, 0.7]), np.array([1.0, 2.0, -1.0]), 1e-6
    found = program.jvp({"x": direction}, x=x)[1]["P"]
    ends = [program.run(x=x + sign * step * direction)["P"] for sign in (1, -1)]
    np.testing.assert_allclose(found, (ends[0] - ends[1]) / (2 * step), 1e-6, 1e-9)


@pytest.mark.parametrize("engine", ["numpy", "fused"])
def test_buffers_are_used_again_where_that_is_asked_for(engine: str) -> None:
    if engine == "fused":
        pytest.importorskip("llvmlite")
    text = "param W[j,i]\nh[b,j] = tanh(Σ_i W[j,i] x[b,i])\nloss ℓ[b] = Σ_j h[b,j]^2"
    arrays = {"x": np.ones((3, 4)), "W": np.full((2, 4), 0.1)}
    own = einsumgrad.parse(text, engine=engine)
    program = einsumgrad.parse(text, engine=engine, reuse_buffers=True)
    (first,) = program.value_and_grad(**arrays)[1].values()
    kept = first.copy()
    assert kept == pytest.approx(own.value_and_grad(**arrays)[1]["W"])
    (second,) = program.value_and_grad(x=-2 * arrays["x"], W=arrays["W"])[1].values()
    assert np.shares_memory(first, second)
    assert first == pytest.approx(second) and first != pytest.approx(kept)
    assert not np.shares_memory(*(own.value_and_grad(**arrays)[1]["W"] for _ in range(2)))
    hessian = program.hessian("W", **arrays)["W", "W"]
    assert hessian == pytest.approx(own.hessian("W", **arrays)["W", "W"])


def test_results_are_the_callers_own() -> None:
    program = einsumgrad.parse("y[b] = x[b]\nz[b] = x[b] + 1\nu[b] = z[b]")
    x = np.arange(3.0)
    first = program.run(x=x)
    kept = {name: array.copy() for name, array in first.items()}
    for array in program.run(x=x).values():
        array[:] = -1
    assert x.tolist() == [0, 1, 2]
    for name, array in first.items():
        assert array.tolist() == kept[name].tolist()
        assert not any(np.shares_memory(array, other) for n, other in first.items() if n != name)


def test_calls_of_several_threads_do_not_meet() -> None:
    program = einsumgrad.load(ROOT / "examples" / "mlp.ein")
    rng = np.random.default_rng(0)
    given = [
        {
            "x": rng.normal(size=(64, 32)), "y": rng.integers(0, 10, 64),
            "W⁰": rng.normal(size=(64, 32)), "b⁰": rng.normal(size=64),
            "W¹": rng.normal(size=(10, 64)), "b¹": rng.normal(size=10),
        }
        for _ in range(8)
    ]  # fmt: skip
    expected = [program.value_and_grad(**arrays) for arrays in given]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            found = list(pool.map(lambda arrays: program.value_and_grad(**arrays), given))
            for (value, grads), (own, others) in zip(found, expected, strict=True):
                assert value == own
                assert all(np.array_equal(grads[name], others[name]) for name in others)
