"""Sizes and arrays for a program where nothing gives them: small, random, valid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from einsumgrad.check.sizes import axis_sizes, size_names, sizes_given
from einsumgrad.ir import nodes as ir
from einsumgrad.steps.starts import draw, start
from einsumgrad.verify.counts import count_of
from einsumgrad.verify.values import holds_below

Array = npt.NDArray[Any]
Sizes = Mapping[str, int]
Values = Literal["normal", "positive", "large"]
SMALL = (3, 2, 4, 5)
"""Sizes that nothing gives: distinct ones, so that no two axes are mistaken for each other."""
ROWS = 4
"""The length of an axis that bears no index and is only gathered from."""


def draw_sizes(
    program: ir.Program,
    given: Sizes,
    shapes: Mapping[str, tuple[int, ...]],
    lengths: Sequence[int] = SMALL,
) -> dict[str, int]:
    """Every size: as declared, as given by name or by an array's shape, else one of `lengths`.

    Raises EinError if what is given disagrees."""
    chosen = dict(given)
    least = _least(program)
    declared = {name for name, _ in program.sizes}
    names = sorted(size_names(program), key=lambda name: ("#" in name, name in declared))
    for name in names:
        known = sizes_given(program, chosen, shapes)
        if name not in known:
            number = lengths[(len(chosen) - len(given)) % len(lengths)]
            chosen[name] = max(number, least.get(name, 0))
    return sizes_given(program, chosen, shapes)


def _least(program: ir.Program) -> dict[str, int]:
    """How long axes have to be that are read at a constant."""
    axes = {tensor.name: tensor.axes for tensor in program.tensors}
    least: dict[str, int] = {}
    for access in _reads(program):
        for index, at in zip(axes[access.tensor], access.at, strict=True):
            if index is not None and (number := _constant(at)) is not None:
                least[index.size] = max(least.get(index.size, 0), number + 1)
    return least


def _reads(program: ir.Program) -> Iterator[ir.Access]:
    for statement in program.statements:
        yield from statement.reads


def _constant(at: ir.Expr) -> int | None:
    match at:
        case ir.Number(Fraction(denominator=1) as number):
            return int(number)
        case _:
            return None


def draw_arrays(
    program: ir.Program,
    given: Mapping[str, Array],
    sizes: Sizes,
    rng: np.random.Generator,
    values: Values,
) -> dict[str, Array]:
    """The given arrays and, for every other leaf, a drawn one: float64, or int64 for integers."""
    shapes = {t.name: _shape(t, sizes) for t in program.tensors if t.kind != "computed"}
    shapes |= {name: array.shape for name, array in given.items()}
    found: dict[str, Array] = {}
    for tensor in program.tensors:
        if tensor.name in given:
            found[tensor.name] = given[tensor.name]
        elif tensor.kind != "computed":
            found[tensor.name] = _drawn(tensor, program, sizes, shapes, rng, values)
    return found


def _shape(tensor: ir.Tensor, sizes: Sizes) -> tuple[int, ...]:
    return tuple(sizes.get(size, ROWS) for size in axis_sizes(tensor))


def _drawn(
    tensor: ir.Tensor,
    program: ir.Program,
    sizes: Sizes,
    shapes: Mapping[str, tuple[int, ...]],
    rng: np.random.Generator,
    values: Values,
) -> Array:
    shape = shapes[tensor.name]
    if tensor.integer:
        return rng.integers(0, max(1, holds_below(tensor, program, sizes, shapes)), shape)
    if tensor.kind in ("noise", "const") and tensor.start is not None:
        return start(tensor, program, sizes, rng)
    if (count := count_of(tensor, program, sizes)) is not None:
        return count.draw(rng, shape)
    if values != "normal":
        low, high = (0.2, 0.8) if values == "positive" else (1.5, 3.0)
        return draw("uniform", [low, high], shape, rng)
    if tensor.kind == "param" and None not in tensor.axes:
        return start(tensor, program, sizes, rng) + draw("normal", [0.3], shape, rng)
    return draw("normal", [1.0], shape, rng)
