"""Arrays that declarations start: parameters before training, constants, noise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from einsumgrad.check.constants import number, start_fault
from einsumgrad.check.sizes import axis_sizes
from einsumgrad.diagnostics import EinError
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.nodes import children
from einsumgrad.ir.walk import accesses, free_indices

Array = npt.NDArray[Any]
Sizes = Mapping[str, int]


def start(tensor: ir.Tensor, program: ir.Program, sizes: Sizes, rng: np.random.Generator) -> Array:
    """The array that a tensor starts with, in float64. A parameter without a start of its own:
    normal with 1/√(fan-in) if it has two or more indices, else 0 (LANGUAGE §4).

    Raises EinError for a start that the sizes leave without values."""
    wrong = start_fault(tensor.start, sizes, tensor.span)
    if wrong is not None:
        raise EinError(wrong)
    shape = shape_of(tensor, sizes)
    match tensor.start:
        case ir.Draw(distribution, args):
            return draw(distribution, [number(arg, sizes) for arg in args], shape, rng)
        case None if len(shape) >= 2:
            return rng.normal(0, 1 / math.sqrt(max(1, fan_in(tensor, program, sizes))), shape)
        case None:
            return np.zeros(shape)
        case value:
            return np.full(shape, number(value, sizes))


def shape_of(tensor: ir.Tensor, sizes: Sizes) -> tuple[int, ...]:
    """The shape by the sizes of the tensor's axes."""
    return tuple(sizes[size] for size in axis_sizes(tensor))


def draw(
    distribution: str, args: list[float], shape: tuple[int, ...], rng: np.random.Generator
) -> Array:
    """Entries of `normal(sd)`, `uniform` or `uniform(low, high)`, `bernoulli(p)`."""
    match distribution, args:
        case "normal", _:
            return rng.normal(0, args[0] if args else 1, shape)
        case "uniform", [low, high]:
            return rng.uniform(low, high, shape)
        case "uniform", _:
            return rng.uniform(size=shape)
        case _:
            return (rng.uniform(size=shape) < args[0]).astype(np.float64)


def fan_in(tensor: ir.Tensor, program: ir.Program, sizes: Sizes) -> int:
    """The product of the sizes of the indices that the tensor's first use sums over."""
    for statement in program.statements:
        for access in statement.reads:
            if access.tensor == tensor.name:
                kept = {i for at in statement.target.at for i in free_indices(at)}
                plain = [at.index for at in access.at if isinstance(at, ir.Position)]
                local = _unsummed(statement.value, access)
                summed = [i for i in plain if i not in kept and i not in local]
                return math.prod(sizes[i.size] for i in summed)
    return 1


def _unsummed(node: ir.Expr, access: ir.Access) -> set[ir.Index]:
    """Indices that an operator around the access keeps (softmax): they are not summed."""
    found: set[ir.Index] = set()
    parts: list[Any] = [node]
    while parts:
        part = parts.pop()
        if isinstance(part, ir.Normalise) and any(a == access for a in accesses(part.body)):
            found.add(part.index)
        parts += children(part)
    return found


def lacking(program: ir.Program, given: Mapping[str, Array]) -> tuple[ir.Tensor, ...]:
    """The constants and noise that have a start and are not given."""
    return tuple(
        t
        for t in program.tensors
        if t.kind in ("const", "noise") and t.start is not None and t.name not in given
    )


def fill(
    program: ir.Program, arrays: Mapping[str, Array], sizes: Sizes, seed: int, dtype: str
) -> dict[str, Array]:
    """The arrays with constants and noise for those leaves that have a start and no array.

    Noise is drawn in the order of its declarations from one generator of the seed."""
    rng = np.random.default_rng(seed)
    drawn = {t.name: start(t, program, sizes, rng) for t in lacking(program, arrays)}
    return {**arrays, **{name: a.astype(dtype, copy=False) for name, a in drawn.items()}}
