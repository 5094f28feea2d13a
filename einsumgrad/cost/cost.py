"""What a program costs: operations, bytes and memory of every statement, and the orders in which
it is contracted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from einsumgrad.check.sizes import axis_sizes, bind_sizes, size_classes, sizes_given
from einsumgrad.cost.length import Length, formula_of
from einsumgrad.cost.orders import Contraction, order
from einsumgrad.cost.sizes import some_sizes
from einsumgrad.ir.affine import Polynomial, size_names
from einsumgrad.ir.nodes import Program, Statement
from einsumgrad.pipeline import prepared
from einsumgrad.plan.builder import ENTRIES
from einsumgrad.plan.counts import flops, traffic
from einsumgrad.plan.liveness import in_use
from einsumgrad.plan.nodes import Loop, Plan, Step
from einsumgrad.plan.plan import make_plan
from einsumgrad.plan.trace import Trace
from einsumgrad.record import record
from einsumgrad.verify.setting import fixed

UNLIMITED = 2**62
"""With formulas for all sizes no window is too large to be one."""


@record
class Amount:
    """Operations or bytes: a formula in the sizes, and its number if all of these are known."""

    formula: Polynomial
    value: int | None


@record
class Row:
    """A statement's operations, the bytes that it reads and writes, the most bytes in use while it
    runs, and its contractions one after the other. What several statements need is counted with the
    first. `statement`: None for what belongs to none, checks and conversions of results."""

    statement: Statement | None
    flops: Amount
    traffic: Amount
    memory: Amount
    order: tuple[Contraction, ...]


@record
class Cost:
    """A row for each statement, and all of them together. `sizes`: those that are known, by name.
    `assumed`: what the others were taken to be where plans of different sizes differ. `plan`: the
    plan for both."""

    rows: tuple[Row, ...]
    total: Row
    sizes: Mapping[str, int]
    assumed: Mapping[str, int]
    plan: Plan

    @property
    def intensity(self) -> float | None:
        """Operations for each byte; None if a size is unknown, or nothing is moved."""
        done, moved = self.total.flops.value, self.total.traffic.value
        return None if done is None or not moved else done / moved


def cost(program: Program, given: Mapping[str, int]) -> Cost:
    """The cost of the loss and all outputs for float64 arrays, from the plan that runs.

    `given`: sizes by name, beside those that the program declares; for others the formulas hold,
    while numbers are left out. Raises EinError if sizes disagree."""
    found = prepared(program)
    known, every = sizes_given(found, given, {}), some_sizes(found, given)
    names, trace = _names(found), Trace()
    lengths = {name: Length.of(names.get(name, name), size) for name, size in every.items()}
    plan = _plan(found, lengths, trace, whole=known.keys() >= every.keys())
    sizes = {names.get(name, name): size for name, size in known.items()}
    assumed = {names.get(n, n): size for n, size in every.items() if n not in known}
    parts = tuple(_parts(plan, trace))
    rows = tuple(_rows(program, parts, trace, sizes))
    return Cost(rows, _row(None, parts, (), sizes), sizes, assumed, plan)


def _names(program: Program) -> dict[str, str]:
    """One name for all names of a size: one that a program can write, if there is one; else that of
    an axis of its own tensor, not of a gradient."""
    roots = size_classes(program)
    named: dict[str, str] = {}
    for name in sorted(roots, key=lambda name: ("#" in name, len(name), name)):
        named.setdefault(roots[name], name)
    return {name: named[root] for name, root in roots.items()}


def _plan(program: Program, lengths: Mapping[str, Length], trace: Trace, *, whole: bool) -> Plan:
    """The plan over formulas; `whole`: the sizes are those of a run."""
    leaves = [t for t in program.tensors if t.kind != "computed"]
    shapes = {t.name: tuple(lengths[size] for size in axis_sizes(t)) for t in leaves}
    bound = bind_sizes(fixed(program, {n: int(size) for n, size in lengths.items()}), shapes)
    sizes = {name: lengths.get(name, size) for name, size in bound.items()}
    dtypes = {t.name: np.dtype(np.int64 if t.integer else np.float64) for t in leaves}
    wanted = tuple(dict.fromkeys((*((program.loss,) if program.loss else ()), *program.outputs)))
    entries = ENTRIES if whole else UNLIMITED
    return make_plan(program, sizes, shapes, dtypes, wanted, entries=entries, trace=trace)


@record
class Part:
    """An instruction in all turns of the loops around it, and the statement that needed it."""

    place: int | None
    flops: int
    traffic: int
    memory: int


def _parts(plan: Plan, trace: Trace) -> Iterator[Part]:
    for step, memory in zip(plan.steps, in_use(plan.steps, plan.registers), strict=True):
        yield from _turned(step, 1, memory, plan, trace)


def _turned(step: Step, turns: int, memory: int, plan: Plan, trace: Trace) -> Iterator[Part]:
    made, own = step.instruction, plan.registers[step.register]
    if isinstance(made, Loop):
        for inner in made.body:
            yield from _turned(inner, turns * made.count, memory, plan, trace)
        return
    done, moved = flops(made, own, plan.registers), traffic(made, own, plan.registers)
    yield Part(trace.statements[step.register], turns * done, turns * moved, memory)


def _rows(
    program: Program, parts: Sequence[Part], trace: Trace, sizes: Mapping[str, int]
) -> Iterator[Row]:
    by_place: dict[int | None, list[Part]] = {}
    for part in parts:
        by_place.setdefault(part.place, []).append(part)
    for place, statement in enumerate(program.statements):
        yield _row(statement, by_place.get(place, []), order(trace, place), sizes)
    rest = _row(None, by_place.get(None, []), (), sizes)
    if rest.flops.formula or rest.traffic.formula:
        yield rest


def _row(
    statement: Statement | None, parts: Sequence[Part], order: tuple[Contraction, ...],
    sizes: Mapping[str, int],
) -> Row:  # fmt: skip
    done = _amount(sum(part.flops for part in parts), sizes)
    moved = _amount(sum(part.traffic for part in parts), sizes)
    held = _amount(max((part.memory for part in parts), default=0), sizes)
    return Row(statement, done, moved, held, order)


def _amount(value: int, sizes: Mapping[str, int]) -> Amount:
    formula = formula_of(value)
    return Amount(formula, int(value) if size_names(formula) <= sizes.keys() else None)
