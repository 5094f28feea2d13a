"""Text to tree. Every logical line is parsed on its own, so that one fault hides no other."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from itertools import chain

from einsumgrad.diagnostics import EinError, Fault, Source, Span
from einsumgrad.record import record
from einsumgrad.syntax import tree as t
from einsumgrad.syntax.explain import Stop, unexpected
from einsumgrad.syntax.faults import NotText, TooDeep
from einsumgrad.syntax.items import Items
from einsumgrad.syntax.lines import Line, split
from einsumgrad.syntax.machine import Machine, Stuck, machine
from einsumgrad.syntax.table import table
from einsumgrad.syntax.walk import depth_over
from einsumgrad.syntax.words import Word, words

MAX_DEPTH = 60
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
NEWLINE = re.compile(r"\r\n?|[\v\f\x85\u2028\u2029]")
DEFINED = re.compile(r"^[ \t]*def[ \t]+([^\s(]+)[ \t]*\(", re.MULTILINE)


@record
class Reader:
    """What reads a line: the pattern of all words, and the machine that they are fed to."""

    scan: re.Pattern[str]
    machine: Machine


@cache
def reader() -> Reader:
    """The reader of the grammar, made on first use."""
    made = table()
    return Reader(re.compile(made.pattern), machine(made, Items()))


@record
class Reading:
    """What could be read of a text, and the faults of the lines that could not."""

    file: t.File
    faults: tuple[Fault, ...]


def decode(data: bytes, filename: str) -> str:
    """The text of a file's bytes. Raises EinError if they are not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        at, byte = error.start, data[error.start]
        hint = "this looks like UTF-16: " if data.startswith(UTF_16) else ""
        fault = NotText(file=filename, hint=hint, line=line, offset=at, byte=byte)
        raise EinError(fault) from None


def parse(text: str, filename: str = "<text>") -> t.File:
    """The tree of a program. Raises EinError with the faults of all its lines.

    >>> parse("h[b] = 2 x[b]").items[0].target.name
    'h'
    """
    reading = read(text, filename)
    if reading.faults:
        raise EinError(*reading.faults)
    return reading.file


def read(text: str, filename: str = "<text>") -> Reading:
    """The tree of the lines that can be read, and the faults of the others."""
    normal = unicodedata.normalize("NFC", NEWLINE.sub("\n", text))
    source = Source(filename, normal.removeprefix("\ufeff"))
    lines = split(source)
    faults: list[Fault] = list(lines.faults)
    defs = frozenset(unicodedata.normalize("NFC", n) for n in DEFINED.findall(normal))
    items: list[t.Item] = []
    for line in lines.lines:
        try:
            items += _parse_line(source, line, reader(), defs)
        except EinError as error:
            faults += error.faults
    return Reading(t.File(tuple(items), source), tuple(faults))


def parse_expression(text: str) -> t.Expr:
    """The tree of one expression; for our own tables."""
    (item,) = parse(f"out = {text}").items
    assert isinstance(item, t.Statement)
    return item.value


def _parse_line(
    source: Source, line: Line, reader: Reader, defs: frozenset[str]
) -> tuple[t.Item, ...]:
    end = Word("$END", "", _end(source, line))
    try:
        found = reader.machine.run(chain(words(reader.scan, source, line, defs), (end,)))
    except Stuck as stuck:
        fault = unexpected(Stop(stuck.words[-1], stuck.words[:-1], stuck.expected))
        raise EinError(fault) from None
    items: tuple[t.Item, ...] = found
    for item in items if len(line.text) > MAX_DEPTH else ():
        if deep := depth_over(item, MAX_DEPTH):
            raise EinError(TooDeep(span=deep, limit=MAX_DEPTH))
    return items


def _end(source: Source, line: Line) -> Span:
    end = line.start + len(line.text.rstrip())
    return Span(source, end, end)
