"""Affine positions as views: nothing is gathered, and large windows are taken apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import einsumgrad
from einsumgrad.check.sizes import bind_sizes
from einsumgrad.engines.numpy import compile_plan
from einsumgrad.pipeline import backward, prepared
from einsumgrad.plan.nodes import Gather, Pair, Plan, Scatter, Window
from einsumgrad.plan.plan import make_plan

Array = npt.NDArray[Any]
CONVOLUTION = """\
input x[b,r,s,c]
param w[k,l,c,o]
y[b,p,q,o] = Σ_{k,l,c} x[b,p+k,q+l,c] w[k,l,c,o]
loss ℓ[b] = Σ_{p,q,o} y[b,p,q,o]^2
"""
STRIDED = CONVOLUTION.replace("p+k", "2p+k-1").replace("q+l", "2q+l-1") + "index p : 4, q : 3\n"
TRANSPOSED = """\
input x[b,p,q,c]
param w[k,l,c,o]
y[b,2p+k,2q+l,o] += x[b,p,q,c] w[k,l,c,o]
loss ℓ[b] = Σ_{r,s,o} y[b,r,s,o]^2
"""
HEADS = """\
index d : 2
input x[b,t,i]
q[b,h,t,d] = x[b,t,D h + d]
for b,t,h,d  o[b,t,D h + d] += q[b,h,t,d] s[h]
loss ℓ[b] = Σ_{t,i} o[b,t,i]^2
"""
SHAPES = {
    CONVOLUTION: {"x": (2, 7, 6, 3), "w": (3, 2, 3, 4)},
    STRIDED: {"x": (2, 7, 6, 3), "w": (3, 2, 3, 4)},
    TRANSPOSED: {"x": (2, 4, 3, 3), "w": (3, 2, 3, 4)},
    HEADS: {"x": (2, 3, 6), "s": (3,)},
}


def planned(text: str, entries: int = 2**24) -> Plan:
    derived = prepared(backward(einsumgrad.parse(text).ir))
    sizes = bind_sizes(derived, SHAPES[text])
    dtypes = dict.fromkeys(SHAPES[text], np.dtype(np.float64))
    return make_plan(derived, sizes, SHAPES[text], dtypes, derived.outputs, entries=entries)


def arrays(text: str) -> dict[str, Array]:
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=shape) for name, shape in SHAPES[text].items()}


def count(plan: Plan, kind: type) -> int:
    return sum(isinstance(step.instruction, kind) for step in plan.steps)


@pytest.mark.parametrize("text", SHAPES)
def test_nothing_is_gathered(text: str) -> None:
    plan = planned(text)
    assert count(plan, Gather) == count(plan, Scatter) == 0
    assert count(plan, Window) > 0


@pytest.mark.parametrize("text", [CONVOLUTION, STRIDED, TRANSPOSED])
def test_a_large_window_is_taken_apart(text: str) -> None:
    """A product for each of the kernel's 3 × 2 offsets; the numbers stay the same."""
    whole, apart = planned(text), planned(text, entries=10)
    assert count(apart, Pair) >= count(whole, Pair) + 5
    expected = compile_plan(whole).run(arrays(text))
    found = compile_plan(apart).run(arrays(text))
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-12, err_msg=name)


def test_taken_apart_it_needs_less_room() -> None:
    text = CONVOLUTION
    largest = max(planned(text).registers, key=lambda register: register.size)
    assert largest.size > 2 * 7 * 6 * 3
    assert planned(text, entries=10).peak_bytes < planned(text).peak_bytes


def test_heads_are_split_without_a_copy() -> None:
    """`x[b,t,D h + d]` is x in another shape."""
    x = np.arange(36.0).reshape(2, 3, 6)
    found = einsumgrad.parse("index d : 2\ninput x[b,t,i]\nq[b,h,t,d] = x[b,t,D h + d]").run(x=x)
    np.testing.assert_array_equal(found["q"], x.reshape(2, 3, 3, 2).transpose(0, 2, 1, 3))


@pytest.mark.parametrize("engine", ["numpy", "fused"])
def test_a_window_along_a_diagonal_has_no_order_of_axes(engine: str) -> None:
    """Two axes of x walk along t, none along k."""
    text = """\
index b : 4
input x[t,k,i]
s[k,b,t] = max(argmax_i x[t,k,i], logsumexp_i(x[t,t+1,k-k])) where k = 1
"""
    x = np.random.default_rng(1).normal(size=(3, 2, 1))
    found = einsumgrad.parse(text, engine=engine).run(x=x)["s"]
    inside = np.maximum(0, [x[0, 1, 0], -np.inf, -np.inf])
    np.testing.assert_allclose(found[1], np.broadcast_to(inside, (4, 3)))
    assert inside[0] > 0
    assert np.all(found[0] == 0)
