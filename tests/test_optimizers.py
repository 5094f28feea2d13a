"""Optimizers: what their statements mean, and what is wrong with wrong ones."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest
from conftest import Golden
from trained import CASES, ROOT, Array, example

import einsumgrad
from einsumgrad.diagnostics import EinError
from einsumgrad.ir.verify import verify
from einsumgrad.syntax.parse import parse
from einsumgrad.train.optimizers import NAMES, read_optimizer
from einsumgrad.train.update import Update, make_update


def update(program: einsumgrad.Program, rule: str) -> Update:
    return make_update(program.ir, parse(rule, "rule.ein"))


@pytest.mark.parametrize("optimizer", NAMES)
@pytest.mark.parametrize("name", ["mlp", "embedding", "word2vec", "contrastive"])
def test_instantiated_updates(name: str, optimizer: str, golden: Golden) -> None:
    """What a reader is shown, and the program that runs it: an ordinary one."""
    found = make_update(example(name).ir, read_optimizer(optimizer))
    text = "\n".join([*found.lines, "", "# as a program", str(found.program)])
    golden(CASES / f"{name}.{optimizer}.txt", text)
    verify(found.program.ir)
    assert einsumgrad.parse(str(found.program)).ir == found.program.ir


def stepped(source: str, rule: str, steps: int = 3, **start: Any) -> dict[str, Array]:
    """Parameters and kept tensors after steps with gradients that are 1, 2, 3 …"""
    program = einsumgrad.parse(source)
    found = update(program, rule)
    params = {name: np.asarray(value, float) for name, value in start.items()}
    kept = {**params, **found.zeros(params, "float64")}
    given = found.constants(params, None, "float64")
    for step in range(1, steps + 1):
        grads = {name: np.full(params[name].shape, float(step)) for name in params}
        kept = found.after(kept, grads, given, step)
    return kept


SQUARE = "param w[i], c\nloss ℓ[b] = Σ_i (w[i] x[b,i])^2 + c"


@pytest.mark.parametrize(
    ("rule", "w", "c"),
    [
        ("θ -= 0.5 θ.grad", [-2.0, -1.0], -3.0),
        ("theta -= 0.5 theta.grad", [-2.0, -1.0], -3.0),
        ("const eta = 0.5\ntheta -= eta theta.grad", [-2.0, -1.0], -3.0),
        ("w[i] -= 0.5 w.grad[i]", [-2.0, -1.0], 0.0),
        ("for k  w[k] -= 0.5 w.grad[k]\nc = 7", [-2.0, -1.0], 7.0),
        ("θ -= t θ.grad", [-13.0, -12.0], -14.0),
        ("θ.grad += θ\nθ -= θ.grad", [-3.0, -3.0], -3.0),
        ("θ *= 2", [8.0, 16.0], 0.0),
        ("θ max= 1.5", [1.5, 2.0], 1.5),
        ("θ = -1 where θ > 1.5", [1.0, -1.0], 0.0),
        ("w[i] -= w.grad[i] where i = 1", [1.0, -4.0], 0.0),
        ("w[0] -= w.grad[0]", [-5.0, 2.0], 0.0),
        ("for i,k  w[i] += w.grad[k]", [13.0, 14.0], 0.0),
        ("n = Σ_i w.grad[i]^2\nw[i] -= w.grad[i]/sqrt(2 n)", [-0.5, 0.5], 0.0),
        ("m = θ.grad + 2 m\nθ -= m", [-15.0, -14.0], -16.0),
        ("m *= 2\nm += θ.grad\nθ -= m", [-15.0, -14.0], -16.0),
        ("k = k + 1\nθ -= k", [-5.0, -4.0], -6.0),
        ("s[i] += w.grad[i]\nw[i] -= s[i]", [-9.0, -8.0], 0.0),
        ("def f(u) = u^2\nθ -= f(θ.grad)", [-13.0, -12.0], -14.0),
        ("const q = 1/2\nθ = θ - q θ.grad\nθ += 1", [1.0, 2.0], 0.0),
    ],
)
def test_meaning_of_update_statements(rule: str, w: list[float], c: float) -> None:
    """Statement by statement on tensors that stay: worked out by hand for gradients 1, 2, 3."""
    found = stepped(SQUARE, rule, w=[1.0, 2.0], c=0.0)
    np.testing.assert_allclose(found["w"], w, rtol=1e-12)
    np.testing.assert_allclose(found["c"], c, rtol=1e-12)


def test_names_of_an_optimizer_and_of_a_program_are_told_apart() -> None:
    """Parameters that are called as what an optimizer computes, declares, or is given."""
    source = "param m[i], v, t, η, μ, m_v\nloss ℓ[b] = Σ_i m[i] x[b,i] + v + t + η + μ + m_v"
    start = {"m": [1.0, 2.0], "v": 0.0, "t": 0.0, "η": 0.0, "μ": 0.0, "m_v": 0.0}
    found = stepped(source, "const μ = 2\nm = θ.grad + μ m\nθ -= m/t", **start)
    expected = -(1.0 + 4.0 / 2 + 11.0 / 3)
    for name, value in start.items():
        np.testing.assert_allclose(found[name], np.asarray(value) + expected, rtol=1e-12)


def test_a_step_size_replaces_the_optimizers_own() -> None:
    program = einsumgrad.parse("loss ℓ[b] = w x[b]")
    data = {"x": np.ones(1)}
    assert einsumgrad.fit(program, data, epochs=1)["w"] == -0.5
    assert einsumgrad.fit(program, data, epochs=1, lr=0.125)["w"] == -0.125


WRONG = {
    "unknown_parameter": "W⁰[j,i] -= 0.1 Wo.grad[j,i]",
    "unknown_scalar": "θ -= rate θ.grad",
    "input": "W⁰[j,i] -= 0.1 x.grad[b,i]",
    "computed": "b⁰[j] -= 0.1 s[b,j]",
    "second_derivative": "θ -= θ.grad.grad",
    "no_update": "m = θ.grad",
    "misspelt_target": "W0[j,i] = W⁰[j,i]\nWo[j,i] -= W⁰.grad[j,i]",
    "misspelt_only": "Wo[j,i] -= 0.1 W⁰.grad[j,i]",
    "empty": "# nothing\n",
    "rank": "W⁰[j] -= 0.1 W⁰.grad[j,i]",
    "gradient_rank": "W⁰[j,i] -= 0.1 W⁰.grad[i]",
    "loops": "for j  θ -= 0.1 θ.grad",
    "sum": "θ -= Σ_i θ.grad",
    "indexed_from_each": "W⁰[j,i] -= θ.grad",
    "input_declared": "input g[j]\nθ -= 0.1 θ.grad",
    "batch_declared": "batch n\nθ -= 0.1 θ.grad",
    "loss_declared": "loss θ = 0.1",
    "constant_written": "const η = 1\nη = η/2\nθ -= η θ.grad",
    "one_row": "W⁰[0,i] = 0",
    "partial_state": "s[0] += 1\nθ -= s[0] θ.grad",
    "would_sum": "b⁰[j] = W⁰.grad[j,i]",
    "syntax": "θ -= 0.1 θ.grad +",
}


@pytest.mark.parametrize("name", sorted(WRONG))
def test_wrong_optimizers(name: str, golden: Golden) -> None:
    try:
        found = "\n".join(update(example("mlp"), WRONG[name]).lines)
    except EinError as error:
        found = str(error).replace(str(ROOT) + os.sep, "")
        assert "rule.ein" in found
    golden(CASES / f"error.{name}.txt", found + "\n")
