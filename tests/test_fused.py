"""The fused engine: the same values as the reference, on every example, whole and in strips."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from conftest import Golden
from plans import EXAMPLES, ROOT, agree, drawn, planned
from programs import programs
from test_fuzz import Trial, close, hold, wanted

import einsumgrad
from einsumgrad.emit.script import script
from einsumgrad.engines.numpy import compile_plan
from einsumgrad.fused.groups import fused
from einsumgrad.fused.rules import ruled
from einsumgrad.fused.worth import shared
from einsumgrad.plan.nodes import Kernel, Loop, Pair, Plan, Step, Strips
from einsumgrad.steps import engine as engines
from einsumgrad.steps.cache import Store
from einsumgrad.steps.compiled import compiled
from einsumgrad.steps.workers import Workers
from einsumgrad.tune.strips import cuts, stripped
from einsumgrad.tune.tune import tuned

pytest.importorskip("llvmlite")
GOLDENS = Path(__file__).parent / "cases" / "faults"
LAYERNORM = """
input x[b,d]
param g[d], c[d]
μ[b] = mean_d x[b,d]
v[b] = mean_d (x[b,d] - μ[b])^2
h[b,d] = gelu(g[d] (x[b,d] - μ[b]) / sqrt(v[b] + 1e-5) + c[d])
loss ℓ[b] = 1/2 mean_d h[b,d]^2
"""


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_agree_with_the_reference(path: Path) -> None:
    plan, arrays = planned(einsumgrad.load(path).ir)
    expected, made = compile_plan(plan).run(arrays), ruled(tuned(plan))
    agree(fused(made), arrays, expected)
    best = max(cuts(made), key=lambda c: sum(map(len, c.parts.values())), default=None)
    if best is not None:
        cut = fused(stripped(made, best, lambda _cut, _own: 1))
        agree(cut, arrays, expected, Workers(2))


def steps_of(plan: Plan, kind: type) -> list[Step]:
    return [step for step in plan.steps if isinstance(step.instruction, kind)]


def plan_of(text: str, **arrays: np.ndarray) -> Plan:
    program = einsumgrad.parse(text, engine="numpy")
    program.value_and_grad(arrays)
    ((_, runner),) = program.runners.items()
    ((_, ready),) = runner.plans.items()
    return tuned(ready.plan)


def test_a_normalisation_and_its_gradient_are_one_kernel() -> None:
    x = np.ones((64, 32))
    made = fused(plan_of(LAYERNORM, x=x, g=np.ones(32), c=np.ones(32)))
    kernels = steps_of(made, Kernel)
    assert max(len(k.instruction.plan.steps) for k in kernels) > 20
    assert len(kernels) <= 3  # the two others divide the sums over the batch by its size


@pytest.mark.parametrize("name", ["mlp", "attention", "lstm", "cnn"])
def test_results_in_memory_that_is_used_again(name: str) -> None:
    plan, arrays = planned(einsumgrad.load(ROOT / "examples" / f"{name}.ein").ir)
    agree(fused(ruled(tuned(plan))), arrays, compile_plan(plan).run(arrays), reuse=True)


def test_a_small_product_is_in_the_kernel_of_what_is_around_it() -> None:
    x, w = np.ones((8, 16)), np.ones((4, 16))
    text = "h[b,j] = σ(Σ_i W[j,i] x[b,i])\nloss ℓ[b] = Σ_j h[b,j]^2"
    plan = plan_of(text, x=x, W=w)
    assert len(steps_of(fused(plan), Pair)) == 2
    assert not steps_of(fused(ruled(plan)), Pair)
    large = plan_of(text, x=np.ones((64, 64)), W=np.ones((64, 64)))
    assert len(steps_of(fused(ruled(large)), Pair)) == 2


def test_a_large_batch_is_shared_by_the_workers() -> None:
    x = np.ones((4096, 512))
    plan = plan_of(LAYERNORM, x=x, g=np.ones(512), c=np.ones(512))
    (strips,) = steps_of(shared(plan, 2), Strips)
    assert strips.instruction.parts >= 2
    assert shared(plan, 1) is plan


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_engines_agree_in_both_precisions(dtype: str) -> None:
    rng = np.random.default_rng(0)
    arrays = {"x": rng.normal(size=(300, 70)), "g": rng.normal(size=70), "c": rng.normal(size=70)}
    arrays = {name: array.astype(dtype) for name, array in arrays.items()}
    one, other = (
        einsumgrad.parse(LAYERNORM, engine=engine).value_and_grad(arrays)
        for engine in ("numpy", "fused")
    )
    tolerance = 2e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(one[0], other[0], tolerance)
    for name in ("g", "c"):
        assert other[1][name].dtype == dtype
        np.testing.assert_allclose(one[1][name], other[1][name], tolerance, tolerance)


@pytest.mark.parametrize("count", [3, 16, 37])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_extrema_keep_nan_and_infinities(count: int, dtype: str) -> None:
    """Over the last axis, over the first, and over both."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(9, count)).astype(dtype)
    x[1, 1], x[2, 2], x[3, 0], x[4], x[5], x[6, -1] = np.nan, -np.nan, np.inf, -np.inf, -0.0, 0.0
    over = {"A[b]": "max_j", "C[j]": "max_b", "D": "max_{b,j}"}
    over |= {"E[b]": "min_j", "F[j]": "min_b", "G": "min_{b,j}"}
    text = "".join(f"{made} = {reduced} (x[b,j] + 0)\n" for made, reduced in over.items())
    for part in (x, x[3:], x[5:]):
        found, expected = (
            einsumgrad.parse(text, engine=engine).run(x=part) for engine in ("fused", "numpy")
        )
        for name, value in expected.items():
            np.testing.assert_array_equal(found[name], value, name)


def test_rows_too_long_for_the_stack() -> None:
    x = np.random.default_rng(0).normal(size=(3, 40000))
    text = "p[b,v] = softmax_v x[b,v]\nloss ℓ[b] = Σ_v p[b,v]^2"
    one, other = (
        einsumgrad.parse(text, engine=engine).value_and_grad(x=x, wrt="x")
        for engine in ("numpy", "fused")
    )
    np.testing.assert_allclose(one[0], other[0], 1e-12)
    np.testing.assert_allclose(one[1]["x"], other[1]["x"], 1e-9, 1e-12)


def test_calls_from_several_threads() -> None:
    program = einsumgrad.parse(LAYERNORM, engine="fused")
    rng = np.random.default_rng(0)
    every = [{"x": rng.normal(size=(600, 64)), "g": rng.normal(size=64), "c": rng.normal(size=64)}
             for _ in range(8)]  # fmt: skip
    expected = [program.value_and_grad(arrays)[1]["g"] for arrays in every]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda a: program.value_and_grad(a)[1]["g"], every * 4))
    for one, other in zip(found, expected * 4, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_position_outside_is_named_as_in_the_whole() -> None:
    text = "param E[v,k]\nloss ℓ[b] = Σ_k E[w[b],k]^2"
    w = np.zeros(9000, int)
    w[8123] = 7
    with pytest.raises(einsumgrad.EinError, match=r"`w\[8123\]` is 7"):
        einsumgrad.parse(text, engine="fused").value_and_grad(E=np.ones((4, 64)), w=w)


def test_an_engine_that_is_not_there(golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(einsumgrad.EinError, match='has to be one of "auto", "fused", "numpy"'):
        einsumgrad.parse("y[b] = x[b]", engine="cuda")
    monkeypatch.setattr(engines, "find_spec", lambda _name: None)
    with pytest.raises(einsumgrad.EinError, match=r"einsumgrad\[fast\]") as missing:
        einsumgrad.parse("y[b] = x[b]", engine="fused")
    golden(GOLDENS / "no_engine.err", f"{missing.value}\n")
    assert einsumgrad.parse("y[b] = x[b]").engine.name == "numpy"


def test_damaged_machine_code_is_not_run(tmp_path: Path) -> None:
    store = Store(tmp_path / "kernels")
    path = store.path(("text", "of", "a module"))
    assert store.read(path) is None
    store.write(path, b"code")
    assert store.read(path) == b"code"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert store.read(path) is None
    assert store.path(("text", "of a", "module")) != path


def runs_fused(trial: Trial) -> None:
    """A derived program's kernels, whole and cut."""
    if not trial.sample.wrt:
        return
    plan, arrays = drawn(trial)
    expected, made = compile_plan(plan).run(arrays), ruled(tuned(plan))
    for cut in (None, *cuts(made)[:1]):
        whole = made if cut is None else stripped(made, cut, lambda _cut, _own: 1)
        found = compiled(script(fused(whole)), Workers(2)).run(arrays)
        close(found, expected, tuple(expected))


def test_random_programs_run_fused(pytestconfig: pytest.Config) -> None:
    hold({"fused": runs_fused}, programs(), wanted(pytestconfig) // 2)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork")
def test_workers_after_a_fork() -> None:
    workers = Workers(2)
    workers.run([lambda: None, lambda: None])
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # ends it, should it wait for threads that are not there
        workers.run([lambda: None, lambda: None])
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


COMPILED = ("cpc", "crf", "gpt", "gru", "hmm", "kalman", "lstm", "rnn", "state_space")
"""Examples all of whose recurrences are compiled."""


@pytest.mark.parametrize("name", COMPILED)
def test_recurrences_run_without_the_interpreter(name: str) -> None:
    plan, _ = planned(einsumgrad.load(ROOT / "examples" / f"{name}.ein").ir)
    made = fused(ruled(tuned(plan)))
    assert any(isinstance(step.instruction, Loop) for step in made.steps)
    assert "for " not in script(made).source


BACK = """
index t : 6
input x[b,t,i]
g[b,t,j] = tanh(Σ_k U[j,k] g[b,t+1,k] + Σ_i W[j,i] x[b,t,i]) where t < 5
g[b,t,j] = Σ_i W[j,i] x[b,t,i] where t >= 5
h[b,t,j] = 1/2 h[b,t-2,j] + Σ_k V[j,k] h[b,t-1,k] + g[b,t,j] t where t != 3
h[b,t,j] = h[b,t-1,j] where t = 3
loss ℓ[b] = Σ_{t,j} h[b,t,j]^2
"""


@pytest.mark.parametrize("count", [1, 9, 40])
@pytest.mark.parametrize("width", [1, 3, 8, 17])
def test_recurrences_agree_in_any_width(count: int, width: int) -> None:
    """Products of few columns are none of ours, others are; their second matrix is laid out anew
    before the loop; places outside are skipped, numbers of turns are read."""
    rng = np.random.default_rng(0)
    shapes = {"x": (count, 6, 4), "W": (width, 4), "U": (width, width), "V": (width, width)}
    arrays = {name: 0.5 * rng.normal(size=shape) for name, shape in shapes.items()}
    one, other = (
        einsumgrad.parse(BACK, engine=engine).value_and_grad(arrays)
        for engine in ("numpy", "fused")
    )
    np.testing.assert_allclose(other[0], one[0], 1e-12)
    for name, grad in one[1].items():
        np.testing.assert_allclose(other[1][name], grad, 1e-10, 1e-12)


VIEWS = {
    "reversed": ("x[b,j]^2", "u[b,J-1-j] + u[b,j]"),
    "a column": ("x[b,j]^2", "u[b,j] - u[b,0]"),
    "a row": ("Σ_i S[i,j] x[b,i]", "u[b,j] - u[0,j]"),
    "the other way": ("Σ_i S[i,j] x[b,i]", "u[B-1-b,j] u[b,j]"),
}
"""What is read in two ways by one kernel."""


@pytest.mark.parametrize("name", VIEWS)
def test_nothing_is_written_over_what_another_view_reads(name: str) -> None:
    first, then = VIEWS[name]
    text = f"u[b,j] = {first}\nw[b,j] = {then}\nz[b,j] = Σ_i R[i,j] w[b,i]\noutput z"
    rng = np.random.default_rng(0)
    arrays = {"x": rng.normal(size=(5, 31))}
    arrays |= {n: rng.normal(size=(31, 31)) for n in "RS" if f"{n}[" in text}
    one, other = (
        einsumgrad.parse(text, engine=engine).run(arrays)["z"] for engine in ("numpy", "fused")
    )
    np.testing.assert_allclose(other, one, 1e-12)


def test_parts_of_a_scratch_have_names_of_their_own() -> None:
    text = """
    f[b,t,j] = logsumexp_k(f[b,t-1,k] + A[k,j]) + x[b,t,j] where t > 0
    f[b,t,j] = x[b,t,j] + p[j] where t = 0
    loss ℓ[b] = -logsumexp_j f[b,T-1,j]
    """
    rng = np.random.default_rng(0)
    arrays = {"A": rng.normal(size=(8, 8)), "p": rng.normal(size=8)}
    arrays["x"] = rng.normal(size=(200, 3, 8))
    one, other = (
        einsumgrad.parse(text, engine=engine).value_and_grad(arrays)
        for engine in ("numpy", "fused")
    )
    for name, grad in one[1].items():
        np.testing.assert_allclose(other[1][name], grad, 1e-10)
