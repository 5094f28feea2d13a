"""What steps do that a cost model counts: calls, bytes moved, bytes alive at once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from math import prod

from einsumgrad.plan.counts import multiplications
from einsumgrad.plan.nodes import (
    Arrange,
    Done,
    Gather,
    Guard,
    Instruction,
    Load,
    Loop,
    Map,
    OverlapAdd,
    Pair,
    Plan,
    Scatter,
    Step,
    Store,
    Variable,
    Window,
)
from einsumgrad.plan.operands import lengths
from einsumgrad.plan.scratch import bytes_of
from einsumgrad.plan.uses import uses
from einsumgrad.record import record
from einsumgrad.tune.levels import Cut
from einsumgrad.tune.orders import flat

VIEWS = (Load, Arrange, Window, Done, Variable, Loop, Guard)
"""Instructions that move nothing, a guard mostly."""
FUNCTIONS = (Gather, Scatter, OverlapAdd)
PRODUCT, HARD = 0.025, 0.5
"""ns for a multiplication of a product, and for an entry of a function that is no one instruction
of a processor, in one thread: 80 GFLOP/s in float32, AVX2."""
HARD_ONES = frozenset(
    ["exp", "log", "log1p", "expm1", "tanh", "sigmoid", "erf", "softplus", "power", "sin", "cos",
     "tan", "sigmoid of minus"]
)  # fmt: skip
WIDE, HUGE = 2**21, 2**27
"""Multiplications of a product from which on BLAS shares it among threads with gain, and from which
on it does so well."""
CALLED = 20
"""Calls in an instruction that is a Python function over registers."""


@record
class Body:
    """What strips run for one part. Two numbers are bytes of registers that have the axis, over its
    whole length, and of those that do not have it: moved by elementwise steps, alive at once.

    `work`: ns of products and of hard functions in one thread; `wide`, `huge`: those of them that
    BLAS shares by itself, with some gain and with much; `threaded`: whether there are products that
    it may share. `calls`: of functions. `runs`: pieces of memory in which a part of the arrays lies
    that it reads and fills. `packed`: bytes of matrices without the axis. `sums`: of results."""

    moved: tuple[int, int]
    alive: tuple[int, int]
    work: float
    wide: float
    huge: float
    threaded: bool
    calls: int
    runs: int
    packed: int
    sums: int


def body(made: Cut, own: Plan) -> Body:
    """What the steps do that run for a part of an axis, given for the whole of it."""
    moved, packed = [0, 0], 0
    every = list(turns(own.steps))
    products = [(s, n) for s, n in every if _multiplies(s.instruction)]
    for step, times in every:
        size = [0, 0]
        for register in _touched(step):
            size[register not in made.axis] += times * bytes_of(own.registers[register])
        if _multiplies(step.instruction):
            packed += size[1]
        elif not isinstance(step.instruction, VIEWS):
            moved = [before + more for before, more in zip(moved, size, strict=True)]
    held = {s.register for s in own.steps if s.register in made.axis}
    lasting = {s.register for s in own.steps} - held
    return Body(
        moved=(moved[0], moved[1]),
        alive=(_most(own, held), _most(own, lasting)),
        work=sum(n * _work(s, own) for s, n in every),
        wide=sum(n * _work(s, own) for s, n in products if WIDE <= _each(s, own) < HUGE),
        huge=sum(n * _work(s, own) for s, n in products if _each(s, own) >= HUGE),
        threaded=bool(products),
        calls=sum(n * _calls(s.instruction) for s, n in every),
        runs=_runs(made, own),
        packed=packed,
        sums=sum(bytes_of(own.registers[r]) for _, r in own.results if r not in made.axis),
    )


def _touched(step: Step) -> set[int]:
    """Registers of which a step moves the whole, or as much."""
    made = step.instruction
    match made:
        case Store(_, value):
            return {value.register}
        case Gather(source):
            return {*uses(made), step.register} - {source}
        case _:
            return {*uses(made), step.register}


def _multiplies(made: Instruction) -> bool:
    return isinstance(made, Pair) and made.threaded


def _work(step: Step, own: Plan) -> float:
    made, register = step.instruction, own.registers[step.register]
    match made:
        case Pair():
            return PRODUCT * multiplications(made, own.registers)
        case Map(function) if function in HARD_ONES:
            return HARD * register.size
        case _:
            return 0.0


def _each(step: Step, own: Plan) -> float:
    """The multiplications for each matrix of a stack."""
    made = step.instruction
    assert isinstance(made, Pair)
    sizes = lengths((made.left, made.right), own.registers)
    stack = prod(sizes[k] for k in made.parts[0])
    return multiplications(made, own.registers) / max(1, stack)


def _runs(made: Cut, own: Plan) -> int:
    """Each time that an array outside is read or filled: how many pieces a part of it has."""
    outer = {s.register for s in own.steps if isinstance(s.instruction, Load)} & made.axis.keys()
    used = [r for s, times in turns(own.steps) for r in uses(s.instruction) * times if r in outer]
    used += [register for _, register in own.results if register in made.axis]
    return sum(prod(own.registers[r].shape[: made.axis[r]]) for r in used)


def _calls(made: Instruction) -> int:
    if isinstance(made, VIEWS):
        return 0
    return CALLED if isinstance(made, FUNCTIONS) else 1


def turns(steps: tuple[Step, ...], times: int = 1) -> Iterator[tuple[Step, int]]:
    """All steps, and how often each of them runs."""
    for step in steps:
        if isinstance(step.instruction, Loop):
            yield from turns(step.instruction.body, times * step.instruction.count)
        yield step, times


def most_alive(plan: Plan) -> int:
    """The most bytes that are in use at once."""
    return _most(plan, set(range(len(plan.registers))))


def _most(plan: Plan, counted: set[int]) -> int:
    """The most bytes of some registers at once. What ends with a step leaves room for its result;
    leaves count from their first use on, a view keeps what it shows."""
    steps = [step for step, _ in flat(plan.steps)]
    begins, ends = _begins(steps), _ends(plan, steps)
    change = [0] * (len(steps) + 2)
    for register in counted & begins.keys():
        size = bytes_of(plan.registers[register])
        change[begins[register]] += size
        change[max(begins[register] + 1, ends.get(register, 0))] -= size
    return max(accumulate(change))


def _begins(steps: list[Step]) -> dict[int, int]:
    """When each register that has memory is first written, or if it is a leaf read."""
    found: dict[int, int] = {}
    leaves = {s.register for s in steps if isinstance(s.instruction, Load)}
    for time, step in enumerate(steps):
        new = [r for r in uses(step.instruction) if r in leaves]
        own = () if isinstance(step.instruction, VIEWS) else (step.register,)
        for register in (*new, *own):
            found.setdefault(register, time)
    return found


def _ends(plan: Plan, steps: list[Step]) -> dict[int, int]:
    """When each register is last read, by itself or through a view."""
    found = {register: len(steps) for _, register in plan.results}
    for time in range(len(steps) - 1, -1, -1):
        step = steps[time]
        later = found.get(step.register, time) if isinstance(step.instruction, VIEWS) else time
        for used in uses(step.instruction):
            found[used] = max(found.get(used, 0), time, later)
    return found
