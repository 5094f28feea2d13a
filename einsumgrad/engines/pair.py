"""Contractions of two arrays as (batched) matrix products."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from einsumgrad.engines.layout import seen
from einsumgrad.plan.nodes import Guard, Pair
from einsumgrad.plan.operands import Layout, Operand, Register, lengths
from einsumgrad.plan.scratch import PIECE

Array = npt.NDArray[Any]
Run = Callable[[list[Any], Mapping[str, Array]], Any]


def pair(made: Pair, registers: tuple[Register, ...]) -> Run:
    """The product, summed over the axes that both operands have and the result has not."""
    left, right = made.left, made.right
    found = lengths((left, right), registers)
    both, rows, columns, summed = made.parts
    shape = tuple(found[k] for k in made.out)
    b, m, n, s = (math.prod(found[k] for k in part) for part in (both, rows, columns, summed))
    first = _matrix(left, (*both, *rows, *summed), (b, m, s) if both else (m, s))
    second = _matrix(right, (*both, *summed, *columns), (b, s, n) if both else (s, n))
    i, j = left.register, right.register
    if both and not rows and not columns:
        return lambda r, _a: np.einsum("bms,bsn->b", first(r[i]), second(r[j])).reshape(shape)
    if shape == ((b, m, n) if both else (m, n)):
        return lambda r, _a: np.matmul(first(r[i]), second(r[j]))
    return lambda r, _a: np.matmul(first(r[i]), second(r[j])).reshape(shape)


def _matrix(operand: Operand, axes: Layout, shape: tuple[int, ...]) -> Callable[[Array], Array]:
    """The operand as a (stack of) matrix; a plain transpose stays a view for BLAS."""
    order = tuple(operand.layout.index(k) for k in axes)
    if order == tuple(range(len(order))):
        return lambda a: a.reshape(shape)
    return lambda a: a.transpose(order).reshape(shape)


def guard(made: Guard) -> Run:
    """A masked contraction looked at again, entry by entry, if it is not finite."""
    looks = [(a.register, seen(a.layout, made.rank)) for a in made.args]
    mask, kept = made.mask.register, seen(made.mask.layout, made.rank)
    over = tuple(k for k in range(made.rank) if k not in made.out)
    left = [k for k in range(made.rank) if k in made.out]
    order = tuple(left.index(k) for k in made.out)

    def run(registers: list[Any], _arrays: Mapping[str, Array]) -> Any:
        result = registers[made.result]
        if np.isfinite(result).all():
            return result
        arrays = [np.asarray(look(registers[r])) for r, look in (*looks, (mask, kept))]
        *parts, masked = (a.reshape((1,) * (made.rank - a.ndim) + a.shape) for a in arrays)
        space = np.broadcast_shapes(*(a.shape for a in (*parts, masked)))
        return _whole(parts, masked, over, space).transpose(order)

    return run


def _whole(
    parts: list[Array], mask: Array, over: tuple[int, ...], space: tuple[int, ...], axis: int = 0
) -> Array:
    """Σ over the space of the product where the mask holds, in pieces of its first axes."""
    if math.prod(space) <= PIECE or axis == len(space):
        return _masked(parts, mask, over)
    rows = max(1, PIECE // math.prod(space[axis + 1 :]))
    found: list[Array] = []
    for start in range(0, space[axis], rows):
        count = min(rows, space[axis] - start)
        some = [_cut(part, axis, start, count) for part in (*parts, mask)]
        smaller = (*space[:axis], count, *space[axis + 1 :])
        piece = _whole(some[:-1], some[-1], over, smaller, axis + 1)
        found = [found[0] + piece] if found and axis in over else [*found, piece]
    return np.concatenate(found, axis=axis - sum(k < axis for k in over)) if found[1:] else found[0]


def _cut(array: Array, axis: int, start: int, count: int) -> Array:
    if array.shape[axis] == 1:
        return array
    index = (*(slice(None),) * axis, slice(start, start + count))
    return array[index]


def _masked(parts: list[Array], mask: Array, over: tuple[int, ...]) -> Array:
    product = parts[0]
    for part in parts[1:]:
        product = product * part
    result: Array = np.sum(np.where(mask, product, 0), axis=over)
    return result
