"""Contractions: opt_einsum's order for a product summed over some of its indices."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from einsumgrad.ir.nodes import Index
from einsumgrad.plan.builder import Builder, Value
from einsumgrad.plan.nodes import Guard, Pair

if TYPE_CHECKING:
    from opt_einsum.paths import DynamicProgramming

OPTIMAL, EXACT = 6, 12
"""Up to so many operands all orders are tried, or searched by dynamic programming; beyond it a
good order is found."""


def contract(
    builder: Builder, values: list[Value], out: tuple[Index, ...], mask: Value | None
) -> Value:
    """The product of the values, summed over every axis that is not in `out`. `mask` drops
    entries, as if the product were 0 there whatever its factors are."""
    dtype, weak = builder.common(tuple(values))
    alias = builder.trace.alias
    factors = [alias(builder.cast(v, dtype, weak=weak), v) for v in values]
    if mask is None:
        return _ordered(builder, factors, out)
    kept = alias(builder.cast(mask, dtype, weak=weak), mask)
    result = _ordered(builder, [*factors, kept], out)
    space = tuple(dict.fromkeys(i for v in (*factors, mask) for i in v.axes))
    guard = Guard(
        result.register,
        tuple(builder.operand(v, space) for v in factors),
        builder.operand(mask, space),
        tuple(space.index(i) for i in result.axes),
        len(space),
    )
    register = builder.registers[result.register]
    made = builder.emit(guard, register.shape, dtype, weak=weak, space=builder.shape(space))
    return Value(made, result.axes)


def _ordered(builder: Builder, values: list[Value], out: tuple[Index, ...]) -> Value:
    """Pairwise contractions in the order of least work."""
    values = _together(builder, values)
    for step in _path(builder, values, out):
        taken = [values[k] for k in step]
        values = [v for k, v in enumerate(values) if k not in step]
        needed = {*out, *(i for v in values for i in v.axes)}
        result = _presummed(builder, taken[0], _others(taken, 0, needed))
        for k, right in enumerate(taken[1:], 1):
            rest = needed | {i for v in taken[k + 1 :] for i in v.axes}
            result = _pair(builder, result, _presummed(builder, right, rest | {*result.axes}), rest)
        values.append(result)
    (result,) = values
    return _presummed(builder, result, set(out))


def _together(builder: Builder, values: list[Value]) -> list[Value]:
    """Values over the same axes multiplied entry by entry: no order of contractions does less."""
    groups: dict[frozenset[Index], Value] = {}
    for value in values:
        axes = frozenset(value.axes)
        held = groups.get(axes)
        groups[axes] = value if held is None else _product(builder, held, value)
    return list(groups.values())


def _others(taken: list[Value], place: int, needed: set[Index]) -> set[Index]:
    return needed | {i for k, v in enumerate(taken) for i in v.axes if k != place}


def _path(builder: Builder, values: list[Value], out: tuple[Index, ...]) -> list[tuple[int, ...]]:
    if len(values) == 1:
        return []
    if len(values) == 2:
        return [(0, 1)]
    number = next((k for k, value in enumerate(values) if not value.axes), None)
    if number is not None and len(values) == 3:
        return _with_number(builder, values, out, number)
    import opt_einsum

    symbols: dict[Index, str] = {}
    for value in values:
        for index in value.axes:
            symbols.setdefault(index, opt_einsum.get_symbol(len(symbols)))
    left = ",".join("".join(symbols[i] for i in v.axes) for v in values)
    right = "".join(symbols[i] for i in out if i in symbols)
    shapes = [tuple(max(1, n) for n in builder.shape(v.axes)) for v in values]
    path, _ = opt_einsum.contract_path(
        f"{left}->{right}", *shapes, shapes=True, optimize=_search(len(values))
    )
    return [tuple(step) for step in path]


def _with_number(
    builder: Builder, values: list[Value], out: tuple[Index, ...], number: int
) -> list[tuple[int, ...]]:
    """Two values, and a number that is multiplied where there are the fewest entries."""
    left, right = (k for k in range(3) if k != number)
    entries = [math.prod(builder.shape(values[k].axes)) for k in (left, right)]
    if math.prod(builder.shape(out)) < min(entries):
        return [(left, right), (0, 1)]
    fewer = left if entries[0] <= entries[1] else right
    return [(number, fewer) if number < fewer else (fewer, number), (0, 1)]


def _search(operands: int) -> str | DynamicProgramming:
    if operands <= OPTIMAL:
        return "optimal"
    from opt_einsum.paths import DynamicProgramming

    outer = DynamicProgramming(minimize="flops", search_outer=True)
    return outer if operands <= EXACT else "auto"


def _presummed(builder: Builder, value: Value, needed: set[Index]) -> Value:
    """An axis that only one operand has is summed before anything is multiplied."""
    over = tuple(i for i in value.axes if i not in needed)
    return builder.trace.alias(builder.fold("sum", value, over, None), value) if over else value


def _product(builder: Builder, left: Value, right: Value) -> Value:
    return builder.trace.pair(left, right, builder.map("multiply", left, right))


def _pair(builder: Builder, left: Value, right: Value, needed: set[Index]) -> Value:
    summed = [i for i in left.axes if i in right.axes and i not in needed]
    if not summed:
        return _product(builder, left, right)
    space = tuple(dict.fromkeys((*left.axes, *right.axes)))
    both = [i for i in left.axes if i in right.axes and i in needed]
    out = (
        *both,
        *(i for i in left.axes if i not in right.axes),
        *(i for i in right.axes if i not in left.axes),
    )
    made = Pair(
        builder.operand(left, space), builder.operand(right, space),
        tuple(space.index(i) for i in out),
    )  # fmt: skip
    register = builder.registers[left.register]
    shape = builder.shape(out)
    result = Value(builder.emit(made, shape, register.dtype, weak=register.weak), out)
    return builder.trace.pair(left, right, result)
