"""Sections 3 and 4 of the language page: indices, sizes and declarations."""

from __future__ import annotations

from textwrap import dedent

import numpy as np
import pytest
from meaning import Array, close, derived, gradient, refused, value
from sentences import programs

import einsumgrad

RNG = np.random.default_rng(0)
X, Z = RNG.normal(size=5), RNG.normal(size=(5, 3))

# ---- section 3


@pytest.mark.sentence(3, "An index ranges from 0")
def test_an_index_ranges_from_0() -> None:
    assert value("index i : 4\ny[i] = i").tolist() == [0, 1, 2, 3]
    assert value("y[b,i] = i [x[b,i] > 0]", x=np.ones((1, 3))).tolist() == [[0, 1, 2]]


@pytest.mark.sentence(3, "The size of a one-letter index")
def test_the_size_of_an_index() -> None:
    for size in ("B", "|b|"):
        close(value(f"y[b] = {size} x[b]", x=X), 5 * X)
    for size in ("Ŷ", "|ŷ|"):
        close(value(f"y[b,ŷ] = {size} z[b,ŷ]", z=Z), 3 * Z)
    close(value("y[b,head] = |head| z[b,head]", z=Z), 3 * Z)


@pytest.mark.sentence(3, "Sizes come from declarations")
def test_where_sizes_come_from() -> None:
    assert value("index i : 784\ny[i] = 1").shape == (784,)
    assert value("index b, b' : B\ns[b,b'] = x[b]", x=X).shape == (5, 5)
    assert value("y[b,i] = z[b,i]", z=Z).shape == (5, 3)
    assert value("y[b,p] = z[b,p+1]", z=Z).shape == (5, 2)


CONFLICT = "A conflict is an error that names both sources"


@pytest.mark.sentence(3, CONFLICT)
def test_sizes_in_conflict() -> None:
    told = refused("index i : 4\ny[b] = Σ_i z[b,i]", z=Z)
    assert "sizes disagree" in told
    assert "index i : 4" in told
    assert "`z`" in told
    told = refused("y[b] = Σ_i z[b,i] w[i]", z=Z, w=np.ones(4))
    assert "`z`" in told
    assert "`w`" in told


@pytest.mark.sentence(3, CONFLICT)
def test_a_size_of_1_is_a_size() -> None:
    for w in (np.ones(1), np.ones(4)):
        assert "sizes disagree" in refused("y[b] = Σ_i z[b,i] w[i]", z=Z, w=w)
    assert "sizes disagree" in refused("y[b] = x[b] u[b]", x=X, u=np.ones(1))
    assert value("y[b] = Σ_i z[b,i] w[i]", z=Z[:, :1], w=np.ones(1)).shape == (5,)


@pytest.mark.sentence(3, "**The batch index**")
def test_the_batch_index() -> None:
    expected = {"": "1/B x[b]", "batch b\n": "1/B x[b]", "batch none\n": "x[b]"}
    for batch, factors in expected.items():
        assert derived(f"{batch}h[b] = w x[b]", "w") == [
            f"for b  w.grad += {factors.replace('x[b]', 'h.grad[b] x[b]')}"
        ]
    assert derived("batch n\nh[n] = w x[n]", "w") == ["for n  w.grad += 1/N h.grad[n] x[n]"]


@pytest.mark.sentence(3, "`index b, b' : B` gives")
def test_a_second_name_of_the_range() -> None:
    text = "index b, b' : B\nfor b,b',k  s[b,b'] += f[b,k] g[b',k]"
    F, G = Z, RNG.normal(size=(5, 3))
    close(value(text, f=F, g=G), F @ G.T)
    assert "sizes disagree" in refused(text, f=F, g=G[:4])
    close(gradient(text + "\nloss ℓ[b] = Σ_b' s[b,b']", "g", f=F, g=G), F.sum(0) + 0 * G)


BATCHED = "A tensor is *batched* if"


@pytest.mark.sentence(3, BATCHED)
def test_what_is_batched() -> None:
    """By its declaration or by the target that defines it, under either name of the range."""
    names = "index b, b' : B\n"
    for text in ("input x[b]\nloss ℓ[b] = w x[b]", f"{names}input x[b']\nloss ℓ[b] = w x[b]"):
        close(gradient(text, "x", x=X, w=2.0), np.full(5, 2.0))
    for index in ("b", "b'"):
        text = f"{names}h[{index}] = v x[{index}]"
        assert derived(text, "v") == [f"for {index}  v.grad += 1/B h.grad[{index}] x[{index}]"]


@pytest.mark.sentence(3, BATCHED)
def test_what_an_access_uses_later_does_not_matter() -> None:
    """x is batched though it is read at n: x.grad is B times ∂J/∂x."""
    text = "input x[b]\nindex n : B\nloss ℓ = w Σ_n x[n]"
    close(gradient(text, "x", x=X, w=2.0), np.full(5, 5 * 2.0))
    close(gradient(text, "w", x=X, w=2.0), X.sum())
    close(gradient("input x[b]\nloss ℓ = w x[0]", "x", x=X, w=2.0), [10, 0, 0, 0, 0])
    assert einsumgrad.parse("u[b] = x[b]\nloss ℓ = Σ_k p[k]").params == ("p",)


# ---- section 4

(BLOCK,) = programs(4)
MODEL = f"""{dedent(BLOCK)}
index ŷ : 3
s[b,j] = Σ_i W[j,i] x[b,i] + c[j]
P[b,ŷ] = [ŷ = y[b]]
ℓ[b] = P[b,y[b]] Σ_j s[b,j]^2 + Σ_t Σ_s M[t,s]
u[b] = s[b,0]
"""
TYPES = "index i : 784, j : 256"


def arrays() -> dict[str, Array]:
    return {
        "x": RNG.normal(size=(5, 784)), "y": np.array([0, 2, 1, 0, 2]),
        "W": RNG.normal(size=(256, 784)), "c": np.zeros(256), "M": np.ones((2, 2)),
    }  # fmt: skip


@pytest.mark.sentence(4, TYPES)
def test_all_declarations() -> None:
    program = einsumgrad.parse(MODEL)
    assert (program.inputs, program.params) == (("x", "y"), ("W", "c"))
    assert (program.loss, program.outputs) == ("ℓ", ("P",))
    assert set(program.run(**arrays())) == {"P", "ℓ"}
    _, grads = program.value_and_grad(**arrays())
    assert set(grads) == {"W", "c"}
    with pytest.raises(einsumgrad.EinError, match=r"`M`: .*constant"):
        program.value_and_grad(**arrays(), wrt="M")


@pytest.mark.sentence(4, TYPES)
def test_declared_sizes_and_labels_are_held_to() -> None:
    for wrong in ({"x": np.ones((5, 783))}, {"y": np.full(5, 3)}, {"y": np.full(5, -1)}):
        refused(MODEL, **{**arrays(), **wrong})
    refused(MODEL, **{**arrays(), "y": np.full(5, 0.5)})


@pytest.mark.sentence(4, TYPES)
def test_declared_starts() -> None:
    start = einsumgrad.parse(MODEL).init(seed=1)
    assert start["W"].shape == (256, 784)
    assert np.std(start["W"]) == pytest.approx(1 / np.sqrt(784), rel=0.02)
    assert not start["c"].any()


@pytest.mark.sentence(4, TYPES)
def test_a_loss_may_be_declared_and_defined_at_once() -> None:
    program = einsumgrad.parse("loss ℓ[b] = w x[b]\nu[b] = x[b]\nv[b] = 2 u[b]")
    assert program.loss == "ℓ"
    assert program.outputs == ("v",)
    apart = einsumgrad.parse("loss ℓ[b]\nℓ[b] = w x[b]\nu[b] = x[b]\nv[b] = 2 u[b]")
    assert apart.value_and_grad(w=2.0, x=X) == program.value_and_grad(w=2.0, x=X)


@pytest.mark.sentence(4, "A tensor that is read and never written")
def test_undeclared_tensors() -> None:
    program = einsumgrad.parse("h[b,j] = Σ_i W[j,i] x[b,i] + c[j] + u[b] + s")
    assert program.inputs == ("x", "u")
    assert program.params == ("W", "c", "s")
    assert einsumgrad.parse("batch none\nh[b] = x[b]").params == ("x",)
    assert "E2" in refused("param x[b]\nh[b] = x[b]")


@pytest.mark.sentence(4, "Without `~` or `=`, a parameter")
def test_starts_by_fan_in() -> None:
    text = "h[b,j] = Σ_{i,k} W[j,i,k] x[b,i,k] + c[j] + s\ng[b] = Σ_j h[b,j] + Σ_j W[j,0,0]"
    start = einsumgrad.parse(text).init(seed=0, J=50, I=20, K=30)
    assert np.std(start["W"]) == pytest.approx(1 / np.sqrt(20 * 30), rel=0.02)
    assert abs(np.mean(start["W"])) < 0.001
    assert not start["c"].any()
    assert start["s"] == 0
