"""Faults: what is wrong with a program or its data, where, and in which words.

A fault is a frozen dataclass whose fields are the facts; `words` and `help` beside them are the
sentences. The user's faults travel in an `EinError`; a bug of ours is an `InternalError`. Nothing
but `render` formats a fault for reading.
"""

from __future__ import annotations

from dataclasses import field
from typing import ClassVar

from einsumgrad.record import facts, record

MAX_SHOWN = 20
WINDOW = 160
UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"


@record
class Source:
    """A text and the name it is reported under."""

    name: str
    text: str = field(repr=False)

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1, of an offset into the text."""
        line = self.text.count("\n", 0, offset) + 1
        return line, offset - self.text.rfind("\n", 0, offset)

    def line_at(self, offset: int) -> str:
        start = self.text.rfind("\n", 0, offset) + 1
        end = self.text.find("\n", offset)
        return self.text[start : end if end >= 0 else len(self.text)]


@record
class Span:
    """A stretch of a source: offsets `start` (included) to `end` (excluded)."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    def to(self, other: Span) -> Span:
        return Span(self.source, self.start, other.end)


NOWHERE = Span(Source("<made>", ""), 0, 0)


@record(kw_only=True)
class Fault:
    """The base of all faults: a place and, in subclasses, facts and words.

    `words` and `help` are format strings over the fields; an empty `help` is not shown.
    `related` are further places, each with a label.
    """

    code: ClassVar[str] = ""
    words: ClassVar[str] = ""
    help: ClassVar[str] = ""

    span: Span = NOWHERE
    related: tuple[tuple[str, Span], ...] = ()

    @property
    def message(self) -> str:
        return self.words.format(**self._facts())

    @property
    def advice(self) -> str:
        return self.help.format(**self._facts())

    def _facts(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in facts(type(self))}


class EinError(Exception):
    """The user's program or data is wrong: one or more faults.

    Shown by `str()` as the command line shows them.
    """

    def __init__(self, *faults: Fault) -> None:
        self.faults = faults
        super().__init__(faults)

    def __str__(self) -> str:
        return render_all(self.faults)


class InternalError(Exception):
    """A bug of einsumgrad itself; never the user's fault."""


def render_all(faults: tuple[Fault, ...]) -> str:
    """All faults, at most 20 of them, in the order of their places."""
    ordered = sorted(faults, key=lambda f: (f.span.source.name, f.span.start))
    shown = [render(fault) for fault in ordered[:MAX_SHOWN]]
    left = len(ordered) - MAX_SHOWN
    return "\n\n".join([*shown, f"… and {left} more"] if left > 0 else shown)


def render(fault: Fault, severity: str = "error") -> str:
    """One fault: code, words, place, the line underlined, and advice where there is some."""
    parts = [f"{severity}[{fault.code}]: {fault.message}"]
    if fault.span is not NOWHERE:
        parts += excerpt(fault.span)
    for label, span in fault.related:
        parts += [f"  {label}:", *excerpt(span)]
    if fault.advice:
        parts.append(f"  help: {fault.advice}")
    return "\n".join(parts)


def excerpt(span: Span) -> list[str]:
    """The place, its line and a row of carets under it; a long line is cut around the place."""
    line, column = span.source.place(span.start)
    text = span.source.line_at(span.start)
    cut = max(0, column - 1 - WINDOW // 2) if len(text) > WINDOW else 0
    window = text[cut : cut + WINDOW]
    if cut:
        window = f"…{window[1:]}"
    before, at = window[: column - 1 - cut], window[column - 1 - cut :]
    carets = "^" * max(1, width(at[: span.end - span.start].rstrip()))
    number = str(line)
    gutter = " " * len(number)
    return [
        f"  --> {span.source.name}:{line}:{column}",
        f"{gutter} |",
        f"{number} | {_visible(window)}".rstrip(),
        f"{gutter} | {' ' * width(before)}{carets}",
    ]


def _visible(text: str) -> str:
    """The text with a mark for what would not print, or would make a terminal do something."""
    plain = text.replace("\t", " ")
    if plain.isprintable():
        return plain
    return "".join(c if c.isprintable() else UNPRINTABLE for c in plain)


def width(text: str) -> int:
    """Columns that a text takes: combining marks take none, wide letters two."""
    if text.isascii():
        return len(text)
    import unicodedata

    wide = sum(1 for char in text if unicodedata.east_asian_width(char) in "WF")
    return wide + sum(1 for char in text if not unicodedata.combining(char))
