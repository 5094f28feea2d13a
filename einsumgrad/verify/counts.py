"""Tensors that conditions compare with indices: `t < n[b]`, `2m[b]-1 <= s`, `y[b] = c`.

What is drawn for them lies where it decides something: an ordinary random number would meet no
condition, and a derivative that is 0 because nothing is left would be called right.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from einsumgrad.ir import nodes as ir
from einsumgrad.ir.affine import Line, affine, line
from einsumgrad.ir.nodes import children, walk
from einsumgrad.ir.walk import with_children
from einsumgrad.record import record
from einsumgrad.verify.values import Sizes

LABELS = 3
"""How many values two tensors draw from that are compared with `=`."""
OWN = ir.Index("·", "·")
"""Stands for the entry of the tensor in a comparison."""
EQUAL = ("=", "!=")


@record
class Count:
    """The values from `low` to `high` of a tensor that conditions compare. `whole`: they are whole
    numbers; else they lie between two, where a small change changes nothing."""

    low: int
    high: int
    whole: bool

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[Any]:
        found = rng.integers(self.low, max(self.low, self.high) + 1, shape)
        return found.astype(np.float64) + (0.0 if self.whole else 0.5)


def count_of(tensor: ir.Tensor, program: ir.Program, sizes: Sizes) -> Count | None:
    """How a tensor counts; None if no condition compares it with an index or another tensor. With
    a mere number one is compared that nothing but conditions reads."""
    found = [c for compare in _compared(program) for c in _bounds(tensor, compare, sizes)]
    ranges = [count for count, fixed in found if not fixed]
    if not ranges and any(c.whole for c, _ in found) and tensor.name in decide_only(program):
        ends = [end for count, _ in found for end in (count.low, count.high)]
        ranges = [Count(min(0, *ends), max(ends) + 1, whole=True)]
    if not ranges:
        return None
    low, high = max(c.low for c in ranges), min(c.high for c in ranges)
    return Count(low, high, any(c.whole for c in ranges))


def decide_only(program: ir.Program) -> frozenset[str]:
    """The tensors that nothing but comparisons reads: there is no derivative by them to check."""
    read, compared = set[str](), set[str]()
    for statement in program.statements:
        stack: list[tuple[ir.Node, bool]] = [(node, False) for node in statement.nodes]
        while stack:
            node, inside = stack.pop()
            inside = inside or isinstance(node, ir.Compare)
            if isinstance(node, ir.Access):
                (compared if inside else read).add(node.tensor)
            stack += [(part, inside) for part in children(node)]
    return frozenset(compared - read)


def _bounds(tensor: ir.Tensor, compare: ir.Compare, sizes: Sizes) -> Iterator[tuple[Count, bool]]:
    """The values at which a comparison decides, and whether that is at a mere number."""
    left, right = _marked(compare.left, tensor.name), _marked(compare.right, tensor.name)
    nodes = [node for side in (left, right) for node in walk(side)]
    owns = sum(node == ir.Position(OWN) for node in nodes)
    whole = compare.op in EQUAL
    if owns and (owns > 1 or any(isinstance(node, ir.Access) for node in nodes)):
        yield from [(Count(0, LABELS - 1, whole=True), False)] if whole else []
        return
    found = _difference(left, right, sizes) if owns else None
    if found is None:
        return
    factor, rest = found
    ends = sorted(Fraction(-end, factor) for end in rest.bounds(sizes))
    count = Count(math.ceil(ends[0]), math.floor(ends[1]), whole or abs(factor) != 1)
    yield count, not rest.terms


def _marked(node: ir.Node, name: str) -> ir.Expr:
    """The expression with the tensor's entries replaced by a mark."""
    if isinstance(node, ir.Access):
        return ir.Position(OWN) if node.tensor == name else node
    # Nothing but an access turns into something else.
    made = with_children(node, tuple(_marked(part, name) for part in children(node)))
    return cast("ir.Expr", made)


def _difference(left: ir.Expr, right: ir.Expr, sizes: Sizes) -> tuple[int, Line] | None:
    """Left minus right as a factor times the mark, and the rest; None if that is not affine."""
    factor, offset, terms = 0, 0, list[tuple[ir.Index, int]]()
    for side, sign in ((left, 1), (right, -1)):
        form = affine(side)
        found = None if form is None else line(form, sizes)
        if found is None:
            return None
        offset += sign * found.offset
        factor += sum(sign * by for index, by in found.terms if index == OWN)
        terms += [(index, sign * by) for index, by in found.terms if index != OWN]
    return (factor, Line(offset, tuple(terms))) if factor else None


def _compared(program: ir.Program) -> Iterator[ir.Compare]:
    for statement in program.statements:
        for top in statement.nodes:
            yield from (node for node in walk(top) if isinstance(node, ir.Compare))
