"""Loops, memory and numbers as text of LLVM IR."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field

from einsumgrad.record import record

KINDS = {"float32": "float", "float64": "double", "bool": "i1", "int64": "i64"}
"""What a value of a dtype is in a register."""
STORED = {"float": "float", "double": "double", "i1": "i8", "i32": "i32", "i64": "i64"}
"""What it is in memory."""
SHORT = 4
"""Turns of a loop that may become straight code: windows of a pooling or of a convolution."""
BYTES = {"float": 4, "double": 8, "i1": 1, "i32": 4, "i64": 8}


@record
class Memory:
    """An array: a pointer, the bytes from one entry to the next along each axis, and its kind.

    `within`: None for a pointer to its first entry; for a pointer to NumPy's array object, how many
    bytes from the beginning of that object's memory the first entry is."""

    pointer: str
    strides: tuple[int, ...]
    kind: str
    within: int | None = None


@record(frozen=False)
class Text:
    """The body of a function. `at`: the register of each loop variable that is open; `block`: the
    label of the block that is being written; `first`: what is reserved when the function begins, if
    on the `stack`; else `apart` says where in its scratch, of which so many bytes are `taken`."""

    lines: list[str] = field(default_factory=list)
    first: list[str] = field(default_factory=list)
    at: dict[int, str] = field(default_factory=dict)
    block: str = "entry"
    count: int = 0
    hints: int = 0
    stack: bool = True
    apart: dict[str, int] = field(default_factory=dict)
    taken: int = 0

    def name(self, stem: str = "v") -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def line(self, text: str) -> None:
        self.lines.append(f"  {text}")

    def value(self, text: str) -> str:
        """A register that holds what an instruction gives."""
        name = f"%{self.name()}"
        self.line(f"{name} = {text}")
        return name

    def label(self, name: str) -> None:
        self.lines.append(f"{name}:")
        self.block = name

    def loops(
        self,
        variables: Sequence[int],
        sizes: Sequence[int] | Mapping[int, int],
        body: Callable[[], None],
    ) -> None:
        """A nest of loops, the first variable outermost."""
        if not variables:
            body()
            return
        variable, *rest = variables
        if sizes[variable] == 1:
            self.at[variable] = "0"
            self.loops(rest, sizes, body)
        elif sizes[variable] > 1:
            self.loop(variable, sizes[variable], lambda: self.loops(rest, sizes, body))

    def loop(self, variable: int, size: int, body: Callable[[], None]) -> None:
        head, done, i = self.name("head"), self.name("done"), f"%{self.name('i')}"
        before, place = self.block, len(self.lines) + 2
        self.line(f"br label %{head}")
        self.label(head)
        self.lines.append("")
        self.at[variable] = i
        body()
        following = self.value(f"add nuw nsw i64 {i}, 1")
        more = self.value(f"icmp ult i64 {following}, {size}")
        self.lines[place] = f"  {i} = phi i64 [ 0, %{before} ], [ {following}, %{self.block} ]"
        self.line(f"br i1 {more}, label %{head}, label %{done}{self.hint(size)}")
        self.label(done)

    def hint(self, size: int) -> str:
        """Only short loops are worth being written out turn by turn."""
        if size <= SHORT:
            return ""
        self.hints += 1
        return f", !llvm.loop !LOOP{self.hints - 1}#"

    def address(self, memory: Memory, variables: Sequence[int]) -> str:
        """A pointer to the entry at the loop variables, one for each axis."""
        offset = ""
        for variable, stride in zip(variables, memory.strides, strict=True):
            i = self.at[variable]
            if i == "0" or stride == 0:
                continue
            step = self.value(f"mul nsw i64 {i}, {stride}")
            offset = step if not offset else self.value(f"add nsw i64 {offset}, {step}")
        if not offset:
            return memory.pointer
        return self.value(f"getelementptr inbounds i8, ptr {memory.pointer}, i64 {offset}")

    def load(self, memory: Memory, variables: Sequence[int]) -> str:
        place = self.address(memory, variables)
        found = self.value(f"load {STORED[memory.kind]}, ptr {place}, align {BYTES[memory.kind]}")
        return self.value(f"icmp ne i8 {found}, 0") if memory.kind == "i1" else found

    def store(self, memory: Memory, variables: Sequence[int], value: str) -> None:
        place = self.address(memory, variables)
        if memory.kind == "i1":
            value = self.value(f"zext i1 {value} to i8")
        stored = f"{STORED[memory.kind]} {value}, ptr {place}, align {BYTES[memory.kind]}"
        self.line(f"store {stored}")

    def reserved(self, kind: str, sizes: Sequence[int]) -> Memory:
        """Memory of the function's own, the last axis innermost."""
        pointer, strides, step = f"%{self.name('m')}", [0] * len(sizes), BYTES[kind]
        for axis in reversed(range(len(sizes))):
            strides[axis] = step
            step *= sizes[axis]
        if not self.stack and sizes:
            self.apart[pointer] = self.taken
            self.taken += -(-step // 64) * 64
        else:
            count = step // BYTES[kind]
            self.first.append(f"  {pointer} = alloca [{count} x {STORED[kind]}], align 64")
        return Memory(pointer, tuple(strides), kind)

    def converted(self, value: str, kind: str, to: str) -> str:
        """A value of one kind as another; a mask is 0 or 1."""
        if kind == to:
            return value
        how = CONVERTED[kind, to]
        if how == "test":
            return self.value(f"fcmp une {kind} {value}, 0.0")
        if how == "test whole":
            return self.value(f"icmp ne {kind} {value}, 0")
        return self.value(f"{how} {kind} {value} to {to}")


CONVERTED = {
    ("float", "double"): "fpext", ("double", "float"): "fptrunc",
    ("i1", "float"): "uitofp", ("i1", "double"): "uitofp", ("i1", "i64"): "zext",
    ("i64", "float"): "sitofp", ("i64", "double"): "sitofp",
    ("float", "i1"): "test", ("double", "i1"): "test", ("i64", "i1"): "test whole",
    ("float", "i64"): "fptosi", ("double", "i64"): "fptosi",
}  # fmt: skip
