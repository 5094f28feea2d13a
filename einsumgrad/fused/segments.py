"""A nest's steps in the order in which a turn of its outer loops runs them: segments, each of which
is one nest of inner loops over all of its steps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field

from einsumgrad.fused.nests import kept, operands
from einsumgrad.plan.nodes import Fold, Kernel, Load, Step
from einsumgrad.plan.operands import Layout, Operand
from einsumgrad.record import record


@record(frozen=False)
class Segment:
    """`inner`: the variables of its loops, outermost first."""

    inner: Layout
    steps: list[Step] = field(default_factory=list)


@record(frozen=False)
class Laid:
    """A kernel's steps laid out. `axes`: the variables of each step's space; `held`: of each
    register's axes; `place`: the segment of each; `late`: whole only when all turns are done."""

    kernel: Kernel
    segments: list[Segment] = field(default_factory=list)
    axes: dict[int, Layout] = field(default_factory=dict)
    held: dict[int, Layout] = field(default_factory=dict)
    place: dict[int, int] = field(default_factory=dict)
    made: dict[int, Step] = field(default_factory=dict)

    @property
    def around(self) -> Layout:
        """The variables of the outer loops, outermost first."""
        nest = self.kernel.nest
        return nest.order[: nest.outer]

    def inner(self, variables: Layout) -> Layout:
        """Those of the inner loops, outermost first."""
        nest = self.kernel.nest
        return tuple(v for v in nest.order[nest.outer :] if v in variables)

    def folded(self, step: Step) -> Layout:
        """The variables over which a step folds."""
        made = step.instruction
        axes = self.axes[step.register]
        return tuple(axes[k] for k in made.axes) if isinstance(made, Fold) else ()

    def late(self, step: Step) -> bool:
        return any(v in self.around for v in self.folded(step))

    def kept(self, step: Step) -> Layout | None:
        """The variables of what a turn has to keep of a step, None if it is nothing: a fold that is
        under way, and what a later segment reads that is not in memory anyway."""
        inside = self.inner(self.folded(step))
        filled = step.register in {register for _, register in self.kernel.plan.results}
        if not inside and (filled or not self.again(step.register)):
            return None
        return self.inner(self.held[step.register])

    def over(self) -> tuple[tuple[int, Operand], ...]:
        """Pairs of a room that is filled and of what is read, each entry for the last time before
        that entry of the room is written, in the same turn of all loops."""
        rooms = zip(self.kernel.outs, self.kernel.plan.results, strict=False)
        held = dict(self.kernel.nest.held)
        return tuple(
            (room, Operand(taken, tuple(map(self.held[own].index, held[taken]))))
            for room, (_, own) in rooms
            for taken in self.kernel.takes
            if self._before(taken, self.made[own])
        )

    def _before(self, taken: int, step: Step) -> bool:
        """Whether nothing is read of an array where a step has written."""
        own, registers = step.register, self.kernel.plan.registers
        held = dict(self.kernel.nest.held)[taken]
        same = registers[taken].dtype == registers[own].dtype and set(held) == set(self.held[own])
        if not same or isinstance(step.instruction, Fold) or len(set(held)) < len(held):
            return False
        return set(self.around) <= set(held) and all(
            tuple(self.axes[reader][k] for k in operand.layout) == held
            and self._rank(reader) <= self._rank(own)
            for reader, other in self.made.items()
            for operand in operands(other.instruction, self.kernel.plan)
            if operand.register == taken
        )

    def _rank(self, register: int) -> tuple[int, int]:
        """When a turn makes a register."""
        place = self.place[register]
        return place, self.segments[place].steps.index(self.made[register])

    def scratch(self) -> int:
        """The bytes of all that a turn keeps."""
        kept = (self.kept(step) for step in self.made.values())
        sizes = self.kernel.nest.sizes
        return sum(64 + 8 * math.prod(sizes[v] for v in own) for own in kept if own is not None)

    def again(self, register: int) -> bool:
        """Whether a later segment reads what a step has made."""
        own = self.place[register]
        plan = self.kernel.plan
        return any(
            operand.register == register and self.place[step.register] != own
            for step in self.made.values()
            for operand in operands(step.instruction, plan)
        )


def laid(kernel: Kernel) -> Laid:
    """Each step in the first segment that has its loops and all that it reads."""
    found = Laid(kernel)
    axes: Mapping[int, Layout] = dict(kernel.nest.axes)
    for step in kernel.plan.steps:
        if isinstance(step.instruction, Load):
            continue
        variables = axes[step.register]
        found.axes[step.register] = variables
        found.held[step.register] = tuple(
            variables[k] for k in kept(step.instruction, len(variables))
        )
        _place(found, step, found.inner(variables))
        found.made[step.register] = step
    return found


def _place(found: Laid, step: Step, inner: Layout) -> None:
    first = 0
    for operand in operands(step.instruction, found.kernel.plan):
        before = found.made.get(operand.register)
        if before is not None:
            at = found.place[operand.register]
            whole = isinstance(before.instruction, Fold) and bool(found.folded(before))
            first = max(first, at + (whole or found.segments[at].inner != inner))
    fitting = (k for k in range(first, len(found.segments)) if found.segments[k].inner == inner)
    at = next(fitting, len(found.segments))
    if at == len(found.segments):
        found.segments.append(Segment(inner))
    found.segments[at].steps.append(step)
    found.place[step.register] = at
