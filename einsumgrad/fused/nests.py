"""Steps that run in one nest of loops: which variable each of their axes is.

Outer loops are around all steps of a nest; a sum over one of them is whole only after the nest. In
a turn of the outer loops the steps run one after another over the inner variables, so that a mean
over a row is there before the row is divided by it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field

from einsumgrad.plan.nodes import Cast, Fold, Instruction, Map, Plan, Step
from einsumgrad.plan.operands import Constant, Layout, Operand
from einsumgrad.record import record

Variables = tuple[int, ...]
FOLDED = frozenset({"sum", "max", "min", "prod", "any"})
FLOATS = frozenset({"float32", "float64"})
KNOWN = FLOATS | {"bool", "int64"}


def fusable(plan: Plan, step: Step) -> bool:
    """Whether a step can run in a nest: floating numbers and masks, entry by entry or folded."""
    own = plan.registers[step.register]
    read = (o.register for o in operands(step.instruction, plan))
    if any(plan.registers[r].dtype not in KNOWN for r in read):
        return False
    match step.instruction:
        case Map():
            return own.dtype in FLOATS or own.dtype == "bool"
        case Cast():
            return own.dtype in FLOATS
        case Fold(function, _, _, _, mask):
            return function in FOLDED and mask is None and own.dtype in FLOATS | {"bool"}
        case _:
            return False


def operands(made: Instruction, plan: Plan) -> tuple[Operand, ...]:
    """What a step that can be fused reads, in its space."""
    match made:
        case Map(_, args, _):
            return tuple(a for a in args if not isinstance(a, Constant))
        case Cast(operand):
            return (Operand(operand, tuple(range(len(plan.registers[operand].shape)))),)
        case Fold(_, operand):
            return (operand,)
        case _:
            return ()


def space(made: Instruction, plan: Plan, register: int) -> tuple[int, ...]:
    """The lengths of a step's space."""
    if not isinstance(made, Fold):
        return plan.registers[register].shape
    lengths = [1] * made.rank
    for axis, k in enumerate(made.operand.layout):
        lengths[k] = plan.registers[made.operand.register].shape[axis]
    return tuple(lengths)


def kept(made: Instruction, rank: int) -> Layout:
    """The axes of the space that the result has, in its order."""
    folded = made.axes if isinstance(made, Fold) else ()
    return tuple(k for k in range(rank) if k not in folded)


@record(frozen=False)
class Group:
    """Steps of one nest. `sizes`: of its variables. `order`: the variables as the loops nest, the
    first `outer` around all steps. `axes`: the variables of each step's space. `held`: those of
    each register's axes, be it made here or read. `late`: registers that are whole only when all
    turns are done."""

    sizes: tuple[int, ...]
    order: Variables
    outer: int
    steps: list[Step] = field(default_factory=list)
    axes: dict[int, Variables] = field(default_factory=dict)
    held: dict[int, Variables] = field(default_factory=dict)
    late: set[int] = field(default_factory=set)

    @property
    def around(self) -> Variables:
        return self.order[: self.outer]

    def shared(self, plan: Plan, step: Step) -> int:
        """How many entries of a step's operands the group has at hand."""
        return sum(
            plan.registers[o.register].size
            for o in operands(step.instruction, plan)
            if o.register in self.held
        )

    def add(self, plan: Plan, step: Step, found: Variables) -> None:
        made = step.instruction
        self.steps.append(step)
        self.axes[step.register] = found
        for operand in operands(made, plan):
            self.held.setdefault(operand.register, tuple(found[k] for k in operand.layout))
        self.held[step.register] = tuple(found[k] for k in kept(made, len(found)))
        if isinstance(made, Fold) and any(found[k] in self.around for k in made.axes):
            self.late.add(step.register)

    def like(self, plan: Plan, step: Step) -> bool:
        """Whether a step's axes can only be the group's variables: it may be of use to a later one
        that is. Where it is not, nothing is lost."""
        lengths = space(step.instruction, plan, step.register)
        distinct = len(set(self.sizes)) == len(self.sizes)
        return distinct and sorted(lengths) == sorted(self.sizes)

    def fits(self, plan: Plan, step: Step) -> Variables | None:
        """The variables of a step's space, by what the group knows of its operands: those made
        here have to lie along just these, others are read wherever it may be."""
        found: dict[int, int] = {}
        read = sorted(operands(step.instruction, plan), key=lambda o: o.register not in self.axes)
        for operand in read:
            made_here = operand.register in self.axes
            if operand.register in self.late:
                return None
            for k, variable in zip(
                operand.layout, self.held.get(operand.register, ()), strict=False
            ):
                taken = k not in found and variable in found.values()
                if not made_here and taken:
                    continue
                if taken or (found.setdefault(k, variable) != variable and made_here):
                    return None
        for k, n in enumerate(space(step.instruction, plan, step.register)):
            if k not in found:
                free = (v for v, size in enumerate(self.sizes) if size == n)
                found[k] = next((v for v in free if v not in found.values()), -1)
        every = set(found.values())
        fitting = -1 not in every and set(self.around) <= every
        return tuple(found[k] for k in range(len(found))) if fitting else None


def opened(plan: Plan, step: Step, later: Iterable[Step], orders: Mapping[int, Layout]) -> Group:
    """A group that begins with a step. Axes that are folded and then run along again are inner; if
    there are none, the last in memory is; all others are outer. Of a contraction the last two are
    inner, so that a kernel may take several of one at a time."""
    lengths = space(step.instruction, plan, step.register)
    trace = Trace(plan)
    trace.begin(step)
    for other in later:
        trace.follow(other)
    order = _order(trace, len(lengths), orders)
    inner = trace.again or set(order[-1:])
    if all(0 < len(o.layout) < len(lengths) for o in operands(step.instruction, plan)):
        inner |= set(order[-2:])
    loops = tuple(sorted(order, key=lambda k: k in inner))
    group = Group(lengths, loops, len(loops) - len(inner))
    group.add(plan, step, tuple(range(len(lengths))))
    return group


def _order(trace: Trace, rank: int, orders: Mapping[int, Layout]) -> Layout:
    """The axes of a space as they lie in the memory of one of its operands, outermost first: the
    one whose last axis makes least of the others be read in leaps; of such the largest."""
    lying: dict[Operand, Layout] = {}
    for operand in trace.seen:
        own = orders.get(operand.register, tuple(range(len(operand.layout))))
        lying[operand] = tuple(operand.layout[k] for k in own)
    if not any(lying.values()):
        return tuple(range(rank))

    def size(operand: Operand) -> int:
        return trace.plan.registers[operand.register].size

    def leaps(last: int) -> int:
        return sum(size(o) for o, axes in lying.items() if last in axes and axes[-1] != last)

    found = min((o for o in lying if lying[o]), key=lambda o: (leaps(lying[o][-1]), -size(o)))
    return (*(k for k in range(rank) if k not in lying[found]), *lying[found])


@record(frozen=False)
class Trace:
    """What later steps do with the axes of one step's space. `held`: of each register that comes
    from it or that it reads the axes, None for others. `folded`: axes that were folded on the way.
    `seen`: the operands that nothing here makes, in the space of the first step."""

    plan: Plan
    held: dict[int, tuple[int | None, ...]] = field(default_factory=dict)
    folded: dict[int, frozenset[int]] = field(default_factory=dict)
    again: set[int] = field(default_factory=set)
    seen: dict[Operand, None] = field(default_factory=dict)
    made: set[int] = field(default_factory=set)

    def begin(self, step: Step) -> None:
        for operand in operands(step.instruction, self.plan):
            self.held[operand.register] = operand.layout
            self.folded[operand.register] = frozenset()
            self._seen(operand.register, operand.layout)
        rank = len(space(step.instruction, self.plan, step.register))
        self._made(step, tuple(range(rank)), frozenset())

    def follow(self, step: Step) -> None:
        if not fusable(self.plan, step):
            return
        rank = len(space(step.instruction, self.plan, step.register))
        found: list[int | None] = [None] * rank
        folded: frozenset[int] = frozenset()
        for operand in operands(step.instruction, self.plan):
            folded |= self.folded.get(operand.register, frozenset())
            for k, axis in zip(operand.layout, self.held.get(operand.register, ()), strict=False):
                found[k] = axis if axis is not None else found[k]
        known = [axis for axis in found if axis is not None]
        if known and len(set(known)) == len(known):  # a square of one axis is another matter
            self.again |= {axis for axis in found if axis is not None and axis in folded}
            for operand in operands(step.instruction, self.plan):
                self._seen(operand.register, tuple(found[k] for k in operand.layout))
            self._made(step, tuple(found), folded)

    def _seen(self, register: int, axes: tuple[int | None, ...]) -> None:
        known = tuple(axis for axis in axes if axis is not None)
        if register not in self.made and len(known) == len(axes):
            self.seen.setdefault(Operand(register, known))

    def _made(self, step: Step, found: tuple[int | None, ...], folded: frozenset[int]) -> None:
        made = step.instruction
        self.made.add(step.register)
        gone = {found[k] for k in made.axes} if isinstance(made, Fold) else set()
        self.held[step.register] = tuple(found[k] for k in kept(made, len(found)))
        self.folded[step.register] = folded | {axis for axis in gone if axis is not None}
