"""Which axes of all registers are the same index: cut one of them, and all of them are cut."""

from __future__ import annotations

from dataclasses import field

from einsumgrad.plan.nodes import (
    Arrange,
    Buffer,
    Cast,
    Count,
    Done,
    Fill,
    Fold,
    Gather,
    Guard,
    Instruction,
    Loop,
    Map,
    Once,
    OverlapAdd,
    Pad,
    Pair,
    Plan,
    Scatter,
    Step,
    Store,
    Window,
)
from einsumgrad.plan.operands import At, Constant, Layout, Operand, Walk
from einsumgrad.record import record
from einsumgrad.tune.orders import flat

Axis = tuple[int, int]
"""An axis of a register; of the space of the instruction that makes register r: of -1 - r."""


@record(frozen=False)
class Classes:
    """Axes joined into classes. `torn`: axes of classes that cannot be cut into parts."""

    plan: Plan
    made: dict[int, Instruction]
    above: dict[Axis, Axis] = field(default_factory=dict)
    torn: list[Axis] = field(default_factory=list)

    def find(self, axis: Axis) -> Axis:
        while (higher := self.above.get(axis, axis)) != axis:
            self.above[axis] = self.above.get(higher, higher)
            axis = higher
        return axis

    def join(self, one: Axis, other: Axis) -> None:
        self.above.setdefault(one, one)
        self.above.setdefault(other, other)
        self.above[self.find(one)] = self.find(other)

    def tear(self, *axes: Axis) -> None:
        self.torn += axes

    def shape(self, register: int) -> tuple[int, ...]:
        return self.plan.registers[register].shape

    def operand(self, space: int, operand: Operand) -> None:
        """An operand's axes are those of the space that it lies along."""
        if operand.register < 0:
            return
        for axis, k in enumerate(operand.layout):
            self.join((operand.register, axis), (space, k))

    def result(self, register: int, space: int, axes: Layout) -> None:
        for axis, k in enumerate(axes):
            self.join((register, axis), (space, k))

    def same(self, register: int, source: int, widths: tuple[tuple[int, int], ...]) -> None:
        """Axes that go through as they are, but for those with room around them."""
        for axis, width in enumerate(widths):
            if any(width):
                self.tear((register, axis), (source, axis))
            else:
                self.join((register, axis), (source, axis))

    def walked(self, source: int, space: int, walks: tuple[Walk, ...], lengths: Layout) -> None:
        """Axes of a register that axes of the space walk along; whole or not at all."""
        for axis, walk in enumerate(walks):
            along = walk.steps[0][0] if walk.steps else None
            plain = along is not None and walk == Walk(0, ((along, 1),))
            if plain and along is not None and lengths[along] == self.shape(source)[axis]:
                self.join((source, axis), (space, along))
            else:
                self.tear((source, axis), *((space, k) for k, _ in walk.steps))

    def placed(self, source: int, space: int, at: tuple[At, ...], lengths: dict[int, int]) -> None:
        """Axes of a register that are read or written at positions."""
        for axis, one in enumerate(at):
            place = one.place
            if isinstance(place, Operand):
                self.operand(space, place)
            if (
                isinstance(place, Operand) and place.register < 0
                and lengths.get(place.layout[0]) == self.shape(source)[axis]
            ):  # fmt: skip
                self.join((source, axis), (space, place.layout[0]))
                continue
            self.tear((source, axis))
            if isinstance(place, Operand) and place.register < 0:
                self.tear((space, place.layout[0]))


def classes(plan: Plan) -> Classes:
    """The classes of all axes of a plan."""
    steps = [step for step, _ in flat(plan.steps)]
    found = Classes(plan, {step.register: step.instruction for step in steps})
    for step in steps:
        _joined(found, step)
    return found


def _joined(found: Classes, step: Step) -> None:
    made, register = step.instruction, step.register
    space, shape = -1 - register, found.shape(register)
    match made:
        case Map(_, args, rank):
            for arg in args:
                if not isinstance(arg, Constant):
                    found.operand(space, arg)
                    _spread(found, arg, shape, space)
            found.result(register, space, tuple(range(rank)))
        case Cast(operand):
            found.same(register, operand, ((0, 0),) * len(shape))
        case Arrange(operand, rank):
            found.operand(space, operand)
            found.result(register, space, tuple(range(rank)))
            _spread(found, operand, shape, space)
        case Count():
            found.tear(*((register, k) for k in range(len(shape))))
        case Once(source):
            found.tear(*((source, k) for k in range(len(found.shape(source)))))
        case Pad(source, widths):
            found.same(register, source, widths)
        case Buffer(source, widths):
            found.same(register, register if source is None else source, widths)
        case Done(source, _, widths):
            found.same(register, source, widths)
        case Window(source, walks, rank):
            found.walked(source, space, walks, shape)
            found.result(register, space, tuple(range(rank)))
        case Fold() | Pair() | Guard():
            _reduced(found, made, register, space)
        case Gather() | Scatter() | OverlapAdd() | Store():
            _put(found, made, register, space)
        case _:
            pass


def _spread(found: Classes, operand: Operand, shape: Layout, space: int) -> None:
    """An axis of one entry that is repeated is not the axis along which it is."""
    for axis, k in enumerate(operand.layout):
        if found.shape(operand.register)[axis] != shape[k]:
            found.tear((space, k))


def _reduced(found: Classes, made: Fold | Pair | Guard, register: int, space: int) -> None:
    match made:
        case Fold(function, operand, axes, rank, mask):
            found.operand(space, operand)
            if mask is not None:
                found.operand(space, mask)
            whole = len(found.shape(register)) == rank
            kept = tuple(k for k in range(rank) if whole or k not in axes)
            found.result(register, space, kept)
            if function != "sum":
                found.tear(*((space, k) for k in axes))
        case Pair(left, right, out):
            found.operand(space, left)
            found.operand(space, right)
            found.result(register, space, out)
        case Guard(result, args, mask, out):
            for operand in (*args, mask):
                found.operand(space, operand)
            found.result(register, space, out)
            found.result(result, space, out)


def _put(
    found: Classes, made: Gather | Scatter | OverlapAdd | Store, register: int, space: int
) -> None:
    match made:
        case Gather(source, at, rank, _, mask):
            found.placed(source, space, at, dict(enumerate(found.shape(register))))
            found.result(register, space, tuple(range(rank)))
            if mask is not None:
                found.operand(space, mask)
        case Scatter(into, value, at, _, _, function, mask):
            found.operand(space, value)
            if mask is not None:
                found.operand(space, mask)
            lengths = dict(zip(value.layout, found.shape(value.register), strict=True))
            found.placed(into, space, at, lengths)
            found.same(register, into, ((0, 0),) * len(at))
            _added(found, into, function, space, value)
        case OverlapAdd(into, value, walks, _, rank, function):
            found.operand(space, value)
            along = [0] * rank
            for axis, k in enumerate(value.layout):
                along[k] = found.shape(value.register)[axis]
            found.walked(into, space, walks, tuple(along))
            found.same(register, into, ((0, 0),) * len(walks))
            _added(found, into, function, space, value)
        case Store(_, value):
            _stored(found, made, space)
            found.operand(space, value)


def _stored(found: Classes, made: Store, space: int) -> None:
    single = {axis for axis, _ in made.places}
    kept = [axis for axis in range(len(made.widths)) if axis not in single]
    found.tear(*((made.into, axis) for axis in single))
    for k, axis in enumerate(kept):
        found.join((made.into, axis), (space, k))


def _added(found: Classes, into: int, function: str, space: int, value: Operand) -> None:
    """Parts of a space may be added to a register one after another if it begins with zeros."""
    if function == "add" and found.made.get(into) == Fill(0.0):
        return
    axes = {found.find((into, axis)) for axis in range(len(found.shape(into)))}
    found.tear(*((space, k) for k in value.layout if found.find((space, k)) not in axes))


def inside(step: Step) -> tuple[Step, ...]:
    """A step, and if it is a loop the steps in it."""
    made = step.instruction
    return (step,) if not isinstance(made, Loop) else tuple(s for s, _ in flat((step,)))
