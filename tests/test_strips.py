"""Strips: a plan run for parts of one axis agrees with the plan run whole; when they are taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from plans import EXAMPLES, agree, drawn, planned
from programs import programs
from test_fuzz import Trial, close, hold, wanted

import einsumgrad
from einsumgrad.arrays import leaves
from einsumgrad.diagnostics import EinError
from einsumgrad.emit.script import script
from einsumgrad.engines.numpy import compile_plan
from einsumgrad.pipeline import backward, prepared
from einsumgrad.plan.nodes import Plan, Strips
from einsumgrad.steps import stripped as stripped_steps
from einsumgrad.steps.compiled import compiled
from einsumgrad.steps.runner import Runner
from einsumgrad.steps.workers import Workers
from einsumgrad.tune.elementary import elementary
from einsumgrad.tune.levels import Cut
from einsumgrad.tune.loops import readied
from einsumgrad.tune.strips import Length, cuts, stripped
from einsumgrad.tune.tune import tuned
from einsumgrad.tune.unroll import unrolled
from einsumgrad.tune.worth import Cores, in_strips

Array = npt.NDArray[Any]
WORKS = Path(__file__).parent / "bench" / "works"
ONE = Cores()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_cut_agrees_with_the_reference(path: Path) -> None:
    plan, arrays = planned(einsumgrad.load(path).ir)
    expected = compile_plan(plan).run(arrays)
    fast = readied(elementary(tuned(plan)))
    agree(unrolled(fast, 0), arrays, expected)
    for made in cuts(fast):
        for count in (1, 2):
            agree(stripped(fast, made, of(count)), arrays, expected)


def of(count: int) -> Length:
    """Strips of so many entries, worth it or not."""

    def length(made: Cut, own: Plan) -> int:
        assert made.size
        assert own.steps
        return count

    return length


def strips_agree(trial: Trial) -> None:
    if not trial.sample.wrt:
        return
    plan, arrays = drawn(trial)
    fast, expected = readied(elementary(tuned(plan))), compile_plan(plan).run(arrays)
    close(compiled(script(unrolled(fast, 0))).run(arrays), expected, tuple(expected))
    for made in cuts(fast)[:4]:
        for count in (1, 2):
            found = compiled(script(stripped(fast, made, of(count)))).run(arrays)
            close(found, expected, tuple(expected))


def test_cuts_of_random_programs_agree(pytestconfig: pytest.Config) -> None:
    hold({"strips": strips_agree}, programs(), wanted(pytestconfig))


def taken(name: str, cores: Cores = ONE, **shapes: tuple[int, ...]) -> list[int]:
    """The lengths of the strips in which the gradients of a work are computed."""
    program = einsumgrad.load(WORKS / f"{name}.ein").ir
    params = tuple(t.name for t in program.tensors if t.kind == "param")
    derived = prepared(backward(program, params, seeds=()))
    arrays = {
        n: np.zeros(shape, np.int64 if n == "y" else np.float32) for n, shape in shapes.items()
    }
    held = leaves(derived)
    plan = in_strips(tuned(Runner(derived, held).plan(held.take(arrays), derived.outputs)), cores)
    made = [step.instruction for step in plan.steps]
    return [strips.length for strips in made if isinstance(strips, Strips)]


def test_strips_are_taken_where_elementwise_work_leaves_the_cache() -> None:
    (length,) = taken("norm", x=(4096, 1024), g=(1024,), c=(1024,))
    assert 8 <= length <= 128


def test_matrix_products_stay_whole() -> None:
    size = 512
    shapes = {"x": (size, size), "y": (size,), "W⁰": (size, size), "b⁰": (size,)}
    assert taken("mlp", **shapes, **{"W¹": (size, size), "b¹": (size,)}) == []
    assert taken("norm", x=(16, 64), g=(64,), c=(64,)) == []


def test_several_cores_share_strips_with_products() -> None:
    """A block of attention; but a product that BLAS shares by itself as well stays whole."""
    weights = {f"W^{k}": (8, 64, 512) for k in "QKV"} | {"W^O": (512, 8, 64)}
    shapes = {"x": (8, 128, 512), "y": (8, 128, 512), **weights}
    both = Cores(2, products=True)
    assert taken("attention", both, **shapes)[0] <= 4
    assert taken("attention", Cores(2), **shapes) != taken("attention", both, **shapes)
    size = 1024
    shapes = {"x": (size, size), "y": (size,), "W⁰": (size, size), "b⁰": (size,)}
    assert taken("mlp", both, **shapes, **{"W¹": (size, size), "b¹": (size,)}) == []


def test_a_fault_in_a_strip_names_the_entry() -> None:
    program = einsumgrad.parse("a[b] = j[b]\nh[b,i] = gelu(exp(W[j[b],i]))^2 + sin(x[b,i])")
    x, j = np.ones((4096, 64)), np.zeros(4096, np.int64)
    j[3000] = 7
    with pytest.raises(EinError, match="3000"):
        program.run(x=x, j=j, W=np.ones((5, 64)))


POOLS = (
    "h[b,m,n] = relu(x[b,m,n])\ng[b,r,s] = max_{p,q} h[b,2r+p,2s+q]\nloss l[b] = Σ_r g[b,r,1]^2",
    "g[b,r] = Σ_p sin(x[b,r+p-1])\nloss l[b] = Σ_r g[b,r]^2",
    "g[b,r,q] = Σ_p exp(x[b,2r+p,q] w[p])\nloss l[b] = Σ_{r,q} sin(g[b,r,q])",
    "g[b,r,s] = min_q max_p x[b,2r+p,3s+q]\nloss l[b] = Σ_{r,s} g[b,r,s]^3",
)  # fmt: skip
SMALL = "index p, q : 2\n"


@pytest.mark.parametrize("text", POOLS)
def test_small_windows_taken_apart_agree(text: str) -> None:
    plan, arrays = planned(einsumgrad.parse(SMALL + text).ir)
    fast, expected = unrolled(tuned(plan), 0), compile_plan(plan).run(arrays)
    agree(fast, arrays, expected)
    for made in cuts(fast):
        agree(stripped(fast, made, of(1)), arrays, expected)


@pytest.mark.parametrize("large", [0, stripped_steps.LARGE])
@pytest.mark.parametrize("workers", [2, 3])
def test_parts_side_by_side_agree(
    workers: int, large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their sums are added by one of them or by all."""
    monkeypatch.setattr(stripped_steps, "LARGE", large)
    plan, arrays = planned(einsumgrad.load(WORKS / "norm.ein").ir)
    expected, fast = compile_plan(plan).run(arrays), tuned(plan)
    for made in cuts(fast):
        for count in (1, 2):
            agree(stripped(fast, made, of(count)), arrays, expected, Workers(workers))
