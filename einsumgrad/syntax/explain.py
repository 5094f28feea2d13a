"""What to say when a word cannot stand where it stands."""

from __future__ import annotations

import difflib

from einsumgrad.diagnostics import Fault
from einsumgrad.ir.functions import KEYWORDS
from einsumgrad.syntax.faults import Reserved, SpacedAccess, Unexpected, UnknownLine
from einsumgrad.syntax.lines import Line
from einsumgrad.syntax.words import KINDS, Word

FACTORS = frozenset({"NUMBER", "NAME", "LPAR"})
STARTERS = ("for", "index", "batch", "def", *sorted(KINDS))


def unexpected(found: Word, expected: frozenset[str], line: Line) -> Fault:
    """The fault for a word that the grammar does not allow there."""
    return (
        _unknown_line(found, line)
        or _reserved(found, expected)
        or _spaced(found, line)
        or Unexpected(
            span=found.span, found=_named(found), expected=_expectation(expected, line), hint=""
        )
    )


def _named(found: Word) -> str:
    return "end of the line" if found.type == "$END" else f"`{found.text}`"


def _expectation(expected: frozenset[str], line: Line) -> str:
    if expected >= FACTORS:
        return "an expression is missing before it"
    if "EQ" in expected and "AUG" in expected and "OR" not in expected:
        return "a statement needs `=`, `+=` or `-=` after its target"
    if expected == {"NAME"}:
        return "a name belongs here"
    if "ACC" in expected:
        return "a target such as `h[b,j]` belongs here"
    words = {"COMMA": "`,`", "COLON": "`:`", "RPAR": "`)`", "RSQB": "`]`", "LPAR": "`(`",
             "RBRACE": "`}`", "EQ": "`=`", "LSQB": "`[`", "FUNC": "a name"}  # fmt: skip
    known = [words[name] for name in sorted(expected) if name in words]
    if "$END" in expected and line.text:
        return "the statement could end before it"
    return f"{' or '.join(known)} belongs here" if known else "nothing fits here"


def _reserved(found: Word, expected: frozenset[str]) -> Fault | None:
    """A keyword or function name in the place of a name."""
    if found.type in ("FUNC", "BIG", "KEEP") and "NAME" in expected and "FUNC" not in expected:
        return Reserved(span=found.span, name=found.text, what="a function")
    if found.text in KEYWORDS and "NAME" in expected:
        return Reserved(span=found.span, name=found.text, what="a keyword")
    return None


def _unknown_line(found: Word, line: Line) -> Fault | None:
    """`parm W[j,i]`: two words at the beginning that look like a misspelt declaration."""
    first, _, rest = line.text.strip().partition(" ")
    near = difflib.get_close_matches(first, STARTERS, 1, 0.7)
    offset = line.start + line.text.index(first)
    second = found.span.start == line.start + line.text.index(rest) if rest else False
    if not near or first in STARTERS or not second:
        return None
    span = type(found.span)(found.span.source, offset, offset + len(first))
    return UnknownLine(span=span, word=first, near=near[0])


def _spaced(found: Word, line: Line) -> Fault | None:
    """`W [j,i]`: the comma inside what the grammar reads as a condition."""
    at = found.span.start - line.start
    opening = line.text.rfind("[", 0, at)
    before = line.text[:opening].rstrip() if opening > 0 else ""
    if found.type != "COMMA" or len(before) == opening or not before:
        return None
    name = before.split()[-1]
    inside = line.text[opening + 1 :].split("]")[0].strip()
    start = line.start + len(before) - len(name)
    span = type(found.span)(found.span.source, start, start + len(name))
    return SpacedAccess(span=span, name=name, inside=inside)
