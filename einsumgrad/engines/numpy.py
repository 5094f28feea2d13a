"""The reference engine: each instruction one NumPy call, matrix products by BLAS."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, assert_never

import numpy as np
import numpy.typing as npt

from einsumgrad.diagnostics import InternalError
from einsumgrad.engines.functions import REAL, Tables
from einsumgrad.engines.gather import gather, scatter
from einsumgrad.engines.layout import seen, view
from einsumgrad.engines.loops import buffer, done, loop, once, store
from einsumgrad.engines.pair import guard, pair
from einsumgrad.engines.windows import overlap_add, pad, window
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
    Kernel,
    Load,
    Loop,
    Map,
    Once,
    OverlapAdd,
    Pad,
    Pair,
    Plan,
    Room,
    Scatter,
    Step,
    Store,
    Strips,
    Variable,
    Window,
)
from einsumgrad.plan.operands import Arg, Constant, Register
from einsumgrad.plan.uses import uses
from einsumgrad.record import record

FRESH = (Fill, OverlapAdd, Scatter)
"""Instructions whose result is an array of its own that may be added to."""
Array = npt.NDArray[Any]
Registers = list[Any]
Run = Callable[[Registers, Mapping[str, Array]], Any]


@record
class Compiled:
    """A plan as a list of calls; safe to run from several threads, as each run has its own
    registers."""

    plan: Plan
    calls: tuple[tuple[Run, int, tuple[int, ...]], ...]

    def run(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """The results, none of which shares memory with an argument or with another."""
        registers: Registers = [None] * len(self.plan.registers)
        with np.errstate(all="ignore"):
            for call, register, ends in self.calls:
                registers[register] = call(registers, arrays)
                for end in ends:
                    registers[end] = None
        given = {id(array) for array in arrays.values()}
        return {name: _own(registers[r], given) for name, r in self.plan.results}


def _own(found: Any, taken: set[int]) -> Array:
    """A result as an array that shares no memory with those whose ids are taken; it joins them.

    A view is copied, as its base may be a result or an argument."""
    fresh = isinstance(found, np.ndarray) and found.flags.owndata and id(found) not in taken
    result: Array = found if fresh else np.array(found)
    taken.add(id(result))
    return result


def compile_plan(plan: Plan, tables: Tables = REAL) -> Compiled:
    """The plan's instructions as closures over their layouts."""
    owned = _owned(plan.steps)
    calls = (
        (
            _call(step.instruction, plan.registers, step.register, tables, owned),
            step.register, step.ends,
        )
        for step in plan.steps
    )  # fmt: skip
    return Compiled(plan, tuple(calls))


def _owned(steps: tuple[Step, ...]) -> frozenset[int]:
    """Registers whose arrays are made for them and are read once, as their steps say."""
    fresh = {s.register for s in steps if isinstance(s.instruction, FRESH)}
    counts = Counter(used for step in steps for used in uses(step.instruction))
    ended = {end for step in steps for end in step.ends}
    return frozenset(r for r in fresh & ended if counts[r] == 1)


def _call(
    made: Instruction,
    registers: tuple[Register, ...],
    own: int,
    tables: Tables,
    owned: frozenset[int],
) -> Run:
    match made:
        case Load(tensor):
            return _load(tensor, registers[own])
        case Fill(value):
            shape, dtype = registers[own].shape, registers[own].dtype
            return lambda _r, _a: np.full(shape, value, dtype)
        case Count(size):
            return lambda _r, _a: np.arange(size)
        case Map():
            return _map(made, tables)
        case Cast(operand, dtype):
            return lambda r, _a: np.asarray(r[operand]).astype(dtype)
        case Pair():
            return pair(made, registers)
        case Fold():
            return _fold(made, tables)
        case Arrange():
            return _arrange(made, registers[own].shape)
        case Guard():
            return guard(made)
        case Loop(_, _, _, body):
            calls = (
                (_call(s.instruction, registers, s.register, tables, owned), s.register)
                for s in body
            )
            return loop(made, tuple(calls))
        case Room() | Strips() | Kernel():
            raise InternalError("the reference engine runs plans as they are made")
        case _:
            return _placed(made, registers, own, owned)


def _placed(
    made: Pad | Window | OverlapAdd | Gather | Scatter | Variable | Buffer | Store | Done | Once,
    registers: tuple[Register, ...],
    own: int,
    owned: frozenset[int],
) -> Run:
    """What reads or writes entries at other places than its own."""
    match made:
        case Pad():
            return pad(made, registers[own])
        case Window():
            return window(made, registers[own])
        case OverlapAdd():
            return overlap_add(made, registers, fresh=made.into in owned)
        case Gather():
            return gather(made, registers)
        case Scatter():
            return scatter(made, registers)
        case Once():
            return once(made)
        case Variable():
            return lambda _r, _a: 0
        case Buffer():
            return buffer(made, registers[own])
        case Store():
            return store(made, registers)
        case Done():
            return done(made, registers[own])
        case _:
            assert_never(made)


def _load(tensor: str, register: Register) -> Run:
    dtype = np.dtype(register.dtype)
    return lambda _r, arrays: np.asarray(arrays[tensor], dtype)


def _map(made: Map, tables: Tables) -> Run:
    """One function call; the common forms without a loop over the arguments."""
    function = tables.functions[made.function]
    plain = [
        a.register
        for a in made.args
        if not isinstance(a, Constant) and view(a.layout, made.rank) is None
    ]
    if len(plain) == len(made.args) == 1:
        (only,) = plain
        return lambda r, _a: function(r[only])
    if len(plain) == len(made.args) == 2:
        left, right = plain
        return lambda r, _a: function(r[left], r[right])
    args = [_argument(a, made.rank) for a in made.args]
    return lambda r, _a: function(*(arg(r) for arg in args))


def _argument(arg: Arg, rank: int) -> Callable[[Registers], Any]:
    """How an argument is taken from the registers."""
    if isinstance(arg, Constant):
        value = arg.value
        return lambda _r: value
    register, look = arg.register, view(arg.layout, rank)
    if look is None:
        return lambda r: r[register]
    return lambda r: look(r[register])


def _fold(made: Fold, tables: Tables) -> Run:
    function, neutral = tables.folds[made.function]
    look = seen(made.operand.layout, made.rank)
    source, axes, mask = made.operand.register, made.axes, made.mask
    if mask is None:
        return lambda r, _a: function(look(r[source]), axes)
    masked, kept = mask.register, seen(mask.layout, made.rank)
    return lambda r, _a: function(np.where(kept(r[masked]), look(r[source]), neutral), axes)


def _arrange(made: Arrange, shape: tuple[int, ...]) -> Run:
    look = seen(made.operand.layout, made.rank)
    source = made.operand.register
    return lambda r, _a: np.broadcast_to(look(np.asarray(r[source])), shape)


def call_of(made: Instruction, registers: tuple[Register, ...], own: int) -> Run:
    """An instruction as a function over registers, which may be a mapping of those it reads."""
    return _call(made, registers, own, REAL, frozenset())
