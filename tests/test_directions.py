"""`jvp`, `hvp` and `hessian`: against PyTorch, differences, and each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from peers import PEERS, Array
from test_higher import WITH_LOSS, Case, close
from torch.func import hessian, jvp
from torch.nn.attention import SDPBackend, sdpa_kernel

import einsumgrad
from einsumgrad.diagnostics import EinError

SMALL = ("linear", "logistic", "contrastive", "batchnorm", "layernorm")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 3))


def objective(name: str, arrays: dict[str, Array]) -> Callable[..., torch.Tensor]:
    """J of an example by PyTorch, as a function of some of its tensors."""
    tensors = {key: torch.tensor(array) for key, array in arrays.items()}

    def mean(given: dict[str, torch.Tensor]) -> torch.Tensor:
        return PEERS[name].model({**tensors, **given})[PEERS[name].loss].mean()

    return mean


# ---- tangents


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", PEERS)
def test_tangents_are_pytorchs(name: str, seed: int) -> None:
    """Of all that a model returns, along a direction of all that it is given."""
    peer, rng = PEERS[name], np.random.default_rng(seed)
    arrays = peer.draw(rng)
    moved = {n: rng.normal(size=arrays[n].shape) for n in peer.differentiable}
    program = einsumgrad.load(f"examples/{name}.ein")
    outputs, tangents = program.jvp(moved, **arrays)
    fixed = {n: torch.tensor(a) for n, a in arrays.items() if n not in moved}
    tensors = {n: torch.tensor(arrays[n]) for n in moved}
    with sdpa_kernel(SDPBackend.MATH):
        values, expected = jvp(
            lambda given: peer.model({**fixed, **given}), (tensors,),
            ({n: torch.tensor(v) for n, v in moved.items()},),
        )  # fmt: skip
    assert outputs.keys() == tangents.keys() == expected.keys()
    for key, tangent in tangents.items():
        close(outputs[key], values[key].numpy(), key)
        close(tangent, expected[key].numpy(), f"{key}.dot")


def test_what_is_not_named_does_not_move() -> None:
    program = einsumgrad.parse("h[b] = w x[b]\nk[b] = floor x[b]\nn = argmax_b x[b]")
    outputs, tangents = program.jvp({"w": 1.0}, w=2.0, x=X[:, 0])
    np.testing.assert_allclose(tangents["h"], X[:, 0])
    assert not np.any(tangents["k"])
    assert tangents["n"].shape == ()
    assert outputs["n"] == np.argmax(X[:, 0])
    np.testing.assert_allclose(program.jvp({"x": X[:, 1]}, w=2.0, x=X[:, 0])[1]["h"], 2 * X[:, 1])


def test_a_tangent_of_what_nothing_reads_moves_nothing() -> None:
    program = einsumgrad.parse("param v[i]\nh[b] = w x[b]")
    _, tangents = program.jvp({"v": [1.0, 2.0]}, w=2.0, x=[3.0], v=[0.0, 0.0])
    assert tangents["h"].tolist() == [0.0]


def test_no_batch_factor_belongs_in_a_tangent() -> None:
    program = einsumgrad.parse("loss ℓ[b] = w x[b]")
    for count in (1, 5):
        _, tangents = program.jvp({"w": 1.0}, w=2.0, x=np.ones(count))
        assert tangents["ℓ"].tolist() == [1.0] * count


def test_names_may_be_spelled_in_ascii() -> None:
    program = einsumgrad.parse("for b,j  h̃[b] += W⁰[j] x[b]")
    _, tangents = program.jvp({"W0": [1.0, 2.0]}, W0=[0.0, 0.0], x=[2.0])
    assert tangents["h̃"].tolist() == [6.0]


def test_tangents_keep_the_dtype_and_the_arguments() -> None:
    program = einsumgrad.load("examples/mlp.ein")
    params = program.init(I=3, dtype="float32")
    arrays: dict[str, Any] = {"x": X.astype(np.float32), "y": np.zeros(5, int), **params}
    before = {name: array.copy() for name, array in arrays.items()}
    moved = {name: np.ones_like(array) for name, array in params.items()}
    outputs, tangents = program.jvp(moved, **arrays)
    grads, products = program.hvp(moved, **arrays)
    for found in (outputs, tangents, grads, products):
        assert {array.dtype for array in found.values()} == {np.dtype(np.float32)}
    for name, array in before.items():
        np.testing.assert_array_equal(arrays[name], array)


def test_noise_is_that_of_the_seed() -> None:
    program = einsumgrad.parse("noise ε[b] ~ normal(1)\nh[b] = w ε[b] x[b]")
    for seed in (0, 1):
        value = program.run(w=1.0, x=[1.0, 2.0], seed=seed)["h"]
        _, tangents = program.jvp({"w": 1.0}, w=1.0, x=[1.0, 2.0], seed=seed)
        np.testing.assert_array_equal(tangents["h"], value)


def test_calls_are_planned_once() -> None:
    program = einsumgrad.parse("loss ℓ[b] = exp(w x[b])")
    for step in range(3):
        program.jvp({"w": 1.0}, w=float(step), x=X[:, 0])
        program.hvp({"w": 1.0}, w=float(step), x=X[:, 0])
        program.hessian(w=float(step), x=X[:, 0])
    assert [len(runner.plans) for runner in program.runners.values()] == [1, 1, 1]
    assert len(program.derivatives) == 2


def test_a_program_may_have_tangents_of_tangents() -> None:
    """d²/dt² exp(w x) along w = t is x² exp(w x)."""
    program = einsumgrad.parse("h[b] = exp(w x[b])").derive_forward("w")
    x = X[:, 0]
    _, tangents = program.jvp({"w": 1.0}, w=0.3, x=x, **{"w.dot": 1.0})
    np.testing.assert_allclose(tangents["h"], x * np.exp(0.3 * x))
    np.testing.assert_allclose(tangents["h.dot"], x**2 * np.exp(0.3 * x))


def test_reverse_over_forward_is_forward_over_reverse() -> None:
    case = Case("logistic", 4)
    moved = {f"{n}.dot": v for n, v in case.direction.items()}
    forwards = case.program.derive_forward(wrt=case.params)
    batch = len(case.arrays["x"])
    found = forwards.vjp({"ℓ.dot": np.ones(batch)}, wrt=case.params, **case.arrays, **moved)
    _, expected = case.program.hvp(case.direction, **case.arrays)
    for name in case.params:
        close(found[name], expected[name], name)


# ---- Hessians


@pytest.mark.sentence(8, "Reverse mode is `.grad`")
@pytest.mark.parametrize("name", WITH_LOSS)
def test_hessian_vector_products(name: str) -> None:
    """Forward over reverse is reverse over reverse, is PyTorch's, is differences of gradients."""
    case = Case(name, 5)
    grads, found = case.program.hvp(case.direction, **case.arrays)
    again, expected = case.product(case.program.derive(wrt=case.params)), case.pytorch()
    plus, minus = case.moved(1e-5), case.moved(-1e-5)
    for param, gradient in case.moved(0.0).items():
        close(grads[param], gradient, param)
        close(found[param], again[param], param)
        close(found[param], expected[param], param)
        close(found[param], (plus[param] - minus[param]) / 2e-5, param, 1e-5)


def test_products_for_other_tensors_than_those_that_move() -> None:
    program = einsumgrad.parse("loss ℓ[b] = w^2 x[b]^3")
    x, v, w = X[:, 0], X[:, 1], 1.5
    grads, found = program.hvp({"x": v}, wrt=("w", "x"), w=w, x=x)
    np.testing.assert_allclose(grads["x"], 3 * w**2 * x**2)
    np.testing.assert_allclose(found["x"], 6 * w**2 * x * v)
    np.testing.assert_allclose(found["w"], np.mean(2 * w * 3 * x**2 * v))


@pytest.mark.parametrize("name", SMALL)
def test_hessians_are_symmetric_and_differences_of_gradients(name: str) -> None:
    case = Case(name, 6)
    blocks = case.program.hessian(**case.arrays)
    assert set(blocks) == {(a, b) for a in case.params for b in case.params}
    for (a, b), block in blocks.items():
        rank = case.arrays[a].ndim
        assert block.shape == case.arrays[a].shape + case.arrays[b].shape
        turned = np.moveaxis(blocks[b, a], range(case.arrays[b].ndim), range(rank, block.ndim))
        close(block, turned, f"{a}, {b}")
    plus, minus = case.moved(1e-5), case.moved(-1e-5)
    for a in case.params:
        along = sum(np.tensordot(blocks[a, b], v, axes=v.ndim) for b, v in case.direction.items())
        close(along, (plus[a] - minus[a]) / 2e-5, a, 1e-5)


def test_the_hessian_of_the_perceptron_is_pytorchs() -> None:
    case = Case("mlp", 7)
    found = case.program.hessian(**case.arrays)
    params = {name: torch.tensor(case.arrays[name]) for name in case.params}
    expected = hessian(objective("mlp", case.arrays))(params)
    for (a, b), block in found.items():
        close(block, expected[a][b].numpy(), f"{a}, {b}", 1e-8)


def test_hessians_of_batched_tensors_are_each_examples_own() -> None:
    program = einsumgrad.parse("loss ℓ[b] = w^2 x[b]^3")
    x, w = X[:, 0], 1.5
    blocks = program.hessian(("w", "x"), w=w, x=x)
    np.testing.assert_allclose(blocks["w", "w"], np.mean(2 * x**3))
    np.testing.assert_allclose(blocks["x", "x"], np.diag(6 * w**2 * x))
    np.testing.assert_allclose(blocks["x", "w"], 6 * w * x**2)
    np.testing.assert_allclose(blocks["w", "x"], 6 * w * x**2)


def test_a_hessian_across_examples() -> None:
    """J = mean (x - mean x)²: B ∂²J/∂x∂x is 2 (1 - 1/B)."""
    program = einsumgrad.parse("m += 1/B x[b]\nloss ℓ[b] = (x[b] - m)^2")
    found = program.hessian("x", x=X[:, 0])["x", "x"]
    np.testing.assert_allclose(found, 2 * (np.eye(5) - 1 / 5), atol=1e-12)


def test_a_hessian_of_what_does_not_matter_is_0() -> None:
    program = einsumgrad.parse("param v[i], w\nloss ℓ[b] = w x[b] + floor v[0]")
    blocks = program.hessian(w=1.0, v=np.ones(2), x=[1.0])
    assert {key: block.shape for key, block in blocks.items()} == {
        ("v", "v"): (2, 2), ("v", "w"): (2,), ("w", "v"): (2,), ("w", "w"): (),
    }  # fmt: skip
    assert not any(np.any(block) for block in blocks.values())


def test_a_hessian_that_does_not_fit_is_refused_before_it_is_made() -> None:
    program = einsumgrad.parse("loss ℓ[b] = (Σ_i w[i] x[b,i])^2")
    with pytest.raises(EinError, match=r"1000000 × 1000000 entries, which need 7\.3 TiB"):
        program.hessian(w=np.zeros(10**6), x=np.zeros((1, 10**6)))
    assert not program.runners
