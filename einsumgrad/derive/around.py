"""Reverse mode around a circle: a gradient may come from a statement that the sweep meets later."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from einsumgrad.derive.gradients import Gradients
from einsumgrad.derive.rules import active_reads
from einsumgrad.ir.circles import circles
from einsumgrad.ir.nodes import Program

if TYPE_CHECKING:
    from einsumgrad.derive.reverse import Step


def reached_in_circles(
    program: Program, varied: frozenset[str], seeded: Iterable[str]
) -> frozenset[str]:
    """The tensors of circles that the objective depends on."""
    rings = circles(program.statements)
    if not rings:
        return frozenset()
    reads: dict[str, set[str]] = {}
    for statement in program.statements:
        found = (name for name in active_reads(statement.value) if name in varied)
        reads.setdefault(statement.target.tensor, set()).update(found)
    reached, left = set(seeded), list(seeded)
    while left:
        new = reads.get(left.pop(), set()) - reached
        reached |= new
        left += new
    ringed = {program.statements[place].target.tensor for part in rings for place in part}
    return frozenset(reached & ringed)


def without_sources(
    steps: tuple[Step, ...], program: Program, gradients: Gradients
) -> tuple[Step, ...]:
    """The steps without those that read a gradient to which nothing is added."""
    if not circles(program.statements):
        return steps
    while True:
        written = {step.statement.target.tensor for step in steps}
        written |= {gradients.names[name] for name in gradients.seeded}
        known = {*written, *gradients.ones}
        kept = tuple(
            step
            for step in steps
            if gradients.names[step.piece.target.tensor] in known
            or step.piece.target.tensor in gradients.ones
        )
        if len(kept) == len(steps):
            return steps
        steps = kept
