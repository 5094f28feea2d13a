"""Semantics at the edges: zeros of products, ties, nothing to run over, sizes 0 and 1."""

from __future__ import annotations

import numpy as np
import pytest

import einsumgrad

X = np.array([[2.0, 0.0, 3.0], [0.0, 0.0, 5.0], [1.0, 2.0, 4.0]])


@pytest.mark.parametrize(
    "text",
    ["p[b] *= x[b,k]", "p[b] = Π_k x[b,k]", "p[b] *= x[b,0]\np[b] *= x[b,k] where k > 0"],
)
def test_products_with_zeros(text: str) -> None:
    """One zero passes a derivative to itself only, two let none through."""
    program = einsumgrad.parse(f"input x[b,k]\n{text}\nloss ℓ[b] = p[b]")
    objective, grads = program.value_and_grad(x=X, wrt=("x",))
    assert objective == pytest.approx(8 / 3)
    np.testing.assert_array_equal(grads["x"], [[0, 6, 0], [0, 0, 0], [8, 4, 2]])


@pytest.mark.parametrize(
    "text",
    [
        "m[b] max= x[b,k]", "m[b] = max_k x[b,k]", "m[b] max= x[b,0]\nm[b] max= x[b,k] where k > 0",
        "m[b] = x[b,0]\nm[b] max= x[b,k] where k > 0",
    ],
)  # fmt: skip
def test_ties_share_evenly(text: str) -> None:
    program = einsumgrad.parse(f"input x[b,k]\n{text}\nloss ℓ[b] = m[b]")
    x = np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 2.0]])
    grads = program.value_and_grad(x=x, wrt=("x",))[1]
    np.testing.assert_allclose(grads["x"], [[1 / 2, 1 / 2, 0], [1 / 3, 1 / 3, 1 / 3]])


@pytest.mark.parametrize("where", ["k > 9", "x[b,k] > 100"])
def test_a_sum_of_exponentials_over_nothing(where: str) -> None:
    """It is -∞; what is made of it finite has the gradient 0."""
    text = f"input x[b,k]\ns[b] = logsumexp_k x[b,k] where {where}\nloss ℓ[b] = exp(s[b])"
    program = einsumgrad.parse(text + "\noutput s[b]")
    assert np.all(program.run(x=X)["s"] == -np.inf)
    objective, grads = program.value_and_grad(x=X, wrt=("x",))
    assert objective == 0
    np.testing.assert_array_equal(grads["x"], np.zeros_like(X))


def test_a_window_of_nothing() -> None:
    """All of it outside: -∞ for a maximum, 0 for a sum, and no derivative."""
    text = (
        "index k : 2, p : 5\ninput x[b,i]\nm[b,p] = max_k x[b,p+k-2]\n"
        "s[b,p] = Σ_k x[b,p+k-2]\nloss ℓ[b] = Σ_p s[b,p] + Σ_p max(m[b,p], 0)"
    )
    program = einsumgrad.parse(text + "\noutput m[b,p], s[b,p]")
    found = program.run(x=np.ones((1, 3)))
    np.testing.assert_array_equal(found["m"], [[-np.inf, 1, 1, 1, 1]])
    np.testing.assert_array_equal(found["s"], [[0, 1, 2, 2, 1]])
    grads = program.value_and_grad(x=np.ones((1, 3)), wrt=("x",))[1]
    np.testing.assert_allclose(grads["x"], [[2 + 1.5, 2 + 1, 2 + 1.5]])


LEFT_OUT = {
    "max": "tanh(max_k(R[k] + tanh(R[k] q[b,t-3,k])) + V x[b,t])",
    "min": "σ(-min_k(R[k] x[b,t] + (R[k] q[b,t-3,k])^2)) V",
    "logsumexp": "exp(logsumexp_k(R[k] + tanh(R[k] q[b,t-3,k])) + V x[b,t])",
    "softmax": "log(Σ_k softmax_k(R[k] + tanh(R[k] q[b,t-3,k])) R[k]^2 + 1) + V x[b,t]",
    "log_softmax": "exp(log_softmax_k(R[k] + tanh(R[k] q[b,t-3,k]))) R[k] + V x[b,t]",
    "bracket": "tanh(max_k((R[k] + 0.5 q[b,t-3,k]) [t < 2]) + V x[b,t]) (1 + [t > 1] x[b,t])",
}
"""For t < 3, what an operator is taken of is outside for every k."""


@pytest.mark.parametrize("value", LEFT_OUT.values(), ids=LEFT_OUT.keys())
def test_what_is_left_out_for_a_loop_has_no_derivative(value: str) -> None:
    """No part that gets a name is 0 there instead."""
    index = ",k" if value.endswith("R[k] + V x[b,t]") else ""
    text = f"input x[b,t]\ng[b,t{index}] = {value}\nloss ℓ[b] = Σ_{{t{index}}} g[b,t{index}]^2"
    held_to_differences(text, {"x": (2, 5), "q": (2, 5, 2), "R": (2,), "V": ()}, ("R", "V"))


PARTLY_OUTSIDE = {
    "log_softmax": "Σ_k R[k] tanh(log_softmax_k(R[k] h[b,k-1]))",
    "softmax": "Σ_k R[k] exp(softmax_k(R[k] h[b,k+1]))",
    "softmax in softmax": "Σ_k R[k] softmax_k(tanh(softmax_k(R[k] h[b,k-1])))",
    "log_softmax in log_softmax": "Σ_k tanh(log_softmax_k(tanh(log_softmax_k(R[k] h[b,k-1]))))",
    "log_softmax in softmax": "Σ_k R[k] softmax_k(log_softmax_k(R[k] h[b,k-1]))",
    "condition of the outer index": "Σ_k R[k] softmax_k(max_j h[b,k-2] softmax_k(R[3] R[k]))",
    "softmax in a sum": "tanh(max_k(tanh(logsumexp_k(softmax_k(R[k] h[b,k-1])))))",
    "constant position": "R[0]^2 + tanh(max_k(R[k] h[b,k] - R[0-1]))",
    "logarithm": "Σ_k R[k] tanh(log(softmax_k(R[k] h[b,k+1])))",
    "softmaxes three deep": "Σ_{j,k} R[k] softmax_k(softmax_j(softmax_k(R[k] + h[b,j-k])))",
    "one part in two operators": "tanh(logsumexp_k(h[b,0-1] (Σ_j R[k-1]))) + min_k Σ_j R[k-1]",
    "name in log_softmax": "Σ_{j,k} tanh tanh(log_softmax_j(R[k-j] + exp log_softmax_k h[b,2j-1]))",
}


@pytest.mark.parametrize("value", PARTLY_OUTSIDE.values(), ids=PARTLY_OUTSIDE.keys())
def test_entries_left_out_of_a_softmax_keep_their_value(value: str) -> None:
    """It is 0, of log_softmax -∞, where the derivative reads it too."""
    text = f"index k : 4, j : 3\ninput h[b,k]\nloss ℓ[b] = {value}"
    held_to_differences(text, {"h": (2, 4), "R": (4,)}, ("R",))


SECOND = {
    "log_softmax over nothing": "f[t,k] = u[t] σ(log_softmax_k(u[t-1] R[k]))",
    "log_softmax partly": "f[t,k] = u[t] σ(log_softmax_k(u[t] R[k-1]))",
    "recurrence": "f[t,k] = tanh(R[k]) + u[t] tanh(log_softmax_k(f[t-1,k] R[k]))",
    "start that does not move": "f[t,k] = R[k] where t = 0\nf[t,k] = u[t] f[t-1,k] where t > 0",
    "start that is added to": "f[t,k] += R[k]\nf[t,k] += u[t] f[t-1,k]",
}


@pytest.mark.parametrize("lines", SECOND.values(), ids=SECOND.keys())
def test_second_derivatives_of_what_is_left_out(lines: str) -> None:
    text = f"batch none\nparam u[t], R[k]\n{lines}\nloss ℓ = Σ_{{t,k}} f[t,k]^2"
    program, u, R = einsumgrad.parse(text), np.array([0.3, -0.5, 0.7]), np.array([0.2, 0.9, -0.4])
    v = np.array([1.0, 2.0, 3.0])

    def gradient(by: float) -> np.ndarray:
        return program.value_and_grad(u=u + by * v, R=R, wrt=("u",))[1]["u"]

    expected = (gradient(1e-6) - gradient(-1e-6)) / 2e-6
    np.testing.assert_allclose(program.hvp({"u": v}, u=u, R=R)[1]["u"], expected, 1e-6, 1e-9)
    tangent = program.jvp({"u": v}, u=u, R=R)[1]["ℓ"]
    assert tangent == pytest.approx(gradient(0) @ v, 1e-12)


def test_log_softmax_partly_outside_does_not_underflow() -> None:
    text = "param R[k]\nloss ℓ[b] = Σ_k x[b,k] log_softmax_k(R[k] x[b,k-1]) where k > 0"
    program, x = einsumgrad.parse(text), np.array([[900.0, 1, 3]])
    loss, grads = program.value_and_grad(x=x, R=np.ones(3), wrt=("x",))
    assert loss == -2697
    np.testing.assert_allclose(grads["x"], [[-3, 3, -899]])


@pytest.mark.parametrize(("at", "size"), [("2T-3", 2), ("T-2", 1), ("T-2", 3), ("T", 2), ("-1", 2)])
def test_positions_that_depend_on_sizes_only(at: str, size: int) -> None:
    """Whether they are outside is known when sizes are."""
    text = f"batch none\nparam u[t], R[k]\nloss ℓ = tanh(max_k(R[k] + u[{at}])) + Σ_t u[t]^2"
    held_to_differences(text, {"u": (size,), "R": (3,)}, ("u", "R"))


def test_examples_of_an_undeclared_tensor_read_at_a_constant() -> None:
    """The axis is as long as the tensor's, not as what is read."""
    program = einsumgrad.parse("loss ℓ[b] = x[b] U[1]").per_example(wrt=("U",))
    found = program.run(x=np.ones(2), U=np.arange(4.0))["U.grad"]
    np.testing.assert_array_equal(found, [[0, 1, 0, 0]] * 2)


def held_to_differences(
    text: str, shapes: dict[str, tuple[int, ...]], wrt: tuple[str, ...]
) -> None:
    """Gradients and tangents along a direction."""
    program, rng = einsumgrad.parse(text), np.random.default_rng(3)
    arrays = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    moved = {name: rng.normal(size=arrays[name].shape) for name in wrt}
    _, grads = program.value_and_grad(arrays, wrt=wrt)
    tangent = program.jvp(moved, **arrays)[1]["ℓ"].mean()

    def objective(by: float) -> float:
        along = {name: arrays[name] + by * v for name, v in moved.items()}
        return float(program.run({**arrays, **along})["ℓ"].mean())

    expected = (objective(1e-6) - objective(-1e-6)) / 2e-6
    assert sum(np.sum(grads[n] * v) for n, v in moved.items()) == pytest.approx(expected, 1e-7)
    assert tangent == pytest.approx(expected, 1e-7)
    for derived in (program.derive(), program.derive_forward()):
        assert einsumgrad.parse(str(derived)).ir == derived.ir


@pytest.mark.parametrize("op", ["max", "min", "logsumexp"])
def test_what_is_over_nothing_for_a_loop_does_not_move(op: str) -> None:
    text = f"input q[b,t,k]\nm[b,t] = {op}_k(R[k] + tanh(R[k] q[b,t-3,k]))\noutput m"
    arrays = {"R": np.array([1.0, 2.0]), "q": np.ones((1, 4, 2))}
    moved = {name: np.ones_like(array) for name, array in arrays.items()}
    outputs, tangents = einsumgrad.parse(text).jvp(moved, **arrays)
    np.testing.assert_array_equal(np.isinf(outputs["m"]), [[True, True, True, False]])
    np.testing.assert_array_equal(tangents["m"] == 0, [[True, True, True, False]])


@pytest.mark.parametrize("length", [0, 1, 2])
def test_a_kernel_longer_than_its_input(length: int) -> None:
    """The output is empty, and the gradients are zeros."""
    program = einsumgrad.parse("input x[b,i]\ny[b,p] += x[b,p+k] w[k]\nloss ℓ[b] = Σ_p y[b,p]^2")
    arrays = {"x": np.ones((2, length)), "w": np.ones(3)}
    objective, grads = program.value_and_grad(**arrays, wrt=("x", "w"))
    assert objective == 0
    np.testing.assert_array_equal(grads["w"], np.zeros(3))
    assert grads["x"].shape == (2, length)


NOTHING_SUMMED = {
    """
    a[b,t,j] += W[j,i] x[b,t,i]
    a[b,t,j] += U[j,k] h[b,t-1,k]
    h[b,t,j] = tanh(a[b,t,j] - c[j])
    loss ℓ[b] = Σ_{t,j} h[b,t,j]^2
    """: {"W": (3, 2), "x": (2, 0, 2), "U": (3, 3), "c": (3,)},
    """
    index t : 3
    y[b,2p+k] += x[b,p,c] w[k,c]
    index k : 3
    z[b,t] = -(y[b,t] - y[b,t+1])
    loss ℓ[b] = Σ_t z[b,t]^2
    """: {"x": (2, 0, 2), "w": (3, 2)},
}


@pytest.mark.parametrize("text", NOTHING_SUMMED)
@pytest.mark.parametrize("engine", ["numpy", "fused"])
def test_gradients_summed_over_an_empty_range(text: str, engine: str) -> None:
    arrays = {name: np.ones(shape) for name, shape in NOTHING_SUMMED[text].items()}
    program = einsumgrad.parse(text, engine=engine)
    objective, grads = program.value_and_grad(arrays, wrt=tuple(arrays))
    assert objective == 0
    assert {name: grad.shape for name, grad in grads.items()} == NOTHING_SUMMED[text]
    assert not any(np.any(grad) for grad in grads.values())


@pytest.mark.parametrize("engine", ["numpy", "fused"])
def test_the_negative_of_0_is_another_0(engine: str) -> None:
    text = "const c[b]\ns[b] = x[b] - c[b]\ny[b] = -s[b]\nz[b] = 1/y[b]"
    found = einsumgrad.parse(text, engine=engine).run(x=[1.0, 2.0], c=[1.0, 1.0])
    np.testing.assert_array_equal(found["z"], [-np.inf, -1])


@pytest.mark.parametrize("batch", [0, 1])
def test_few_examples(batch: int) -> None:
    text = (
        "index k : 2\ninput x[b,t]\nh[b,t] = tanh(x[b,t] + Σ_k a[k] h[b,t-k-1])\n"
        "m[b] max= h[b,t]\nloss ℓ[b] = m[b]"
    )
    grads = einsumgrad.parse(text).value_and_grad(x=np.ones((batch, 4)), a=np.ones(2))[1]
    assert grads["a"].shape == (2,)
    assert np.all(np.isfinite(grads["a"]))


def test_entries_that_no_piece_defines_are_0() -> None:
    found = einsumgrad.parse("input x[b,k]\nf[b,k] = x[b,k] where k = 1\nf[b,0] = 7").run(x=X)
    np.testing.assert_array_equal(found["f"], [[7, 0, 0], [7, 0, 0], [7, 2, 0]])


def test_integers_stay_exact() -> None:
    found = einsumgrad.parse(
        "index t : 60\nf[t] = 1 where t < 2\nf[t] = f[t-1] + f[t-2] where t > 1"
    )
    assert found.run()["f"][59] == 1548008755920


def test_a_gather_of_what_is_outside() -> None:
    """A computed position of the integer tensor is outside for every index: its value is 0."""
    text = "index k : 1\ninput x[k], n[k] : t, h[t]\ns[k] = h[n[2k+k-1]] + x[k]\nloss ℓ = Σ_k s[k]"
    arrays = {"x": np.ones(1), "n": np.array([2]), "h": np.arange(3.0) + 5}
    objective, grads = einsumgrad.parse(text).value_and_grad(**arrays, wrt=("h",))
    assert objective == 6
    np.testing.assert_array_equal(grads["h"], [1, 0, 0])
