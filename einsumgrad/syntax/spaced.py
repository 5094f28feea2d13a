"""A space between a name and its bracket: two factors, where an entry was meant."""

from __future__ import annotations

import re

from einsumgrad.diagnostics import Fault, Span
from einsumgrad.ir.functions import FUNCTIONS, KEYWORDS  # a table without imports
from einsumgrad.syntax.faults import SpacedAccess

NAME = re.compile(r"[^\W\d_][\w\u0300-\u036f\u20d0-\u20ff'′⁰¹²³⁴-⁹₀-₉.]*[ \t]+$")
REACH = 80


def spaced_before(bracket: Span) -> Fault | None:
    """The fault of a `[` that a space keeps from the name before it; None if there is no such."""
    source, at = bracket.source, bracket.start
    before = source.text[max(0, at - REACH) : at]
    found = NAME.search(before)
    name = found.group().rstrip() if found else ""
    if found is None or name in KEYWORDS or name in FUNCTIONS:
        return None
    inside = source.text[at + 1 : at + REACH].split("]")[0].split("\n")[0].strip()
    span = Span(source, at - len(before) + found.start(), bracket.end)
    return SpacedAccess(span=span, name=name, inside=inside)
