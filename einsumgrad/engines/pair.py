"""Contractions of two arrays as (batched) matrix products."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from einsumgrad.engines.layout import seen
from einsumgrad.plan.nodes import Guard, Operand, Pair, Register

Array = npt.NDArray[Any]
Run = Callable[[list[Any], Mapping[str, Array]], Any]
CHUNK = 2**22
"""Entries of the whole space that a guard looks at in one piece."""


def pair(made: Pair, registers: tuple[Register, ...]) -> Run:
    """The product, summed over the axes that both operands have and the result has not."""
    left, right = made.left, made.right
    lengths = _lengths((left, right), registers)
    both = [k for k in made.out if k in left.layout and k in right.layout]
    summed = [k for k in left.layout if k not in made.out]
    rows = [k for k in made.out if k not in right.layout]
    columns = [k for k in made.out if k not in left.layout]
    shape = tuple(lengths[k] for k in made.out)
    b, m, n, s = (math.prod(lengths[k] for k in part) for part in (both, rows, columns, summed))
    first = _matrix(left, [*both, *rows, *summed], (b, m, s) if both else (m, s))
    second = _matrix(right, [*both, *summed, *columns], (b, s, n) if both else (s, n))
    i, j = left.register, right.register
    if both and not rows and not columns:
        return lambda r, _a: np.einsum("bms,bsn->b", first(r[i]), second(r[j])).reshape(shape)
    return lambda r, _a: np.matmul(first(r[i]), second(r[j])).reshape(shape)


def _lengths(operands: tuple[Operand, ...], registers: tuple[Register, ...]) -> dict[int, int]:
    found: dict[int, int] = {}
    for operand in operands:
        found.update(zip(operand.layout, registers[operand.register].shape, strict=True))
    return found


def _matrix(operand: Operand, axes: list[int], shape: tuple[int, ...]) -> Callable[[Array], Array]:
    """The operand as a (stack of) matrix; a plain transpose stays a view for BLAS."""
    order = tuple(operand.layout.index(k) for k in axes)
    if order == tuple(range(len(order))):
        return lambda a: a.reshape(shape)
    return lambda a: a.transpose(order).reshape(shape)


def guard(made: Guard, register: Register) -> Run:
    """A masked contraction looked at again, entry by entry, if it is not finite."""
    looks = [(a.register, seen(a.layout, made.rank)) for a in made.args]
    mask, kept = made.mask.register, seen(made.mask.layout, made.rank)
    over = tuple(k for k in range(made.rank) if k not in made.out)
    left = [k for k in range(made.rank) if k in made.out]
    order = tuple(left.index(k) for k in made.out)
    lengths = dict(zip(made.out, register.shape, strict=True))

    def run(registers: list[Any], _arrays: Mapping[str, Array]) -> Any:
        result = registers[made.result]
        if np.isfinite(result).all():
            return result
        masked = np.asarray(kept(registers[mask]))
        views = [np.asarray(look(registers[r])) for r, look in looks]
        return _whole(views, masked, over, tuple(lengths[k] for k in left)).transpose(order)

    return run


def _whole(views: list[Array], mask: Array, over: tuple[int, ...], shape: tuple[int, ...]) -> Array:
    """Σ over the whole space of the product where the mask holds, in pieces of its first axis."""
    parts = [np.asarray(a).reshape((1,) * (_rank(views, mask) - a.ndim) + a.shape) for a in views]
    mask = mask.reshape((1,) * (_rank(views, mask) - mask.ndim) + mask.shape)
    space = np.broadcast_shapes(mask.shape, *(a.shape for a in parts))
    if not space:
        return _masked(parts, mask, over)
    rows = max(1, CHUNK // max(1, math.prod(space[1:])))
    found = []
    for start in range(0, space[0], rows):
        cut = [a if a.shape[0] == 1 else a[start : start + rows] for a in parts]
        some = mask if mask.shape[0] == 1 else mask[start : start + rows]
        found.append(_masked(cut, some, over))
    if not found:
        return np.zeros(shape)
    result: Array = sum(found[1:], found[0]) if 0 in over else np.concatenate(found, axis=0)
    return result


def _rank(views: list[Array], mask: Array) -> int:
    return max(mask.ndim, *(a.ndim for a in views))


def _masked(parts: list[Array], mask: Array, over: tuple[int, ...]) -> Array:
    product = parts[0]
    for part in parts[1:]:
        product = product * part
    result: Array = np.sum(np.where(mask, product, 0), axis=over)
    return result
