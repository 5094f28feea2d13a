"""An explanation as text for a reader with a derivation by hand in front of them."""

from __future__ import annotations

from collections.abc import Iterator

from einsumgrad.derive.words import Rule
from einsumgrad.diagnostics import NOWHERE
from einsumgrad.explain.explain import Explanation, Operand, Section
from einsumgrad.explain.opening import heading, opening, starting
from einsumgrad.explain.story import Story
from einsumgrad.explain.writer import Writer, solid, wrapped, writer
from einsumgrad.ir.build import ONE
from einsumgrad.ir.nodes import Access, Size, Statement, walk
from einsumgrad.ir.walk import accesses
from einsumgrad.reflect.ascii import ascii_program
from einsumgrad.reflect.reflect import reflect
from einsumgrad.syntax.show import show

MARK = "▸ "


def render(found: Explanation, *, ascii: bool = False) -> str:
    """The whole text; it ends with the program as `compile` prints it."""
    pen = writer(found, ascii=ascii)
    lines = [*opening(found, pen), *_names(found, pen)]
    lines += _starts(found, pen)
    for section in found.sections:
        lines += _section(section, found, pen)
    lines += _zeros(found, pen)
    lines += ["", *heading("The program with its gradients"), ""]
    text = "".join(line.rstrip() + "\n" for line in lines)
    result = ascii_program(found.result) if ascii else found.result
    return pen.plain(text) + show(reflect(result), ascii=ascii)


def _names(found: Explanation, pen: Writer) -> Iterator[str]:
    if not found.names:
        return
    yield from ("", *heading("Names"), "")
    yield from wrapped(
        "A part that several derivatives go through gets a name, so that the derivative by it is "
        "found once:", 2,
    )  # fmt: skip
    for name in found.names:
        yield f"    {pen.statement(name.story.first, listed=False)}"
        use = solid(pen.statement(name.use, listed=False))
        gradient = pen.name(name.gradient)
        yield from wrapped(f"so that {use}; the derivative by it is called {gradient}", 6, 2)
    kept = [name.story for name in found.names if name.story.last is not None]
    if kept:
        yield from wrapped("Kept in the result, as statements of it read it:", 2)
    elif found.names:
        yield from wrapped("The result does without these names.", 2)
    for story in kept:
        yield from _story(story, pen)


def _starts(found: Explanation, pen: Writer) -> Iterator[str]:
    """Seeds to which more is added."""
    if found.starts:
        yield from ("", *heading("What is given"), "")
        yield from wrapped(
            "An output that other statements read gets more than what is given: its gradient is "
            "collected under another name, beginning with what is given.", 2,
        )  # fmt: skip
        for story in found.starts:
            yield from _story(story, pen)


def _section(section: Section, found: Explanation, pen: Writer) -> Iterator[str]:
    span = section.statement.span
    line = "" if span is NOWHERE else f"   (line {span.source.place(span.start)[0]})"
    statement = pen.statement(section.statement)
    yield from ("", *heading(f"Step {section.number}.  {statement}{line}"))
    remarks = [line for text in _remarks(section, found, pen) for line in wrapped(text, 2)]
    yield from ("", *remarks) if remarks else ()
    for piece in section.pieces:
        if piece.statement != section.statement:
            yield from ("", f"  In {pen.statement(piece.statement, listed=False)}")
        for operand in piece.operands:
            yield ""
            yield from _operand(operand, piece.statement, pen)


def _remarks(section: Section, found: Explanation, pen: Writer) -> Iterator[str]:
    target = section.statement.target
    name, gradient = pen.name(target.tensor), pen.name(found.gradients[target.tensor])
    if not section.pieces:
        yield _skipped(section, name)
        return
    if target.tensor == found.program.loss and target.tensor not in found.seeds:
        yield starting(found, pen)
    if section.passed:
        steps = " and ".join(str(number) for number in section.passed)
        first = section.pieces[0].statement.target.tensor
        left = "" if first == target.tensor else f"; what is left is {pen.name(first)}"
        yield f"Step {steps} went through its function{left}."
    if section.writers > 1:
        yield f"{section.writers} statements write {name}: {gradient} goes into each of them."


def _skipped(section: Section, name: str) -> str:
    if section.passed:
        steps = " and ".join(str(number) for number in section.passed)
        return f"Nothing is left to do: step {steps} went through it."
    if not section.active:
        return "Nothing that it reads has a gradient here: nothing to do."
    return f"No gradient arrives at {name}: nothing to do."


def _operand(operand: Operand, piece: Statement, pen: Writer) -> Iterator[str]:
    through = [rule.through for rule in operand.rules if rule.through is not None]
    passed = "".join(f", through {pen.statement(s, listed=False)}" for s in through)
    yield f"  by {pen.expr(operand.access)}{passed}"
    if operand.reads > 1:
        name = pen.name(operand.access.tensor)
        yield from wrapped(f"one of {operand.reads} reads of {name} here; they add up", 6)
    for rule in operand.rules:
        yield from wrapped(rule.words + _here(rule, operand.access, pen), 6, 2)
    slope = operand.slope
    if slope.result is not None or slope.value != ONE:
        partial = pen.partial(slope.result, slope.operand)
        yield f"      {partial} = {pen.expr(slope.value, slope.where)}"
    factors = "; ".join(_factors(operand, piece.target, pen))
    yield from wrapped(factors, 6, 2)
    yield from _story(operand.story, pen)


def _here(rule: Rule, operand: Access, pen: Writer) -> str:
    """What the rule's letters are; a sole `u` that is the operand need not be said."""
    sole = not {letter for letter, _ in rule.here} & {"v", "n"}
    said = (pair for pair in rule.here if not (sole and pair == ("u", operand)))
    here = ", ".join(solid(f"{letter} is {pen.expr(value)}") for letter, value in said)
    return f"; here {here}" if here else ""


def _factors(operand: Operand, result: Access, pen: Writer) -> Iterator[str]:
    """The sum over the indices that the operand has not, and the batch rule."""
    own = pen.name(operand.access.tensor)
    if operand.summed:
        indices = pen.indices(operand.summed)
        yield f"summed over {indices}, which {solid(pen.expr(operand.access))} does not have"
    if any(isinstance(part, Access) for at in operand.access.at for part in walk(at)):
        yield "added to the entry that was read"
    if operand.factor != ONE:
        batched, other = pen.name(result.tensor), own
        if isinstance(operand.factor, Size):
            batched, other = other, batched
        yield f"times {pen.expr(operand.factor)}, as {batched} is batched and {other} is not"
    if operand.scaled is not None:
        yield f"together {solid(pen.expr(operand.scaled))}"


def _story(story: Story, pen: Writer) -> Iterator[str]:
    """The statement, and each change with its reason; the printed one is marked."""
    yield _line(story.first, not story.changes, pen)
    waiting = list(story.helpers)
    for place, change in enumerate(story.changes):
        last = place == len(story.changes) - 1
        read = [k for k, helper in enumerate(waiting, 1) if _reads(change.after, helper)]
        for helper in waiting[: max(read, default=0)]:
            yield from wrapped("what is needed more than once gets a name:", 6)
            yield from _story(helper, pen)
        del waiting[: max(read, default=0)]
        end = "." if change.after is None else ":"
        yield from wrapped(pen.reason(change.reason) + end, 6, 2)
        if change.after is not None:
            yield _line(change.after, last, pen)


def _reads(statement: Statement | None, helper: Story) -> bool:
    name = helper.first.target.tensor
    return statement is not None and name in {a.tensor for a in accesses(statement.value)}


def _line(statement: Statement, printed: bool, pen: Writer) -> str:
    return f"    {MARK if printed else '  '}  {pen.statement(statement)}"


def _zeros(found: Explanation, pen: Writer) -> Iterator[str]:
    if found.zeros:
        yield from ("", *heading("What J does not depend on"), "")
        for story in found.zeros:
            yield from _story(story, pen)
