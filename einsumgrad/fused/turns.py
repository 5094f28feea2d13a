"""A loop of a plan as a function of LLVM IR: its turns call the functions of its steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field

from einsumgrad.fused.entry import NAME, Inner, Written, function, looked_up, outer
from einsumgrad.fused.functions import call
from einsumgrad.fused.text import Memory, Text
from einsumgrad.record import record

Steps = tuple[tuple[int, int], ...]
"""Loop variables, each with what one turn more of it adds."""


@record
class Moved:
    """An array that begins so many bytes behind the root of this number, and further on for each
    turn of loops; of number -1 - v: the number of the turn of the loop with variable v."""

    root: int
    start: int
    steps: Steps


@record
class Call:
    """A step: how its function is written, of that name and after so many hints, and its arrays."""

    write: Callable[[str, int], Inner]
    arrays: tuple[Moved, ...]


@record
class Inside:
    """A step that is done where some places lie within their axes: each a number, what turns add to
    it, and how long the axis is."""

    places: tuple[tuple[int, Steps, int], ...]
    step: Call


@record
class Turn:
    """A loop, from 0 up or from the last turn down."""

    variable: int
    count: int
    upward: bool
    body: tuple[Node, ...]


Node = Call | Inside | Turn


def turned(loop: Turn, arrays: Sequence[Memory]) -> Written:
    """The function of a loop, which is given a table of pointers to its roots."""
    writer = Writer(tuple(memory.pointer for memory in arrays))
    writer.write(loop)
    text = outer([*looked_up(arrays), *writer.text.first, *writer.text.lines])
    return Written("".join((*writer.inner, text)), frozenset(writer.used), writer.text.hints)


def put(
    function_: str, arrays: Sequence[Memory], sizes: Sequence[int], name: str, hints: int = 0
) -> Inner:
    """The function that puts the second array into the first, entry by entry."""
    text = Text(hints=hints)
    target, value = arrays
    order = sorted(range(len(sizes)), key=lambda axis: -target.strides[axis])
    axes = tuple(range(len(sizes)))

    def entry() -> None:
        more = text.load(value, axes)
        if function_ != "set":
            before = text.load(target, axes)
            more = text.value(call(function_, target.kind, (before, more)))
        text.store(target, axes, more)

    text.loops(order, sizes, entry)
    pointers = tuple(memory.pointer for memory in arrays)
    written = function(name, pointers, text)
    used = frozenset() if function_ == "set" else frozenset([(function_, target.kind)])
    return Inner(name, pointers, written, used, text.hints)


@record(frozen=False)
class Writer:
    """`inner`: the functions that are called, `used`: what these call."""

    roots: tuple[str, ...]
    text: Text = field(default_factory=Text)
    inner: list[str] = field(default_factory=list)
    used: set[tuple[str, str]] = field(default_factory=set)

    def write(self, node: Node) -> None:
        match node:
            case Turn(variable, count):
                self.text.loops((variable,), {variable: count}, lambda: self.turn(node))
            case Inside(places, step):
                self.inside(places, step)
            case Call():
                self.call(node)

    def turn(self, loop: Turn) -> None:
        if not loop.upward:
            last = loop.count - 1
            at = self.text.value(f"sub nsw i64 {last}, {self.text.at[loop.variable]}")
            self.text.at[loop.variable] = at
        slot = f"%t{loop.variable}"
        self.text.first.append(f"  {slot} = alloca i64")
        self.text.line(f"store i64 {self.text.at[loop.variable]}, ptr {slot}")
        for node in loop.body:
            self.write(node)

    def inside(self, places: Sequence[tuple[int, Steps, int]], step: Call) -> None:
        """One comparison for each place: what is below 0 is far above without a sign."""
        found = "true"
        for start, steps, size in places:
            at = self.value(start, steps)
            here = self.text.value(f"icmp ult i64 {at}, {size}")
            found = here if found == "true" else self.text.value(f"and i1 {found}, {here}")
        yes, no = self.text.name("yes"), self.text.name("no")
        self.text.line(f"br i1 {found}, label %{yes}, label %{no}")
        self.text.label(yes)
        self.call(step)
        self.text.line(f"br label %{no}")
        self.text.label(no)

    def value(self, start: int, steps: Steps) -> str:
        found = str(start)
        for variable, step in steps:
            times = self.text.value(f"mul nsw i64 {self.text.at[variable]}, {step}")
            found = self.text.value(f"add nsw i64 {found}, {times}")
        return found

    def call(self, step: Call) -> None:
        made = step.write(f"{NAME}_{len(self.inner)}", self.text.hints)
        self.text.hints = made.hints
        self.inner.append(made.text)
        self.used |= made.used
        passed = ", ".join(f"ptr {self.place(step.arrays[int(p[2:])])}" for p in made.pointers)
        self.text.line(f"call void {made.name}({passed})")

    def place(self, array: Moved) -> str:
        if array.root < 0:
            return f"%t{-1 - array.root}"
        begin = self.roots[array.root]
        if array.start:
            begin = self.text.value(f"getelementptr i8, ptr {begin}, i64 {array.start}")
        root = Memory(begin, tuple(step for _, step in array.steps), "i1")
        return self.text.address(root, tuple(variable for variable, _ in array.steps))
