"""Reverse mode around a circle: a gradient may come from a statement that the sweep meets later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from einsumgrad.derive.gradients import Gradients
from einsumgrad.derive.rules import active_reads
from einsumgrad.ir.circles import circles, reachable, ringed
from einsumgrad.ir.nodes import Program, Statement

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
    reached = reachable(lambda name: reads.get(name, ()), seeded)
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


def in_order(
    before: tuple[Statement, ...], statements: tuple[Statement, ...]
) -> tuple[Statement, ...]:
    """The statements, those put off that read a tensor of a circle to which more is added later:
    but for the circle itself, reads come after all writes."""
    every = (*before, *statements)
    own = ringed(every)
    if not own:
        return statements
    left: dict[str, int] = {}
    for statement in statements:
        left[statement.target.tensor] = left.get(statement.target.tensor, 0) + 1
    made: list[Statement] = []
    waiting: list[tuple[int, Statement]] = []
    for place, statement in enumerate(statements, len(before)):
        waiting.append((place, statement))
        waiting = _released(waiting, own, left, made)
    return (*made, *(statement for _, statement in waiting))


def _released(
    waiting: list[tuple[int, Statement]],
    own: Mapping[int, frozenset[str]],
    left: dict[str, int],
    made: list[Statement],
) -> list[tuple[int, Statement]]:
    """Those that still wait, after all others, in their order, joined `made`."""
    still: list[tuple[int, Statement]] = []
    for place, statement in waiting:
        within = own.get(place, frozenset())
        if any(left.get(a.tensor, 0) and a.tensor not in within for a in statement.reads):
            still.append((place, statement))
            continue
        made.append(statement)
        left[statement.target.tensor] -= 1
    return still if len(still) == len(waiting) else _released(still, own, left, made)
