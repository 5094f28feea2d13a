"""What became of each derived statement: every change that rewriting made to it, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field

from einsumgrad.diagnostics import Source, Span
from einsumgrad.ir.nodes import Program, Statement
from einsumgrad.record import record, replace
from einsumgrad.rewrite.edit import Reason
from einsumgrad.rewrite.passes import rewrite

MADE = Source("<derived>", "")
"""Where derived statements come from: their spans number them."""


@record
class Change:
    """A statement before and after one change (None: it is gone), and why."""

    before: Statement
    after: Statement | None
    reason: Reason


@record
class Story:
    """A derived statement as it came about, and its changes in order. `helpers`: the names that
    were given to common parts where this statement is the first to read them."""

    first: Statement
    changes: tuple[Change, ...] = ()
    helpers: tuple[Story, ...] = ()

    @property
    def last(self) -> Statement | None:
        """The statement that is printed, None if it is not."""
        return self.changes[-1].after if self.changes else self.first


@record(frozen=False)
class Listener:
    """Gathers what the passes tell, by the statement's number or by the name it defines."""

    changes: dict[int | str, list[Change]] = field(default_factory=dict)

    def told(self, before: Statement, after: Statement | None, reason: Reason) -> None:
        self.changes.setdefault(_key(before), []).append(Change(before, after, reason))

    def story(self, first: Statement, helpers: tuple[Story, ...]) -> Story:
        return Story(first, tuple(self.changes.get(_key(first), ())), helpers)


def follow(raw: Program) -> tuple[Program, tuple[Story, ...]]:
    """The rewritten program, and the story of each derived statement of the raw one, in order."""
    numbered = _numbered(raw)
    listener = Listener()
    result = rewrite(numbered, told=listener.told)
    helpers = dict(_helpers(result, listener))
    derived = (s for s in numbered.statements if s.derived)
    return result, tuple(listener.story(s, helpers.get(_key(s), ())) for s in derived)


def _numbered(program: Program) -> Program:
    statements = enumerate(program.statements)
    made = tuple(replace(s, span=Span(MADE, k, k)) if s.derived else s for k, s in statements)
    return replace(program, statements=made)


def _key(statement: Statement) -> int | str:
    span = statement.span
    return span.start if span.source is MADE else statement.target.tensor


def _helpers(program: Program, listener: Listener) -> Iterator[tuple[int | str, tuple[Story, ...]]]:
    """The definitions that rewriting made, with the first statement that reads them."""
    waiting: list[Story] = []
    for statement in (s for s in program.statements if s.derived):
        key = _key(statement)
        if isinstance(key, str):
            changes = tuple(listener.changes.get(key, ()))
            waiting.append(Story(changes[0].before if changes else statement, changes))
            continue
        read = {access.tensor for access in statement.reads}
        needed = [k for k, story in enumerate(waiting, 1) if story.first.target.tensor in read]
        if needed:
            yield key, tuple(waiting[: needed[-1]])
            waiting = waiting[needed[-1] :]
