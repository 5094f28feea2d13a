"""Which values of an integer leaf mean something: positions of what it gathers from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from einsumgrad.ir import nodes as ir
from einsumgrad.ir.walk import accesses

Sizes = Mapping[str, int]
Shapes = Mapping[str, tuple[int, ...]]


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


def _accesses(program: ir.Program) -> Iterator[ir.Access]:
    for statement in program.statements:
        yield statement.target
        for node in statement.nodes:
            yield from accesses(node)
