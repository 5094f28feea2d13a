"""Axes of two to four entries taken apart: NumPy's inner loops would be that short.

The windows of a pool are such: a maximum over its places is a maximum of slices, and what its
derivative adds to the places is added slice by slice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from itertools import product
from math import prod

from einsumgrad.plan.nodes import Cast, Fold, Instruction, Map, OverlapAdd, Plan, Step, Window
from einsumgrad.plan.operands import Arg, Constant, Layout, Operand, Register, Walk
from einsumgrad.plan.uses import uses
from einsumgrad.record import record, replace
from einsumgrad.tune.graph import Graph, again, finished, plainly

FEW, ALL = 4, 9
"""An axis taken apart has at most so many entries; so many slices are made at most."""
MOST = 64
"""Axes of an array in NumPy."""
LARGE = 2**13
"""Entries of a register that is worth more calls."""
TOGETHER = {"max": "max", "min": "min", "sum": "add", "prod": "multiply", "any": "or"}
"""What puts the slices of a reduction together."""
Axis = tuple[int, int]


def unrolled(plan: Plan, large: int = LARGE) -> Plan:
    """The plan with the small axes of its windows taken apart, where nothing needs them whole;
    windows of fewer than `large` entries stay as they are."""
    whole = _whole(plan)
    roots = {s.register: axes for s in plan.steps if (axes := _small(plan, s, whole, large))}
    if not roots:
        return plan
    work = Unroll(Graph(plan), roots)
    for step in plan.steps:
        if not work.slices(step):
            again(work.graph, step, plainly)
    return finished(work.graph)


def _whole(plan: Plan) -> set[Axis]:
    """Axes that an instruction takes as a whole, or that of a result."""
    found = {(r, k) for _, r in plan.results for k in range(len(plan.registers[r].shape))}
    for step in reversed(plan.steps):
        kept = _kept(step.instruction)
        for register in uses(step.instruction):
            for axis in range(len(plan.registers[register].shape)):
                to = {k for at, k in kept if at == (register, axis)}
                if not to or any((step.register, k) in found for k in to):
                    found.add((register, axis))
    return found


def _kept(made: Instruction) -> list[tuple[Axis, int]]:
    """Which axis of the result an axis of an operand is; -1: a reduced or an added one."""
    match made:
        case Map(_, args):
            operands = [a for a in args if isinstance(a, Operand)]
            return [((o.register, i), k) for o in operands for i, k in enumerate(o.layout)]
        case Cast(operand):
            return [((operand, i), i) for i in range(MOST)]
        case Fold(function, operand, axes, rank, None) if function in TOGETHER:
            left = [k for k in range(rank) if k not in axes]
            places = [left.index(k) if k in left else -1 for k in operand.layout]
            return [((operand.register, i), to) for i, to in enumerate(places)]
        case OverlapAdd(into, value, walks, _, rank) if into != value.register:
            if any(walk.moving for walk in walks):
                return []
            return [((value.register, i), -1) for i in range(rank)]
        case _:
            return []


def _small(plan: Plan, step: Step, whole: set[Axis], large: int) -> Layout:
    """The axes of a window that are to be taken apart."""
    made, own = step.instruction, plan.registers[step.register]
    if not isinstance(made, Window) or own.size < large or any(w.moving for w in made.walks):
        return ()
    beside = {k for walk in made.walks if len(walk.steps) > 1 for k, _ in walk.steps}
    axes = [k for k in sorted(beside) if 1 < own.shape[k] <= FEW]
    axes = [k for k in axes if (step.register, k) not in whole]
    return tuple(axes) if prod(own.shape[k] for k in axes) <= ALL else ()


@record(frozen=False)
class Unroll:
    """`open`: for each register of the plan that is taken apart its axes that are gone; `parts`:
    the slices, by the places on those axes."""

    graph: Graph
    open: dict[int, Layout]
    parts: dict[int, dict[Layout, Arg]] = field(default_factory=dict)

    def slices(self, step: Step) -> bool:
        """Makes a step slice by slice; False if it has none."""
        made = step.instruction
        match made:
            case Window() if step.register in self.open:
                self.window(made, step.register)
            case Map() if gone := self._gone(made):
                self.map(made, step.register, gone)
            case Cast(operand) if operand in self.parts:
                whole = tuple(range(len(self._own(operand).shape)))
                self.cast(Operand(operand, whole), made.dtype, step.register)
            case Fold() if made.operand.register in self.parts:
                self.fold(made, step.register)
            case OverlapAdd() if made.value.register in self.parts:
                self.add(made, step.register)
            case _:
                return False
        return True

    def _own(self, register: int) -> Register:
        return self.graph.plan.registers[register]

    def _gone(self, made: Map) -> Layout:
        operands = [a for a in made.args if isinstance(a, Operand) and a.register in self.parts]
        return tuple(sorted({o.layout[i] for o in operands for i in self.open[o.register]}))

    def places(self, register: int, gone: Layout) -> Iterator[Layout]:
        """All places on axes of a register."""
        return product(*(range(self._own(register).shape[k]) for k in gone))

    def emit(self, made: Instruction, register: int, gone: Layout) -> Arg:
        """A slice of a register, over the axes that are left."""
        own = self._own(register)
        shape = tuple(n for k, n in enumerate(own.shape) if k not in gone)
        return plainly(self.graph, made, replace(own, shape=shape))

    def window(self, made: Window, register: int) -> None:
        gone = self.open[register]
        source, rank = self.graph.whole(made.source), made.rank - len(gone)
        self.parts[register] = {
            at: self.emit(
                Window(source, _without(made.walks, gone, at, made.rank), rank), register, gone
            )
            for at in self.places(register, gone)
        }

    def map(self, made: Map, register: int, gone: Layout) -> None:
        self.open[register] = gone
        self.parts[register] = {}
        for at in self.places(register, gone):
            fixed = dict(zip(gone, at, strict=True))
            args = tuple(self.part(a, fixed, made.rank) for a in made.args)
            one = Map(made.function, args, made.rank - len(gone))
            self.parts[register][at] = self.emit(one, register, gone)

    def cast(self, operand: Operand, dtype: str, register: int) -> None:
        gone = self.open[register] = self.open[operand.register]
        self.parts[register] = {}
        for at, arg in self.parts[operand.register].items():
            assert isinstance(arg, Operand)
            self.parts[register][at] = self.emit(Cast(_plain(arg), dtype), register, gone)

    def part(self, arg: Arg, fixed: Mapping[int, int], rank: int) -> Arg:
        """An argument at places on axes of the space, over the axes that are left."""
        if isinstance(arg, Constant):
            return arg
        gone = self.open[arg.register] if arg.register in self.parts else ()
        axes = [i for i in range(len(arg.layout)) if i not in gone]
        base = self.graph.seen.get(arg.register)
        if gone:
            base = self.parts[arg.register][tuple(fixed[arg.layout[i]] for i in gone)]
        if base is None or isinstance(base, Constant):
            return base or Constant(0.0)
        space = [arg.layout[axes[k]] for k in base.layout]
        seen = self._seen(base.register, [fixed.get(k) for k in space])
        left = [k for k in range(rank) if k not in fixed]
        return Operand(seen, tuple(left.index(k) for k in space if k in left))

    def _seen(self, register: int, at: list[int | None]) -> int:
        """A register of the graph at places on some of its axes."""
        if all(place is None for place in at):
            return register
        own = self.graph.registers[register]
        kept = [k for k, place in enumerate(at) if place is None]
        walks = tuple(
            Walk(0, ((kept.index(k), 1),)) if place is None else Walk(place, ())
            for k, place in enumerate(at)
        )
        shape = tuple(own.shape[k] for k in kept)
        return self.graph.emit(Window(register, walks, len(kept)), replace(own, shape=shape))

    def fold(self, made: Fold, register: int) -> None:
        """The slices put together, then what else is to be reduced."""
        operand, rank = made.operand, made.rank
        gone = tuple(sorted(operand.layout[i] for i in self.open[operand.register]))
        kept = tuple(k for k in gone if k not in made.axes)
        sizes = {operand.layout[i]: n for i, n in enumerate(self._own(operand.register).shape)}
        inner = tuple(k for k in gone if k in made.axes)
        axes = tuple(k for k in range(rank) if k not in made.axes)
        found: dict[Layout, Arg] = {}
        for at in product(*(range(sizes[k]) for k in kept)):
            fixed = dict(zip(kept, at, strict=True))
            every = [
                self.part(operand, {**fixed, **dict(zip(inner, place, strict=True))}, rank)
                for place in product(*(range(sizes[k]) for k in inner))
            ]
            left = tuple(k for k in range(rank) if k not in gone)
            shape = tuple(sizes[k] for k in left)
            found[at] = self._folded(made, every, (left, shape), register)
        self.open[register] = tuple(axes.index(k) for k in kept)
        if kept:
            self.parts[register] = found
        else:
            self.graph.seen[register] = found[()]

    def _folded(
        self, made: Fold, every: list[Arg], space: tuple[Layout, tuple[int, ...]], register: int
    ) -> Arg:
        left, shape = space
        over = tuple(left.index(k) for k in made.axes if k in left)
        own = replace(self._own(register), shape=shape)
        total = every[0]
        for one in every[1:]:
            step = Map(TOGETHER[made.function], (total, one), len(left))
            total = plainly(self.graph, step, own)
        if not over:
            return total
        assert isinstance(total, Operand)
        rest = tuple(n for k, n in enumerate(shape) if k not in over)
        return plainly(
            self.graph, Fold(made.function, total, over, len(left)), replace(own, shape=rest)
        )

    def add(self, made: OverlapAdd, register: int) -> None:
        """One slice after the other."""
        value, into = made.value, self.graph.whole(made.into)
        gone = tuple(sorted(value.layout[i] for i in self.open[value.register]))
        lengths = dict(zip(value.layout, self._own(value.register).shape, strict=True))
        for at in product(*(range(lengths[k]) for k in gone)):
            part = self.part(value, dict(zip(gone, at, strict=True)), made.rank)
            assert isinstance(part, Operand)
            walks = _without(made.walks, gone, at, made.rank)
            one = replace(made, into=into, value=part, walks=walks, rank=made.rank - len(gone))
            into = self.graph.emit(one, self._own(register))
        whole = tuple(range(len(self._own(register).shape)))
        self.graph.seen[register] = Operand(into, whole)


def _plain(arg: Operand) -> int:
    assert arg.layout == tuple(range(len(arg.layout)))
    return arg.register


def _without(walks: tuple[Walk, ...], gone: Layout, at: Layout, rank: int) -> tuple[Walk, ...]:
    """Walks at places on axes that are gone."""
    fixed = dict(zip(gone, at, strict=True))
    left = [k for k in range(rank) if k not in fixed]
    return tuple(
        Walk(
            walk.offset + sum(fixed[k] * count for k, count in walk.steps if k in fixed),
            tuple((left.index(k), count) for k, count in walk.steps if k not in fixed),
            walk.moving,
        )
        for walk in walks
    )
