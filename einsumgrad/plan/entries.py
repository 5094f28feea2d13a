"""The entry that stands in an index position, for the error that names it: `w[1,0]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from einsumgrad.ir import nodes as ir
from einsumgrad.ir.affine import affine, line


@dataclass(frozen=True, slots=True)
class Step:
    """A position: `offset`, and so many steps along axes of the instruction's space."""

    offset: int
    steps: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """`at`: the position in each axis. The index of a loop has only its name."""

    tensor: str
    at: tuple[Step | Entry | str, ...]

    def position(self, place: Mapping[int, int]) -> str:
        """With numbers for the axes of the space.

        >>> Entry("w", (Step(0, ((2, 1),)), Entry("n", (Step(4, ()),)))).position({2: 3})
        '[3,n[4]]'
        """
        return f"[{','.join(_shown(at, place) for at in self.at)}]" if self.at else ""


def _shown(at: Step | Entry | str, place: Mapping[int, int]) -> str:
    match at:
        case Entry():
            return at.tensor + at.position(place)
        case Step(offset, steps):
            return str(offset + sum(step * place[axis] for axis, step in steps))
        case _:
            return at


def entry(access: ir.Access, axes: tuple[ir.Index, ...], sizes: Mapping[str, int]) -> Entry:
    """The entry as it lies in a space of these axes."""
    return Entry(access.tensor, tuple(_step(at, axes, sizes) for at in access.at))


def _step(at: ir.Expr, axes: tuple[ir.Index, ...], sizes: Mapping[str, int]) -> Step | Entry | str:
    if isinstance(at, ir.Access):
        return entry(at, axes, sizes)
    form = affine(at)
    found = None if form is None else line(form, sizes)
    if found is None or any(index not in axes for index, _ in found.terms):
        return at.index.name if isinstance(at, ir.Position) else "?"
    return Step(found.offset, tuple((axes.index(index), step) for index, step in found.terms))
