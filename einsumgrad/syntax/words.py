"""Words: the tokens that the parser is fed, each with its place; and the canonical names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from einsumgrad.diagnostics import EinError, Source, Span
from einsumgrad.ir.functions import FUNCTIONS, KEYWORDS, KINDS, SYNONYMS  # a table without imports
from einsumgrad.record import record
from einsumgrad.syntax.faults import BadCharacter, LatexHere
from einsumgrad.syntax.lines import Line
from einsumgrad.syntax.names import SUPERSCRIPTS

CARET = re.compile(r"\^\{?(\w+)\}?")
LATEX = re.compile(r"\\[A-Za-z]*")
HINTS = {
    "|": "write `|i|` for the size of an index i, and `abs(x)` for an absolute value",
    ".": "only `.grad` and `.dot` follow a name so",
    ";": "a statement ends with its line",
    "@": "write a matrix product with its index: `Σ_k A[i,k] B[k,j]`",
    "&": "write `and`",
    "!": "write `not`, or `!=`",
    "%": "there is no remainder; `floor(t / 2)` is a whole part",
    "$": "a formula stands here without dollar signs",
    "?": "`[CONDITION]` is 1 where it holds, else 0",
    "←": "a definition is written `=`",
    "√": "write `sqrt(x)`",
    "÷": "write `/`",
    "⋅": "write `·`, `*`, or nothing at all",
    "∗": "write `·`, `*`, or nothing at all",
    "⊙": "an elementwise product is written with indices: `a[i] c[i]`",
    "∘": "an elementwise product is written with indices: `a[i] c[i]`",
    "∇": "the gradient of the objective by `W` is `W.grad`",
    "’": "a prime is written `'`",
    "‖": "write `sqrt(Σ_i x[i]^2)`",
    "…": "write all of it",
}
"""What to write instead of a character that has no meaning."""


@record
class Word:
    """A token: Lark reads `type`, the builder the rest."""

    type: str
    text: str
    span: Span


def words(
    scan: re.Pattern[str], source: Source, line: Line, defs: frozenset[str]
) -> Iterator[Word]:
    """The words of one logical line. Raises EinError at a character that begins none."""
    text, start, before, at = line.text, line.start, "", 0
    while at < len(text):
        found = scan.match(text, at)
        if found is None:
            raise EinError(_bad_character(source, line, at))
        at, kind = found.end(), found.lastgroup or ""
        if kind.startswith("__"):  # Lark's names for what the grammar ignores
            continue
        span = Span(source, start + found.start(), start + at)
        shown = found.group()
        if kind == "NAME":
            if before not in ("BIG", "KEEP"):
                kind = _kind(shown, text[at : at + 1], defs)
            shown = canonical(shown)
        before = kind
        yield Word(kind, shown, span)


def _kind(text: str, following: str, defs: frozenset[str]) -> str:
    """The type the parser sees: keywords, functions and accesses are told from names."""
    if text in KINDS:
        return "KIND"
    if text in KEYWORDS:
        return text.upper()
    if text in FUNCTIONS or text in SYNONYMS or text in defs:
        return "FUNC"
    return "ACC" if following == "[" else "NAME"


def canonical(name: str) -> str:
    """One spelling per name: `W^0` is `W⁰`, `W^{ab}` is `W^ab`, a typographic prime is `'`."""
    if name.isalnum():
        return name
    plain = name.replace("′", "'")
    return CARET.sub(lambda m: _raised(m.group(1)), plain)


def _raised(text: str) -> str:
    return text.translate(SUPERSCRIPTS) if text.isdigit() else f"^{text}"


def _bad_character(source: Source, line: Line, at: int) -> BadCharacter | LatexHere:
    char = line.text[at]
    place = Span(source, line.start + at, line.start + at + 1)
    if latex := LATEX.match(line.text, at):
        span = Span(source, place.start, line.start + latex.end())
        return LatexHere(span=span, text=latex.group())
    code, name = f"U+{ord(char):04X}", unicodedata.name(char, "").lower()
    shown = f"`{char}`" if char.isprintable() else f"the character {code}"
    named = f"{shown} ({name})" if name else shown
    return BadCharacter(span=place, char=named, hint=HINTS.get(char, ""))
