"""A kernel as a function of LLVM IR over the pointers of its arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import partial

from einsumgrad.fused.entry import LOOPS, Inner, Written, entry, function
from einsumgrad.fused.functions import call, power_by, types
from einsumgrad.fused.ranks import highest, lowest
from einsumgrad.fused.segments import Laid, Segment, laid
from einsumgrad.fused.text import KINDS, Memory, Text
from einsumgrad.fused.writing import FORMATS, literal
from einsumgrad.plan.nodes import Cast, Fold, Kernel, Map, Step
from einsumgrad.plan.operands import Arg, Constant, Layout, Operand
from einsumgrad.record import record

COMPARED = ("=", "!=", "<", "<=", ">", ">=")
WHOLE = dict(zip(COMPARED, ("eq", "ne", "slt", "sle", "sgt", "sge"), strict=True))
INF = float("inf")
AT_ONCE, SHORT = (4, 5, 3, 2), 4
"""How many of an axis are taken at a time, of segments of so few steps."""
FOLDS = {
    "sum": ("add", 0.0), "prod": ("multiply", 1.0), "max": ("fold max", -INF),
    "min": ("fold min", INF),
    "any": ("or", 0.0),
}  # fmt: skip
"""What a fold does with each entry, and what it begins with. LLVM makes vectors of a maximum over
entries only if it is its own."""
RANKED = {"max": ("rank", "higher", lowest), "min": ("low rank", "lower", highest)}
"""How a fold is done with ranks: that of an entry, what is done with it, what it begins with."""


def written(kernel: Kernel, arrays: Sequence[Memory]) -> Written:
    """The function of a kernel, which is given a table of pointers: to what the kernel takes, then
    to what it fills, then to its scratch. `arrays`: those in this order, each with the pointer
    `%pN` of the first that is the same."""
    own = arrays if kernel.scratch is None else arrays[:-1]
    found, apart = inner(kernel, own, LOOPS)
    return entry(found, own, apart)


def inner(
    kernel: Kernel, arrays: Sequence[Memory], name: str, hints: int = 0
) -> tuple[Inner, Mapping[str, int]]:
    """The function of pointers to what the kernel takes and fills, and where in its scratch what it
    keeps begins; `hints`: how many loops of its module's text have had hints before."""
    taken, outs = arrays[: len(kernel.takes)], arrays[len(kernel.takes) :]
    writer = Writer(
        laid(kernel),
        dict(zip(kernel.takes, taken, strict=True)),
        {r: m for (_, r), m in zip(kernel.plan.results, outs, strict=True)},
        Text(stack=kernel.scratch is None, hints=hints),
    )
    writer.write()
    text = writer.text
    pointers = (*dict.fromkeys(memory.pointer for memory in arrays), *text.apart)
    written = function(name, pointers, text)
    return Inner(name, pointers, written, frozenset(writer.used), text.hints), text.apart


@record(frozen=False)
class Writer:
    """`taken` and `outs`: the arrays that a kernel reads and fills. `kept`: what a later segment of
    the same turn reads. `here`: the values of the entry that is being made."""

    laid: Laid
    taken: Mapping[int, Memory]
    outs: Mapping[int, Memory]
    text: Text = field(default_factory=Text)
    used: set[tuple[str, str]] = field(default_factory=set)
    kept: dict[int, Memory] = field(default_factory=dict)
    here: dict[int, str] = field(default_factory=dict)

    @property
    def sizes(self) -> tuple[int, ...]:
        return self.laid.kernel.nest.sizes

    def kind(self, register: int) -> str:
        return KINDS[self.laid.kernel.plan.registers[register].dtype]

    def write(self) -> None:
        for step in self.laid.made.values():
            if self.laid.late(step) and step.register in self.outs:
                self.started(step, self.outs[step.register], self.laid.held[step.register])
        self.text.loops(self.laid.around, self.sizes, self.turn)

    def turn(self) -> None:
        for segment in self.laid.segments:
            for step in segment.steps:
                self.before(step)
            self.inside(segment)
            for step in segment.steps:
                self.after(step)

    def inside(self, segment: Segment) -> None:
        """The loops of a segment."""
        several = self.several(segment)
        if several == 1:
            self.text.loops(segment.inner, self.sizes, partial(self.entry, segment))
            return
        *outer, turned, last = segment.inner

        def block() -> None:
            first = self.text.value(f"mul nuw nsw i64 {self.text.at[turned]}, {several}")
            places = [self.text.value(f"add nuw nsw i64 {first}, {k}") for k in range(several)]

            def entries() -> None:
                for place in places:
                    self.text.at[turned] = place
                    self.entry(segment)

            self.text.loops((last,), self.sizes, entries)

        count = self.sizes[turned] // several
        self.text.loops(outer, self.sizes, lambda: self.text.loop(turned, count, block))

    def several(self, segment: Segment) -> int:
        """How many of the last but one variable are taken at a time: sums that are made together
        share what they read, and do not wait for each other."""
        sums = any(isinstance(step.instruction, Fold) for step in segment.steps)
        if len(segment.inner) < 2 or not sums or len(segment.steps) > SHORT:
            return 1
        size = self.sizes[segment.inner[-2]]
        return next((n for n in AT_ONCE if size % n == 0 and size > 0), 1)

    def started(self, step: Step, memory: Memory, variables: Layout) -> None:
        """Memory filled with what a fold begins with."""
        assert isinstance(step.instruction, Fold)
        function, kind = step.instruction.function, self.kind(step.register)
        start = self.constant(FOLDS[function][1], kind)
        if memory.kind != kind:
            start = str(RANKED[function][2](kind))
        order = tuple(v for v in self.laid.kernel.nest.order if v in variables)
        self.text.loops(order, self.sizes, lambda: self.text.store(memory, variables, start))

    def own(self, step: Step) -> Layout:
        """The inner variables that a step's result has."""
        return self.laid.inner(self.laid.held[step.register])

    def before(self, step: Step) -> None:
        """Room for what a turn has to keep of a step."""
        register, own = step.register, self.laid.kept(step)
        if own is None:
            return
        kind, folded = self.kind(register), bool(self.laid.inner(self.laid.folded(step)))
        if folded and isinstance(step.instruction, Fold):
            kind = self.held(step.instruction.function, kind)
        self.kept[register] = self.text.reserved(kind, [self.sizes[v] for v in own])
        if folded:
            self.started(step, self.kept[register], own)

    def held(self, function: str, kind: str) -> str:
        """The kind of what a fold has so far."""
        return FORMATS[kind].integer if function in RANKED and kind in FORMATS else kind

    def entry(self, segment: Segment) -> None:
        self.here.clear()
        for step in segment.steps:
            match step.instruction:
                case Map():
                    self.put(step, self.mapped(step, step.instruction))
                case Cast(operand):
                    value = self.read(Operand(operand, self.plain(step)), step)
                    self.put(step, self.text.converted(*value, self.kind(step.register)))
                case Fold(function, operand):
                    self.folded(step, function, operand)

    def plain(self, step: Step) -> Layout:
        return tuple(range(len(self.laid.axes[step.register])))

    def put(self, step: Step, value: str) -> None:
        """Keeps a value where somebody reads it."""
        register = step.register
        self.here[register] = value
        if register in self.outs:
            self.text.store(self.outs[register], self.laid.held[register], value)
        elif register in self.kept:
            self.text.store(self.kept[register], self.own(step), value)

    def folded(self, step: Step, function: str, operand: Operand) -> None:
        register, kind = step.register, self.kind(step.register)
        value = self.text.converted(*self.read(operand, step), kind)
        if register in self.kept:
            memory, variables = self.kept[register], self.own(step)
        elif self.laid.late(step):
            memory, variables = self.outs[register], self.laid.held[register]
        else:
            self.put(step, value)
            return
        self.more(function, memory, variables, (value, kind))

    def more(
        self, function: str, memory: Memory, variables: Layout, entry: tuple[str, str]
    ) -> None:
        """One entry more of a fold, of its kind."""
        before = self.text.load(memory, variables)
        name, (value, kind) = FOLDS[function][0], entry
        if memory.kind != kind:
            rank, name, _ = RANKED[function]
            after = self.applied(name, kind, [before, self.applied(rank, kind, [value])])
        elif name == "add":
            after = self.text.value(f"fadd reassoc nsz contract {kind} {before}, {value}")
        else:
            after = self.applied(name, kind, [before, value])
        self.text.store(memory, variables, after)

    def after(self, step: Step) -> None:
        """What a turn has folded goes to where others read it."""
        register, made = step.register, step.instruction
        if register not in self.kept or register not in self.outs or not isinstance(made, Fold):
            return
        memory, out, held = self.kept[register], self.outs[register], self.laid.held[register]
        own = self.own(step)

        def moved() -> None:
            value = self.number(memory, own, out.kind)
            if self.laid.late(step):
                self.more(made.function, out, held, (value, out.kind))
            else:
                self.text.store(out, held, value)

        self.text.loops(own, self.sizes, moved)

    def read(self, operand: Operand, step: Step) -> tuple[str, str]:
        """An operand's value at the loop variables, and its kind."""
        register = operand.register
        axes = self.laid.axes[step.register]
        variables = tuple(axes[k] for k in operand.layout)
        if register in self.taken:
            memory = self.taken[register]
            return self.text.load(memory, variables), memory.kind
        kind = self.kind(register)
        if register in self.here:
            return self.here[register], kind
        if register in self.kept:
            return self.number(self.kept[register], self.laid.inner(variables), kind), kind
        return self.text.load(self.outs[register], variables), kind

    def number(self, memory: Memory, variables: Layout, kind: str) -> str:
        """What is kept, of the kind that it is meant to be."""
        found = self.text.load(memory, variables)
        return found if memory.kind == kind else self.applied("ranked", kind, [found])

    def mapped(self, step: Step, made: Map) -> str:
        own = self.kind(step.register)
        if made.function in COMPARED:
            return self.compared(step, made)
        name, args = made.function, made.args
        if name == "power" and isinstance(args[1], Constant):
            special = power_by(args[1].value)
            name, args = (name, args) if special is None else (special, args[:1])
        kinds, _ = types(name, own)
        values = [self.as_kind(a, step, kind) for a, kind in zip(args, kinds, strict=True)]
        return self.applied(name, own, values)

    def compared(self, step: Step, made: Map) -> str:
        kinds = {self.kind(a.register) for a in made.args if isinstance(a, Operand)}
        if kinds == {"i64"} and all(isinstance(a, Operand) for a in made.args):
            a, b = (self.as_kind(arg, step, "i64") for arg in made.args)
            return self.text.value(f"icmp {WHOLE[made.function]} i64 {a}, {b}")
        kind = "float" if kinds <= {"float"} else "double"
        return self.applied(made.function, kind, [self.as_kind(a, step, kind) for a in made.args])

    def as_kind(self, arg: Arg, step: Step, kind: str) -> str:
        if isinstance(arg, Constant):
            return self.constant(arg.value, kind)
        return self.text.converted(*self.read(arg, step), kind)

    def constant(self, value: float, kind: str) -> str:
        if kind == "i1":
            return "true" if value else "false"
        return literal(kind, value)

    def applied(self, name: str, kind: str, args: Sequence[str]) -> str:
        self.used.add((name, kind))
        return self.text.value(call(name, kind, args))
