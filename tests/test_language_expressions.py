"""Section 5 of the language page: expressions."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from meaning import Array, close, derived, gradient, refused, same, value

import einsumgrad

RNG = np.random.default_rng(0)
X, Y, Z = RNG.normal(size=5), RNG.normal(size=5), RNG.normal(size=(5, 3))


@pytest.mark.sentence(5, "`+ - * /`, juxtaposition")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x[b] + y[b] - 2", X + Y - 2), ("x[b] * y[b]", X * Y), ("x[b] / y[b]", X / Y),
        ("x[b] y[b]", X * Y), ("2 x[b] (y[b] + 1)", 2 * X * (Y + 1)), ("x[b]^3", X**3),
        ("-x[b]", -X), ("-x[b]^2", -(X**2)), ("x[b]^-2", X**-2.0), ("2^x[b]^2", 2 ** (X**2)),
        ("x[b] - (-y[b])", X + Y), ("1 + 2 x[b]^2 / 4", 1 + X**2 / 2),
    ],
)  # fmt: skip
def test_arithmetic(text: str, expected: Array) -> None:
    program = einsumgrad.parse(f"r[b] = {text}")
    arrays = {name: array for name, array in (("x", X), ("y", Y)) if name in program.inputs}
    close(program.run(**arrays)["r"], expected)


@pytest.mark.sentence(5, "Juxtaposition, `*` and `/`")
def test_products_group_to_the_left() -> None:
    close(value("r = Σ_b (1/B x[b] y[b])", x=X, y=Y), np.mean(X * Y))
    close(value("r[b] = x[b] / y[b] x[b]", x=X, y=Y), X / Y * X)
    close(value("r[b] = x[b] / y[b] * x[b] / 2", x=X, y=Y), X / Y * X / 2)
    close(value("r[b] = 6 / 2 (1 + x[b])", x=X), 3 * (1 + X))
    same("r[b] = 1/B x[b] y[b]", "r[b] = (1/B) x[b] y[b]")


@pytest.mark.sentence(5, "A function takes parentheses")
def test_the_argument_of_a_function() -> None:
    P = np.exp(Z)
    close(value("r[b] = log P[b,0] P[b,1]", P=P), Z[:, 0] * P[:, 1])
    close(value("r[b] = log x[b]^2", x=X), np.log(X**2))
    close(value("r[b] = log(x[b]^2) y[b]", x=X, y=Y), np.log(X**2) * Y)
    s = 1 / (1 + np.exp(-(X - 2)))
    close(value("r[b] = σ(x[b] - c)^2", x=X, c=2.0), s**2)
    close(value("r[b] = σ(x[b] - c) y[b]", x=X, y=Y, c=2.0), s * Y)


@pytest.mark.sentence(5, "A name before parentheses")
def test_a_name_before_parentheses() -> None:
    close(value("r[b] = w (x[b] + 1)", w=2.0, x=X), 2 * (X + 1))
    close(value("r[b] = w(x[b] + 1)", w=2.0, x=X), 2 * (X + 1))
    close(value("r[b] = x[b](x[b] + 1)", x=X), X * (X + 1))


U = np.array([0.3, 0.7, 1.4])
FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "exp": np.exp, "log": np.log, "log1p": np.log1p, "expm1": np.expm1, "sqrt": np.sqrt,
    "abs": np.abs, "sign": np.sign, "sin": np.sin, "cos": np.cos, "tan": np.tan, "tanh": np.tanh,
    "sigmoid": lambda u: 1 / (1 + np.exp(-u)), "relu": lambda u: np.maximum(u, 0),
    "softplus": lambda u: np.log1p(np.exp(u)), "silu": lambda u: u / (1 + np.exp(-u)),
    "erf": np.vectorize(math.erf), "floor": np.floor, "stop": lambda u: u,
    "gelu": lambda u: u * (1 + np.vectorize(math.erf)(u / math.sqrt(2))) / 2,
}  # fmt: skip
POSITIVE = {"log", "log1p", "sqrt"}
FLAT = {"sign", "floor", "stop"}


@pytest.mark.sentence(5, "Functions: exp log")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str) -> None:
    text, x = f"r[b] = {name} x[b]", U if name in POSITIVE else np.array([*U, *-U])
    f, step = FUNCTIONS[name], 1e-6
    close(value(text, x=x), f(x))
    slope = 0 * x if name in FLAT else (f(x + step) - f(x - step)) / (2 * step)
    np.testing.assert_allclose(gradient(text, "x", x=x), slope, 1e-6, 1e-8)


@pytest.mark.sentence(5, "Functions: exp log")
def test_functions_of_two() -> None:
    close(value("r[b] = min(x[b], y[b])", x=X, y=Y), np.minimum(X, Y))
    close(value("r[b] = max(x[b], y[b])", x=X, y=Y), np.maximum(X, Y))
    close(value("r[b] = leaky_relu(x[b], α)", x=X, α=0.1), np.where(X > 0, X, 0.1 * X))
    close(gradient("r[b] = x[b] stop(x[b])", "x", x=X), X)
    close(gradient("r[b] = max(x[b], y[b])", "x", x=X, y=Y), X > Y)


@pytest.mark.sentence(5, "A subscript binds indices")
def test_subscripts() -> None:
    A = RNG.normal(size=(4, 3))
    close(value("r[i] = Σ_j A[i,j]", A=A), A.sum(1))
    for operator in ("sum_{i,j}", "Σ_{i,j}", "Σ_i Σ_j"):
        close(value(f"r = {operator} A[i,j]", A=A), A.sum())
    close(value("r = max_{i,j} A[i,j]", A=A), A.max())
    refused("r = Σ_i,j A[i,j]")


BIG = "**Big operators** `sum_i prod_i"


@pytest.mark.sentence(5, BIG)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Σ_i (z[b,i] - x[b])^2", ((Z - X[:, None]) ** 2).sum(1)),
        ("Σ_i z[b,i] x[b] + x[b]", Z.sum(1) * X + X),
        ("Σ_i x[b] z[b,i] - x[b]", Z.sum(1) * X - X),
        ("max_i z[b,i] x[b]", (Z * X[:, None]).max(1)),
        ("min_i z[b,i] x[b]", (Z * X[:, None]).min(1)),
        ("prod_i 2 z[b,i]", 8 * Z.prod(1)), ("mean_i z[b,i] / 2", Z.mean(1) / 2),
        ("2 Σ_i z[b,i]^2", 2 * (Z**2).sum(1)), ("x[b] max_i z[b,i] + 1", X * Z.max(1) + 1),
    ],
)  # fmt: skip
def test_big_operators(text: str, expected: Array) -> None:
    program = einsumgrad.parse(f"r[b] = {text}")
    arrays = {name: array for name, array in (("x", X), ("z", Z)) if name in program.inputs}
    close(program.run(**arrays)["r"], expected)


def softmax(z: Array) -> Array:
    return np.exp(z) / np.exp(z).sum(-1, keepdims=True)


@pytest.mark.sentence(5, "`softmax_i log_softmax_i")
def test_operators_that_take_arguments() -> None:
    """The one factor after them, or parentheses."""
    P, lse = softmax(Z), np.log(np.exp(Z).sum(1))
    for argument in ("z[b,i]", "(z[b,i])"):
        close(value(f"r[b,i] = softmax_i {argument} x[b]", z=Z, x=X), P * X[:, None])
        close(value(f"r[b,i] = log_softmax_i {argument} x[b]", z=Z, x=X), np.log(P) * X[:, None])
        close(value(f"r[b] = logsumexp_i {argument} x[b]", z=Z, x=X), lse * X)
        close(value(f"r[b] = argmax_i {argument} x[b]", z=Z, x=X), Z.argmax(1) * X)
        close(value(f"r[b] = argmin_i {argument} x[b]", z=Z, x=X), Z.argmin(1) * X)
    close(value("r[b,i] = softmax_i(z[b,i] x[b])", z=Z, x=X), softmax(Z * X[:, None]))


@pytest.mark.sentence(5, "softmax and log_softmax keep")
def test_what_keeps_its_index() -> None:
    for operator in ("softmax_i", "log_softmax_i"):
        assert value(f"r[b,i] = {operator} z[b,i]", z=Z).shape == (5, 3)
        refused(f"r[b] = {operator} z[b,i]")
    for operator in ("logsumexp_i", "argmax_i", "argmin_i", "max_i", "Σ_i"):
        assert value(f"r[b] = {operator} z[b,i]", z=Z).shape == (5,)


@pytest.mark.sentence(5, "The printer writes parentheses")
def test_parentheses_in_print() -> None:
    for text, printed in (
        ("Σ_i W[j,i] x[b,i] + c[j]", "Σ_i(W[j,i] x[b,i]) + c[j]"),
        ("log(x[b]^2) c[j]", "log(x[b]^2) c[j]"),
        ("(x[b] + c[j])^2 / (c[j] d[j])", "(x[b] + c[j])^2 / (c[j] d[j])"),
    ):
        assert str(einsumgrad.parse(f"h[b,j] = {text}")) == f"h[b,j] = {printed}\n"
        same(f"h[b,j] = {text}", f"h[b,j] = {printed}")


@pytest.mark.sentence(5, "`[CONDITION]` is 1")
def test_a_condition_in_brackets() -> None:
    close(value("r[b] = [x[b] > 0] y[b] + [x[b] <= 0]", x=X, y=Y), np.where(X > 0, Y, 1))
    assert value("r[b] = [x[b] > 0]", x=X).tolist() == (X > 0).tolist()


P, K = np.arange(5)[:, None], np.arange(3)
A = RNG.integers(-1, 2, size=(5, 3)).astype(float)
CONDITIONS: dict[str, Array] = {
    "p = k": P == K, "p == k": P == K, "p != k": P != K, "p < k": P < K, "p <= k": P <= K,
    "p > k": P > K, "p >= k": P >= K, "0 <= p-k < P": P >= K, "k < p <= 2k+1 < 5":
    (K < P) & (P <= 2 * K + 1) & (2 * K + 1 < 5), "p < K": P < 3 + 0 * K, "A[p,k] > 0": A > 0,
    "A[p,k] = A[p,0]": A[:, :1] == A, "not p = k": P != K, "p = k or p = 4": (P == K) | (P == 4),
    "p > k and A[p,k] > 0 or k = 0": (P > K) & (A > 0) | (K == 0),
    "not (p > k or A[p,k] > 0)": ~((P > K) | (A > 0)), "|p| = 5 and K = k + 1": (P >= 0) & (K == 2),
}  # fmt: skip


@pytest.mark.sentence(5, "Conditions compare")
@pytest.mark.parametrize("condition", CONDITIONS)
def test_conditions(condition: str) -> None:
    expected = np.where(CONDITIONS[condition], A, 0)
    close(value(f"r[p,k] = [{condition}] A[p,k]", A=A), expected)
    close(value(f"r[p,k] = A[p,k] where {condition}", A=A), expected)


@pytest.mark.sentence(5, "A bare index is its value")
def test_indices_and_sizes_as_numbers() -> None:
    t, k = np.arange(7)[:, None], np.arange(4)
    text = "index t : 7, k : 4\nr[t,k] = sin(t / 10000^(2 k / K))"
    close(value(text), np.sin(t / 10000 ** (2 * k / 4)))
    close(value("r[b] = b x[b] + B", x=X), np.arange(5) * X + 5)


@pytest.mark.sentence(5, "`def gelu2(u) = u σ(1.702 u)`")
def test_a_function_of_ones_own() -> None:
    text = "def gelu2(u) = u σ(1.702 u)\nr[b] = gelu2(x[b] + 1)"
    u = X + 1
    s = 1 / (1 + np.exp(-1.702 * u))
    close(value(text, x=X), u * s)
    close(gradient(text, "x", x=X), s + 1.702 * u * s * (1 - s))
    same("def f(u, v) = u v\nr[b] = f(x[b], 2)", "r[b] = x[b] 2")


NOISE = "`noise ε[b,k] ~ normal(1)`"


@pytest.mark.sentence(5, NOISE)
def test_noise_is_drawn_by_the_seed() -> None:
    program = einsumgrad.parse("index k : 2000\nnoise ε[b,k] ~ normal(2)\nr[b,k] = x[b] + ε[b,k]")
    one, same_seed, other = (program.run(x=X, seed=seed)["r"] for seed in (1, 1, 2))
    assert np.array_equal(one, same_seed)
    assert not np.array_equal(one, other)
    assert np.std(one - X[:, None]) == pytest.approx(2, rel=0.03)
    close(program.run(x=X, ε=np.ones((5, 2000)))["r"][:, 0], X + 1)


@pytest.mark.sentence(5, NOISE)
def test_other_noise() -> None:
    n = "index k : 9000\nbatch none\nnoise ε[k] ~ "
    u = value(n + "uniform\nr[k] = ε[k]")
    assert 0 <= u.min() < u.mean() < u.max() < 1
    assert u.mean() == pytest.approx(0.5, abs=0.02)
    v = value(n + "bernoulli(1/4)\nr[k] = ε[k]")
    assert set(v) == {0, 1}
    assert v.mean() == pytest.approx(0.25, abs=0.02)
    assert derived("noise ε[b] ~ normal(1)\nh[b] = w ε[b]") == [
        "for b  w.grad += 1/B h.grad[b] ε[b]"
    ]
