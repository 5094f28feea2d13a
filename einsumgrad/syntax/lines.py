"""Splitting a text into logical lines, in one linear scan; bracket faults are found here."""

from __future__ import annotations

import re

from einsumgrad.diagnostics import Fault, Source, Span
from einsumgrad.record import record
from einsumgrad.syntax.faults import Mismatched, TooDeep, Unclosed, Unopened

MAX_BRACKETS = 100
CLOSING = {"(": ")", "[": "]", "{": "}"}
MARK = re.compile(r"[#\n()\[\]{}]")
COMMENT = re.compile(r"#[^\n]*")
OUTDENTED = re.compile(
    r"\n(?=(?:for|index|batch|input|param|const|noise|loss|output|def)\b"
    r"|[^\W\d_][^\s\[\]()=]*(?:\[[^\[\]\n]*\])? *(?:[-+*]?=)(?!=))"
)


@record
class Line:
    """One logical line: where it begins, and its text with comments blanked out."""

    start: int
    text: str


@record
class Lines:
    lines: tuple[Line, ...]
    faults: tuple[Fault, ...]


def split(source: Source) -> Lines:
    """The logical lines of a source; a line with a bracket fault is left out."""
    return _Splitter(source).run()


class _Splitter:
    """The state of the scan: open brackets, where the current line began."""

    def __init__(self, source: Source) -> None:
        self.source = source
        blank = COMMENT.sub(lambda found: " " * len(found.group()), source.text)
        self.text = blank + "\n"
        self.start = 0
        self.open: list[tuple[str, int]] = []
        self.bad = False
        self.lines: list[Line] = []
        self.faults: list[Fault] = []

    def run(self) -> Lines:
        position = 0
        while found := MARK.search(self.text, position):
            position = self._mark(found.group(), found.start())
        if self.open:
            self._unclosed()
        return Lines(tuple(self.lines), tuple(self.faults))

    def _mark(self, mark: str, at: int) -> int:
        """Takes one mark; gives the offset to go on from."""
        if mark == "\n":
            return self._newline(at)
        if mark in CLOSING:
            self.open.append((mark, at))
            if len(self.open) == MAX_BRACKETS + 1:
                self._fault(TooDeep(span=self._span(at), limit=MAX_BRACKETS))
        else:
            self._close(mark, at)
        return at + 1

    def _newline(self, at: int) -> int:
        if not self.open:
            self._end(at)
        elif OUTDENTED.match(self.text, at):
            self._unclosed()
            self.open.clear()
            self._end(at)
        return at + 1

    def _end(self, at: int) -> None:
        text = self.text[self.start : at]
        if not self.bad and text.strip():
            self.lines.append(Line(self.start, text))
        self.start, self.bad = at + 1, False

    def _close(self, mark: str, at: int) -> None:
        if not self.open:
            self._fault(Unopened(span=self._span(at), bracket=mark))
            return
        opening, place = self.open.pop()
        if CLOSING[opening] != mark:
            related = (("opened here", self._span(place)),)
            self._fault(
                Mismatched(
                    span=self._span(at), related=related, bracket=mark, opening=opening,
                    closing=CLOSING[opening],
                )
            )  # fmt: skip

    def _unclosed(self) -> None:
        bracket, at = self.open[-1]
        self._fault(Unclosed(span=self._span(at), bracket=bracket, closing=CLOSING[bracket]))

    def _fault(self, fault: Fault) -> None:
        """Keeps the first fault of a line; what follows from it is noise."""
        if not self.bad:
            self.faults.append(fault)
        self.bad = True

    def _span(self, at: int) -> Span:
        return Span(self.source, at, at + 1)
