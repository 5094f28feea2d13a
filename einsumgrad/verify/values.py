"""Which values of a leaf mean something: those of gathered positions, and of counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from einsumgrad.ir import nodes as ir
from einsumgrad.ir.walk import accesses, walk

Array = npt.NDArray[Any]
Sizes = Mapping[str, int]
Shapes = Mapping[str, tuple[int, ...]]
LABELS = 3
"""How many values two tensors draw from that are compared with `=`."""


def holds_below(tensor: ir.Tensor, program: ir.Program, sizes: Sizes, shapes: Shapes) -> int:
    """What the values of an integer tensor have to be below: the size that it is declared to hold,
    and the length of every axis that it gathers from. `shapes`: those of the leaves."""
    axes = {t.name: t.axes for t in program.tensors}
    found = [sizes[tensor.holds.size]] if tensor.holds and tensor.holds.size in sizes else []
    for access in _accesses(program):
        for axis, at in enumerate(access.at):
            if not isinstance(at, ir.Access) or at.tensor != tensor.name:
                continue
            index = axes[access.tensor][axis]
            if access.tensor in shapes:
                found.append(shapes[access.tensor][axis])
            elif index is not None:
                found.append(sizes[index.size])
    return min(found, default=1)


@dataclass(frozen=True, slots=True)
class Count:
    """The values of a tensor that conditions compare with an index: `t < n[b]`, `y[b] = c`.

    `whole`: it is compared for equality. Else it is drawn between two whole numbers, where a small
    change of it changes nothing."""

    below: int
    whole: bool

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        if self.whole:
            return rng.integers(0, max(1, self.below), shape).astype(np.float64)
        return rng.integers(1, max(1, self.below) + 1, shape) - 0.5


def count_of(tensor: ir.Tensor, program: ir.Program, sizes: Sizes) -> Count | None:
    """How a tensor counts; None if no condition compares it with an index or another tensor."""
    found: Count | None = None
    for compare in _compared(program):
        for own, other in ((compare.left, compare.right), (compare.right, compare.left)):
            if not isinstance(own, ir.Access) or own.tensor != tensor.name:
                continue
            whole = compare.op in ("=", "!=")
            below = _below(other, sizes, whole=whole)
            if below is not None:
                least = below if found is None else min(below, found.below)
                found = Count(least, whole or (found is not None and found.whole))
    return found


def _below(other: ir.Expr, sizes: Sizes, *, whole: bool) -> int | None:
    """How many values the other side of a comparison takes; None if it is an ordinary number."""
    if any(accesses(other)):
        return LABELS if whole else None
    indices = [node.index for node in walk(other) if isinstance(node, ir.Position)]
    return max((sizes[index.size] for index in indices), default=None)


def _accesses(program: ir.Program) -> Iterator[ir.Access]:
    for statement in program.statements:
        yield statement.target
        for node in statement.nodes:
            yield from accesses(node)


def _compared(program: ir.Program) -> Iterator[ir.Compare]:
    for statement in program.statements:
        for top in statement.nodes:
            yield from (node for node in walk(top) if isinstance(node, ir.Compare))
