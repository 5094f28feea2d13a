"""Which programs are classifiers, and how often they are right."""

from __future__ import annotations

import numpy as np
import pytest
from trained import Array, example

import einsumgrad
from einsumgrad.ir.verify import verify
from einsumgrad.train.classifier import judge
from einsumgrad.train.examples import examples, take_data


def accuracy(source: str, data: dict[str, Array], params: dict[str, Array]) -> float | None:
    program = einsumgrad.parse(source)
    held = examples(program.ir, take_data(program.ir, data), params)
    judged = judge(program.ir)
    verify(judged.program.ir)
    return judged.scores(params, held, 4, 0, None).accuracy


def test_accuracy_is_the_argmax_of_what_is_under_the_logarithm() -> None:
    rng = np.random.default_rng(0)
    x, y, w = rng.normal(size=(11, 3)), rng.integers(0, 4, 11), rng.normal(size=(4, 3))
    source = "input x[b,i], y[b] : c\nP[b,c] = softmax_c(Σ_i w[c,i] x[b,i])\n"
    right = np.mean((x @ w.T).argmax(1) == y)
    for loss in ("-log P[b,y[b]]", "-2 log P[b,y[b]] + Σ_{c,i} w[c,i]^2", "1 - log(P[b,y[b]])/3"):
        found = accuracy(f"{source}loss ℓ[b] = {loss}", {"x": x, "y": y}, {"w": w})
        assert found == pytest.approx(right, abs=1e-12)
    assert 0 < right < 1


def test_accuracy_of_sequences_counts_the_positions_that_the_loss_counts() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(9, 5, 3)), rng.integers(0, 4, (9, 5))
    w, n = rng.normal(size=(4, 3)), rng.integers(1, 6, 9)
    source = "input x[b,t,i], y[b,t] : c, n[b]\nP[b,t,c] = softmax_c(Σ_i w[c,i] x[b,t,i])\n"
    hits = (x @ w.T).argmax(2) == y
    kept = np.arange(5) < n[:, None]
    data = {"x": x, "y": y, "n": n}
    for loss in (
        "loss ℓ[b] = -Σ_t log P[b,t,y[b,t]] where t < n[b]",
        "for b,t  ℓ[b] -= log P[b,t,y[b,t]] where t < n[b]\nloss ℓ[b]",
        "loss ℓ[b] = -Σ_t ([t < n[b]] log P[b,t,y[b,t]])",
        "e[b,t] = -log P[b,t,y[b,t]] where t < n[b]\nloss ℓ[b] = mean_t e[b,t]",
    ):
        found = accuracy(source + loss, data, {"w": w})
        assert found == pytest.approx(hits[kept].mean(), abs=1e-12), loss
    assert hits[kept].mean() != hits.mean()


def test_no_accuracy_without_one_labelled_probability() -> None:
    for name in ("linear", "logistic", "vae", "word2vec", "contrastive"):
        judged = judge(example(name).ir)
        verify(judged.program.ir)
        assert (judged.hits, judged.seen) == (None, None), name
    two = "input y[b] : c, z[b] : c\nP[b,c] = softmax_c(w[c] x[b])\n"
    both = einsumgrad.parse(f"{two}loss ℓ[b] = -log P[b,y[b]] - log P[b,z[b]]")
    assert judge(both.ir).hits is None


def test_a_single_example_is_right_or_not() -> None:
    source = "batch none\ninput x[c], y : c\nP[c] = softmax_c(w x[c])\nloss ℓ = -log P[y]"
    for label, right in ((1, 1.0), (0, 0.0)):
        data = {"x": np.array([0.5, 2.0, 1.0]), "y": np.array(label)}
        assert accuracy(source, data, {"w": np.array(1.0)}) == right
