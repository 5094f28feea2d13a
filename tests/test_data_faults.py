"""Goldens of what is wrong with data, and of commands that are used wrongly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Golden

import einsumgrad
from einsumgrad.diagnostics import EinError
from einsumgrad.syntax.parse import decode
from einsumgrad.train.training import Options

GOLDENS = Path(__file__).parent / "cases" / "faults"
DEEP = "".join(f" x{k}[b,i{k}]" for k in range(40))

LINEAR = """\
input x[b,i], y[b]
param w[i], c

f[b] = Σ_i w[i] x[b,i] + c
loss ℓ[b] = (y[b] - f[b])^2
"""
CLASSES = """\
index k : 3
input x[b,i], y[b] : k
param W[k,i]
P[b,k] = softmax_k (Σ_i W[k,i] x[b,i])
loss ℓ[b] = -log P[b, y[b]]
"""
SUM = "for b,i,j  h[b,j] += W[j,i] x[b,i]\n"
x, w, W = np.ones((4, 3)), np.ones(3), np.ones((3, 2))
y, labels = np.zeros(4), np.zeros(4, int)

Call = Callable[[einsumgrad.Program], object]
CASES: dict[str, tuple[str, Call]] = {
    "missing": (LINEAR, lambda p: p.run(x=x, w=w)),
    "missing_by_another_name": (LINEAR, lambda p: p.run(x=x, y=y, w=w, C=1.0)),
    "missing_cotangent": (SUM, lambda p: p.derive().run(x=x, W=np.ones((2, 3)))),
    "extra": (LINEAR, lambda p: p.run(x=x, y=y, w=w, c=0.0, bias=1.0)),
    "extra_misspelt": (LINEAR, lambda p: p.run(x=x, y=y, w=w, c=0.0, xs=x)),
    "computed": (LINEAR, lambda p: p.run(x=x, y=y, w=w, c=0.0, f=y)),
    "given_twice": ("h[b] = ŷ[b] w", lambda p: p.run(ŷ=y, y_hat=y, w=1.0)),
    "rank_one_too_many": (LINEAR, lambda p: p.run(x=x, y=y, w=np.ones((3, 1)), c=0.0)),
    "rank_of_scalar": (LINEAR, lambda p: p.run(x=x, y=y, w=w, c=np.ones(1))),
    "complex_numbers": (LINEAR, lambda p: p.run(x=x, y=y, w=w + 0j, c=0.0)),
    "text": (LINEAR, lambda p: p.run(x=x, y=["a", "b", "c", "d"], w=w, c=0.0)),
    "ragged": (LINEAR, lambda p: p.run(x=[[1.0, 2.0], [3.0]], y=y, w=w, c=0.0)),
    "objects": (LINEAR, lambda p: p.run(x=x, y=np.array([None] * 4), w=w, c=0.0)),
    "float_labels": (CLASSES, lambda p: p.run(x=x, y=y, W=W)),
    "declaration_against_array": (CLASSES, lambda p: p.run(x=x, y=labels, W=np.ones((4, 3)))),
    "array_against_array": (LINEAR, lambda p: p.run(x=x, y=y, w=np.ones(5), c=0.0)),
    "batch_against_batch": (LINEAR, lambda p: p.run(x=x, y=np.zeros(5), w=w, c=0.0)),
    "one_is_a_size_like_any_other": (LINEAR, lambda p: p.run(x=x, y=np.zeros(1), w=w, c=0.0)),
    "two_sizes_at_once": (LINEAR, lambda p: p.run(x=x, y=np.zeros(5), w=np.ones(2), c=0.0)),
    "never_in_range": (
        "y[b,p] += x[b,p+k-1] w[k]",
        lambda p: p.run(x=x, w=w),
    ),
    "axis_that_only_gathers_write": (
        "for b,i  h[to[i]] += x[b,i]",
        lambda p: p.run(x=x, to=np.array([0, 1, 0])),
    ),
    "an_entry_defined_twice": (
        "input z[b,p,q]\ny[b,p+q] = z[b,p,q]",
        lambda p: p.run(z=np.ones((2, 3, 3))),
    ),
    "pieces_that_meet_on_these_data": (
        "input x[b,i], n[b] : i\nf[b,i] = x[b,i] where i <= n[b]\nf[b,i] = 1 where i >= n[b]",
        lambda p: p.run(x=x, n=np.array([0, 1, 2, 0])),
    ),
    "one_range_two_names": (
        "index b, b' : B\nfor b,b',k  s[b,b'] += f[b,k] g[b',k]",
        lambda p: p.run(f=np.ones((4, 2)), g=np.ones((5, 2))),
    ),
    "several_at_once": (LINEAR, lambda p: p.run(x=w, z=w, w=w + 0j)),
    "gather_above": (CLASSES, lambda p: p.run(x=x, y=np.array([0, 2, 3, 1]), W=np.ones((3, 3)))),
    "gather_below": (CLASSES, lambda p: p.run(x=x, y=np.array([0, 2, -1, 1]), W=np.ones((3, 3)))),
    "gather_in_gradient": (
        "for b,t,k  h[b,k] += E[w[b,t],k]",
        lambda p: p.vjp({"h": x}, E=np.ones((5, 3)), w=np.full((4, 2), 5)),
    ),
    "no_size": ("index k : K\nh[b] = Σ_k k x[b]", lambda p: p.run(x=y)),
    "no_size_for_start": (LINEAR, lambda p: p.init()),
    "no_start": ("param w[i] ~ normal(sqrt(3 - I))\nh[b] = Σ_i w[i] x[b,i]", lambda p: p.init(I=4)),
    "no_noise": ("noise ε[b] ~ uniform(0, 3 - B)\nh[b] = ε[b] x[b]", lambda p: p.run(x=y)),
    "integers_as_parameters": (LINEAR, lambda p: p.init(dtype="int32", I=3)),
    "dtype_of_no_kind": (LINEAR, lambda p: p.init(dtype="number", I=3)),
    "memory_in_words": (LINEAR, lambda p: p.run(memory="much", x=x, y=y, w=w, c=0.0)),
    "memory_below_zero": (LINEAR, lambda p: p.hessian(memory=-1, x=x, y=y, w=w, c=0.0)),
    "by_a_number": (LINEAR, lambda p: p.derive(3)),
    "by_a_list_of_lists": (LINEAR, lambda p: p.derive((["W"],))),
    "bytes_as_a_program": (SUM, lambda _: einsumgrad.parse(b"h[b] = x[b]")),
    "no_such_size": (LINEAR, lambda p: p.init(I=3, N=4)),
    "negative_size": (LINEAR, lambda p: p.init(I=-3)),
    "size_against_declaration": (CLASSES, lambda p: p.init(I=3, K=4)),
    "no_loss": (SUM, lambda p: p.value_and_grad(x=x, W=np.ones((2, 3)))),
    "by_integers": (CLASSES, lambda p: p.derive("y")),
    "by_computed": (LINEAR, lambda p: p.derive("f")),
    "by_unknown": (LINEAR, lambda p: p.derive("v")),
    "by_misspelt": ("h[b] = weight x[b]", lambda p: p.derive("wieght")),
    "by_constant": ("const M[i]\nh[b] = Σ_i M[i] x[b,i]", lambda p: p.derive("M")),
    "cotangent_of_input": (SUM, lambda p: p.vjp({"x": x}, x=x, W=np.ones((2, 3)))),
    "no_cotangent": (SUM, lambda p: p.vjp({}, x=x, W=np.ones((2, 3)))),
    "cotangent_of_other_shape": (SUM, lambda p: p.vjp({"h": x}, x=x, W=np.ones((2, 3)))),
    "tangent_of_unknown": (LINEAR, lambda p: p.jvp({"W": w}, x=x, y=y, w=w, c=0.0)),
    "tangent_of_computed": (LINEAR, lambda p: p.jvp({"f": y}, x=x, y=y, w=w, c=0.0)),
    "tangent_of_integers": (CLASSES, lambda p: p.jvp({"y": y}, x=x, y=labels, W=np.ones((3, 3)))),
    "tangent_of_other_shape": (LINEAR, lambda p: p.jvp({"w": x, "c": w}, x=x, y=y, w=w, c=0.0)),
    "tangent_of_text": (LINEAR, lambda p: p.jvp({"c": "one"}, x=x, y=y, w=w, c=0.0)),
    "tangent_given_twice": ("h[b] = ŷ[b] w", lambda p: p.jvp({"ŷ": y, "y_hat": y}, ŷ=y, w=1.0)),
    "tangent_without_its_array": (LINEAR, lambda p: p.jvp({"w": w}, x=x, y=y, c=0.0)),
    "no_tangent": (LINEAR, lambda p: p.jvp({}, x=x, y=y, w=w, c=0.0)),
    "no_vector": (LINEAR, lambda p: p.hvp({}, x=x, y=y, w=w, c=0.0)),
    "vector_of_other_shape": (LINEAR, lambda p: p.hvp({"w": 1.0}, x=x, y=y, w=w, c=0.0)),
    "vectors_without_loss": (SUM, lambda p: p.hvp({"x": x}, x=x, W=np.ones((2, 3)))),
    "hessian_without_loss": (SUM, lambda p: p.hessian(x=x, W=np.ones((2, 3)))),
    "hessian_too_large": (LINEAR, lambda p: p.hessian(x=x, y=y, w=w, c=0.0, memory=100)),
    "memory": (SUM, lambda p: p.run(x=np.ones((1000, 3)), W=np.ones((1000, 3)), memory=10**6)),
    "memory_of_huge_index": (
        "index i : 10^18\nh[b,i] = i x[b]\ns[b] = Σ_i h[b,i]",
        lambda p: p.run(x=y, memory=2**30),
    ),
    "forty_indices": (
        f"y[b] = Σ_{{{','.join(f'i{k}' for k in range(40))}}}{DEEP}",
        lambda p: p.run(**{f"x{k}": np.ones((2, 2)) for k in range(40)}),
    ),
    "axis_without_length": ("h[b,k] = E[w[b],k]", lambda p: p.init(K=3)),
    "examples_mixed": ("m = 1/B Σ_b w x[b]\nloss ℓ[b] = (x[b] - m)^2", lambda p: p.per_example()),
    "derivative_too_long": (
        "p[b] = " + " ".join(f"x{k}[b]" for k in range(3000)),
        lambda p: p.derive(),
    ),
    "training_options": (
        LINEAR,
        lambda _: Options(batch=0, epochs=-1, lr=float("nan"), seed=-1, dtype="int8"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_data(name: str, golden: Golden) -> None:
    text, call = CASES[name]
    program = einsumgrad.parse(text, filename=f"{name}.ein")
    with pytest.raises(EinError) as raised:
        call(program)
    golden(GOLDENS / f"{name}.err", f"{raised.value}\n")


BYTES: dict[str, bytes] = {
    "latin": "loss ℓ[b] = x[b]\n".encode() + "# für\n".encode("latin-1"),
    "utf_16": "h[b] = x[b]\n".encode("utf-16"),
    "binary": bytes(range(128, 256)),
}


@pytest.mark.parametrize("name", BYTES)
def test_bytes(name: str, golden: Golden) -> None:
    with pytest.raises(EinError) as raised:
        decode(BYTES[name], f"{name}.ein")
    golden(GOLDENS / f"{name}.err", f"{raised.value}\n")
