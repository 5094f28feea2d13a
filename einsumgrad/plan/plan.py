"""A checked program with sizes and dtypes to a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

import numpy as np

from einsumgrad.check.schedule import Loop as Turns
from einsumgrad.check.schedule import schedule
from einsumgrad.check.sizes import axis_name
from einsumgrad.diagnostics import EinError, InternalError
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.circles import needed
from einsumgrad.ir.walk import accesses as accesses_of
from einsumgrad.ir.walk import free_indices
from einsumgrad.plan.builder import ENTRIES, Builder, Term, Value
from einsumgrad.plan.faults import TooManyIndices
from einsumgrad.plan.folds import entering
from einsumgrad.plan.liveness import finish
from einsumgrad.plan.loops import every_place, plan_loop
from einsumgrad.plan.lower import Lowering
from einsumgrad.plan.nodes import Fill, Load, Plan
from einsumgrad.plan.operands import Constant
from einsumgrad.plan.pieces import piece_checks
from einsumgrad.plan.targets import WAYS, check_once, put, start_of
from einsumgrad.plan.trace import Trace
from einsumgrad.plan.unroll import Offsets, at_offset, offsets
from einsumgrad.record import record

MAX_INDICES = 32
ENTERED = ("max", "min")
"""Reductions that leave out what reads outside."""
Shapes = Mapping[str, tuple[int, ...]]


def make_plan(
    program: ir.Program,
    sizes: Mapping[str, int],
    shapes: Shapes,
    dtypes: Mapping[str, np.dtype[np.generic]],
    wanted: tuple[str, ...],
    drawn: frozenset[str] = frozenset(),
    entries: int = ENTRIES,
    trace: Trace | None = None,
) -> Plan:
    """The plan that computes the wanted tensors from leaves of these shapes and dtypes, of which
    the run itself makes the `drawn` ones. `entries`: how large a window of overlapping entries may
    be before its kernel's offsets are taken one by one. `trace`: is told how it was planned.

    Raises EinError for a statement of more indices than arrays have axes."""
    builder = Builder(dict(sizes), entries=entries, trace=trace or Trace())
    planner = Planner(program, builder, shapes, dtypes, drawn)
    kept = needed(program.statements, wanted)
    items, stuck = schedule(program)
    if stuck:
        raise InternalError(f"a circle of statements {stuck} cannot be run")
    for item in items:
        if isinstance(item, int):
            builder.trace.place = item
            planner.statement(program.statements[item], kept)
        elif any(program.statements[p].target.tensor in kept for p in every_place(item)):
            plan_loop(planner, item)
    builder.trace.place = None
    checks = tuple(piece_checks(planner, kept))
    results = tuple((name, planner.result(name)) for name in wanted)
    return finish(builder, results, checks)


@record(frozen=False)
class Planner:
    """Plans one statement after the other; `tensors` are the registers as they are by now.

    `around`: the loops that are being planned, outermost first, with their variables. `buffers`:
    the tensors that these loops write."""

    program: ir.Program
    builder: Builder
    shapes: Shapes
    dtypes: Mapping[str, np.dtype[np.generic]]
    drawn: frozenset[str]
    tensors: dict[str, Value] = field(default_factory=dict)
    known: dict[str, ir.Tensor] = field(default_factory=dict)
    ops: dict[str, set[ir.Op]] = field(default_factory=dict)
    around: list[tuple[Turns, int]] = field(default_factory=list)
    buffers: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.known = {tensor.name: tensor for tensor in self.program.tensors}
        for statement in self.program.statements:
            self.ops.setdefault(statement.target.tensor, set()).add(statement.op)
        for name, shape in self.shapes.items():
            self.builder.owner = name
            dtype = self.dtypes[name]
            whole = not np.issubdtype(dtype, np.floating)
            own = np.dtype(np.int64) if whole else dtype
            made = Load(name, own != dtype, name in self.drawn)
            register = self.builder.emit(made, shape, str(own), weak=whole)
            self.tensors[name] = Value(register, ())

    def statement(self, statement: ir.Statement, kept: set[str]) -> None:
        """The target's register after one more statement that is not in a loop."""
        name = statement.target.tensor
        if name not in kept:
            return
        apart = self.taken_apart(statement)
        for fixed in apart:
            self.statement(at_offset(statement, fixed), kept)
        if apart:
            return
        self.builder.owner = name
        lowering = Lowering(self.builder, self.tensors, statement.where)
        free = self.free(statement, lowering)
        found = self.value(statement, free, lowering)
        if self.is_whole(statement.target, free):
            self.tensors[name] = self.added(name, self.laid(found, free, name), statement)
            return
        value = self.laid(found, free, name)
        into = self.tensors.get(name) or self.started(statement.target)
        if statement.op == "=":
            check_once(lowering, statement, free, self.builder.lengths(into.register))
        self.tensors[name] = self.put(statement, statement.target, into, value, lowering)

    def taken_apart(self, statement: ir.Statement) -> tuple[Offsets, ...]:
        """The offsets of a kernel at which a sum runs one after the other, to save room."""
        if statement.op not in ("+=", "-="):
            return ()
        indices = tuple(ir.Position(i) for i in statement.indices)
        whole = ir.Access(statement.target.tensor, (*statement.target.at, *indices))
        accesses = (whole, *accesses_of(statement.value))
        return offsets(self.builder, accesses, statement.indices)

    def free(self, statement: ir.Statement, lowering: Lowering) -> tuple[ir.Index, ...]:
        """The axes of what is put into the target."""
        count = len(statement.every_index)
        if count > MAX_INDICES:
            raise EinError(TooManyIndices(span=statement.span, count=count, limit=MAX_INDICES))
        free = dict.fromkeys(i for at in statement.target.at for i in free_indices(at))
        return lowering.loose(tuple(free))

    def value(
        self, statement: ir.Statement, free: tuple[ir.Index, ...], lowering: Lowering
    ) -> Term:
        """The right side, reduced over the loops that the target does not bear."""
        over = lowering.loose(tuple(i for i in statement.indices if i not in free))
        way = WAYS[statement.op]
        if over and way.fold == "sum":
            return lowering.summed(statement.value, over, statement.where)
        where = (
            *statement.where,
            *(entering(lowering, statement.value) if way.fold in ENTERED else ()),
        )
        if over:
            return lowering.folded(way.fold, statement.value, over, where)
        mask = lowering.conjunction(where)
        return lowering.masked(lowering.term(statement.value), mask, way.start)

    def laid(self, term: Term, axes: tuple[ir.Index, ...], name: str) -> Value:
        """The value over exactly the target's axes, integer if the tensor is."""
        if isinstance(term, Constant):
            return self.filled(name, term.value, axes)
        value = self.builder.spread(term, axes)
        if self.known[name].integer:
            return self.builder.cast(value, "int64", weak=True)
        return self.builder.floating(value)

    def filled(self, name: str, value: float, axes: tuple[ir.Index, ...]) -> Value:
        dtype = "int64" if name in self.known and self.known[name].integer else "float64"
        shape = self.builder.shape(axes)
        return Value(self.builder.emit(Fill(value), shape, dtype, weak=True), axes)

    def added(self, name: str, value: Value, statement: ir.Statement) -> Value:
        before = self.tensors.get(name)
        if before is None:
            return self.builder.map("negative", value) if statement.op == "-=" else value
        held = Value(before.register, value.axes)
        function = WAYS[statement.op].function
        result = self.builder.map(function, held, value, axes=value.axes)
        whole = self.known[name].integer
        return self.builder.cast(result, "int64", weak=True) if whole else result

    def put(
        self, statement: ir.Statement, target: ir.Access, into: Value, value: Value,
        lowering: Lowering,
    ) -> Value:  # fmt: skip
        """The register with values put at constants, diagonals, affine or gathered places."""
        dtype, weak = self.builder.common((into, value))
        if self.known[target.tensor].integer:
            dtype, weak = "int64", True
        value = self.builder.cast(value, dtype, weak=weak)
        into = self.builder.cast(into, dtype, weak=weak)
        return put(lowering, target, statement.op, into, value)

    def result(self, name: str) -> int:
        """The register that is returned; numbers in which no floating array took part have the
        dtype that all of those promote to, but for whole ones."""
        self.builder.owner = name
        value = self.tensors[name]
        if self.known[name].integer:
            return self.builder.cast(value, "int64", weak=True).register
        if not self.builder.registers[value.register].weak:
            return value.register
        floats = [dtype for dtype in self.dtypes.values() if dtype.kind == "f"]
        dtype = str(np.result_type(*floats)) if floats else "float64"
        return self.builder.cast(value, dtype).register

    def start(self, name: str) -> float:
        """What the tensor holds before its first statement."""
        return start_of(self.ops[name])

    def is_whole(self, target: ir.Access, free: tuple[ir.Index, ...]) -> bool:
        """Whether a target is met once at each of its entries, in their order."""
        plain = all(isinstance(at, ir.Position) for at in target.at)
        same = plain and len(free) == len(target.at)
        return same and self.builder.shape(free) == self.shape(target.tensor)

    def shape(self, name: str) -> tuple[int, ...]:
        axes = enumerate(self.known[name].axes)
        sizes = (axis_name(name, k) if i is None else i.size for k, i in axes)
        return tuple(self.builder.sizes[size] for size in sizes)

    def started(self, target: ir.Access) -> Value:
        """The tensor before its first statement."""
        made, shape = Fill(self.start(target.tensor)), self.shape(target.tensor)
        return Value(self.builder.emit(made, shape, "float64", weak=True), ())
