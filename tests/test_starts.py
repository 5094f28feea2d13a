"""Parameters as training starts them (LANGUAGE §4), for sizes from names or arrays."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import einsumgrad
from einsumgrad import EinError, parse
from einsumgrad.check import constants
from einsumgrad.engines import functions as engine
from einsumgrad.ir import functions

EXAMPLES = Path(__file__).parent.parent / "examples"


def spread(text: str, name: str, **sizes: Any) -> float:
    """The standard deviation that a large parameter starts with."""
    return float(np.std(parse(text).init(**sizes)[name]))


@pytest.mark.sentence(4, "Without `~` or `=`, a parameter")
@pytest.mark.parametrize(
    ("text", "fan_in"),
    [
        ("for b,i,j  h[b,j] += W[j,i] x[b,i]", 200),
        ("h[b,j] = σ(Σ_i W[j,i] x[b,i] + c[j])", 200),
        ("h[b,i] = Σ_j W[j,i] x[b,j]", 100),
        ("h[b] = Σ_{i,j} W[j,i] x[b,i] y[b,j]", 20_000),
        ("h[b,i,j] = W[j,i] x[b,i]", 1),
        ("h[b,j] = Σ_i softmax_j(W[j,i]) x[b,i]", 200),
        ("h[b,j] = Σ_i W[j,i] x[b,i]\ng[b] = Σ_{i,j} W[j,i] h[b,j] x[b,i]", 200),
        ("input w[b] : j\nh[b,i] = W[w[b],i]", 1),
        ("h[b,j] = mean_i W[j,i] x[b,i]", 200),
        ("m[j] = logsumexp_i W[j,i]\nh[b] = Σ_j m[j] x[b,j]", 200),
    ],
)  # fmt: skip
def test_parameters_start_by_their_fan_in(text: str, fan_in: int) -> None:
    assert spread(text, "W", I=200, J=100, B=1) == pytest.approx(1 / math.sqrt(fan_in), rel=0.03)


@pytest.mark.sentence(4, "index i : 784, j : 256")
def test_declared_starts() -> None:
    program = parse(
        "index i : 400, j : 100\n"
        "param U[i,j] ~ uniform(-1, 3), V[i,j] ~ normal(1/sqrt(I)), N[i,j] ~ normal, c[i] = 2\n"
        "param d[i], e = 1/I, s, f[i,j] ~ bernoulli(1/4)\n"
        "y[b] = Σ_{i,j} U[i,j] V[i,j] N[i,j] c[i] d[i] e s f[i,j] x[b]"
    )
    found = program.init(seed=3)
    assert -1 <= found["U"].min() < -0.99
    assert 2.99 < found["U"].max() < 3
    assert np.std(found["V"]) == pytest.approx(0.05, rel=0.03)
    assert np.std(found["N"]) == pytest.approx(1, rel=0.03)
    assert set(found["c"]) == {2}
    assert set(found["d"]) == {0}
    assert (found["e"], found["s"]) == (1 / 400, 0)
    assert np.mean(found["f"]) == pytest.approx(0.25, abs=0.02)
    assert set(np.unique(found["f"])) == {0, 1}


def test_starts_are_drawn_by_the_seed_in_the_dtype_asked_for() -> None:
    program = einsumgrad.load(EXAMPLES / "mlp.ein")
    one, same, other = (program.init(seed, I=4) for seed in (1, 1, 2))
    assert list(one) == ["W⁰", "b⁰", "W¹", "b¹"]
    assert all(np.array_equal(one[name], same[name]) for name in one)
    assert not np.array_equal(one["W⁰"], other["W⁰"])
    narrow = program.init(1, dtype="float32", I=4)
    assert {a.dtype for a in narrow.values()} == {np.dtype(np.float32)}
    assert np.array_equal(narrow["W⁰"], one["W⁰"].astype(np.float32))


def test_sizes_come_by_name_or_from_arrays() -> None:
    program = parse("index head : 2\nh[b,head,ŷ] = Σ_i W[head,ŷ,i] x[b,i]")
    expected = (2, 3, 4)
    for sizes in (
        {"I": 4, "Ŷ": 3}, {"x": np.ones((1, 4)), "Ŷ": 3}, {"I": 4, "y_hat": np.int64(3)},
        {"W": np.ones(expected)}, {"I": 4, "Ŷ": 3, "head": 2}, {"I": 4, "Ŷ": 3, "|head|": 2},
    ):  # fmt: skip
        assert program.init(**sizes)["W"].shape == expected, sizes


def test_numbers_of_starts_are_those_of_a_run() -> None:
    """The check has the functions of single numbers, the engine those of arrays."""
    assert constants.FUNCTIONS.keys() == functions.FUNCTIONS.keys()
    for name, function in constants.FUNCTIONS.items():
        for x in (-1.7, -0.3, 0.0, 0.4, 2.5):
            args = (x, 0.2)[: functions.FUNCTIONS[name].arity]
            with np.errstate(all="ignore"):
                expected = float(engine.FUNCTIONS[name](*map(np.float64, args)))
            if math.isfinite(expected):
                assert function(*args) == pytest.approx(expected, rel=1e-14), (name, x)


def test_an_axis_without_an_index_is_as_long_as_it_is_read() -> None:
    program = parse("q[b,t,d] = Σ_e W[8t+d,e] x[b,t,e]")
    assert program.init(T=4, D=3, E=2)["W"].shape == (8 * 3 + 2 + 1, 2)
    assert program.init(T=4, D=3, W=np.ones((40, 2)))["W"].shape == (40, 2)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"I": 4}, "nothing gives the size `Ŷ`"), ({"I": 4, "Ŷ": -1}, "cannot be -1"),
        ({"I": 4, "Ŷ": 2.5}, "cannot be 2.5"), ({"I": 4, "Ŷ": True}, "cannot be True"),
        ({"I": 4, "Ŷ": 3, "Q": 1}, "no input or parameter `Q`"),
        ({"x": np.ones((1, 4)), "I": 5, "Ŷ": 3}, "sizes disagree"),
        ({"x": np.ones(4), "Ŷ": 3}, "has the shape [4]"),
        ({"I": 10**9, "Ŷ": 10**9}, "`W` needs"),
    ],
)  # fmt: skip
def test_sizes_that_are_none(sizes: dict[str, Any], message: str) -> None:
    program = parse("h[b,ŷ] = Σ_i W[ŷ,i] x[b,i]")
    with pytest.raises(EinError) as error:
        program.init(**sizes)
    assert message in str(error.value)
