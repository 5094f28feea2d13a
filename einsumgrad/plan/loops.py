"""A circle's loop: buffers that its steps write into, and what one step does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from einsumgrad.check.schedule import Loop as Turns
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.affine import affine, line
from einsumgrad.plan.builder import Builder, Frame, Value
from einsumgrad.plan.liveness import needed_by
from einsumgrad.plan.lower import Lowering
from einsumgrad.plan.nodes import (
    Buffer,
    Done,
    Fill,
    Loop,
    Step,
    Store,
    Variable,
)  # fmt: skip
from einsumgrad.plan.operands import Operand, Register, Walk
from einsumgrad.plan.targets import WAYS
from einsumgrad.plan.windows import reach

if TYPE_CHECKING:
    from einsumgrad.plan.plan import Planner

Widths = tuple[tuple[int, int], ...]


def plan_loop(planner: Planner, turns: Turns) -> None:
    """The loop after what has been planned; its tensors are complete then."""
    builder = planner.builder
    places = tuple(every_place(turns))
    statements = [planner.program.statements[place] for place in places]
    names = dict.fromkeys(s.target.tensor for s in statements)
    outer = {name: planner.tensors[name] for name in names if name in planner.buffers}
    dtype = common_dtype(planner, statements, names)
    for place, name in zip(places, (s.target.tensor for s in statements), strict=True):
        if name not in outer and name not in planner.buffers:
            builder.trace.place = place
            planner.tensors[name] = buffer(planner, name, statements, dtype)
            planner.buffers.add(name)
    register = body(planner, turns)
    for name in names.keys() - outer.keys():
        planner.buffers.discard(name)
        planner.tensors[name] = done(builder, planner.tensors[name].register, register)


def every_place(turns: Turns) -> Iterator[int]:
    """The statements of a loop and of those in it."""
    for item in turns.body:
        if isinstance(item, Turns):
            yield from every_place(item)
        else:
            yield item


def common_dtype(
    planner: Planner, statements: list[ir.Statement], names: Mapping[str, None]
) -> tuple[str, bool]:
    """What everything promotes to that the circle reads from elsewhere, or begins with."""
    read = {access.tensor for statement in statements for access in statement.reads} | names.keys()
    found = [planner.tensors[name] for name in sorted(read) if name in planner.tensors]
    return planner.builder.common(tuple(found))


def buffer(
    planner: Planner, name: str, statements: list[ir.Statement], dtype: tuple[str, bool]
) -> Value:
    """A new buffer for a tensor, holding what statements before the loop have put there."""
    builder, start = planner.builder, planner.tensors.get(name)
    builder.owner = name
    own = ("int64", True) if planner.known[name].integer else dtype
    if start is not None:
        start = builder.cast(start, own[0], weak=own[1])
    lengths = planner.shape(name)
    widths = margins(builder, name, lengths, statements)
    shape = tuple(n + before + after for n, (before, after) in zip(lengths, widths, strict=True))
    neutral = planner.start(name)
    made = Buffer(start.register if start else None, widths, neutral, len(builder.registers))
    depth = len(builder.frames) - 1
    register = builder.place(made, Register(shape, *own, name), depth)
    builder.margins[register] = widths
    builder.depths[register] = depth + 1  # what reads it does so in the loop
    return Value(register, ())


def margins(
    builder: Builder, name: str, lengths: tuple[int, ...], statements: list[ir.Statement]
) -> Widths:
    """How far the loop reads out of a tensor, on either side of each axis."""
    widths = [(0, 0)] * len(lengths)
    for access in (a for s in statements for a in s.reads if a.tensor == name):
        for axis, (at, length) in enumerate(zip(access.at, lengths, strict=True)):
            found = reach((at,), builder.sizes, (length,))
            if found is not None:
                low, high = found.lines[0].bounds(builder.sizes)
                before, after = max(0, -low), max(0, high - length + 1)
                widths[axis] = (max(widths[axis][0], before), max(widths[axis][1], after))
    return tuple(widths)


def body(planner: Planner, turns: Turns) -> int:
    """The register of the loop itself."""
    builder, depth = planner.builder, len(planner.builder.frames)
    count = builder.sizes[turns.size]
    builder.frames.append(Frame())
    number = len(builder.registers)
    variable = builder.place(
        Variable(number), Register((), "int64", weak=True, owner=builder.owner), depth
    )
    roots = []
    for item in turns.body:
        if isinstance(item, Turns):
            planner.around.append((turns, variable))
            plan_loop(planner, item)
            planner.around.pop()
        else:
            planner.around.append((turns, variable))
            roots.append(step(planner, item))
            planner.around.pop()
    frame = builder.frames.pop()
    roots += [r for r in frame.order if isinstance(builder.instructions[r], Loop)]
    kept = needed_by(builder.instructions, [r for r in roots if r is not None])
    order = [r for r in frame.order if r in kept and r != variable]
    steps = tuple(Step(builder.instructions[r], r) for r in order)
    made = Loop(variable, count, turns.step > 0, steps)
    return builder.place(made, Register((), "int64", weak=True, owner=builder.owner), depth - 1)


def step(planner: Planner, place: int) -> int | None:
    """One statement in a step of the loops around it."""
    statement = planner.program.statements[place]
    name = statement.target.tensor
    planner.builder.owner, planner.builder.trace.place = name, place
    lowering = inside(planner, place, statement)
    free = planner.free(statement, lowering)
    found = planner.value(statement, free, lowering)
    value = planner.laid(found, free, name)
    return store(planner, statement, value, lowering)


def inside(planner: Planner, place: int, statement: ir.Statement) -> Lowering:
    """How expressions of a statement are lowered in the loops around it."""
    loops = {turns.indices[place]: variable for turns, variable in planner.around}
    active = {turns.indices[place]: turns.active for turns, _ in planner.around}
    return Lowering(planner.builder, planner.tensors, statement.where, loops, active)


def store(
    planner: Planner, statement: ir.Statement, value: Value, lowering: Lowering
) -> int | None:
    """The instruction that puts a value where its target says."""
    builder, target = planner.builder, statement.target
    into = planner.tensors[target.tensor].register
    register, lengths = builder.registers[into], builder.lengths(into)
    places = {k: at for k, at in enumerate(target.at) if _single(at, lowering)}
    rest = tuple(k for k in range(len(target.at)) if k not in places)
    at = tuple(target.at[k] for k in rest)
    value = builder.cast(value, register.dtype, weak=register.weak)
    plain = tuple(p.index for p in at if isinstance(p, ir.Position))
    whole = tuple(lengths[k] for k in rest)
    if len(plain) == len(at) == len(set(plain)) and builder.shape(plain) == whole:
        laid = builder.spread(value, plain)
    else:
        start = planner.start(target.tensor)
        none = builder.emit(Fill(start), whole, register.dtype, weak=register.weak)
        laid = planner.put(statement, replace_at(target, at), Value(none, ()), value, lowering)
    order = Operand(laid.register, tuple(range(len(rest))))
    walks = tuple((k, _walk(p, lowering)) for k, p in places.items())
    made = Store(into, order, walks, builder.margins[into], WAYS[statement.op].function)
    depth = len(builder.frames) - 1
    return builder.place(made, Register((), "int64", weak=True, owner=target.tensor), depth)


def replace_at(target: ir.Access, at: tuple[ir.Expr, ...]) -> ir.Access:
    return ir.Access(target.tensor, at, target.span)


def _single(at: ir.Expr, lowering: Lowering) -> bool:
    """Whether a position is the same for all entries of one step."""
    form = affine(at)
    return form is not None and all(i in lowering.loops for i in form.indices)


def _walk(at: ir.Expr, lowering: Lowering) -> Walk:
    form = affine(at)
    found = None if form is None else line(form, lowering.builder.sizes)
    assert found is not None
    return Walk(found.offset, (), tuple((lowering.loops[i], c) for i, c in found.terms))


def done(builder: Builder, source: int, loop: int) -> Value:
    """The tensor after its loop."""
    register = builder.registers[source]
    made = Done(source, loop, builder.margins[source])
    depth = len(builder.frames) - 1
    own = Register(builder.lengths(source), register.dtype, register.weak, register.owner)
    return Value(builder.place(made, own, depth), ())
