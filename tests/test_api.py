"""The Python API: values and gradients as LANGUAGE §8 and §9 mean them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import einsumgrad
from einsumgrad import EinError, parse

Array = npt.NDArray[Any]
EXAMPLES = Path(__file__).parent.parent / "examples"
RNG = np.random.default_rng(0)
X, W = RNG.normal(size=(5, 3)), RNG.normal(size=(2, 3))


def close(found: object, expected: object) -> None:
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), 1e-12, 1e-14)


@pytest.mark.sentence(9, "import einsumgrad as eg program")
def test_declarations_in_order() -> None:
    program = einsumgrad.load(EXAMPLES / "mlp.ein")
    assert program.inputs == ("x", "y")
    assert program.params == ("W⁰", "b⁰", "W¹", "b¹")
    assert program.loss == "ℓ"
    assert program.outputs == ()
    slide = einsumgrad.load(EXAMPLES / "slide.ein")
    assert (slide.inputs, slide.params, slide.outputs, slide.loss) == (("x",), ("W",), ("h̃",), None)


@pytest.mark.sentence(1, "`W^0[j,i]` is the same name")
def test_names_to_derive_by_are_spelled_as_in_programs() -> None:
    program = einsumgrad.load(EXAMPLES / "mlp.ein")
    assert str(program.derive("W^0")) == str(program.derive("W⁰")) == str(program.derive("W0"))
    assert parse("h[b] = W^Q[0] x[b]").derive("W^{Q}").outputs[-1] == "W^Q.grad"


def test_what_a_look_around_shows() -> None:
    assert dir(einsumgrad) == sorted(einsumgrad.__all__)
    assert all(getattr(einsumgrad, name) for name in einsumgrad.__all__)
    with pytest.raises(AttributeError):
        einsumgrad.nothing  # noqa: B018


def test_memory_is_given_as_on_the_command_line() -> None:
    program = parse("h[b] = w x[b]")
    close(program.run(memory="1GB", w=2.0, x=[1.0])["h"], [2.0])
    with pytest.raises(EinError, match="100 bytes may be used"):
        program.run(memory="100", w=2.0, x=np.ones(1000))


# ---- what a gradient is


@pytest.mark.sentence(8, "v.grad = B · ∂J/∂v")
def test_a_batched_tensors_gradient_is_each_examples_own() -> None:
    """x.grad = B ∂J/∂x, so it does not change with the number of other examples."""
    program = parse("loss ℓ[b] = (Σ_i w[i] x[b,i])^2")
    w = W[0]
    _, found = program.value_and_grad(w=w, x=X, wrt=("w", "x"))
    s = X @ w
    close(found["x"], 2 * s[:, None] * w)
    close(found["w"], np.mean(2 * s[:, None] * X, axis=0))
    _, one = program.value_and_grad(w=w, x=X[:1], wrt="x")
    close(one["x"], found["x"][:1])


@pytest.mark.sentence(8, "Let J be the objective")
def test_the_objective_is_the_mean_over_the_batch_and_the_sum_over_the_rest() -> None:
    program = parse("loss ℓ[b,t] = w x[b,t]^2")
    value, found = program.value_and_grad(w=2.0, x=X, wrt=("w", "x"))
    assert value == pytest.approx(2 * np.sum(X**2) / 5)
    close(found["w"], np.sum(X**2) / 5)
    close(found["x"], 4 * X)
    assert isinstance(value, float)


def test_a_loss_without_a_batch_index_is_the_objective() -> None:
    program = parse("r = Σ_b x[b]^2\nloss ℓ = w r")
    value, found = program.value_and_grad(w=2.0, x=X[:, 0], wrt=("w", "x"))
    assert value == pytest.approx(2 * np.sum(X[:, 0] ** 2))
    close(found["w"], np.sum(X[:, 0] ** 2))
    close(found["x"], 5 * 4 * X[:, 0])


@pytest.mark.sentence(3, "**The batch index**")
def test_without_a_batch_nothing_is_averaged() -> None:
    program = parse("batch none\nloss ℓ[b] = w x[b]^2")
    value, found = program.value_and_grad(w=2.0, x=X[:, 0], wrt=("w", "x"))
    assert value == pytest.approx(2 * np.sum(X[:, 0] ** 2))
    close(found["w"], np.sum(X[:, 0] ** 2))
    close(found["x"], 4 * X[:, 0])


@pytest.mark.sentence(3, "**The batch index**")
def test_another_batch_index() -> None:
    program = parse("batch n\nloss ℓ[n] = w x[n]")
    _, found = program.value_and_grad(w=2.0, x=X[:, 0], wrt=("w", "x"))
    close(found["w"], np.mean(X[:, 0]))
    close(found["x"], np.full(5, 2.0))


@pytest.mark.sentence(8, "So a parameter's gradient is")
def test_statistics_of_the_batch_are_averaged_once() -> None:
    program = parse("m += 1/B x[b]\nloss ℓ[b] = (x[b] - m)^2 w + m")
    x = X[:, 0]
    value, found = program.value_and_grad(w=3.0, x=x, wrt=("w", "x"))
    assert value == pytest.approx(3 * np.var(x) + np.mean(x))
    close(found["w"], np.var(x))
    close(found["x"], 6 * (x - np.mean(x)) + 1)


@pytest.mark.sentence(3, "`index b, b' : B` gives")
def test_in_batch_negatives() -> None:
    program = parse("index b, b' : B\ns[b,b'] = w f[b] g[b']\nloss ℓ[b] = logsumexp_b' s[b,b']")
    f, g, w, step = X[:, 0], X[:, 1], 0.7, 1e-6

    def mean(f: Array, w: float) -> float:
        return float(np.mean(np.log(np.sum(np.exp(w * np.outer(f, g)), axis=1))))

    value, found = program.value_and_grad(w=w, f=f, g=g, wrt=("w", "f"))
    assert value == pytest.approx(mean(f, w))
    assert found["w"] == pytest.approx((mean(f, w + step) - mean(f, w - step)) / (2 * step))
    unit = np.eye(5)[2] * step
    assert found["f"][2] == pytest.approx(5 * (mean(f + unit, w) - mean(f - unit, w)) / (2 * step))


@pytest.mark.sentence(8, "So a parameter's gradient is")
def test_a_parameter_of_many_statements_is_averaged_once() -> None:
    program = parse("a[b] = w x[b]\nc[b] = w a[b]\nr = w^2\nd[b] = c[b] + w r\nloss ℓ[b] = d[b] w")
    w, x = 1.3, X[:, 0]
    value, found = program.value_and_grad(w=w, x=x)
    assert value == pytest.approx(np.mean(w**3 * x + w**4))
    close(found["w"], np.mean(3 * w**2 * x + 4 * w**3))


@pytest.mark.sentence(8, "Without a loss, every output's")
def test_gradients_of_outputs_are_given_without_a_loss() -> None:
    program = parse("for b,i,j  h̃[b,j] += W[j,i] x[b,i]")
    g = RNG.normal(size=(5, 2))
    found = program.vjp({"h̃": g}, W=W, x=X)
    close(found["x"], g @ W)
    close(found["W"], g.T @ X / 5)
    assert list(program.vjp({"h_tilde": g}, wrt="W", W=W, x=X)) == ["W"]


def test_cotangents_of_some_outputs() -> None:
    program = parse("u[b] = w x[b]\nv[b] = w^2 x[b]\nn = argmax_b x[b]")
    x = X[:, 0]
    one = program.vjp({"u": np.ones(5)}, w=3.0, x=x)
    two = program.vjp({"u": np.ones(5), "v": np.ones(5)}, w=3.0, x=x)
    close(one["w"], np.mean(x))
    close(two["w"], np.mean(x + 6 * x))
    close(program.vjp({"n": 1.0}, w=3.0, x=x)["x"], np.zeros(5))


def test_the_loss_may_be_an_output_of_vjp() -> None:
    program = parse("loss ℓ[b] = w x[b]^2")
    weights = np.arange(5.0)
    found = program.vjp({"ℓ": weights}, w=3.0, x=X[:, 0])
    close(found["w"], np.mean(weights * X[:, 0] ** 2))
    close(found["x"], weights * 6 * X[:, 0])


def test_gradients_of_what_does_not_matter_are_0() -> None:
    program = parse(
        "input z[b], y[b] : k\nparam q[k], m[k] : v\nloss ℓ[b] = w x[b] + floor(q[y[b]])"
    )
    arrays = {
        "w": np.float32(1), "x": np.ones(2, np.float32), "q": np.ones(3, np.float32),
        "y": [0, 1], "z": np.ones(2, np.float32),
    }  # fmt: skip
    _, found = program.value_and_grad(arrays, wrt=("q", "z", "w"))
    assert found["q"].tolist() == [0, 0, 0]
    assert found["z"].tolist() == [0, 0]
    assert {a.dtype for a in found.values()} == {np.dtype(np.float32)}
    assert set(program.value_and_grad(arrays)[1]) == {"q", "w"}


@pytest.mark.sentence(8, "`argmax`, comparisons, `floor`")
def test_integers_and_constants_have_no_derivative() -> None:
    program = parse("input y[b] : k\nconst c[k]\nnoise ε[b] ~ normal\nloss ℓ[b] = c[y[b]] ε[b] w")
    arrays: dict[str, Any] = {"c": np.ones(2), "y": [0, 1], "w": 1.0, "ε": np.ones(2)}
    for name, why in (
        ("y", "integers"), ("c", "a constant"), ("ε", "no input"), ("ℓ", "no input"),
        ("v", "no such"),
    ):  # fmt: skip
        with pytest.raises(EinError, match=f"no derivative by `{name}`: .*{why}"):
            program.value_and_grad(**arrays, wrt=name)
    assert program.derive().outputs == ("w.grad",)


def test_misuse_is_a_clear_error() -> None:
    program = parse("h[b] = w x[b]")
    with pytest.raises(EinError, match="the program has no loss"):
        program.value_and_grad(w=1.0, x=[1.0])
    with pytest.raises(EinError, match="`q` is no output"):
        program.vjp({"q": 1.0}, w=1.0, x=[1.0])
    with pytest.raises(EinError, match="at least one output"):
        program.vjp({}, w=1.0, x=[1.0])
    with pytest.raises(EinError, match="sizes disagree"):
        program.vjp({"h": np.ones(3)}, w=1.0, x=[1.0])


# ---- derived programs


def test_a_derived_program_runs_and_derives_again() -> None:
    program = parse("loss ℓ[b] = (w x[b])^3")
    derived = program.derive("w")
    x, w = X[:, 0], 1.5
    close(derived.run(w=w, x=x)["w.grad"], 3 * w**2 * np.mean(x**3))
    value, found = derived.value_and_grad(w=w, x=x)
    assert value == pytest.approx(np.mean((w * x) ** 3))
    close(found["w"], 3 * w**2 * np.mean(x**3))
    close(derived.vjp({"w.grad": 1.0}, "w", w=w, x=x)["w"], 6 * w * np.mean(x**3))
    second = derived.derive("w")
    assert second.outputs == ("w.grad", "w.grad.grad")
    found = second.run({"w": w, "x": x, "w.grad.grad.grad": 2.0})
    close(found["w.grad.grad"], 12 * w * np.mean(x**3))


def test_gradients_for_each_example_are_those_of_the_example_alone() -> None:
    for name in ("linear", "logistic", "mlp"):
        program = einsumgrad.load(EXAMPLES / f"{name}.ein")
        arrays: dict[str, Any] = {"x": X, "y": np.array([0, 1, 1, 0, 1])}
        params = {n: a + 0.1 for n, a in program.init(I=3).items()}
        apart = program.per_example().run(**params, **arrays)
        _, together = program.value_and_grad(**params, **arrays)
        for param, gradient in together.items():
            kept = apart[f"{param}.grad"]
            assert kept.shape == (5, *gradient.shape)
            close(kept.mean(axis=0), gradient)
            for b in range(5):
                one = {key: value[b : b + 1] for key, value in arrays.items()}
                _, alone = program.value_and_grad(**params, **one)
                close(kept[b], alone[param])


def test_examples_that_mix_have_no_gradients_of_their_own() -> None:
    program = parse("m += 1/B w x[b]\nloss ℓ[b] = (x[b] - m)^2")
    with pytest.raises(EinError, match="across examples"):
        program.per_example()
