"""Reading and writing at index arrays, checked before use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from einsumgrad.diagnostics import EinError
from einsumgrad.engines.layout import seen
from einsumgrad.engines.windows import UFUNCS
from einsumgrad.plan.entries import Entry
from einsumgrad.plan.faults import OutOfRange
from einsumgrad.plan.nodes import Gather, Scatter
from einsumgrad.plan.operands import At, Operand, Register
from einsumgrad.record import record
from einsumgrad.syntax.names import base_name

Array = npt.NDArray[Any]
Run = Callable[[list[Any], Mapping[str, Array]], Any]


@record
class Places:
    """How the axes of a tensor lie in an instruction's space.

    `fixed`: a basic index that takes the constants. Of the axes that are left, `slices` are whole
    axes with a space axis of their own, `listed` are read at index arrays over the space axes
    `outer`."""

    fixed: tuple[Any, ...]
    slices: tuple[tuple[int, int], ...]
    listed: tuple[tuple[int, At], ...]
    outer: tuple[int, ...]
    lengths: tuple[int, ...]


def places(at: tuple[At, ...], lengths: tuple[int, ...]) -> Places:
    operands = [a for a in at if isinstance(a.place, Operand)]
    own = [a.place.layout[0] for a in operands if _plain(a) and isinstance(a.place, Operand)]
    touched = {
        k
        for a in operands
        if not _plain(a) and isinstance(a.place, Operand)
        for k in a.place.layout
    }
    slices, listed = [], []
    fixed: list[int | slice] = []
    axis = 0
    for a in at:
        if isinstance(a.place, int):
            fixed.append(a.place)
            continue
        k = a.place.layout[0] if _plain(a) else -1
        if _plain(a) and k not in touched and own.count(k) == 1:
            slices.append((axis, k))
        else:
            listed.append((axis, a))
            touched |= set(a.place.layout)
        fixed.append(slice(None))
        axis += 1
    kept = tuple(n for a, n in zip(at, lengths, strict=True) if isinstance(a.place, Operand))
    return Places(tuple(fixed), tuple(slices), tuple(listed), tuple(sorted(touched)), kept)


def _plain(a: At) -> bool:
    return isinstance(a.place, Operand) and a.place.register < 0


def gather(made: Gather, registers: tuple[Register, ...]) -> Run:
    """Entries of a register, over the space of the instruction."""
    where = places(made.at, registers[made.source].shape)
    order, straight = _back(where, made.rank), tuple(range(made.rank))
    front = (*(axis for axis, _ in where.listed), *(axis for axis, _ in where.slices))
    index = indices(where, made.mask, made.rank, made.tensor)

    def run(registers_: list[Any], _arrays: Mapping[str, Array]) -> Any:
        source = np.asarray(registers_[made.source])[where.fixed].transpose(front)
        found = source[index(registers_)]
        return found if order == straight else found.transpose(order)

    return run


def _back(where: Places, rank: int) -> tuple[int, ...]:
    """Transposition of (outer axes, slices) into the order of the space."""
    axes = (*where.outer, *(k for _, k in where.slices))
    return tuple(axes.index(k) for k in range(rank))


def indices(
    where: Places, mask: Operand | None, rank: int, tensor: str
) -> Callable[[list[Any]], tuple[Array, ...]]:
    """How the registers give the index arrays over the outer axes, each inside its range."""
    each = [_index(where, axis, at, mask, rank, tensor) for axis, at in where.listed]
    return lambda registers: tuple(index(registers) for index in each)


def _index(
    where: Places, axis: int, at: At, mask: Operand | None, rank: int, tensor: str
) -> Callable[[list[Any]], Array]:
    assert isinstance(at.place, Operand)
    look = seen(tuple(where.outer.index(k) for k in at.place.layout), len(where.outer))
    length, place, register = where.lengths[axis], at.place, at.place.register
    if register < 0:
        every = look(np.arange(length))
        return lambda _registers: every
    looked = None if mask is None else _seen_register(mask, rank)

    def run(registers: list[Any]) -> Array:
        values = np.asarray(registers[register])
        outside = values.view(np.uint64) >= length  # one comparison: what is below 0 is far above
        if np.count_nonzero(outside):
            kept = None if looked is None else np.asarray(looked(registers))
            bad = _looked_at(outside, kept, place, rank)
            if np.any(bad):
                raise EinError(_refused(values, bad, at, tensor, length, registers))
            values = np.where(outside, 0, values)
        return look(values)

    return run


def _seen_register(operand: Operand, rank: int) -> Callable[[list[Any]], Any]:
    look = seen(operand.layout, rank)
    return lambda registers: look(registers[operand.register])


def _looked_at(outside: Array, kept: Array | None, place: Operand, rank: int) -> Array:
    """Of the values outside those that something looks at."""
    if kept is None:
        return outside
    spread = seen(place.layout, rank)(outside) & kept
    drop = tuple(k for k in range(rank) if k not in place.layout and k >= rank - spread.ndim)
    some: Array = np.any(spread, axis=tuple(k - (rank - spread.ndim) for k in drop))
    return some.transpose(np.argsort(np.argsort(place.layout))) if some.ndim else some


def _refused(
    values: Array, bad: Array, at: At, tensor: str, length: int, registers: list[Any]
) -> OutOfRange:
    """The first of the bad values, by the entry that holds it."""
    assert isinstance(at.place, Operand)
    place = tuple(int(k) for k in np.argwhere(bad)[0])
    spot = dict(zip(at.place.layout, place, strict=True))
    named = at.entry or Entry("the position", ())
    return OutOfRange(
        span=named.span,
        name=named.tensor,
        position=named.position(spot, registers),
        value=int(values[place]),
        axis=tensor if tensor.startswith("index ") else f"that axis of `{base_name(tensor)}`",
        allowed=f"0..{length - 1}" if length else "none",
    )


def scatter(made: Scatter, registers: tuple[Register, ...]) -> Run:
    """A copy of a register with values put at places that may repeat."""
    where, dtype = places(made.at, registers[made.into].shape), registers[made.into].dtype
    look = seen(made.value.layout, made.rank)
    front = (*(axis for axis, _ in where.listed), *(axis for axis, _ in where.slices))
    axes = (*where.outer, *(k for _, k in where.slices))
    index = indices(where, made.mask, made.rank, made.tensor)

    def run(registers_: list[Any], _arrays: Mapping[str, Array]) -> Any:
        result = np.array(registers_[made.into], dtype)
        value = np.asarray(look(registers_[made.value.register])).transpose(axes)
        target = result[(*where.fixed, ...)].transpose(front)
        put_rows(target, index(registers_), value, UFUNCS[made.function])
        return result

    return run


def put_rows(target: Array, index: tuple[Array, ...], value: Array, put: np.ufunc) -> None:
    """`target[index] += value` (or another function), repeated places put together: rows sorted by
    place, reduced by runs."""
    if not index:
        put(target, value, out=target)
        return
    outer = np.broadcast_shapes(*(i.shape for i in index))
    rest = target.shape[len(index) :]
    lengths = target.shape[: len(index)]
    flat = np.zeros(outer, np.int64)
    for part, length in zip(index, lengths, strict=True):
        flat = flat * length + part
    rows = np.broadcast_to(value, outer + rest).reshape((flat.size, *rest))
    if not rows.size:
        return
    order = np.argsort(flat.ravel(), kind="stable")
    ordered = flat.ravel()[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    together = np.add if put is np.subtract else put
    found = together.reduceat(rows[order], starts, axis=0)
    places = np.unravel_index(ordered[starts], lengths)
    target[places] = put(target[places], found)
