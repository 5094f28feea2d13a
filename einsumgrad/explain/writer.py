"""Expressions, statements and sentences as text, in Unicode or in ASCII."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from einsumgrad.explain.explain import Explanation, every_story
from einsumgrad.explain.story import Story
from einsumgrad.ir.nodes import (
    Access,
    Condition,
    Expr,
    Index,
    Iverson,
    Normalise,
    Position,
    Reduce,
    Statement,
    walk,
)
from einsumgrad.record import record, replace
from einsumgrad.reflect.ascii import Spelling, ascii_expr, ascii_statement, spelling, wider
from einsumgrad.reflect.expressions import condition, expression
from einsumgrad.reflect.reflect import statement as reflected
from einsumgrad.rewrite.edit import Reason
from einsumgrad.syntax.show import show

WIDTH = 100
SOLID = "\u00a0"
"""A space inside an expression: no line is broken there."""
PLAIN = {
    ord("∂"): "d", ord("Σ"): "sum", ord("σ"): "sigmoid", ord("π"): "pi", ord("▸"): ">",
    ord("─"): "-", ord("═"): "=", ord(SOLID): " ",
}  # fmt: skip


@record
class Writer:
    """Writes under the names of `spelled`, or as they are if it is None."""

    spelled: Spelling | None = None

    @property
    def ascii(self) -> bool:
        return self.spelled is not None

    def statement(self, item: Statement, *, listed: bool = True) -> str:
        """A statement; not `listed`: without its `for`."""
        item = item if listed else replace(item, listed=False)
        item = ascii_statement(item, self.spelled) if self.spelled else item
        return show(reflected(item), self.ascii)

    def expr(self, node: Expr, where: tuple[Condition, ...] = ()) -> str:
        """An expression, and where it holds; the conditions of its operators stand there too."""
        binders = (part for part in walk(node) if isinstance(part, Reduce | Normalise))
        every = dict.fromkeys((*where, *(c for binder in binders for c in binder.where)))
        node = ascii_expr(node, self.spelled) if self.spelled else node
        return show(expression(node), self.ascii) + self.where(every)

    def where(self, conditions: Iterable[Condition]) -> str:
        """` where …`, or nothing."""
        shown = [self._condition(c) for c in conditions]
        return f" where {', '.join(shown)}" if shown else ""

    def _condition(self, node: Condition) -> str:
        bracket = ascii_expr(Iverson(node), self.spelled) if self.spelled else Iverson(node)
        assert isinstance(bracket, Iverson)
        return show(condition(bracket.condition), self.ascii)

    def name(self, tensor: str) -> str:
        return self.spelled.tensors[tensor] if self.spelled else tensor

    def indices(self, indices: Iterable[Index]) -> str:
        return ",".join(self.expr(Position(i)) for i in indices)

    def partial(self, result: Access | None, operand: Access) -> str:
        """`∂h[b,j]/∂x[b,i]`; `u` for no result."""
        above = "u" if result is None else self.expr(result)
        between = " / d " if self.ascii else "/∂"
        return f"{'d ' if self.ascii else '∂'}{above}{between}{self.expr(operand)}"

    def reason(self, reason: Reason) -> str:
        return reason.words.format(*(solid(self.expr(part)) for part in reason.parts))

    def plain(self, text: str) -> str:
        """The text with the signs that the sentences use, in ASCII if names are."""
        return text.translate(PLAIN if self.ascii else {ord(SOLID): " "})


def writer(found: Explanation, *, ascii: bool) -> Writer:
    """The writer whose ASCII names are those that the printed program has."""
    if not ascii:
        return Writer()
    gradients = (*found.gradients.values(), *found.given.values())
    passing = (name for story in every_story(found) for name in _named(story))
    return Writer(wider(spelling(found.result), found.raw, (*gradients, *passing)))


def _named(story: Story) -> Iterator[str]:
    """The tensors that a story names, those too that a later change puts back."""
    found = (story.first, *(change.after for change in story.changes))
    for statement in (s for s in found if s is not None):
        yield statement.target.tensor
        yield from (access.tensor for access in statement.reads)


def solid(text: str) -> str:
    """The text as one word for `wrapped`."""
    return text.replace(" ", SOLID)


def wrapped(text: str, indent: int, further: int = 0) -> Iterator[str]:
    """The lines of a paragraph, the later ones indented further."""
    yield from textwrap.wrap(
        text,
        WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + further),
        break_long_words=False,
        break_on_hyphens=False,
    )
