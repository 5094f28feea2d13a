"""Gathers that read one entry of each row."""

from __future__ import annotations

from einsumgrad.plan.nodes import Gather
from einsumgrad.plan.operands import Operand


def row(made: Gather) -> tuple[int, Operand, list[tuple[int, int]]] | None:
    """The axis that is gathered from, the index, which runs over the whole space, and the other
    axes with theirs in the space; None if there is more to it."""
    if made.mask is not None:
        return None
    gathered: list[tuple[int, Operand]] = []
    rest: list[tuple[int, int]] = []
    for axis, at in enumerate(made.at):
        if not isinstance(at.place, Operand):
            return None
        if at.place.register >= 0:
            gathered.append((axis, at.place))
        else:
            rest.append((axis, at.place.layout[0]))
    if len(gathered) != 1 or len({k for _, k in rest}) < len(rest):
        return None
    ((axis, index),) = gathered
    return (axis, index, rest) if sorted(index.layout) == list(range(made.rank)) else None
