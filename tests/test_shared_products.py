"""Products of matrices of which each core does a part."""

from __future__ import annotations

import numpy as np
import pytest
from plans import agree
from test_fused import plan_of

pytest.importorskip("llvmlite")

import einsumgrad
from einsumgrad.emit import tiled
from einsumgrad.emit.script import script
from einsumgrad.emit.tiled import divided
from einsumgrad.engines.numpy import compile_plan
from einsumgrad.fused.blocks import Product
from einsumgrad.fused.groups import fused
from einsumgrad.fused.registers import AVX2, AVX512, Registers
from einsumgrad.fused.rules import ruled
from einsumgrad.fused.walks import Axis
from einsumgrad.plan.nodes import Load
from einsumgrad.steps.workers import Workers

PROGRAMS = {
    "perceptron": (
        """
param W[j,i], V[ŷ,j]
h[b,j] = tanh(Σ_i W[j,i] x[b,i])
loss ℓ[b] = Σ_ŷ (Σ_j V[ŷ,j] h[b,j])^2
""",
        {"W": (80, 133), "V": (40, 80), "x": (45, 133)},
    ),
    "attention": (
        """
param K[d,k], Q[d,k]
a[b,s,t] = softmax_t Σ_k (Σ_d Q[d,k] x[b,s,d]) (Σ_d K[d,k] x[b,t,d])
loss ℓ[b] = Σ_{s,d} (Σ_t a[b,s,t] x[b,t,d])^2
""",
        {"K": (66, 39), "Q": (66, 39), "x": (5, 51, 66)},
    ),
    "tucker": (
        """
param G[r,p], A[i,r], C[j,p]
loss ℓ[b] = Σ_{i,j} (Σ_{r,p} G[r,p] A[i,r] C[j,p] - x[b,i,j])^2
""",
        {"G": (40, 42), "A": (68, 40), "C": (59, 42), "x": (3, 68, 59)},
    ),
}


@pytest.mark.parametrize("cores", [2, 3])
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_with_every_product_shared(
    name: str, cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiled, "MANY", 0)
    text, shapes = PROGRAMS[name]
    rng = np.random.default_rng(0)
    plan = plan_of(text, **{tensor: rng.normal(size=shape) for tensor, shape in shapes.items()})
    arrays = {
        step.instruction.tensor: rng.normal(size=plan.registers[step.register].shape)
        for step in plan.steps
        if isinstance(step.instruction, Load)
    }
    expected, made = compile_plan(plan).run(arrays), fused(ruled(plan))
    assert script(made, cores=cores).source.count("together(") > 1
    agree(made, arrays, expected, Workers(2), cores=cores)


@pytest.mark.parametrize("cores", [2, 3, 5])
@pytest.mark.parametrize("stack", [(), (4,), (9, 2)])
@pytest.mark.parametrize("rows, columns", [(70, 20), (6, 500), (1, 9)])
@pytest.mark.parametrize("registers", [AVX2, AVX512])
def test_parts_cover_a_result(
    cores: int, stack: tuple[int, ...], rows: int, columns: int, registers: Registers
) -> None:
    sizes = (*stack, rows, columns)
    steps = [4 * int(np.prod(sizes[k + 1 :])) for k in range(len(sizes))]
    axes = [Axis(n, (0, 0, step)) for n, step in zip(sizes, steps, strict=True)]
    made = Product(
        "float", tuple(axes[:-2]), (axes[-2],), axes[-1], (Axis(3, (4, 4, 0)),), registers
    )
    found = np.zeros(sizes, np.int32)
    parts = divided(made, cores)
    assert len(parts) <= cores
    for part, (_, _, start) in parts:
        every = (*part.stack, *part.rows, part.columns)
        seen = np.ndarray(
            [axis.size for axis in every], np.int32, found, start, [a.steps[2] for a in every]
        )
        seen += 1
    assert np.all(found == 1)


def test_a_program_as_large_as_its_products_are_shared_for() -> None:
    """Both matrices are copied, by each core into room of its own."""
    rng = np.random.default_rng(0)
    program = einsumgrad.parse(
        "h[b,j] = Σ_i W[j,i] x[b,i]\nloss ℓ[b] = Σ_j h[b,j]^2", engine="fused"
    )
    arrays = {"W": rng.normal(size=(96, 1024)), "x": rng.normal(size=(64, 1024))}
    expected = 2 / 64 * (arrays["x"] @ arrays["W"].T).T @ arrays["x"]
    for _ in range(3):
        _, gradients = program.value_and_grad(arrays, wrt="W")
        np.testing.assert_allclose(gradients["W"], expected, 1e-9, 1e-9)


@pytest.mark.parametrize("sizes", [(14, 13, 30), (140, 130, 300)])
def test_half_precision_has_no_tiles(sizes: tuple[int, int, int]) -> None:
    b, j, i = sizes
    rng = np.random.default_rng(0)
    arrays = {
        "W": rng.integers(0, 3, (j, i)).astype("float16"),
        "x": rng.integers(0, 3, (b, i)).astype("float16"),
    }
    text = "h[b,j] = Σ_i W[j,i] x[b,i]\nloss ℓ[b] = max_j h[b,j]"
    found = einsumgrad.parse(text, engine="fused").run(arrays)["ℓ"]
    assert found.dtype == "float16"
    assert np.array_equal(found, (arrays["x"] @ arrays["W"].T).max(1))
