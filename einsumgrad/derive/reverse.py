"""Reverse mode: Program → the Program that also computes gradients (LANGUAGE §8).

One sweep over the statements from last to first; each asks the chain rule (`pull`) for its
operands' contributions. What is written here is correct but not yet as a person would write it;
that is the business of `rewrite`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from einsumgrad.check.faults import NoDerivative
from einsumgrad.check.tensors import complete
from einsumgrad.derive import words
from einsumgrad.derive.around import in_order, reached_in_circles, without_sources
from einsumgrad.derive.batch import batch_factor
from einsumgrad.derive.explicit import explicit, worded
from einsumgrad.derive.flow import Contribution, Flow, odd_names, start
from einsumgrad.derive.fusion import passed_by
from einsumgrad.derive.gradients import Gradients, name_gradients
from einsumgrad.derive.others import others
from einsumgrad.derive.pull import Model, pull
from einsumgrad.derive.reducing import Helpers, as_operators
from einsumgrad.derive.rules import Rules, active_reads
from einsumgrad.derive.split import split
from einsumgrad.diagnostics import EinError
from einsumgrad.ir.build import MINUS_ONE, ONE, ZERO, product
from einsumgrad.ir.circles import by_target, reachable
from einsumgrad.ir.nodes import (
    Access,
    Expr,
    Index,
    Number,
    Op,
    Position,
    Program,
    Size,
    Statement,
    Tensor,
    walk,
)
from einsumgrad.ir.walk import free_indices
from einsumgrad.record import record, replace

MAX_PARTS = 2_000_000


@record
class Step:
    """One derived statement and how it came about.

    `place`: of its forward statement in the program; `piece`: the part of that statement that was
    derived; `factor`: that of the batch rule."""

    statement: Statement
    place: int
    piece: Statement
    contribution: Contribution
    factor: Expr

    @property
    def slope(self) -> Expr:
        """The derivative of the piece's target by the operand, as far as it is a factor of the
        cotangent."""
        flow = self.contribution.flow
        return product(
            _sign(self.piece), *flow.left, *flow.right, *_repeats(flow, self.statement.indices)
        )


@record
class Reversed:
    """The derived program and how each of its backward statements came about.

    Its derived statements are, in this order: the pieces' definitions, the gradients' starts, the
    steps' statements, and zeros. `pieces`: for each forward statement the definitions made for
    it, then what is left of it. `varied`: the tensors that depend on what is derived by."""

    program: Program
    steps: tuple[Step, ...]
    pieces: Mapping[int, tuple[Statement, ...]]
    gradients: Gradients
    varied: frozenset[str]


def reverse(
    program: Program, wrt: tuple[str, ...] | None = None, seeds: tuple[str, ...] | None = None
) -> Program:
    """The program followed by the statements that compute the gradients by `wrt` (default: all
    parameters and all inputs but integers).

    The objective is the loss; without one, or with `seeds`, it is made of outputs, whose `.grad`
    are then inputs. Empty `seeds` mean the loss in any case. Raises EinError where the derivative
    would be too long to write."""
    return reverse_steps(program, wrt, seeds).program


def reverse_steps(
    program: Program, wrt: tuple[str, ...] | None = None, seeds: tuple[str, ...] | None = None
) -> Reversed:
    """`reverse`, with the steps that `explain` tells."""
    wanted = default_wrt(program) if wrt is None else wrt
    program = worded(program)
    taken = {tensor.name for tensor in program.tensors}
    meant, helpers = as_operators(explicit(program), taken)
    model = model_of(meant, wanted)
    pieces = _with_helpers(split(meant.statements, model, taken), helpers)
    partly = passed_by((s for found in pieces.values() for s in found), model.definitions)
    gradients = name_gradients(program, model.varied, pieces, seeds, taken, partly)
    steps = without_sources(tuple(_sweep(meant, pieces, model, gradients)), meant, gradients)
    made = _assemble(program, wanted, pieces, gradients, steps, asked=wrt is not None)
    return Reversed(made, steps, pieces, gradients, model.varied)


def model_of(program: Program, wrt: tuple[str, ...]) -> Model:
    """What the chain rule needs to know of a program that is derived by `wrt`."""
    return Model(Rules(), _varied(program, wrt), _definitions(program.statements))


def _with_helpers(
    pieces: Mapping[int, tuple[Statement, ...]], helpers: Helpers
) -> Mapping[int, tuple[Statement, ...]]:
    return {place: (*helpers.get(place, ()), *found) for place, found in pieces.items()}


def default_wrt(program: Program) -> tuple[str, ...]:
    """All parameters and inputs that have a derivative, in their order."""
    kinds = ("param", "input")
    return tuple(t.name for t in program.tensors if t.kind in kinds and not t.integer)


def _varied(program: Program, wrt: tuple[str, ...]) -> frozenset[str]:
    """The tensors that depend on `wrt`, through operands that have a derivative."""
    integer = {tensor.name for tensor in program.tensors if tensor.integer}
    readers: dict[str, list[str]] = {}
    for statement in program.statements:
        name = statement.target.tensor
        for read in active_reads(statement.value) if name not in integer else ():
            readers.setdefault(read, []).append(name)
    return frozenset(reachable(lambda name: readers.get(name, ()), wrt))


def _definitions(statements: tuple[Statement, ...]) -> dict[str, Statement]:
    """The tensors that exactly one statement writes, with `=` and plain indices."""
    writers = by_target(statements).items()
    return {name: found[0] for name, found in writers if len(found) == 1 and _defines(found[0])}


def _in_pieces(statements: tuple[Statement, ...]) -> set[str]:
    """The tensors that only `=` defines, in pieces: where one holds, the name is its value."""
    found = by_target(statements)
    return {name for name, pieces in found.items() if all(s.op == "=" for s in pieces)}


def _defines(statement: Statement) -> bool:
    at = statement.target.at
    plain = all(isinstance(place, Position) for place in at) and len(set(at)) == len(at)
    return statement.op == "=" and plain


def _sweep(
    program: Program,
    pieces: Mapping[int, tuple[Statement, ...]],
    model: Model,
    gradients: Gradients,
) -> Iterator[Step]:
    length, odd = 0, odd_names(program)
    by_name = model.definitions.keys() | _in_pieces(program.statements)
    multiplied = {s.target.tensor for s in program.statements if s.op == "*="}
    model = _with_pieces(model, pieces)
    reached = {*gradients.seeded, *reached_in_circles(program, model.varied, gradients.seeded)}
    for origin, (place, piece) in enumerate(_backwards(program, pieces)):
        if piece.target.tensor not in reached:
            continue
        named = piece.target if piece.target.tensor in by_name and _defines(piece) else None
        flow = start(piece, gradients.head(piece), odd)
        if piece.target.tensor in multiplied and not piece.derived:
            flow = flow.times(others(program.statements[place], program.statements), words.PRODUCT)
        for contribution in pull(piece.value, flow, model, named):
            step = _step(contribution, (origin, place), piece, program, gradients)
            length += len(walk(step.statement.value))
            if length > MAX_PARTS:
                what = f"the derivative of this statement would make more than {MAX_PARTS} parts"
                hint = "break it up: name its parts in statements of their own"
                span = program.statements[place].span
                raise EinError(NoDerivative(span=span, what=what, hint=hint))
            reached.add(contribution.operand.tensor)
            yield step


def _with_pieces(model: Model, pieces: Mapping[int, tuple[Statement, ...]]) -> Model:
    """The model of the split statements."""
    inner = {s.target.tensor: s for found in pieces.values() for s in found[:-1]}
    left = {s.target.tensor: s for found in pieces.values() for s in found[-1:]}
    kept = {name: left[name] for name in model.definitions}
    made = frozenset(inner)
    return replace(model, varied=model.varied | made, definitions={**kept, **inner}, made=made)


def _backwards(
    program: Program, pieces: Mapping[int, tuple[Statement, ...]]
) -> Iterator[tuple[int, Statement]]:
    for place in reversed(range(len(program.statements))):
        for piece in reversed(pieces[place]):
            yield place, piece


def _step(
    contribution: Contribution,
    places: tuple[int, int],
    piece: Statement,
    program: Program,
    gradients: Gradients,
) -> Step:
    """`for loops  X.grad[at] += coefficient T.grad …`"""
    flow, operand = contribution.flow, contribution.operand
    result = gradients.batched(piece.target.tensor)
    factor = batch_factor(program.batch, result, gradients.batched(operand.tensor))
    target = Access(gradients.names[operand.tensor], operand.at)
    whole = flow.value
    used = {i for node in (whole, *operand.at, *flow.where) for i in free_indices(node)}
    loops = tuple(i for i in flow.loops if i in used)
    value = product(_sign(piece), factor, whole, *_repeats(flow, loops))
    origin, place = places
    made = Statement(
        loops, target, "+=", value, flow.where, listed=True, derived=True, origin=origin
    )
    return Step(made, place, piece, contribution, factor)


def _sign(piece: Statement) -> Number:
    return MINUS_ONE if piece.op == "-=" else ONE


def _repeats(flow: Flow, loops: tuple[Index, ...]) -> Iterator[Size]:
    """What a sum is multiplied by that loops over indices which nothing in it names."""
    return (Size(i.size) for i in flow.loops if i not in loops)


def _assemble(
    program: Program,
    wanted: tuple[str, ...],
    pieces: Mapping[int, tuple[Statement, ...]],
    gradients: Gradients,
    steps: tuple[Step, ...],
    *,
    asked: bool,
) -> Program:
    """Forward statements as they were written, what was named in them, then the derived ones."""
    forward = tuple(replace(s, derived=False) if s.derived else s for s in program.statements)
    inner = tuple(s for found in pieces.values() for s in found[:-1])
    found = (*gradients.starts, *(step.statement for step in steps))
    derived = in_order((*forward, *inner), found)
    names = tuple(gradients.names[name] for name in wanted)
    written = {s.target.tensor for s in derived}
    missing = [n for n in wanted if asked and gradients.names[n] not in written]
    zeros = tuple(_zeros(program, missing, gradients))
    statements = (*forward, *inner, *derived, *zeros)
    outputs = tuple(dict.fromkeys((*program.outputs, *names)))
    declared = (*(t for t in program.tensors if t.declared), *gradients.inputs)
    absent = set(names) - written - {s.target.tensor for s in zeros}
    outputs = tuple(name for name in outputs if name not in absent)
    tensors = complete(declared, statements, program.batch)
    return replace(program, statements=statements, tensors=tensors, outputs=outputs)


def _zeros(program: Program, names: list[str], gradients: Gradients) -> Iterator[Statement]:
    """`X.grad[…] = 0` for what the objective does not depend on. An axis without an index of its
    own is written at 0 only: what no statement writes is 0 as well."""
    tensors = {tensor.name: tensor for tensor in program.tensors}
    for name in names:
        axes = tensors[name].axes
        own = tuple(i is not None and i not in axes[:place] for place, i in enumerate(axes))
        at = tuple(Position(i) if i and new else ZERO for i, new in zip(axes, own, strict=True))
        loops = tuple(i for i in dict.fromkeys(axes) if i is not None)
        target = Access(gradients.names[name], at)
        op: Op = "=" if all(own) else "+="
        yield Statement(loops, target, op, ZERO, listed=True, derived=True)


def unknown(program: Program, wrt: tuple[str, ...]) -> Tensor | None:
    """The first tensor of `wrt` that has no derivative."""
    for name in wrt:
        tensor = program.tensor(name)
        if tensor.integer or tensor.kind in ("const", "noise"):
            return tensor
    return None
