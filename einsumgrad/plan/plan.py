"""A checked program with sizes and dtypes to a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from einsumgrad.check.sizes import axis_name
from einsumgrad.diagnostics import EinError
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.circles import needed
from einsumgrad.ir.walk import free_indices
from einsumgrad.plan.builder import Builder, Term, Value
from einsumgrad.plan.faults import TooManyIndices
from einsumgrad.plan.liveness import finish
from einsumgrad.plan.lower import FALSE, Lowering
from einsumgrad.plan.nodes import Constant, Fill, Load, Plan, Scatter
from einsumgrad.plan.places import placed
from einsumgrad.plan.windows import leaving, overlap_add

MAX_INDICES = 32
Shapes = Mapping[str, tuple[int, ...]]


def make_plan(
    program: ir.Program,
    sizes: Mapping[str, int],
    shapes: Shapes,
    dtypes: Mapping[str, np.dtype[np.generic]],
    wanted: tuple[str, ...],
    drawn: frozenset[str] = frozenset(),
) -> Plan:
    """The plan that computes the wanted tensors from leaves of these shapes and dtypes, of which
    the run itself makes the `drawn` ones.

    Raises EinError for a statement of more indices than arrays have axes."""
    planner = Planner(program, Builder(dict(sizes)), shapes, dtypes, drawn)
    kept = needed(program.statements, wanted)
    for statement in program.statements:
        if statement.target.tensor in kept:
            planner.statement(statement)
    return finish(planner.builder, tuple((name, planner.result(name)) for name in wanted))


@dataclass(slots=True)
class Planner:
    """Plans one statement after the other; `tensors` are the registers as they are by now."""

    program: ir.Program
    builder: Builder
    shapes: Shapes
    dtypes: Mapping[str, np.dtype[np.generic]]
    drawn: frozenset[str]
    tensors: dict[str, Value] = field(default_factory=dict)
    known: dict[str, ir.Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.known = {tensor.name: tensor for tensor in self.program.tensors}
        for name, shape in self.shapes.items():
            self.builder.owner = name
            dtype = self.dtypes[name]
            whole = not np.issubdtype(dtype, np.floating)
            own = np.dtype(np.int64) if whole else dtype
            made = Load(name, own != dtype, name in self.drawn)
            register = self.builder.emit(made, shape, str(own), weak=whole, flops=0)
            self.tensors[name] = Value(register, ())

    def statement(self, statement: ir.Statement) -> None:
        """The target's register after one more statement."""
        name = statement.target.tensor
        self.builder.owner = name
        count = len(statement.every_index)
        if count > MAX_INDICES:
            raise EinError(TooManyIndices(span=statement.span, count=count, limit=MAX_INDICES))
        free = tuple(dict.fromkeys(i for at in statement.target.at for i in free_indices(at)))
        lowering = Lowering(self.builder, self.tensors, statement.where)
        found = self.value(statement, free, lowering)
        plain = all(isinstance(at, ir.Position) for at in statement.target.at)
        if plain and len(free) == len(statement.target.at):
            self.tensors[name] = self.added(name, self.laid(found, free, name), statement)
        else:
            self.scatter(statement, found, free, lowering)

    def value(
        self, statement: ir.Statement, free: tuple[ir.Index, ...], lowering: Lowering
    ) -> Term:
        """The right side, summed over the loops that the target does not bear."""
        over = tuple(i for i in statement.indices if i not in free)
        if over:
            return lowering.summed(statement.value, over, statement.where)
        mask = lowering.conjunction(statement.where)
        return lowering.masked(lowering.term(statement.value), mask)

    def laid(self, term: Term, axes: tuple[ir.Index, ...], name: str) -> Value:
        """The value over exactly the target's axes, integer if the tensor is."""
        shape = self.builder.shape(axes)
        if isinstance(term, Constant):
            made = Fill(term.value)
            whole = self.known[name].integer
            dtype = "int64" if whole else "float64"
            return Value(self.builder.emit(made, shape, dtype, weak=True, flops=0), axes)
        value = self.builder.spread(term, axes)
        if self.known[name].integer:
            return self.builder.cast(value, "int64", weak=True)
        return self.builder.floating(value)

    def added(self, name: str, value: Value, statement: ir.Statement) -> Value:
        before = self.tensors.get(name)
        if before is None:
            return self.builder.map("negative", value) if statement.op == "-=" else value
        held = Value(before.register, value.axes)
        function = "subtract" if statement.op == "-=" else "add"
        result = self.builder.map(function, held, value, axes=value.axes)
        whole = self.known[name].integer
        return self.builder.cast(result, "int64", weak=True) if whole else result

    def result(self, name: str) -> int:
        """The register that is returned; numbers in which no floating array took part have the
        dtype that all of those promote to."""
        self.builder.owner = name
        value = self.tensors[name]
        if self.known[name].integer or not self.builder.registers[value.register].weak:
            return value.register
        floats = [dtype for dtype in self.dtypes.values() if dtype.kind == "f"]
        dtype = str(np.result_type(*floats)) if floats else "float64"
        return self.builder.cast(value, dtype).register

    def scatter(
        self, statement: ir.Statement, term: Term, free: tuple[ir.Index, ...], lowering: Lowering
    ) -> None:
        """Values added at constants, diagonals or gathered places."""
        target = statement.target
        into = self.tensors.get(target.tensor) or self.zeros(target)
        self.tensors[target.tensor] = into
        value = self.laid(term, free, target.tensor)
        dtype, weak = self.builder.common((into, value))
        if self.known[target.tensor].integer:
            dtype, weak = "int64", True
        value = self.builder.cast(value, dtype, weak=weak)
        into = self.builder.cast(into, dtype, weak=weak)
        minus = statement.op == "-="
        made = overlap_add(lowering, into, value, target.at, negative=minus)
        if made is None:
            made = self.scattered(target, into, value, lowering, negative=minus)
        self.tensors[target.tensor] = made

    def scattered(
        self, target: ir.Access, into: Value, value: Value, lowering: Lowering, *, negative: bool
    ) -> Value:
        """Values added where tensors say; positions that are computed beside are kept inside."""
        shape = self.builder.registers[into.register].shape
        inside = leaving(target.at, self.builder.sizes, shape)
        kept = lowering.conjunction(inside)
        lowering = lowering.under(inside)
        free = value.axes
        places, mask = placed(lowering, target.at, free)
        if FALSE in (mask, kept):
            return into
        if isinstance(kept, Value):
            masked_value = lowering.masked(value, kept)
            assert isinstance(masked_value, Value)
            value = self.builder.spread(masked_value, free)
        masked = self.builder.operand(mask, free) if isinstance(mask, Value) else None
        register = self.builder.registers[into.register]
        made = Scatter(
            into.register, self.builder.operand(value, free), places, len(free), target.tensor,
            negative, masked,
        )  # fmt: skip
        found = self.builder.emit(made, register.shape, register.dtype, weak=register.weak)
        return Value(found, ())

    def zeros(self, target: ir.Access) -> Value:
        axes = enumerate(self.known[target.tensor].axes)
        sizes = (axis_name(target.tensor, k) if i is None else i.size for k, i in axes)
        shape = tuple(self.builder.sizes[size] for size in sizes)
        return Value(self.builder.emit(Fill(0.0), shape, "float64", weak=True, flops=0), ())
