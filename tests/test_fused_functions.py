"""The functions that the fused engine inlines: right to a few ulp, right at the edges, vectors."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from einsumgrad.engines import functions as numpys
from einsumgrad.fused.functions import FUNCTIONS, KINDS, POWERS, definitions, power_by, types
from einsumgrad.fused.ranks import highest, lowest
from tests.kernels import DTYPES, Array, Kernel, compiled, parsed

WIDER = {"float": np.float64, "double": np.longdouble}
EXTENDED = np.finfo(np.longdouble).eps < np.finfo(np.float64).eps
BOUNDS = {
    "exp": 1.1, "log": 1.1, "log1p": 1.5, "expm1": 1.8, "tanh": 1.7, "sigmoid": 2.5, "silu": 3.0,
    "softplus": 2.0, "erf": 1.8, "gelu": 8.5, "sin": 2.2, "cos": 2.2, "tan": 3.5, "sqrt": 0.5,
    "reciprocal": 0.5, "square": 0.5,
}  # fmt: skip
"""ulp, a little above the largest that was seen; for gelu in its tail, where -5 < x < -1."""
FLUSHED = {"sigmoid", "silu", "softplus", "gelu"}
"""These may be 0 where their value is nearly denormal."""
SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 1e3, -1e3, 1e30, -1e30, 1e-30, math.inf, -math.inf,
           math.nan)  # fmt: skip
UNARY = sorted(
    n for n, f in FUNCTIONS.items()
    if f.takes == "x" and f.gives != "r" and not n.startswith("power")
)  # fmt: skip
BINARY = sorted(n for n, f in FUNCTIONS.items() if f.takes == "xx")
kinds = pytest.mark.parametrize("kind", KINDS)
plainly = pytest.mark.parametrize("plain", [False, True], ids=["host", "plain"])


@cache
def kernel(name: str, kind: str, *, plain: bool = False) -> Kernel:
    return compiled(name, kind, plain=plain)


def each(f: Callable[[float], float], x: Array) -> Array:
    return np.array([f(float(v)) for v in x], x.dtype)


def erfc(y: Array) -> Array:
    """By math.erfc, and to first order by what a double of y leaves."""
    near = y.astype(np.float64)
    slope = -2 / np.sqrt(y.dtype.type(math.pi)) * np.exp(-y * y)
    lost = np.where(np.abs(y) < 30, y - near, 0)
    return each(math.erfc, near.astype(y.dtype)) + lost * slope


REFERENCES: dict[str, Callable[[Array], Array]] = {
    "erf": lambda x: each(math.erf, x),
    "twice cdf": lambda x: erfc(-x * np.sqrt(x.dtype.type(0.5))),
    "gelu": lambda x: x / 2 * erfc(-x * np.sqrt(x.dtype.type(0.5))),
}


def reference(name: str, x: Array) -> Array:
    return REFERENCES.get(name, numpys.FUNCTIONS[name])(x)


def samples(name: str, dtype: Any) -> Array:
    rng = np.random.default_rng(0)
    wide = 40.0 if name in REFERENCES else 800.0
    parts = [np.linspace(-a, a, 4001) for a in (1e-3, 1.0, 5.0, wide)]
    whole = np.dtype(f"u{np.dtype(dtype).itemsize}")
    bits = rng.integers(0, np.iinfo(whole).max, 4000, dtype=whole).view(dtype)
    around = rng.normal(size=4000) * np.exp(rng.normal(size=4000))
    x = np.concatenate([*parts, around, np.exp2(np.arange(-140, 127))]).astype(dtype)
    x = np.concatenate([x, bits, np.asarray(SPECIAL, dtype)])
    return np.abs(x) if name in {"log", "sqrt"} else x


def ulps(got: Array, true: Array, least: float) -> Array:
    """The error in units of the last place of the true value, of `least` where that is smaller."""
    rounded = np.abs(true).astype(got.dtype)
    unit = np.spacing(np.maximum(rounded, np.asarray(least, got.dtype))).astype(true.dtype)
    error: Array = np.abs(got.astype(true.dtype) - true) / unit
    same = (got == true.astype(got.dtype)) | (np.isnan(got) & np.isnan(true))
    return np.where(same, 0, np.where(np.isnan(error), np.inf, error))


@kinds
@plainly
@pytest.mark.parametrize("name", BOUNDS)
def test_is_right_to_a_few_ulp(name: str, kind: str, plain: bool) -> None:
    x = samples(name, DTYPES[kind])
    with np.errstate(all="ignore"):
        true = reference(name, x.astype(WIDER[kind]))
        tiny = float(np.finfo(DTYPES[kind]).tiny)
        found = kernel(name, kind, plain=plain)(x)
        error = ulps(found, true, tiny)
        small = np.abs(true) < 1024 * tiny
    if name in FLUSHED:
        assert np.all(np.abs(found[small]) <= 1025 * tiny)
        error[small] = 0
    slack = 1.0 if kind == "double" and (name in REFERENCES or not EXTENDED) else 0.0
    worst = int(np.argmax(error))
    assert error[worst] <= BOUNDS[name] + slack, f"{name}({x[worst]!r}) = {found[worst]!r}"


@kinds
def test_the_distribution_loses_what_its_square_loses(kind: str) -> None:
    """The rounding of x² costs exp(-x²/2) up to x²/2 ulp, and three operations follow."""
    x = np.linspace(-9, 9, 20001, dtype=DTYPES[kind])
    true = reference("twice cdf", x.astype(WIDER[kind]))
    error = ulps(kernel("twice cdf", kind)(x), true, 1e-30)
    assert np.all(error <= 4 + np.square(x))


@kinds
def test_gelu_is_closer_where_it_is_not_small(kind: str) -> None:
    x = np.linspace(-1, 6, 7001, dtype=DTYPES[kind])
    true = reference("gelu", x.astype(WIDER[kind]))
    assert ulps(kernel("gelu", kind)(x), true, 1e-30).max() <= 4.5


@kinds
@plainly
@pytest.mark.parametrize("name", UNARY)
def test_one_argument_at_the_edges(name: str, kind: str, plain: bool) -> None:
    x = np.asarray(SPECIAL if name != "not" else (0, 1), DTYPES[types(name, kind)[0][0]])
    x = x[~(x > 0)] if name == "exp below" else x
    with np.errstate(all="ignore"):
        agree(kernel(name, kind, plain=plain)(x), numpys.FUNCTIONS[name](x), kind)


@kinds
@pytest.mark.parametrize("name", [*BINARY, "and", "or", "select", "not"])
def test_more_arguments_at_the_edges(name: str, kind: str) -> None:
    takes = types(name, kind)[0]
    choices = [(0, 1) if t == "i1" else SPECIAL for t in takes]
    columns = zip(*product(*choices), strict=True)
    args = [np.array(c, DTYPES[t]) for c, t in zip(columns, takes, strict=True)]
    masks = [a.astype(bool) if t == "i1" else a for a, t in zip(args, takes, strict=True)]
    with np.errstate(all="ignore"):
        known = numpys.FUNCTIONS[name.removeprefix("fold ")]
        agree(kernel(name, kind)(*args), known(*masks), kind)


def agree(found: Array, true: Array, kind: str) -> None:
    """Zeros may differ in sign."""
    near = 2e-6 if kind == "float" else 1e-14
    tiny = 64 * float(np.finfo(DTYPES[kind]).tiny)
    np.testing.assert_allclose(found, true, rtol=near, atol=tiny)
    assert (found.dtype == bool) == (np.asarray(true).dtype == bool)


@kinds
@pytest.mark.parametrize("name", ["expm1", "log1p", "tanh", "erf", "sqrt", "gelu", "silu"])
def test_the_sign_of_zero_stays(name: str, kind: str) -> None:
    assert np.signbit(kernel(name, kind)(np.array([0.0, -0.0], DTYPES[kind]))).tolist() == [0, 1]


@kinds
@pytest.mark.parametrize("exponent", POWERS)
def test_constant_powers(exponent: float, kind: str) -> None:
    """Not of -∞, whose root is NaN in one version of NumPy and ∞ in another."""
    name = power_by(exponent)
    assert name is not None
    dtype = DTYPES[kind]
    x = np.concatenate([SPECIAL, np.geomspace(1e-8, 1e8, 2000), -np.geomspace(1e-8, 1e8, 99)])
    x = x[~np.isneginf(x)].astype(dtype)
    with np.errstate(all="ignore"):
        true = np.power(x.astype(WIDER[kind]), WIDER[kind](exponent))
        found = kernel(name, kind)(x)
        error = ulps(found, true, 256 * float(np.finfo(dtype).tiny))
    worst = int(np.argmax(error))
    assert error[worst] <= 2.5, f"{x[worst]!r} to {exponent} is not {found[worst]!r}"


def test_other_powers_have_no_function() -> None:
    assert power_by(1 / 3) is None
    assert power_by(5) is None


@pytest.mark.parametrize("name", ["min", "max", "fold min", "fold max", "relu", "sign", "exp"])
def test_nan_stays(name: str) -> None:
    nan, one = np.full(40, np.nan, np.float32), np.ones(40, np.float32)
    pair = len(FUNCTIONS[name].takes) == 2
    for args in ((nan, one), (one, nan)) if pair else ((nan,),):
        assert np.isnan(kernel(name, "float")(*args)).all()


@kinds
def test_ranks_are_in_the_order_of_numbers(kind: str) -> None:
    dtype = DTYPES[kind]
    tiny, large = np.finfo(dtype).smallest_subnormal, np.finfo(dtype).max
    x = np.array([-np.inf, -large, -2, -1, -tiny, -0.0, 0.0, tiny, 1, 2, large, np.inf], dtype)
    ranks = kernel("rank", kind)(x)
    assert np.all(ranks[1:] > ranks[:-1])
    assert kernel("ranked", kind)(ranks).tobytes() == x.tobytes()
    assert (ranks[0], ranks[-1]) == (lowest(kind), highest(kind))
    nan = np.array([np.nan, -np.nan], dtype)
    for name in ("rank", "low rank"):
        assert np.array_equal(kernel(name, kind)(x), ranks)
        of_nan = kernel(name, kind)(nan)
        assert np.isnan(kernel("ranked", kind)(of_nan)).all()
        assert (of_nan > ranks[-1]).all() if name == "rank" else (of_nan < ranks[0]).all()


@kinds
def test_large_angles_are_reduced_by_libm(kind: str) -> None:
    """In a vector of which only one lane is large, too."""
    x = np.linspace(-3, 3, 64, dtype=DTYPES[kind])
    x[[3, 20, 63]] = 1e10, -7e20, 1e30
    for name in ("sin", "cos", "tan"):
        agree(kernel(name, kind)(x), numpys.FUNCTIONS[name](x.astype(np.longdouble)), kind)


@kinds
@pytest.mark.parametrize("name", [n for n in FUNCTIONS if n not in {"power", "power 1", "stop"}])
def test_loops_become_vectors(name: str, kind: str) -> None:
    """Not one is left to scalars but for the general power; what changes nothing is a copy."""
    takes, gives = types(name, kind)
    text = kernel(name, kind).text
    type_ = next((t for t in (*takes, gives) if t != "i1"), "i8")
    lanes = [int(n) for n in re.findall(rf"<(\d+) x {type_}>", text)]
    assert max(lanes, default=0) >= (2 if type_ == "double" else 4)
    assert not re.search(rf"call {type_} @(llvm|eg_(?!checked))", text.split("vector.body")[1])


def test_every_function_of_the_other_engine_is_there() -> None:
    assert set(numpys.FUNCTIONS) <= set(FUNCTIONS)


def test_definitions_are_one_module_without_repetition() -> None:
    everything = [(name, kind) for name in FUNCTIONS for kind in KINDS]
    text = definitions([*everything, *everything])
    assert definitions(everything) == text
    parsed(text)
    assert definitions([]).strip() == ""
