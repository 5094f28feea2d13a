"""Values and gradients are finite wherever they should be."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import oracle
import pytest
from running import everything, finite

import einsumgrad
from einsumgrad.check.sizes import bind_sizes
from einsumgrad.engines.erf import erf, erf_into

F32 = np.float32

SCORES = "input y[b] : k\nparam c[k]\ns[b,k] = x[b,k] + c[k]\n"
STABLE = {
    "log_softmax": SCORES + "P[b,k] = softmax_k s[b,k]\nloss ℓ[b] = -log P[b,y[b]]",
    "log_softmax_inline": SCORES + "loss ℓ[b] = -Σ_k [k = y[b]] log_softmax_k(s[b,k])",
    "softmax": SCORES + "P[b,k] = softmax_k s[b,k]\nloss ℓ[b] = Σ_k c[k] P[b,k]",
    "logsumexp": SCORES + "loss ℓ[b] = logsumexp_k(s[b,k]) - s[b,y[b]]",
    "log_sum_exp": SCORES + "loss ℓ[b] = log Σ_k exp(s[b,k]) - s[b,y[b]]",
    "softplus": SCORES + "loss ℓ[b] = Σ_k softplus s[b,k]",
    "sigmoid": SCORES + "loss ℓ[b] = Σ_k σ(s[b,k])",
    "log_sigmoid": SCORES + "loss ℓ[b] = -Σ_k log σ(s[b,k])",
    "cross_entropy": SCORES
    + "p[b,k] = σ(s[b,k])\nloss ℓ[b] = -Σ_k (1/2 log p[b,k] + 1/2 log(1 - p[b,k]))",
    "silu": SCORES + "loss ℓ[b] = Σ_k silu s[b,k]",
    "gelu": SCORES + "loss ℓ[b] = Σ_k gelu s[b,k]",
    "tanh": SCORES + "loss ℓ[b] = Σ_k tanh s[b,k]",
    "erf": SCORES + "loss ℓ[b] = Σ_k erf s[b,k]",
}
EXTREMES = ([1000, -1000, 0], [-1000, -1000, -1000], [1000, 1000, 1000], [-1000, 1000, 1000])


@pytest.mark.sentence(8, "log softmax, logsumexp, softplus")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", STABLE)
def test_extreme_scores_give_finite_values_and_gradients(name: str, dtype: Any) -> None:
    x = np.array(EXTREMES, dtype)
    arrays = {"x": x, "c": np.zeros(3, dtype), "y": np.array([0, 1, 2, 0])}
    if "y[b]]" not in STABLE[name] and "= y[b]" not in STABLE[name]:
        del arrays["y"]
    with np.errstate(all="raise"):
        outputs, gradients = everything(STABLE[name], ("x", "c"), **arrays)
    finite(outputs, gradients)
    assert {a.dtype for a in (*outputs.values(), *gradients.values())} == {np.dtype(dtype)}


def test_extreme_values_are_the_right_ones() -> None:
    x = np.array([[1000.0, -1000.0]], F32)
    for name, value, gradient in (
        ("log_softmax", 2000.0, [[1, -1]]), ("logsumexp", 2000.0, [[1, -1]]),
        ("softplus", 1000.0, [[1, 0]]), ("sigmoid", 1.0, [[0, 0]]),
        ("log_sigmoid", 1000.0, [[0, -1]]), ("log_sum_exp", 2000.0, [[1, -1]]),
        ("cross_entropy", 1000.0, [[0.5, -0.5]]), ("gelu", 1000.0, [[1, 0]]),
    ):  # fmt: skip
        arrays = {"x": x, "c": np.zeros(2, F32)} | ({"y": [1]} if "y[b]]" in STABLE[name] else {})
        outputs, gradients = everything(STABLE[name], ("x",), **arrays)
        assert outputs["ℓ"].tolist() == [value], name
        assert gradients["x"].tolist() == gradient, name


NAN = np.nan
PADDED = np.array([[1, 2, NAN], [3, NAN, np.inf]], F32)
MASKED = {
    "sum_log": "y[b] = Σ_s log(x[b,s]) where s < n[b]",
    "loop": "y[b] += log(x[b,s]) where s < n[b]",
    "mean": "y[b] = mean_s x[b,s]^2 where s < n[b]",
    "max": "y[b] = max_s x[b,s] where s < n[b]",
    "logsumexp": "y[b] = logsumexp_s x[b,s] where s < n[b]",
    "softmax": "y[b] = Σ_s (s + 1) softmax_s(x[b,s]) where s < n[b]",
    "prod": "y[b] = Π_s x[b,s] where s < n[b]",
    "matmul": "y[b,j] = Σ_s W[j,s] x[b,s] where s < n[b]",
    "matmul_loop": "y[b,j] += W[j,s] x[b,s] where s < n[b]",
    "bracket": "y[b,j] += W[j,s] x[b,s] [s < n[b]]",
    "or": "y[b] = Σ_s x[b,s]^3 where not (s >= n[b] or s < 0)",
    "relation": "y[b] = Σ_s tanh(x[b,s]) where 0 <= s < n[b]",
    "log_softmax": "p[b,s] = softmax_s x[b,s] where s < n[b]\nloss ℓ[b] = -log p[b,0]",
}


@pytest.mark.sentence(8, "No 0·∞: a masked")
@pytest.mark.parametrize("name", MASKED)
def test_masked_entries_make_no_nan(name: str) -> None:
    arrays = {"x": PADDED, "n": np.array([2, 1])}
    wrt = ("x",)
    if "W[" in MASKED[name]:
        arrays["W"], wrt = np.ones((2, 3), F32), ("x", "W")
    outputs, gradients = everything(MASKED[name], wrt, **arrays)
    finite(outputs, gradients)
    assert not np.any(gradients["x"][[0, 1, 1], [2, 1, 2]])
    assert np.any(gradients["x"])


UNTAKEN = (
    "y[b,s] = [x[b,s] > 0] log x[b,s]", "y[b,s] = log x[b,s] where x[b,s] > 0",
    "y[b,s] = sqrt(x[b,s]) [x[b,s] > 0]", "y[b,s] = [x[b,s] > 0] / x[b,s]",
    "y[b] = Σ_s [x[b,s] > 0] x[b,s] log x[b,s]", "y[b,s] = [x[b,s] > 0] x[b,s]^(-1/2)",
    "y[b,s] = x[b,s]^3", "index k : 3\ny[b,s] += x[b,s]^k", "y[b,s] = relu(x[b,s])^2",
    "y[b,s] = abs x[b,s]",
)  # fmt: skip


@pytest.mark.sentence(8, "No 0·∞: a masked")
@pytest.mark.parametrize("text", UNTAKEN)
def test_untaken_branches_make_no_nan(text: str) -> None:
    outputs, gradients = everything(text, ("x",), x=np.array([[1, 0, -1]], F32))
    finite(outputs, gradients)
    assert gradients["x"][0, 0] != 0


def test_over_nothing() -> None:
    x, n = np.array([[1, 2, 3], [3, 1, -np.inf]], F32), np.array([0, 2])
    for text, first in (
        ("y[b] = logsumexp_s x[b,s] where s < n[b]", -np.inf),
        ("y[b] = max_s x[b,s] where s < n[b]", -np.inf),
        ("y[b] = Σ_s x[b,s] where s < n[b]", 0),
        ("y[b] = Π_s x[b,s] where s < n[b]", 1),
        ("y[b] = Σ_s softmax_s(x[b,s]) x[b,s] where s < n[b]", 0),
        ("y[b] = exp(logsumexp_s x[b,s]) where s < n[b]", 0),
    ):  # fmt: skip
        outputs, gradients = everything(text, ("x",), x=x, n=n)
        assert outputs["y"][0] == first, text
        finite(gradients)
        assert not np.any(gradients["x"][0])


def test_softmax_over_nothing_but_minus_infinity_is_0() -> None:
    text = "y[b,s] = softmax_s x[b,s]"
    outputs, gradients = everything(text, ("x",), x=np.full((1, 3), -np.inf, F32))
    assert not np.any(outputs["y"])
    finite(gradients)


def test_masked_positions_are_not_looked_at() -> None:
    given = {"E": np.ones((4, 2), F32), "w": np.array([[0, 99], [1, -1]]), "n": np.array([1, 1])}
    for text in (
        "h[b,k] += E[w[b,t],k] where t < n[b]", "h[b,k] = Σ_t E[w[b,t],k] where t < n[b]",
        "h[b,t,k] = E[w[b,t],k] where t < n[b]", "h[b,t,k] = [t < n[b]] E[w[b,t],k]",
        "h[b,k] = Σ_t [t < n[b]] exp(E[w[b,t],k])^2", "h[b,k] = max_t E[w[b,t],k] where t < n[b]",
        "h[b,k] += [t < n[b] and E[w[b,t],k] > 0] E[w[b,t],k]",
        "h[b,k] += [not (t >= n[b] or E[w[b,t],k] < 0)] E[w[b,t],k]",
        "h[b,t] = softmax_t(E[w[b,t],0]) where t < n[b]",
    ):  # fmt: skip
        outputs, gradients = everything(f"input w[b,t], n[b]\n{text}", ("E",), **given)
        finite(outputs, gradients)
        assert np.all(gradients["E"][2:] == 0)


def test_a_bracket_outside_an_operator_guards_nothing_inside() -> None:
    given = {"E": np.ones(4), "w": np.array([[0, 99]]), "n": np.array([1])}
    program = einsumgrad.parse("input w[b,t], n[b]\nh[b,t] = softmax_t(E[w[b,t]]) [t < n[b]]")
    with pytest.raises(einsumgrad.EinError, match=r"`w\[0,1\]` is 99"):
        program.run(**given)


def test_the_oracle_agrees_on_what_is_masked() -> None:
    """The stable and masked forms above mean what the loops mean."""
    x, n = np.array([[1.0, 2, 3], [3, 1, 2]]), np.array([2.0, 1])
    for name, text in MASKED.items():
        if "W[" in text:
            continue
        program = einsumgrad.parse(text)
        sizes = bind_sizes(program.ir, {"x": x.shape, "n": n.shape})
        expected = oracle.run(program.ir, {"x": x, "n": n}, sizes)
        for output, array in program.run(x=x, n=n).items():
            np.testing.assert_allclose(array, expected[output], 1e-12, err_msg=name)


@pytest.mark.parametrize(("b", "j", "s"), [(200, 100, 100), (2, 1200, 1000), (1, 1, 2_000_000)])
def test_large_masked_sums_are_looked_at_in_pieces(b: int, j: int, s: int) -> None:
    rng = np.random.default_rng(0)
    n = rng.integers(1, s, b)
    x, W = rng.normal(size=(b, s)), rng.normal(size=(j, s))
    kept = np.arange(s) < n[:, None]
    expected = np.where(kept, x, 0) @ W.T
    arrays = {"x": np.where(kept, x, NAN), "W": W, "n": n}
    found = einsumgrad.parse("y[b,j] += W[j,s] x[b,s] where s < n[b]").run(arrays)
    np.testing.assert_allclose(found["y"], expected, 1e-9, 1e-9)


def test_erf_in_single_precision() -> None:
    x = np.linspace(-6, 6, 100_001, dtype=np.float32)
    found = erf(x)
    assert found.dtype == np.float32
    expected = np.array([math.erf(v) for v in x])
    np.testing.assert_allclose(found, expected, 1e-6, 1e-7)
    assert np.abs(found).max() == 1
    ends = np.array([np.inf, -np.inf, np.nan, 1e30], np.float32)
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(erf(ends), np.array([1, -1, np.nan, 1], np.float32))
    turned = np.asfortranarray(x[:-1].reshape(100, 1000))
    erf_into(turned, turned)
    np.testing.assert_array_equal(turned.reshape(-1), found[:-1])
