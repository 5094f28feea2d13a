"""A plan cut along one class of axes: what runs for each part, and what before, between and after.

Level 0 is what needs no part; then the first strips, whose sums over the parts are whole in level
1, and so on: a loss averaged over the batch needs one round, batch normalisation several."""

from __future__ import annotations

from dataclasses import field

from einsumgrad.plan.nodes import Guard, Load, Loop, Step, Store
from einsumgrad.plan.uses import uses
from einsumgrad.record import record
from einsumgrad.tune.classes import Axis, Classes, inside


@record(frozen=False)
class Cut:
    """`axis`: of each register that has one the axis that is cut. `plain` and `parts`: the steps of
    each level, whole or a part at a time. `sums`: registers that parts add up to."""

    axis: dict[int, int] = field(default_factory=dict)
    plain: dict[int, list[Step]] = field(default_factory=dict)
    parts: dict[int, list[Step]] = field(default_factory=dict)
    sums: set[int] = field(default_factory=set)
    size: int = 0


def cuttable(found: Classes) -> dict[Axis, dict[int, int]]:
    """The classes that may be cut, each with the axis of every register that has one in it."""
    torn = {found.find(axis) for axis in found.torn}
    members: dict[Axis, dict[int, int]] = {}
    for register, axis in _axes(found):
        root = found.find((register, axis))
        known = members.setdefault(root, {})
        if register in known:
            torn.add(root)
        known[register] = axis
    sizes = {root: _lengths(found, known) for root, known in members.items()}
    return {
        root: {r: axis for r, axis in known.items() if r >= 0}
        for root, known in members.items()
        if root not in torn and len(sizes[root]) == 1 and max(sizes[root]) > 1
    }


def _axes(found: Classes) -> list[Axis]:
    """All axes of registers, and of spaces as far as they are known."""
    steps = found.made
    own = [(r, k) for r in steps for k in range(len(found.shape(r)))]
    return own + [axis for axis in list(found.above) if axis[0] < 0]


def _lengths(found: Classes, known: dict[int, int]) -> set[int]:
    return {found.shape(r)[axis] for r, axis in known.items() if r >= 0}


def cut(found: Classes, axis: dict[int, int]) -> Cut | None:
    """The plan cut along these axes; None if a step would have to run between its own parts."""
    made = Cut(axis, size=next(found.shape(r)[k] for r, k in axis.items()))
    touched = _touched(found, axis)
    ready: dict[int, int] = {}
    level: dict[int, int] = {}
    for step in found.plan.steps:
        used = uses(step.instruction)
        if step.register not in touched:
            at = max((ready.get(r, 0) for r in used), default=0)
            ready[step.register] = at
            made.plain.setdefault(at, []).append(step)
            continue
        own = step.instruction.result if isinstance(step.instruction, Guard) else None
        if own is not None and own not in level:
            return None  # it would put right what is whole already
        at = max((level[r] if r == own else ready.get(r, 0) for r in used), default=0)
        level[step.register] = ready[step.register] = at
        if step.register not in axis and not isinstance(step.instruction, Loop | Store):
            made.sums.add(step.register)
            ready[step.register] = at + 1
        made.parts.setdefault(at, []).append(step)
    return made if _whole(made, level) else None


def _touched(found: Classes, axis: dict[int, int]) -> set[int]:
    """The registers of steps that have the axis, be it one that is summed; of loops as a whole."""
    roots = {found.find((r, k)) for r, k in axis.items()}
    summed = {-1 - a[0] for a in found.above if a[0] < 0 and found.find(a) in roots}
    touched = summed | axis.keys()
    return {
        s.register
        for s in found.plan.steps
        if not isinstance(s.instruction, Load) and any(i.register in touched for i in inside(s))
    }


def _whole(made: Cut, level: dict[int, int]) -> bool:
    """Whether no sum is taken within a loop, and no buffer is written in other strips than made."""
    for steps in made.parts.values():
        for step in steps:
            for one in inside(step):
                if isinstance(step.instruction, Loop) and _sums(made, one):
                    return False
                into = one.instruction.into if isinstance(one.instruction, Store) else None
                if into is not None and level.get(into) != level[step.register]:
                    return False
    return True


def _sums(made: Cut, step: Step) -> bool:
    """Whether a step in a loop may be a sum over parts: it has no axis that is cut, and it is not
    plain."""
    if step.register in made.axis or isinstance(step.instruction, Store | Loop):
        return False
    return any(r in made.axis for r in uses(step.instruction))
