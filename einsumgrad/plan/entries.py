"""The entry that stands in an index position, for the error that names it: `w[1,0]`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from einsumgrad.diagnostics import NOWHERE, Span
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.affine import affine, line
from einsumgrad.record import record


@record
class Step:
    """A position: `offset`, so many steps along axes of the instruction's space, and along the
    variables of loops, by their registers."""

    offset: int
    steps: tuple[tuple[int, int], ...]
    moving: tuple[tuple[int, int], ...] = ()


@record
class Entry:
    """`at`: the position in each axis, where it is affine or itself an entry. Where it is read does
    not tell instructions apart."""

    tensor: str
    at: tuple[Step | Entry | str, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)

    def position(self, place: Mapping[int, int], registers: Sequence[Any] = ()) -> str:
        """With numbers for the axes of the space, and for loop variables by what registers hold.

        >>> Entry("w", (Step(0, ((2, 1),)), Entry("n", (Step(4, ()),)))).position({2: 3})
        '[3,n[4]]'
        """
        shown = (_shown(at, place, registers) for at in self.at)
        return f"[{','.join(shown)}]" if self.at else ""


def _shown(at: Step | Entry | str, place: Mapping[int, int], registers: Sequence[Any]) -> str:
    match at:
        case Entry():
            return at.tensor + at.position(place, registers)
        case Step(offset, steps, moving):
            inner = sum(step * place[axis] for axis, step in steps)
            return str(offset + inner + sum(step * registers[r] for r, step in moving))
        case _:
            return at


def entry(
    access: ir.Access,
    axes: tuple[ir.Index, ...],
    sizes: Mapping[str, int],
    loops: Mapping[ir.Index, int],
) -> Entry:
    """The entry as it lies in a space of these axes; `loops`: the registers of loop variables."""
    at = tuple(_step(at, axes, sizes, loops) for at in access.at)
    return Entry(access.tensor, at, access.span)


def _step(
    at: ir.Expr,
    axes: tuple[ir.Index, ...],
    sizes: Mapping[str, int],
    loops: Mapping[ir.Index, int],
) -> Step | Entry | str:
    if isinstance(at, ir.Access):
        return entry(at, axes, sizes, loops)
    form = affine(at)
    found = None if form is None else line(form, sizes)
    if found is None or any(i not in axes and i not in loops for i, _ in found.terms):
        return at.index.name if isinstance(at, ir.Position) else "?"
    steps = tuple((axes.index(i), step) for i, step in found.terms if i in axes)
    moving = tuple((loops[i], step) for i, step in found.terms if i not in axes)
    return Step(found.offset, steps, moving)
