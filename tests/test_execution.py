"""Runs have no side effects, plan once, keep to their memory, and may run on many threads."""

from __future__ import annotations

import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from programs import Sample, programs

import einsumgrad

Array = npt.NDArray[Any]
EXAMPLES = Path(__file__).parent.parent / "examples"
F32 = np.float32

COPIES = (
    "y[b,i] = x[b,i]",
    "y[i,b] = x[b,i]",
    "y[b] = x[b,0]",
    "y[b,i] += x[b,i]\ny[b,i] += x[b,i]",
    "y[b,i] = stop(x[b,i])",
    "index v : 3\noutput y[v,i]\nfor b,i  y[w[b],i] += x[b,i]",
    "index j : 2\ny[b,i,j] = x[b,i]",
    "output y[b,i], z[i,b]\ny[b,i] = x[b,i]\nz[i,b] = y[b,i]",
    "y[b,i] = x[b,i]\nz[b,i] = x[b,i]\nu[b,i] = x[b,i] + 1\nv[b,i] = x[b,i] + 1",
    "index i : 2\nloss ℓ[b] = x[b,0]\noutput y[b,i], z[b,i]\ny[b,i] = 1\nz[b,i] = 1",
)


@pytest.mark.sentence(9, "Arrays are NumPy's by default")
@pytest.mark.parametrize("text", COPIES)
def test_arguments_are_never_changed_and_never_results(text: str) -> None:
    program = einsumgrad.parse(text)
    arrays: dict[str, Array] = {"x": np.arange(6.0).reshape(3, 2)}
    if "w[" in text:
        arrays["w"] = np.array([0, 2, 2])
    before = {name: array.copy() for name, array in arrays.items()}
    outputs = program.run(**arrays)
    ones = {name: np.ones_like(array) for name, array in outputs.items()}
    results = [*outputs.values(), *program.vjp(ones, **arrays).values()]
    given = [*arrays.values(), *ones.values()]
    for place, result in enumerate(results):
        assert not any(np.shares_memory(result, other) for other in (*given, *results[:place]))
        result[...] = -1
    for name, array in arrays.items():
        assert np.array_equal(array, before[name])


@settings(max_examples=50, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(programs())
def test_random_programs_leave_read_only_arguments_alone(sample: Sample) -> None:
    for array in sample.arrays.values():
        array.flags.writeable = False
    program = einsumgrad.parse(sample.text)
    results = list(program.run(**sample.arrays).values())
    for place, result in enumerate(results):
        others = [*sample.arrays.values(), *results[place + 1 :]]
        assert not any(np.shares_memory(result, other) for other in others)


def plans(program: einsumgrad.Program) -> int:
    return sum(len(runner.plans) for runner in program.runners.values())


def test_equal_shapes_are_planned_once() -> None:
    program = einsumgrad.load(EXAMPLES / "mlp.ein")
    counts = []
    for dtype, batch in (("f8", 4), ("f8", 4), ("f8", 5), ("f4", 4), ("f8", 4), ("f8", 5)):
        arrays = program.init(I=3, dtype=dtype)
        arrays["x"] = np.random.default_rng(batch).normal(size=(batch, 3)).astype(dtype)
        program.run(**arrays, y=np.zeros(batch, int))
        program.value_and_grad(**arrays, y=np.zeros(batch, int), seed=batch)
        counts.append(plans(program))
    assert counts == [2, 2, 4, 6, 6, 6]


def test_plans_do_not_pile_up() -> None:
    program = einsumgrad.parse("y[b] = 2 x[b]")
    for size in range(300):
        program.run(x=np.ones(size))
    assert plans(program) <= 64


@pytest.mark.sentence(5, "`noise ε[b,k] ~ normal(1)`")
def test_noise_is_drawn_by_the_seed() -> None:
    program = einsumgrad.parse(
        "index k : 3\nnoise ε[b,k] ~ normal(2), u[b] ~ uniform, v[b] ~ bernoulli(1/4)\n"
        "noise r[b] ~ uniform(2, 3)\n"
        "e[b,k] = ε[b,k]\nf[b] = u[b]\ng[b] = v[b]\nh[b] = r[b] + 0 x[b]"
    )
    arrays = {"x": np.zeros(2000, F32)}
    one, same, other = (program.run(**arrays, seed=seed) for seed in (1, 1, 2))
    for name in "efgh":
        assert np.array_equal(one[name], same[name])
        assert not np.array_equal(one[name], other[name])
        assert one[name].dtype == np.float32
    assert abs(np.std(one["e"]) - 2) < 0.1
    assert abs(np.mean(one["f"]) - 0.5) < 0.05
    assert set(np.unique(one["g"])) == {0, 1}
    assert abs(np.mean(one["g"]) - 0.25) < 0.05
    assert one["h"].min() >= 2
    assert one["h"].max() < 3
    given = program.run(**arrays, u=np.full(2000, 7, F32))
    assert np.all(given["f"] == 7)


def test_gradients_see_the_noise_of_the_run() -> None:
    program = einsumgrad.load(EXAMPLES / "vae.ein")
    arrays = program.init(I=4) | {"x": np.full((3, 4), 0.5)}
    for seed in (0, 5):
        value, _ = program.value_and_grad(**arrays, seed=seed)
        assert value == pytest.approx(np.mean(program.run(**arrays, seed=seed)["ℓ"]), rel=1e-14)


@pytest.mark.parametrize(
    ("text", "tensor"),
    [
        ("index b, b' : B\ns[b,b'] = exp(x[b] x[b'])", "s"),
        ("index k : 10^6\nnoise ε[b,k] ~ normal(1)\ny[b] = Σ_k ε[b,k] x[b]", "ε"),
        ("index k : 10^6\nconst c[b,k] = 1\ny[b] = Σ_k c[b,k] x[b]", "c"),
        ("index k : 10^9\nh[b,k] = x[b]\ny[b] = Σ_k h[b,k]^2", "h"),
        ("index b, b', b'' : B\ns += x[b] x[b'] x[b''] [b < b' < b'']", "s"),
    ],
)
def test_too_much_memory_is_refused_before_anything_is_allocated(text: str, tensor: str) -> None:
    program = einsumgrad.parse(text)
    x = np.ones(3000)
    tracemalloc.start()
    try:
        with pytest.raises(einsumgrad.EinError) as error:
            program.run(x=x, memory=10_000_000)
        allocated = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "E501" in str(error.value)
    assert f"`{tensor}` needs" in str(error.value)
    assert allocated < 5_000_000


def test_a_limit_that_is_enough_is_kept() -> None:
    """What a plan says that it needs is what it takes, up to small change."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 500))
    cases: list[tuple[str, dict[str, Array]]] = [
        (f"y[b,k] = {call}\noutput y[b,k]", {"x": x})
        for call in (
            "σ(x[b,k])", "softplus(x[b,k])", "gelu(x[b,k])", "erf(x[b,k])", "softmax_k x[b,k]",
            "log_softmax_k x[b,k]", "relu x[b,k]", "silu x[b,k]", "x[b,k]^3", "x[b,k] [k < b]",
            "leaky_relu(x[b,k], 0.1)", "x[b,k] x[k,b] + tanh(x[b,k])",
        )
    ] + [
        ("y[b] = logsumexp_k x[b,k]", {"x": x}),
        ("y[b] = max_k x[b,k] where k < b", {"x": x}),
        ("y[b] = Σ_k x[b,k] where k < b", {"x": x}),
        ("y[b,i] += x[b,k] w[i,k]", {"x": x.astype("u1"), "w": rng.normal(size=(9, 500))}),
        ("y[b,k] = E[w[b],k]", {"E": x, "w": rng.integers(0, 500, 500)}),
        ("noise ε[b,k] ~ normal(1)\ny[b] = Σ_k (x[b,k] + ε[b,k])^2", {"x": x}),
    ]  # fmt: skip
    for text, arrays in cases:
        program = einsumgrad.parse(text)
        program.run(**arrays)
        (runner,) = program.runners.values()
        (ready,) = runner.plans.values()
        tracemalloc.start()
        program.run(**arrays)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak <= 1.02 * ready.plan.peak_bytes + 2_500_000, text


def test_many_threads_may_call_one_program() -> None:
    program = einsumgrad.load(EXAMPLES / "mlp.ein")
    rng = np.random.default_rng(0)
    params = program.init(I=20)

    def data(batch: int) -> dict[str, Array]:
        return {"x": rng.normal(size=(batch, 20)), "y": rng.integers(0, 10, batch)}

    batches = [data(2 + k % 7) for k in range(56)]
    expected = [
        einsumgrad.load(EXAMPLES / "mlp.ein").value_and_grad(**params, **batch)
        for batch in batches[:7]
    ]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda batch: program.value_and_grad(**params, **batch), batches))
    for place in range(7):
        value, gradients = found[place]
        assert value == expected[place][0]
        for name, gradient in gradients.items():
            assert np.array_equal(gradient, expected[place][1][name])
    assert plans(program) == 7
