"""Products of matrices of our own: right for all sizes and all ways to lie in memory."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from itertools import product
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("llvmlite")

from einsumgrad.fused.blocks import DEEP, Product
from einsumgrad.fused.entry import NAME
from einsumgrad.fused.products import multiplied
from einsumgrad.fused.registers import AVX2, AVX512
from einsumgrad.fused.text import KINDS, Memory
from einsumgrad.fused.walks import Axis, Piece, panels, shares
from tests.kernels import llvm, parsed, target

Array = npt.NDArray[Any]


def cut(axis: Axis) -> tuple[Axis, ...]:
    """Two axes for one while its length is even."""
    if axis.size % 2:
        return (axis,)
    outer = Axis(2, tuple(axis.size // 2 * step for step in axis.steps))
    return outer, *cut(Axis(axis.size // 2, axis.steps))


def run(
    first: Array, second: Array, out: Array, *, apart: bool, wide: bool, room: bool = True
) -> None:
    """`out = first @ second` over a stack, by our own function; `apart`: with several axes of rows
    and of terms; `wide`: for large registers, whether this processor has them or not; `room`: where
    it is worth it, the first matrix is copied."""
    stack = tuple(
        Axis(n, (first.strides[k], second.strides[k], out.strides[k]))
        for k, n in enumerate(out.shape[:-2])
    )
    rows = (Axis(out.shape[-2], (first.strides[-2], 0, out.strides[-2])),)
    columns = Axis(out.shape[-1], (0, second.strides[-1], out.strides[-1]))
    summed = (Axis(first.shape[-1], (first.strides[-1], second.strides[-2], 0)),)
    if apart:
        rows, summed = cut(*rows), cut(*summed)
    kind = KINDS[str(out.dtype)]
    made = Product(kind, stack, rows, columns, summed, AVX512 if wide else AVX2)
    arrays = [first, second, out]
    if room and made.packed:
        arrays.append(np.empty(prod(made.room), np.uint8))
    memories = [Memory(f"%p{k}", a.strides, kind) for k, a in enumerate(arrays)]
    written = multiplied(made, memories)
    text = written.text.replace(NAME, "@product")
    for k in range(written.hints):
        text = text.replace(f", !llvm.loop !LOOP{k}#", "")
    module, machine = parsed(text), target(plain=False)
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    table = np.array([a.ctypes.data for a in arrays], np.int64)
    called = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
    called(engine.get_function_address("product"))(table.ctypes.data)


def lying(rng: np.random.Generator, shape: tuple[int, ...], order: str, dtype: str) -> Array:
    """Whole numbers, so that every sum is exact; the last two axes exchanged, or with gaps."""
    wide = tuple(2 * n for n in shape) if order == "gaps" else shape
    made = rng.integers(-4, 5, wide).astype(dtype)
    if order == "turned":
        return np.ascontiguousarray(made.swapaxes(-1, -2)).swapaxes(-1, -2)
    return made[tuple(slice(n) for n in shape)]


def agrees(sizes: tuple[int, int, int], stack: tuple[int, ...], orders: str, dtype: str) -> None:
    rng = np.random.default_rng(0)
    rows, columns, summed = sizes
    first, second = orders.split()
    a = lying(rng, (*stack, rows, summed), first, dtype)
    b = lying(rng, (*stack, summed, columns), second, dtype)
    around = np.full((*stack, rows + 1, columns + 3), 7, dtype)
    out = around[..., :rows, :columns]
    for apart, wide, room in product((False, True), repeat=3):
        out[:] = 7
        run(a, b, out, apart=apart, wide=wide, room=room)
        assert np.array_equal(out, a @ b)
    around[..., :rows, :columns] = 7
    assert np.all(around == 7), "it has written outside"


ORDERS = [f"{a} {b}" for a in ("plain", "turned", "gaps") for b in ("plain", "turned", "gaps")]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("orders", ORDERS)
def test_all_ways_to_lie(orders: str, dtype: str) -> None:
    agrees((14, 37, 20), (), orders, dtype)
    agrees((30, 83, 41), (), orders, dtype)


def test_rows_that_are_in_each_others_way_in_the_cache_are_copied() -> None:
    agrees((37, 100, 1024), (), "plain plain", "float32")
    agrees((70, 50, 512), (2,), "plain turned", "float64")
    agrees((600, 100, 30), (), "turned plain", "float32")
    agrees((1031, 150, 270), (), "turned turned", "float32")  # tiles of two heights, side by side
    agrees((550, 60, 9), (2,), "turned plain", "float64")


@pytest.mark.parametrize(
    "sizes",
    [
        (1, 1, 1),
        (7, 8, 1),
        (5, 100, 3),
        (AVX512.high + 7, 33, DEEP + 5),
        (2 * AVX2.high, 130, 2 * DEEP),
        (4000, 40, 6),
        (13, 20, 3 * DEEP),
    ],
)
def test_sizes_around_those_of_the_caches(sizes: tuple[int, int, int]) -> None:
    agrees(sizes, (), "plain plain", "float32")
    agrees(sizes, (), "turned turned", "float64")


@settings(deadline=None, max_examples=60)
@given(
    st.tuples(*[st.integers(1, 40)] * 3), st.lists(st.integers(1, 3), max_size=2),
    st.sampled_from(ORDERS), st.sampled_from(["float32", "float64"]),
)  # fmt: skip
def test_any_sizes(sizes: tuple[int, int, int], stack: list[int], orders: str, dtype: str) -> None:
    agrees(sizes, tuple(stack), orders, dtype)


def covered(pieces: Iterable[Piece]) -> list[int]:
    return [
        start + k * length + place
        for start, length, count in pieces
        for k in range(count)
        for place in range(length)
    ]


@given(st.integers(1, 500), st.integers(1, 20), st.sampled_from([4, 8, 16]))
def test_pieces_cover_a_length(size: int, most: int, lanes: int) -> None:
    assert covered(shares(size, most)) == list(range(size))
    cut = list(panels(size, lanes, most))
    assert covered(cut) == list(range(size))
    assert all(length % lanes == 0 or start + length == size for start, length, _ in cut)
    assert max(length for _, length, _ in cut) <= most * lanes
