"""Functions that NumPy lacks, as steps of those that it has: what they make on the way lies in the
buffers of the step, and is shared with other steps."""

from __future__ import annotations

from collections import Counter

from einsumgrad.plan.nodes import Fold, Instruction, Map, Pair, Plan, Step
from einsumgrad.plan.operands import Arg, Constant, Operand, Register
from einsumgrad.plan.uses import uses
from einsumgrad.record import replace
from einsumgrad.tune.graph import Graph, plainly, replay
from einsumgrad.tune.live import live
from einsumgrad.tune.orders import flat
from einsumgrad.tune.peephole import covered, inner
from einsumgrad.tune.scales import FLOATS

ERF = (
    1.4185282e-07, -5.668484e-06, 8.763737e-05, -0.0006197847, -0.0001918308, 0.102769054,
    1.1283792,
)  # fmt: skip
"""artanh(erf x)/x by powers of x²: its tanh takes half the passes over memory of a ratio of
polynomials, and no mask. Minimax for what it costs erf in float32 (`python -m tests.minimax`);
beyond the range of the fit, where tanh is 1, it grows."""
SCALES = (0.25, 4.0)
"""A factor of the argument between these is taken into the polynomial: its powers are far from
float32's ends."""
MOST = 2**13
"""So many terms at most are one product of rows: NumPy's sums halve longer ones, which keeps their
digits, and BLAS shares them among threads."""


def elementary(plan: Plan) -> Plan:
    """The plan with erf in float32 as the hyperbolic tangent of a polynomial; with sums along rows
    of products that nothing else reads as products of the rows, and logistic functions of
    differences, `1/(1 + exp(b - a))`, without a step for the sign."""
    return live(_joined(live(replay(plan, _rule))))


def _joined(plan: Plan) -> Plan:
    """Two steps as one where the first is for the second alone."""
    made = {step.register: step.instruction for step in plan.steps}
    read = Counter(r for step, _ in flat(plan.steps) for r in uses(step.instruction))
    read.update(register for _, register in plan.results)

    def once(arg: Operand) -> Instruction | None:
        return made.get(arg.register) if read[arg.register] == 1 else None

    def again(step: Step) -> Step:
        match step.instruction:
            case Fold(_, operand) as fold if (found := _dot(fold, once(operand), plan)) is not None:
                return replace(step, instruction=found)
            case Map("sigmoid", (Operand() as arg,)) as sigmoid if _minus(once(arg)):
                turned.add(arg.register)
                return replace(step, instruction=replace(sigmoid, function="sigmoid of minus"))
            case _:
                return step

    turned = set[int]()
    steps = [again(step) for step in plan.steps]
    return replace(plan, steps=tuple(_turned(s) if s.register in turned else s for s in steps))


def _minus(made: Instruction | None) -> bool:
    return isinstance(made, Map) and made.function == "subtract"


def _turned(step: Step) -> Step:
    """`b - a` for `a - b`."""
    made = step.instruction
    assert isinstance(made, Map)
    return replace(step, instruction=replace(made, args=made.args[::-1]))


def _dot(fold: Fold, factors: Instruction | None, plan: Plan) -> Pair | None:
    """The sum of a product along its last axis, as one of rows."""
    shape, dtype = (getattr(plan.registers[fold.operand.register], k) for k in ("shape", "dtype"))
    match factors:
        case Map("square", (Operand() as one,)):
            left = right = one
        case Map("multiply", (Operand() as left, Operand() as right)):
            pass
        case _:
            return None
    every = tuple(range(len(shape)))
    plain = fold.operand.layout == left.layout == right.layout == every and len(shape) > 1
    same = {plan.registers[side.register].dtype for side in (left, right)} == {dtype}
    summed = fold.function == "sum" and fold.mask is None and fold.axes == every[-1:]
    if not (plain and same and summed and dtype in FLOATS and 2 <= shape[-1] <= MOST):
        return None
    return Pair(left, right, every[:-1])


def _rule(graph: Graph, made: Instruction, own: Register) -> Arg:
    match made:
        case Map("erf", (Operand() as arg,)) if own.dtype == "float32":
            return _erf(graph, arg, made.rank, own)
        case _:
            return plainly(graph, made, own)


def _erf(graph: Graph, arg: Operand, rank: int, own: Register) -> Arg:
    """tanh(x P(x²)), by Horner's scheme."""

    def map_(function: str, *args: Arg) -> Arg:
        return covered(graph, Map(function, args, rank), own)

    factor, x = _factored(graph, arg)
    square = map_("square", x)
    first, *rest, last = _powers(factor)
    found = map_("multiply", Constant(first), square)
    for coefficient in rest:
        found = map_("multiply", map_("add", found, Constant(coefficient)), square)
    return map_("tanh", map_("multiply", map_("add", found, Constant(last)), x))


def _factored(graph: Graph, arg: Operand) -> tuple[float, Operand]:
    """A number, and what it multiplies."""
    match inner(graph, arg, "multiply"):
        case (Constant(value), Operand() as x) | (Operand() as x, Constant(value)):
            low, high = SCALES
            return (value, x) if low <= abs(value) <= high else (1.0, arg)
        case _:
            return 1.0, arg


def _powers(factor: float) -> tuple[float, ...]:
    """The coefficients, highest first, for a factor of the argument."""
    count = len(ERF)
    return tuple(value * factor ** (2 * (count - k) - 1) for k, value in enumerate(ERF))
