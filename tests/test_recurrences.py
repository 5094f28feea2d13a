"""Recurrences: their values, what leaves the loop, which circles run (LANGUAGE §7)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import oracle
import pytest

import einsumgrad
from einsumgrad.check.schedule import Loop as Turns
from einsumgrad.check.schedule import schedule
from einsumgrad.check.sizes import bind_sizes
from einsumgrad.pipeline import backward, prepared
from einsumgrad.plan.nodes import Loop, Pair, Plan
from einsumgrad.plan.plan import make_plan

Array = npt.NDArray[Any]
RNN = """\
input x[b,t,i]
h[b,t,j] = tanh(Σ_i W[j,i] x[b,t,i] + Σ_k U[j,k] h[b,t-1,k] - c[j])
loss ℓ[b] = Σ_{t,j} h[b,t,j]^2
"""
SHAPES = {"x": (3, 5, 4), "W": (6, 4), "U": (6, 6), "c": (6,)}
LAYERS = """\
index l : 3
input x[b,t,j]
h[l,b,t,j] = x[b,t,j] where l = 0
h[l,b,t,j] = tanh(Σ_k W[l,j,k] h[l-1,b,t,k] + Σ_k U[l,j,k] h[l,b,t-1,k]) where l > 0
loss ℓ[b] = Σ_{t,j} h[2,b,t,j]^2
"""


def planned(text: str, shapes: dict[str, tuple[int, ...]]) -> Plan:
    derived = prepared(backward(einsumgrad.parse(text).ir))
    sizes = bind_sizes(derived, shapes)
    dtypes = dict.fromkeys(shapes, np.dtype(np.float64))
    return make_plan(derived, sizes, shapes, dtypes, derived.outputs)


def loops(plan: Plan) -> list[Loop]:
    return [s.instruction for s in plan.steps if isinstance(s.instruction, Loop)]


def pairs(steps: tuple[Any, ...]) -> int:
    return sum(isinstance(step.instruction, Pair) for step in steps)


def drawn(shapes: dict[str, tuple[int, ...]]) -> dict[str, Array]:
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def test_values() -> None:
    arrays = drawn(SHAPES)
    x, w, u, c = arrays.values()
    h, found = np.zeros((3, 6)), []
    for t in range(5):
        h = np.tanh(x[:, t] @ w.T + h @ u.T - c)
        found.append(np.sum(h**2, axis=1))
    loss = einsumgrad.parse(RNN).run(**arrays)["ℓ"]
    np.testing.assert_allclose(loss, np.sum(found, axis=0), rtol=1e-12)


def test_what_can_leave_the_loop_leaves_it() -> None:
    """One matrix product a step each way; input projections and gradients once for all steps."""
    plan = planned(RNN, SHAPES)
    assert [pairs(loop.body) for loop in loops(plan)] == [1, 1]
    assert [loop.upward for loop in loops(plan)] == [True, False]
    assert pairs(plan.steps) == 4  # W x, and the gradients of U, W and x


@pytest.mark.sentence(7, "Everything outside the circle")
def test_operations_are_those_by_hand() -> None:
    """The plan's products: forward W x and U h, backward by U, W, x and h; each 2 B T J K."""
    batch, steps, inputs = SHAPES["x"]
    hidden = SHAPES["U"][0]
    by_hand = 2 * batch * steps * hidden * (3 * hidden + 3 * inputs)
    counted = planned(RNN, SHAPES).flops
    elementwise = counted - by_hand
    assert 0 < elementwise < 40 * batch * steps * max(hidden, inputs)


def test_layers_outside_time_inside() -> None:
    (outer,) = [x for x in schedule(einsumgrad.parse(LAYERS).ir)[0] if isinstance(x, Turns)]
    (inner,) = [item for item in outer.body if isinstance(item, Turns)]
    assert (outer.size, outer.step, inner.size, inner.step) == ("L", 1, "T", 1)


@pytest.mark.sentence(7, "Layers are recurrences")
def test_a_layer_takes_the_one_below_at_once() -> None:
    shapes = {"x": (2, 5, 4), "W": (3, 4, 4), "U": (3, 4, 4)}
    (forward, _) = loops(planned(LAYERS, shapes))
    (inner,) = [s.instruction for s in forward.body if isinstance(s.instruction, Loop)]
    assert (pairs(forward.body), pairs(inner.body)) == (1, 1)


PROGRAMS = {
    "fibonacci": "index t : 9\nf[t] = 1 where t < 2\nf[t] = f[t-1] + f[t-2] where t >= 2",
    "backwards": "h[b,t] = x[b,t] + 1/2 h[b,t+1]",
    "two steps back": "h[b,t] = x[b,t] + 1/2 h[b,t-2]",
    "a sum of earlier ones": "y[b,t] = x[b,t] + Σ_k a[k] y[b,t-k-1]\nindex k : 3",
    "two tensors": "u[b,t] = x[b,t] + v[b,t-1]\nv[b,t] = 1/2 u[b,t] + v[b,t-1] x[b,t]",
    "written after it is read": "s[b,t] = 1/2 g[b,t-1]\ng[b,t] = s[b,t] + x[b,t]",
    "added to from elsewhere": "h[b,t] = x[b,t]\nh[b,t] += 1/2 h[b,t-1]\nh[b,t] += 3 x[b,t]",
    "other names": "for b,s  h[b,s] = x[b,s]\nfor b,t  h[b,t] += 1/2 g[b,t-1]\n"
    "for b,u  g[b,u] = sin h[b,u]\nindex s, t, u : S",
    "a maximum of earlier ones": "m[b,t] max= x[b,t]\nm[b,t] max= m[b,t-1] - 1/4",
    "a product of earlier ones": "p[b,t] *= x[b,t]\np[b,t] *= p[b,t-1] + 2",
    "conditions": "h[b,t] = x[b,t] + [t > 1] h[b,t-1] where t != 3",
    "into a gathered place": "index k : 3\ninput w[b,t] : k\n"
    "h[b,t,k] = x[b,t] + 1/2 h[b,t-1,k]\nfor b,t  h[b,t,w[b,t]] += h[b,t-1,0] x[b,t]",
    "of a window": "index k : 3\nh[b,t,p] = z[b,t,p] + 1/2 Σ_k a[k] h[b,t-1,p+k-1]",
    "a transposed convolution": "index k : 3\nindex p : 4\nh[b,t,p] += z[b,t,p]\n"
    "for b,t,p,k  h[b,t,p+k] += a[k] h[b,t-1,p]",
    "both indices": "h[b,t,p] = z[b,t,p] + 1/2 h[b,t-1,p] + 1/3 h[b,t,p-1]",
    "diagonally": "h[b,t,p] = z[b,t,p] + 1/2 h[b,t-1,p+1]",
}


@pytest.mark.sentence(7, "A tensor may read itself")
@pytest.mark.parametrize("steps", [0, 1, 5])
@pytest.mark.parametrize("name", PROGRAMS)
def test_recurrences_are_what_their_loops_say(name: str, steps: int) -> None:
    program = einsumgrad.parse(PROGRAMS[name])
    rng = np.random.default_rng(1)
    leaves = {t.name for t in program.ir.tensors if t.kind != "computed"}
    every = {
        "x": rng.normal(size=(2, steps)), "z": rng.normal(size=(2, steps, 4)),
        "a": rng.normal(size=3),
        "w": rng.integers(0, 3, (2, steps)),
    }  # fmt: skip
    arrays = {key: array for key, array in every.items() if key in leaves}
    sizes = bind_sizes(program.ir, {key: array.shape for key, array in arrays.items()})
    expected = oracle.run(program.ir, arrays, sizes)
    for key, found in program.run(**arrays).items():
        np.testing.assert_allclose(found, expected[key], rtol=1e-12, err_msg=key)


def test_dtypes_stay() -> None:
    arrays = {name: array.astype(np.float32) for name, array in drawn(SHAPES).items()}
    objective, grads = einsumgrad.parse(RNN).value_and_grad(**arrays)
    assert np.isfinite(objective)
    assert {g.dtype for g in grads.values()} == {np.dtype(np.float32)}


def test_examples_kept_apart() -> None:
    """The gradients of each example, averaged, are the gradients."""
    program, arrays = einsumgrad.parse(RNN), drawn(SHAPES)
    grads = program.value_and_grad(**arrays)[1]
    apart = program.per_example().run(**arrays)
    for name in ("W", "U", "c"):
        np.testing.assert_allclose(apart[f"{name}.grad"].mean(axis=0), grads[name], rtol=1e-10)


def test_second_derivatives() -> None:
    """A Hessian times a vector against differences of gradients."""
    program, arrays = einsumgrad.parse(RNN), drawn(SHAPES)
    direction = np.random.default_rng(2).normal(size=(6, 6))
    found = program.hvp({"U": direction}, wrt=("U",), **arrays)
    step = 1e-5
    up, down = (
        program.value_and_grad(**{**arrays, "U": arrays["U"] + s * direction}, wrt=("U",))[1]["U"]
        for s in (step, -step)
    )
    product = found["U"] if isinstance(found, dict) else found[1]["U"]
    np.testing.assert_allclose(product, (up - down) / (2 * step), rtol=1e-6, atol=1e-7)


def test_arguments_are_never_changed() -> None:
    arrays = drawn(SHAPES)
    before = {name: array.copy() for name, array in arrays.items()}
    einsumgrad.parse(RNN).value_and_grad(**arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, before[name])
