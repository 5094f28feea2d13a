"""Results have the dtype of the inputs; layout, byte order and empty axes do not matter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from running import everything, finite

import einsumgrad
from einsumgrad.verify.verify import verify

Array = npt.NDArray[Any]
EXAMPLES = Path(__file__).parent.parent / "examples"
F32 = np.float32

MLP = einsumgrad.load(EXAMPLES / "mlp.ein")


def mlp_arrays(dtype: str, x: str | None = None) -> dict[str, Array]:
    rng = np.random.default_rng(0)
    arrays = MLP.init(I=5)
    arrays["x"] = rng.normal(size=(4, 5))
    cast = {name: array.astype(dtype) for name, array in arrays.items()}
    cast["x"] = arrays["x"].astype(x or dtype)
    return {**cast, "y": np.array([0, 3, 9, 1])}


def mlp_results(arrays: Mapping[str, Array]) -> dict[str, Array]:
    _, gradients = MLP.value_and_grad(**arrays, wrt=("x", *MLP.params))
    return {**MLP.run(**arrays), **{f"{name}.grad": a for name, a in gradients.items()}}


@pytest.mark.sentence(9, "The result's dtype follows")
@pytest.mark.parametrize(
    ("params", "x", "expected"),
    [
        ("float32", None, "float32"), ("float64", None, "float64"), ("float16", None, "float16"),
        ("longdouble", None, "longdouble"), ("float32", "float64", "float64"),
        ("float16", "float32", "float32"), (">f4", None, "float32"), (">f8", None, "float64"),
        (">f4", "float16", "float32"), ("float16", ">f8", "float64"),
    ],
)  # fmt: skip
def test_results_have_the_dtype_that_numpy_promotes_to(
    params: str, x: str | None, expected: str
) -> None:
    found = mlp_results(mlp_arrays(params, x))
    assert {a.dtype for a in found.values()} == {np.dtype(expected)}
    assert all(a.dtype.isnative for a in found.values())
    reference = mlp_results(mlp_arrays("float64"))
    tolerance = {"float16": 0.1, "float32": 1e-4}.get(np.dtype(expected).name, 1e-12)
    if {"float16", ">f4", "float32"} & {params, x}:
        tolerance = max(tolerance, 0.1 if "float16" in (params, x) else 1e-4)
    for name, array in found.items():
        scale = tolerance * float(np.max(np.abs(reference[name])))
        np.testing.assert_allclose(array.astype(float), reference[name], tolerance, scale)


EVERY_FUNCTION = (
    "y[b] = exp x[b] + log x[b] + log1p x[b] + expm1 x[b] + sqrt x[b] + abs x[b] + sign x[b]"
    " + sin x[b] + cos x[b] + tan x[b] + tanh x[b] + σ(x[b]) + relu x[b] + leaky_relu(x[b], 0.1)"
    " + softplus x[b] + gelu x[b] + silu x[b] + erf x[b] + floor x[b] + min(x[b], 1.5)"
    " + max(x[b], 0) + stop(x[b]) + x[b]^3 + x[b]^0.5 + 2^x[b] + 1/x[b] + x[b] / 3 + π x[b]"
    " + B x[b] + b x[b] + [x[b] > 1] x[b] + 1/3"
)
REDUCTIONS = (
    "index k : 2\ny[b] = Σ_k x[b,k] + mean_k x[b,k] + Π_k x[b,k] + max_k x[b,k] + min_k x[b,k]"
    " + logsumexp_k(x[b,k]) + Σ_k k softmax_k(x[b,k]) + Σ_k log_softmax_k(x[b,k])"
    " + argmax_k(x[b,k]) + argmin_k(x[b,k])"
)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_no_function_widens(dtype: Any) -> None:
    for text, shape in ((EVERY_FUNCTION, (3,)), (REDUCTIONS, (3, 2))):
        outputs, gradients = everything(text, ("x",), x=np.full(shape, 1.25, dtype))
        assert {outputs["y"].dtype, gradients["x"].dtype} == {np.dtype(dtype)}
        finite(outputs, gradients)


LINEAR = "loss ℓ[b] = Σ_i w[i] x[b,i] + c"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"w": [1.0, 2.0], "x": np.ones((2, 2), F32), "c": 1.0}, "float32"),
        ({"w": (1.0, 2.0), "x": np.ones((2, 2), np.float16), "c": 2}, "float16"),
        ({"w": np.array([1, 2]), "x": np.ones((2, 2), F32), "c": np.int8(3)}, "float32"),
        ({"w": np.array([True, False]), "x": np.ones((2, 2), F32), "c": 3}, "float32"),
        ({"w": np.array([1, 2]), "x": np.ones((2, 2), np.uint8), "c": np.int8(3)}, "float64"),
        ({"w": [1, 2], "x": [[1, 2]], "c": 3}, "float64"),
        ({"w": [1, 2], "x": [[1, 2]], "c": np.float32(3)}, "float32"),
    ],
)
def test_integers_numbers_and_lists_are_weak(given: dict[str, Any], expected: str) -> None:
    outputs, gradients = everything(LINEAR, ("w", "x", "c"), **given)
    every = (*outputs.values(), *gradients.values())
    assert {a.dtype for a in every} == {np.dtype(expected)}
    assert gradients["c"] == 1
    x = np.asarray(given["x"], float)
    np.testing.assert_allclose(gradients["w"], x.mean(axis=0))
    np.testing.assert_allclose(outputs["ℓ"], x @ np.asarray(given["w"], float) + float(given["c"]))


def test_numpy_scalars_are_strong() -> None:
    outputs, _ = everything(LINEAR, ("w",), w=[1.0, 2.0], x=np.ones((2, 2), F32), c=np.float64(3))
    assert outputs["ℓ"].dtype == np.float64


def test_integer_outputs_stay_integers() -> None:
    found = einsumgrad.parse("y[b] = argmax_k x[b,k]").run(x=np.eye(3, dtype=F32))
    assert found["y"].dtype == np.int64
    assert found["y"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("value", ["y[b] = 2 B", "y[b] -= B * 2", "y[b] += b", "y[b] max= b - 1"])
def test_whole_numbers_are_integers_however_they_are_put(value: str) -> None:
    for engine in ("numpy", "fused"):
        program = einsumgrad.parse(f"index b : 3\nz = η η\n{value}", engine=engine)
        found = program.run(η=np.float32(0.5))
        assert (found["y"].dtype, found["z"].dtype) == (np.int64, np.float32)


def layouts(array: Array) -> Iterator[Array]:
    """The same entries, laid out otherwise."""
    yield np.array(array, order="F")
    wide = np.full(tuple(2 * n for n in array.shape), np.nan if array.dtype.kind == "f" else 0)
    wide = wide.astype(array.dtype)
    wide[tuple(slice(None, None, 2) for _ in array.shape)] = array
    yield wide[tuple(slice(None, None, 2) for _ in array.shape)]
    yield np.flip(np.flip(array).copy())
    fixed = np.array(array)
    fixed.flags.writeable = False
    yield fixed
    yield array.astype(array.dtype.newbyteorder(">"))
    yield array[None][0]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.ein")), ids=lambda p: p.stem)
def test_layout_and_byte_order_do_not_matter(path: Path) -> None:
    program = einsumgrad.load(path)
    setting = verify(program.ir).setting
    names = {t.name for t in program.ir.tensors if t.kind != "computed"}
    arrays = {name: a for name, a in setting.arrays.items() if name in names}
    outer = dict(setting.cotangents)

    def gradients(given: Mapping[str, Array]) -> dict[str, Array]:
        if program.loss:
            return program.value_and_grad(**given)[1]
        return program.vjp(outer, **given)

    expected = gradients(arrays)
    for kind in range(6):
        given = {name: list(layouts(a))[kind] for name, a in arrays.items()}
        for name, gradient in gradients(given).items():
            np.testing.assert_allclose(gradient, expected[name], 1e-12, 1e-14, err_msg=name)


def test_zero_size_arrays() -> None:
    program = einsumgrad.parse("h[b,j] = σ(Σ_i W[j,i] x[b,i])\nloss ℓ[b] = Σ_j h[b,j]^2")
    for b, i, j in ((0, 2, 3), (2, 0, 3), (2, 3, 0), (0, 0, 0)):
        arrays = {"W": np.ones((j, i), F32), "x": np.ones((b, i), F32)}
        assert program.run(**arrays)["ℓ"].shape == (b,)
        value, found = program.value_and_grad(**arrays, wrt=("W", "x"))
        assert found["W"].shape == (j, i)
        assert found["x"].shape == (b, i)
        assert not np.any(np.isnan(found["W"])), (b, i, j)
        assert np.isnan(value) == (b == 0)
    scattered = einsumgrad.parse("for b,k  h[b,k] += E[w[b],k]")
    none = {"E": np.ones((0, 2)), "w": np.zeros(0, int)}
    assert scattered.run(**none)["h"].shape == (0, 2)
    assert scattered.vjp({"h": np.ones((0, 2))}, **none)["E"].shape == (0, 2)


def test_scalars_run() -> None:
    program = einsumgrad.parse("batch none\nloss ℓ = (a - 2)^2 + c")
    assert program.value_and_grad(a=5.0, c=np.float64(1)) == (10.0, {"a": 6.0, "c": 1.0})
