"""`explain`: Program → its derivation step by step, as a plain structure.

The chain rule's own results come from `derive`, what rewriting did to them from `rewrite`; here
they are put where a reader looks for them: at the forward statement and the operand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from einsumgrad.derive.gradients import gradient_suffix
from einsumgrad.derive.reverse import Reversed, Step, default_wrt, reverse_steps
from einsumgrad.derive.rules import active_reads
from einsumgrad.derive.words import Rule
from einsumgrad.explain.story import Story, follow
from einsumgrad.ir.build import ONE, product
from einsumgrad.ir.nodes import (
    Access,
    Condition,
    Expr,
    Index,
    Program,
    Reduce,
    Size,
    Statement,
    walk,
)
from einsumgrad.ir.walk import accesses, free_indices
from einsumgrad.record import record


@record
class Slope:
    """`∂result/∂operand = value where conditions`; `result` is None for the argument, u, of a rule
    that gave the whole cotangent."""

    result: Access | None
    operand: Access
    value: Expr
    where: tuple[Condition, ...]


@record
class Operand:
    """What one read of a tensor contributes to its gradient.

    `rules`: the rules of differentiation on the way to it. `slope`: the derivative by it.
    `summed`: the indices that the read has not. `factor`: that of the batch rule; `scaled`: what
    it makes of a slope that holds the batch's size, else None. `reads`: how many reads of the
    tensor the statement has."""

    access: Access
    rules: tuple[Rule, ...]
    slope: Slope
    summed: tuple[Index, ...]
    factor: Expr
    scaled: Expr | None
    reads: int
    story: Story


@record
class Piece:
    """A forward statement, or a named part of it, with its operands from last to first."""

    statement: Statement
    operands: tuple[Operand, ...]


@record
class Section:
    """A forward statement. `passed`: the numbers of the sections that derived it by its name.
    `writers`: how many statements write its target. `active`: whether it reads anything that has
    a gradient."""

    number: int
    statement: Statement
    pieces: tuple[Piece, ...]
    passed: tuple[int, ...]
    writers: int
    active: bool


@record
class Name:
    """A name for a part of a statement: its definition, the statement that then reads it, and what
    the gradient by it is called."""

    story: Story
    use: Statement
    gradient: str


@record
class Explanation:
    """The derivation of a program's gradients by `wanted`.

    `seeds`: the outputs from which the derivative starts, none if it starts from the loss.
    `gradients`: what the gradient of each tensor is called; `given`: the same for the seeds, before
    `starts` copy those to which more is added. `zeros`: gradients of what J does not depend on.
    `varied`: the tensors that have a gradient. `raw` and `result`: the program as first derived,
    and as printed."""

    program: Program
    wanted: tuple[str, ...]
    seeds: tuple[str, ...]
    gradients: dict[str, str]
    given: dict[str, str]
    varied: frozenset[str]
    names: tuple[Name, ...]
    starts: tuple[Story, ...]
    sections: tuple[Section, ...]
    zeros: tuple[Story, ...]
    raw: Program
    result: Program


def every_story(found: Explanation) -> Iterator[Story]:
    """All stories, each after those of its helpers."""
    told = [*(name.story for name in found.names), *found.starts]
    pieces = (piece for section in found.sections for piece in section.pieces)
    told += (operand.story for piece in pieces for operand in piece.operands)
    for story in (*told, *found.zeros):
        yield from with_helpers(story)


def with_helpers(story: Story) -> Iterator[Story]:
    for helper in story.helpers:
        yield from with_helpers(helper)
    yield story


def explain(program: Program, wrt: tuple[str, ...] | None = None) -> Explanation:
    """The derivation by `wrt` (default: all parameters and inputs that the objective depends on).
    Raises EinError where there is no derivative."""
    found = reverse_steps(program, wrt)
    result, stories = follow(found.program)
    inner = sum(len(pieces) - 1 for pieces in found.pieces.values())
    starts = inner + len(found.gradients.starts)
    steps = starts + len(found.steps)
    gradients, suffix = found.gradients, gradient_suffix(program)
    seeds = tuple(name for name in gradients.seeded if name not in gradients.ones)
    return Explanation(
        program,
        default_wrt(program) if wrt is None else wrt,
        seeds,
        dict(gradients.names),
        {name: name + suffix for name in seeds},
        found.varied,
        tuple(_names(found, stories[:inner])),
        stories[inner:starts],
        tuple(_sections(program, found, stories[starts:steps])),
        stories[steps:],
        found.program,
        result,
    )


def _names(found: Reversed, stories: tuple[Story, ...]) -> Iterator[Name]:
    """The names that the derivation uses."""
    used = {step.contribution.operand.tensor for step in found.steps}
    uses = (use for pieces in found.pieces.values() for use in _uses(pieces))
    for story, use in zip(stories, uses, strict=True):
        name = story.first.target.tensor
        if name in used or story.last is not None:
            yield Name(story, use, found.gradients.names[name])


def _uses(pieces: tuple[Statement, ...]) -> Iterator[Statement]:
    """For each definition the part of the statement that reads it first."""
    for place, piece in enumerate(pieces[:-1]):
        readers = (p for p in pieces[place + 1 :] if piece.target.tensor in _read(p))
        yield next(readers, pieces[-1])


def _read(piece: Statement) -> set[str]:
    return {access.tensor for access in accesses(piece.value)}


def _sections(program: Program, found: Reversed, stories: tuple[Story, ...]) -> Iterator[Section]:
    """A section for each forward statement, from last to first."""
    told: dict[int, list[tuple[Step, Story]]] = {}
    for step, story in zip(found.steps, stories, strict=True):
        told.setdefault(step.place, []).append((step, story))
    writers = Counter(s.target.tensor for s in program.statements)
    passed = _passed(found, len(program.statements))
    for place in reversed(range(len(program.statements))):
        statement = program.statements[place]
        name = statement.target.tensor
        yield Section(
            len(program.statements) - place,
            statement,
            tuple(_pieces(told.get(place, []), program)),
            tuple(sorted(passed.get(name, ()))),
            writers[name],
            any(read in found.varied for read in active_reads(statement.value)),
        )


def _passed(found: Reversed, count: int) -> dict[str, set[int]]:
    """For each tensor whose definition was put in place of its name: the sections that did."""
    passed: dict[str, set[int]] = {}
    for step in found.steps:
        for rule in step.contribution.flow.rules:
            if rule.through is not None:
                passed.setdefault(rule.through.target.tensor, set()).add(count - step.place)
    return passed


def _pieces(told: list[tuple[Step, Story]], program: Program) -> Iterator[Piece]:
    """The steps of one forward statement, gathered by piece."""
    grouped: dict[str, list[tuple[Step, Story]]] = {}
    for step, story in told:
        grouped.setdefault(step.piece.target.tensor, []).append((step, story))
    for group in grouped.values():
        reads = Counter(step.contribution.operand.tensor for step, _ in group)
        operands = tuple(_operand(step, story, reads, program) for step, story in group)
        yield Piece(group[0][0].piece, operands)


def _operand(step: Step, story: Story, reads: Counter[str], program: Program) -> Operand:
    access, flow = step.contribution.operand, step.contribution.flow
    kept = {i for at in step.statement.target.at for i in free_indices(at)}
    batch = Size(program.batch.size) if program.batch else None
    combined = step.factor != ONE and batch in set(walk(step.slope))
    return Operand(
        access,
        flow.rules,
        _slope(step),
        tuple(i for i in step.statement.indices if i not in kept),
        step.factor,
        product(step.factor, step.slope) if combined else None,
        reads[access.tensor],
        story,
    )


def _slope(step: Step) -> Slope:
    """Summed over those loops that neither the result nor the operand has."""
    access, target = step.contribution.operand, step.piece.target
    shown = {i for at in (*access.at, *target.at) for i in free_indices(at)}
    hidden = tuple(i for i in step.statement.indices if i not in shown)
    where = step.statement.where
    inner = tuple(c for c in where if set(hidden) & set(free_indices(c)))
    value = Reduce("sum", hidden, step.slope, inner) if hidden else step.slope
    whole = any(rule.whole for rule in step.contribution.flow.rules)
    return Slope(None if whole else target, access, value, where)
