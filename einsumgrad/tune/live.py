"""Steps that something needs."""

from __future__ import annotations

from einsumgrad.plan.nodes import Loop, Once, Plan, Step, Store
from einsumgrad.plan.uses import uses
from einsumgrad.record import replace

KEPT = (Store, Once, Loop)
"""Instructions that are there for what they do."""


def live(plan: Plan) -> Plan:
    """The plan without steps whose register nothing reads."""
    needed = {register for _, register in plan.results}
    return replace(plan, steps=_live(plan.steps, needed))


def _live(steps: tuple[Step, ...], needed: set[int]) -> tuple[Step, ...]:
    """The needed steps; `needed` gains what they read. In a loop a step may read a later one's."""
    kept: list[Step] = []
    for step in reversed(steps):
        made = step.instruction
        if step.register not in needed and not isinstance(made, KEPT):
            continue
        if isinstance(made, Loop):
            made = replace(made, body=_live(made.body, needed))
        needed.update(uses(made))
        kept.append(Step(made, step.register))
    return tuple(reversed(kept))
