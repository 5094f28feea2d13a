"""Derivatives of derivatives, and gradients kept apart for each example."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from peers import PEERS, Array, Peer
from torch.nn.attention import SDPBackend, sdpa_kernel

import einsumgrad
from einsumgrad.diagnostics import EinError

EXAMPLES = Path(__file__).parent.parent / "examples"
WITH_LOSS = tuple(name for name in PEERS if PEERS[name].loss == "ℓ")
MIXING = ("batchnorm", "contrastive")
APART = tuple(name for name in WITH_LOSS if name not in MIXING)


def load(name: str) -> einsumgrad.Program:
    return einsumgrad.load(EXAMPLES / f"{name}.ein")


def close(found: Array, expected: Array, what: str, tolerance: float = 1e-9) -> None:
    """Equal to the tolerance, of the largest entry."""
    scale = tolerance * max(1e-2, float(np.max(np.abs(expected), initial=0.0)))
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=scale, err_msg=what)


class Case:
    """An example with random arrays and a random direction for its parameters."""

    def __init__(self, name: str, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.peer: Peer = PEERS[name]
        self.program = load(name)
        self.arrays = self.peer.draw(rng)
        self.params = self.program.params
        self.direction = {n: rng.normal(size=self.arrays[n].shape) for n in self.params}

    def product(self, program: einsumgrad.Program) -> dict[str, Array]:
        """The Hessian times the direction, by deriving a program of the gradients."""
        cotangents = {f"{name}.grad": v for name, v in self.direction.items()}
        return program.vjp(cotangents, wrt=self.params, **self.arrays)

    def moved(self, step: float) -> dict[str, Array]:
        """The gradients at parameters moved along the direction."""
        moved = {n: self.arrays[n] + step * v for n, v in self.direction.items()}
        arrays = {**self.arrays, **moved}
        return self.program.value_and_grad(**arrays, wrt=self.params)[1]

    def pytorch(self) -> dict[str, Array]:
        """The same product, by differentiating twice in PyTorch, whose fast attention has no second
        derivative."""
        tensors = {name: torch.tensor(array) for name, array in self.arrays.items()}
        leaves = [tensors[name].requires_grad_() for name in self.params]
        with sdpa_kernel(SDPBackend.MATH):
            objective = self.peer.model(tensors)[self.peer.loss].mean()
        grads = torch.autograd.grad(objective, leaves, create_graph=True)
        pairs = zip(grads, self.direction.values(), strict=True)
        along = sum(((grad * torch.tensor(v)).sum() for grad, v in pairs), torch.tensor(0.0))
        found = torch.autograd.grad(along, leaves, materialize_grads=True)
        return {name: array.numpy() for name, array in zip(self.params, found, strict=True)}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", WITH_LOSS)
def test_hessian_vector_products_are_pytorchs(name: str, seed: int) -> None:
    case = Case(name, seed)
    found, expected = case.product(case.program.derive(wrt=case.params)), case.pytorch()
    for param in case.params:
        close(found[param], expected[param], param)


@pytest.mark.parametrize("name", WITH_LOSS)
def test_hessian_vector_products_are_differences_of_gradients(name: str) -> None:
    case = Case(name, 2)
    found = case.product(case.program.derive(wrt=case.params))
    plus, minus = case.moved(1e-5), case.moved(-1e-5)
    for param in case.params:
        close(found[param], (plus[param] - minus[param]) / 2e-5, param, 1e-5)


@pytest.mark.parametrize("name", WITH_LOSS)
def test_a_printed_derivative_is_derived_again(name: str) -> None:
    """Printed, read and derived: the same program and the same numbers."""
    case = Case(name, 3)
    derived = case.program.derive(wrt=case.params)
    read = einsumgrad.parse(str(derived))
    assert read.derive(wrt=case.params).ir == derived.derive(wrt=case.params).ir
    found, expected = case.product(read), case.product(derived)
    for param in case.params:
        np.testing.assert_array_equal(found[param], expected[param])


def test_a_hessian_is_symmetric() -> None:
    case = Case("logistic", 0)
    derived = case.program.derive(wrt="w")
    units = np.eye(len(case.arrays["w"]))
    rows = [derived.vjp({"w.grad": u}, wrt="w", **case.arrays)["w"] for u in units]
    np.testing.assert_allclose(rows, np.transpose(rows), rtol=1e-12, atol=1e-15)
    assert np.linalg.eigvalsh(rows).min() > 0, "the cross-entropy is convex"


def test_third_derivatives() -> None:
    """d³/dw³ of the mean of exp(w x) is the mean of x³ exp(w x)."""
    program = einsumgrad.parse("loss ℓ[b] = exp(w x[b])")
    x = np.array([0.5, -1.0, 2.0])
    second = program.derive(wrt="w").derive(wrt="w")
    third = second.vjp({"w.grad.grad": 1.0}, wrt="w", w=0.3, x=x, **{"w.grad.grad.grad": 1.0})
    assert third["w"] == pytest.approx(float(np.mean(x**3 * np.exp(0.3 * x))), rel=1e-12)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", APART)
def test_gradients_for_each_example(name: str, seed: int) -> None:
    case = Case(name, seed)
    found = case.program.per_example().run(**case.arrays)
    batch = len(found["ℓ"])
    for b in range(batch):
        one = {
            key: array[b : b + 1] if "b" in case.peer.shapes[key] else array
            for key, array in case.arrays.items()
        }
        value, grads = case.program.value_and_grad(**one)
        assert found["ℓ"][b] == pytest.approx(value, rel=1e-12)
        for param, grad in grads.items():
            assert found[f"{param}.grad"].shape == (batch, *grad.shape)
            close(found[f"{param}.grad"][b], grad, f"{param} of example {b}")


@pytest.mark.parametrize("name", APART)
def test_gradients_for_each_example_print_and_average(name: str) -> None:
    case = Case(name, 1)
    program = case.program.per_example()
    assert einsumgrad.parse(str(program)).ir == program.ir
    found = program.run(**case.arrays)
    for param, grad in case.program.value_and_grad(**case.arrays)[1].items():
        close(found[f"{param}.grad"].mean(axis=0), grad, param)


@pytest.mark.parametrize("name", MIXING)
def test_examples_that_mix_have_no_gradients_of_their_own(name: str) -> None:
    with pytest.raises(EinError, match="across examples"):
        load(name).per_example()
