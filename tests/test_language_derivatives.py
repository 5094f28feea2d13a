"""Section 8 of the language page: derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from meaning import Array, close, derived, gradient, value

import einsumgrad

RNG = np.random.default_rng(0)
X, Y, Z = RNG.normal(size=5), RNG.normal(size=5), RNG.normal(size=(5, 3))
W = RNG.normal(size=3)


@pytest.mark.sentence(8, "Let J be the objective")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("loss ℓ[b] = w x[b]^2", 2 * np.mean(X**2)), ("r = Σ_b x[b]^2\nloss ℓ = w r", 2 * X @ X),
        ("loss ℓ[b,i] = w x[b] [i < 2]\nindex i : 3", 2 * 2 * np.mean(X)),
        ("batch none\nloss ℓ[b] = w x[b]^2", 2 * X @ X),
    ],
)  # fmt: skip
def test_the_objective(text: str, expected: float) -> None:
    J, grads = einsumgrad.parse(text).value_and_grad(w=2.0, x=X)
    assert pytest.approx(expected) == J
    assert grads["w"] == pytest.approx(expected / 2)


@pytest.mark.sentence(8, "v.grad = B · ∂J/∂v")
def test_what_a_gradient_is() -> None:
    """x.grad is each example's own, B ∂J/∂x; w.grad is ∂J/∂w."""
    text, step = "loss ℓ[b] = exp(w x[b])", 1e-6

    def J(w: float, x: Array) -> float:
        return float(np.mean(np.exp(w * x)))

    bump = step * np.eye(5)[3]
    by_x = (J(0.5, X + bump) - J(0.5, X - bump)) / (2 * step)
    by_w = (J(0.5 + step, X) - J(0.5 - step, X)) / (2 * step)
    assert gradient(text, "x", w=0.5, x=X)[3] == pytest.approx(5 * by_x)
    assert gradient(text, "w", w=0.5, x=X) == pytest.approx(by_w)
    close(gradient(text, "x", w=0.5, x=X[:1]), gradient(text, "x", w=0.5, x=X)[:1])


@pytest.mark.sentence(8, "Statement by statement: an operand's")
@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("h[b] += w x[b]", ["x.grad[b] += h.grad[b] w", "w.grad += 1/B h.grad[b] x[b]"]),
        ("r += w x[b]", ["x.grad[b] += B r.grad w", "w.grad += r.grad x[b]"]),
        ("batch none\nh[b] += w x[b]", ["x.grad[b] += h.grad[b] w", "w.grad += h.grad[b] x[b]"]),
    ],
)
def test_batch_factors(text: str, lines: list[str]) -> None:
    assert derived(text) == [f"for b  {line}" for line in lines]


@pytest.mark.sentence(8, "So a parameter's gradient is")
def test_the_batch_used_inside() -> None:
    """Batch normalisation, and one parameter in several statements, against differences of J."""
    text = """
z[b] = w x[b]
m = 1/B Σ_b z[b]
v = 1/B Σ_b (z[b] - m)^2
loss ℓ[b] = w tanh((z[b] - m) / sqrt(v + 1) + w)
"""
    program, step = einsumgrad.parse(text), 1e-5

    def J(w: float) -> float:
        return program.value_and_grad(w=w, x=X)[0]

    z = 0.7 * X
    assert pytest.approx(np.mean(0.7 * np.tanh((z - z.mean()) / np.sqrt(z.var() + 1) + 0.7))) == J(
        0.7
    )
    expected = (J(0.7 + step) - J(0.7 - step)) / (2 * step)
    assert gradient(text, "w", w=0.7, x=X) == pytest.approx(expected, rel=1e-7)


@pytest.mark.sentence(8, "Without a loss, every output's")
def test_without_a_loss_cotangents_are_inputs() -> None:
    program = einsumgrad.parse("u[b] = w x[b]\nv[b] = w^2 x[b]").derive("w")
    assert {*program.inputs} == {"x", "u.grad", "v.grad"}
    found = program.run({"x": X, "w": 3.0, "u.grad": Y, "v.grad": np.ones(5)})
    close(found["w.grad"], np.mean(X * Y + 6 * X))


@pytest.mark.sentence(8, "A derived statement reads")
def test_the_form_of_a_derived_statement() -> None:
    assert derived(
        "for k,b,i,j  y[b,k] += 3 A[k,j] W[j,i] x[b,i]\nfor b,k  s[b] += y[b,k] c[k]"
    ) == [
        "for b,k  c.grad[k] += 1/B s.grad[b] y[b,k]",
        "for b,k  y.grad[b,k] += s.grad[b] c[k]",
        "for k,b,i,j  x.grad[b,i] += 3 y.grad[b,k] A[k,j] W[j,i]",
        "for k,b,i,j  W.grad[j,i] += 3/B y.grad[b,k] A[k,j] x[b,i]",
        "for k,b,i,j  A.grad[k,j] += 3/B y.grad[b,k] W[j,i] x[b,i]",
    ]


@pytest.mark.sentence(8, "What is printed is what a lecturer")
def test_print_of_a_lecturer() -> None:
    assert "for b,j  δh[b,j] = h.grad[b,j] h[b,j] (1 - h[b,j])" in derived(
        "h[b,j] = σ(Σ_i W[j,i] x[b,i])"
    )
    softmax = "P[b,ŷ] = softmax_ŷ s[b,ŷ]\nloss ℓ[b] = -log P[b,y[b]]"
    assert derived(softmax) == ["for b,ŷ  s.grad[b,ŷ] += P[b,ŷ] - [ŷ = y[b]]"]
    assert derived("h[b,j] = relu(a[b,j])") == ["for b,j  a.grad[b,j] += h.grad[b,j] [a[b,j] > 0]"]


COMMON = "Common factors get a name once"


@pytest.mark.sentence(8, COMMON)
def test_common_factors_get_a_name() -> None:
    lines = derived("loss ℓ[b] = cos(w x[b])", "w", "x")
    assert sum("sin" in line for line in lines) == 1
    lines = derived("h[b,j] = tanh(Σ_i W[j,i] x[b,i])")
    assert len(lines) == 3
    assert sum("1 - h[b,j]^2" in line for line in lines) == 1


@pytest.mark.sentence(8, COMMON)
def test_nothing_dead_zero_or_one_is_printed() -> None:
    assert derived("u[b] = exp x[b]\nloss ℓ[b] = w x[b]", "w") == ["for b  w.grad += 1/B x[b]"]
    assert derived("h[b] = 1 w x[b] + 0 x[b] + 3", "w") == ["for b  w.grad += 1/B h.grad[b] x[b]"]
    assert derived("h[b] = x[b] + c[b]", "x") == ["for b  x.grad[b] += h.grad[b]"]


@pytest.mark.sentence(8, "Max and min share")
def test_ties_and_kinks() -> None:
    z = np.array([[1.0, 1, 0], [2, 2, 2], [0, 1, 2]])
    shares = [[1 / 2, 1 / 2, 0], [1 / 3, 1 / 3, 1 / 3], [0, 0, 1]]
    for text in ("r[b] = max_i z[b,i]", "for b,i  r[b] max= z[b,i]", "r[b] = -min_i (-z[b,i])"):
        close(gradient(text, "z", z=z), shares)
    close(
        gradient("r[b] = max(z[b,0], z[b,1])", "z", z=z), [[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 1, 0]]
    )
    for function in ("relu", "abs"):
        close(gradient(f"r[b] = {function} x[b]", "x", x=np.array([0.0, 2.0])), [0, 1])


@pytest.mark.sentence(8, "`argmax`, comparisons, `floor`")
def test_what_carries_no_derivative() -> None:
    for text in ("argmax_i z[b,i]", "[z[b,0] > 0]", "floor z[b,0]", "sign z[b,0]"):
        close(gradient(f"r[b] = {text} + z[b,1]", "z", z=Z), np.eye(3)[1] + 0 * Z)
    for declaration in ("input n[b] : k", "const n[b]"):
        program = einsumgrad.parse(f"{declaration}\nr[b] = w n[b]")
        assert program.derive().outputs == ("r", "w.grad")
        with pytest.raises(einsumgrad.EinError, match="no derivative by `n`"):
            program.derive("n")


@pytest.mark.sentence(8, "No 0·∞: a masked")
@pytest.mark.parametrize(
    "text",
    [
        "r[b] = [x[b] > 0] log x[b]", "r[b] = sqrt x[b] where x[b] > 0",
        "r[b] = [x[b] > 0] / x[b]", "for b,k  r[b] += log(x[b]) [x[b] > k]\nindex k : 2",
        "r[b] = x[b]^2 log max(x[b], 1)",
    ],
)  # fmt: skip
def test_an_untaken_branch_makes_no_nan(text: str) -> None:
    x = np.array([2.0, 0.0, -1.0, 0.0])
    found = gradient(text, "x", x=x)
    assert np.all(np.isfinite(found))
    assert found[0] != 0
    assert np.all(np.isfinite(value(text, x=x)))


@pytest.mark.sentence(8, "No 0·∞: a masked")
def test_padding_makes_no_nan() -> None:
    x = np.array([[1.0, np.nan], [np.inf, np.nan]])
    found = gradient("r[b] = Σ_t exp(x[b,t]) where t < n[b]", "x", x=x, n=[1, 0])
    close(found, [[np.e, 0], [0, 0]])


@pytest.mark.sentence(8, "log softmax, logsumexp, softplus")
def test_stable_forms() -> None:
    x, far = np.array([[1000.0, 0, -1000.0]]), np.array([1000.0, -1000.0])
    with np.errstate(all="raise"):
        close(value("P[b,i] = softmax_i x[b,i]\nr[b] = -log P[b,2]", x=x), [2000])
        close(value("r[b,i] = log_softmax_i x[b,i]", x=x), x - 1000)
        close(value("r[b] = logsumexp_i x[b,i]", x=x), [1000])
        close(value("r[b] = softplus x[b]", x=far), [1000, 0])
        close(value("r[b] = σ(x[b])", x=far), [1, 0])
        close(value("r[b] = -log σ(x[b])", x=far), [0, 1000])
        close(gradient("r[b] = -log σ(x[b])", "x", x=far), [0, -1])
        close(gradient("r[b] = logsumexp_i x[b,i]", "x", x=x), [[1, 0, 0]])


@pytest.mark.sentence(8, "Reverse mode is `.grad`")
def test_modes_and_orders() -> None:
    program = einsumgrad.parse("loss ℓ[b] = (Σ_i w[i] z[b,i])^4")
    s, v = Z @ W, RNG.normal(size=3)
    assert program.derive("w").outputs == ("w.grad",)
    forward = program.derive_forward("w")
    assert "ℓ.dot" in forward.outputs
    close(forward.run({"w": W, "z": Z, "w.dot": v})["ℓ.dot"], 4 * s**3 * (Z @ v))
    close(program.jvp({"w": v}, w=W, z=Z)[1]["ℓ"], 4 * s**3 * (Z @ v))
    hessian = np.einsum("b,bi,bj->ij", 12 * s**2, Z, Z) / 5
    close(program.hvp({"w": v}, w=W, z=Z)[1]["w"], hessian @ v)
    close(program.hessian("w", w=W, z=Z)["w", "w"], hessian)
    close(program.derive("w").vjp({"w.grad": v}, "w", w=W, z=Z)["w"], hessian @ v)
