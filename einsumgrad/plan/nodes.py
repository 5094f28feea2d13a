"""A plan: straight-line instructions over registers, for given sizes and dtypes. Plain data.

Every register is written once. An operand is a register with a layout: for each of its axes the
place of that axis in the space of the instruction, so that no index name matters here and equal
computations of different statements are one instruction.
"""

from __future__ import annotations

from dataclasses import field

from einsumgrad.diagnostics import Span
from einsumgrad.plan.operands import Arg, At, Layout, Nest, Operand, Register, Walk
from einsumgrad.record import record


@record
class Load:
    """The array of a leaf; integers as int64. `copied`: it is given in another dtype. `drawn`: no
    caller gives it, the run makes it."""

    tensor: str
    copied: bool = False
    drawn: bool = False


@record
class Fill:
    """An array of one value."""

    value: float


@record
class Count:
    """0, 1, 2 …: the values of an index."""

    size: int


@record
class Map:
    """An elementwise function over the whole space (of `rank` axes)."""

    function: str
    args: tuple[Arg, ...]
    rank: int


@record
class Cast:
    """The same values as another dtype."""

    operand: int
    dtype: str


@record
class Pair:
    """A contraction of two operands by matrix multiplication; `out` lists the space's axes that
    remain, in the order of the result. `tiled`: by loops of our own, not by BLAS."""

    left: Operand
    right: Operand
    out: Layout
    tiled: bool = False

    @property
    def parts(self) -> tuple[Layout, Layout, Layout, Layout]:
        """The axes of a stack of matrices, of its rows, of its columns, and those summed."""
        left, right, out = self.left.layout, self.right.layout, self.out
        both = tuple(k for k in out if k in left and k in right)
        rows, columns = (tuple(k for k in out if k not in other) for other in (right, left))
        return both, rows, columns, tuple(k for k in left if k not in out)

    @property
    def dots(self) -> bool:
        """Whether rows meet rows, one by one: there is no matrix."""
        return bool(self.parts[0]) and not any(self.parts[1:3])

    @property
    def threaded(self) -> bool:
        """Whether it is a product of matrices by BLAS, which may share it among threads."""
        return not (self.dots or self.tiled)


@record
class Fold:
    """A reduction over some axes of a register: sum, prod, max, min, logsumexp, argmax, argmin, or
    over one axis that stays: softmax, log_softmax. `mask` drops entries."""

    function: str
    operand: Operand
    axes: Layout
    rank: int
    mask: Operand | None = None


@record
class Arrange:
    """A register with its axes in another order, repeated along new ones."""

    operand: Operand
    rank: int


@record
class Pad:
    """A register with so many entries of one value before and after each axis."""

    source: int
    widths: tuple[tuple[int, int], ...]
    value: float = 0.0


@record
class Window:
    """A view of a register: each of its axes walked along by axes of the space."""

    source: int
    walks: tuple[Walk, ...]
    rank: int


@record
class OverlapAdd:
    """A register with values put by a function (add, subtract, max …) where the axes of the
    space walk; what falls outside is dropped. `widths`: how far outside that may be."""

    into: int
    value: Operand
    walks: tuple[Walk, ...]
    widths: tuple[tuple[int, int], ...]
    rank: int
    function: str


@record
class Gather:
    """Entries of a register, each axis of which is read at an `At`. Entries that `mask` drops are
    not checked and 0; constants outside give 0."""

    source: int
    at: tuple[At, ...]
    rank: int
    tensor: str
    mask: Operand | None = None


@record
class Scatter:
    """A register with values put by a function (add, subtract, max …) at gathered places."""

    into: int
    value: Operand
    at: tuple[At, ...]
    rank: int
    tensor: str
    function: str
    mask: Operand | None = None


@record
class Guard:
    """A masked contraction's result; where it is not finite, the sum over the whole space of what
    the mask keeps, so that no dropped entry is seen."""

    result: int
    args: tuple[Operand, ...]
    mask: Operand
    out: Layout
    rank: int


@record
class Variable:
    """The value of a loop's index in its current step; `number` tells loops apart."""

    number: int


@record
class Buffer:
    """An array that a loop writes into: the source, or one value throughout, with room around it
    that is never written and reads as 0. `number` tells buffers apart. `bare`: a loop sets all of
    it but that room, before anything reads it."""

    source: int | None
    widths: tuple[tuple[int, int], ...]
    value: float
    number: int
    bare: bool = False


@record
class Store:
    """Values put into a buffer by a function (add, subtract, max …, set), at single places of some
    of its axes and along the whole of the others; dropped if a place is outside."""

    into: int
    value: Operand
    places: tuple[tuple[int, Walk], ...]
    widths: tuple[tuple[int, int], ...]
    function: str


@record
class Loop:
    """Steps repeated for each value of a variable, from 0 up or from the last one down."""

    variable: int
    count: int
    upward: bool
    body: tuple[Step, ...]


@record
class Done:
    """A buffer after its loop, without so much of the room around it, which reads as 0."""

    source: int
    loop: int
    widths: tuple[tuple[int, int], ...]


@record
class Once:
    """Refuses counts above 1: an entry that two pieces of a tensor define. `spans`: the pieces."""

    source: int
    tensor: str
    spans: tuple[Span, ...] = field(default=(), compare=False, repr=False)


@record
class Room:
    """Memory that strips fill, its axis `axis` lying outermost; `number` tells rooms apart."""

    axis: int | None
    number: int


@record
class Strips:
    """A plan run for one part after another of an axis: `parts` of the same length, then `rest`.

    `takes`: registers that it reads, each with the axis of which it sees a part, None for the whole
    of it; its leaves are their numbers. `outs`: rooms that its results fill, each with the axis of
    which a result is a part, None where the room is the sum over all parts."""

    plan: Plan
    rest: Plan | None
    length: int
    parts: int
    takes: tuple[tuple[int, int | None], ...]
    outs: tuple[tuple[int, int | None], ...]


@record
class Kernel:
    """A plan of elementwise steps and reductions, run as one nest of loops. `takes`: the registers
    that it reads, its leaves; `outs`: the rooms that its results fill, in their order; `scratch`:
    room for what a turn of its outer loops keeps, if that is much. `over`: pairs of a room and of
    what it reads, along the room's axes, whose memory the room may be: no entry is read after it
    is written."""

    plan: Plan
    takes: tuple[int, ...]
    outs: tuple[int, ...]
    nest: Nest
    scratch: int | None = None
    over: tuple[tuple[int, Operand], ...] = ()


Instruction = (
    Load | Fill | Count | Map | Cast | Pair | Fold | Arrange | Pad | Window | OverlapAdd
    | Gather | Scatter | Guard | Variable | Buffer | Store | Loop | Done | Once | Room | Strips
    | Kernel
)  # fmt: skip


@record
class Step:
    """An instruction, the register it writes, and the registers that end with it."""

    instruction: Instruction
    register: int
    ends: tuple[int, ...] = ()


@record
class Plan:
    """Instructions in order; `results` names the registers that are returned."""

    steps: tuple[Step, ...]
    registers: tuple[Register, ...]
    results: tuple[tuple[str, int], ...]
    peak_bytes: int
    largest: tuple[str, int]
    flops: int
