"""What to say when a word cannot stand where it stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from einsumgrad.diagnostics import Fault
from einsumgrad.ir.functions import FUNCTIONS, KEYWORDS, KINDS
from einsumgrad.record import record
from einsumgrad.syntax.faults import (
    BadStart,
    Reserved,
    Unexpected,
    UnknownFunction,
    UnknownWord,
)
from einsumgrad.syntax.meant import function_hint, meant_operator
from einsumgrad.syntax.near import nearest
from einsumgrad.syntax.spaced import spaced_before
from einsumgrad.syntax.words import Word

FACTORS = frozenset({"NUMBER", "NAME", "LPAR"})
STARTERS = ("for", "index", "batch", "def", *sorted(KINDS))
INFIX = frozenset({"where", "and", "or", "not", "for"})


@record
class Stop:
    """Where the parser stopped: the word that it did not expect, those before it in the line, and
    the kinds of word that it did expect."""

    found: Word
    before: Sequence[Word]
    expected: frozenset[str]

    @property
    def last(self) -> Word | None:
        return self.before[-1] if self.before else None

    @property
    def after(self) -> str:
        """The text that directly follows the word, a character or two."""
        span = self.found.span
        return span.source.text[span.end : span.end + 2]

    @property
    def spaced(self) -> bool:
        """Whether a space stands before the word."""
        return self.last is not None and self.last.span.end < self.found.span.start

    def missing(self) -> bool:
        """Whether a number, name or parenthesis was expected."""
        return self.expected >= FACTORS


def unexpected(stop: Stop) -> Fault:
    """The fault for a word that the grammar does not allow there."""
    for rule in RULES:
        fault = rule(stop)
        if fault is not None:
            return fault
    found = "end of the line" if stop.found.type == "$END" else f"`{stop.found.text}`"
    return Unexpected(
        span=stop.found.span, found=found, expected=_expectation(stop), hint=_hint(stop)
    )


def _unknown_word(stop: Stop) -> Fault | None:
    """`parm W[j,i]`: two words at the beginning, the first almost one that begins a line."""
    if len(stop.before) != 1 or stop.before[0].type != "NAME" or not stop.spaced:
        return None
    first = stop.before[0]
    near = nearest(first.text, STARTERS)
    return UnknownWord(span=first.span, word=first.text, near=near) if near else None


def _reserved(stop: Stop) -> Fault | None:
    """A keyword or the name of a function in the place of a name."""
    for word in (stop.found, stop.last):
        if word is None or (word is stop.last and (len(stop.before) > 1 or stop.found.text != "=")):
            continue
        what = _what(word)
        if what and (word is stop.last or _as_name(stop)):
            return Reserved(span=word.span, name=word.text, what=what)
    return None


def _what(word: Word) -> str:
    if word.text in KEYWORDS:
        return "a keyword"
    return "a function" if word.type in ("FUNC", "BIG", "KEEP") else ""


def _as_name(stop: Stop) -> bool:
    """Whether the word stands where only a name could stand."""
    if stop.found.type in ("FUNC", "BIG", "KEEP"):
        return bool(stop.expected & {"NAME", "ACC"}) and "FUNC" not in stop.expected
    names = stop.expected & {"NAME", "ACC", "FUNC"}
    return bool(names) and (
        stop.found.text not in INFIX or not stop.missing() or stop.after[:1] == "["
    )


def _spaced(stop: Stop) -> Fault | None:
    """`h [b] = …`, and `W [j,i]`: the comma inside what the grammar reads as a condition."""
    opening = len(stop.before)
    if stop.found.type == "COMMA":
        opening = next((k for k in range(opening - 1, 0, -1) if _is(stop.before[k], "[")), 0)
    words = (*stop.before, stop.found)
    if not 0 < opening < len(words) or not _is(words[opening], "["):
        return None
    return spaced_before(words[opening].span)


def _is(word: Word, text: str) -> bool:
    return word.text == text


def _call(stop: Stop) -> Fault | None:
    """`pow(x, 2)`: only a function takes several arguments."""
    if stop.found.type != "COMMA":
        return None
    depth = 0
    for place in range(len(stop.before) - 1, 0, -1):
        text = stop.before[place].text
        depth += (text in ")]") - (text in "([")
        if depth < 0:
            name, big = stop.before[place - 1], _big(stop.before[:place])
            if text == "(" and big:
                return _one_argument(stop.found, big)
            called = text == "(" and name.type == "NAME"
            return UnknownFunction(
                span=name.span, name=name.text, hint=function_hint(name.text)
            ) if called else None  # fmt: skip
    return None


def _big(before: Sequence[Word]) -> str:
    """The operator with its subscript that ends there, as it is written; empty if none does."""
    start = next((k for k in range(len(before) - 1, -1, -1) if before[k].type == "BIG"), -1)
    subscript = [word.type for word in before[start + 1 :]]
    if start < 0 or not (subscript == ["NAME"] or subscript[:1] == ["LBRACE"]):
        return ""
    ended = "RBRACE" not in subscript[:-1]
    return "".join(word.text for word in before[start:]) if ended else ""


def _one_argument(comma: Word, written: str) -> Fault:
    """`max_i(x[b,i], y[b])`"""
    op = written.partition("_")[0]
    hint = f"without an index, `{op}(a, b)` is that of two" if op in FUNCTIONS else ""
    return Unexpected(
        span=comma.span, found="`,`", expected=f"`{written}` takes one argument", hint=hint
    )


def _operator(stop: Stop) -> Fault | None:
    """`smu_{i,j} …`"""
    last = stop.last
    if stop.found.type != "LBRACE" or last is None or not last.text.endswith("_"):
        return None
    near = meant_operator(last.text[:-1])
    hint = f"did you mean `{near}_{{…}}`?" if near else ""
    return UnknownFunction(span=last.span, name=last.text[:-1], hint=hint) if near else None


def _start(stop: Stop) -> Fault | None:
    """`~ 0.1`"""
    if stop.last is None or stop.last.type != "TILDE" or stop.found.type == "$END":
        return None
    text = stop.found.text
    what = f"after `~` comes a distribution, not `{text}`"
    hint = f"`= {text}` starts at a number; `~ normal(0.1)`, `~ uniform(-1, 1)` draw"
    return BadStart(span=stop.found.span, what=what, hint=hint)


RULES: tuple[Callable[[Stop], Fault | None], ...] = (
    _unknown_word, _reserved, _spaced, _call, _operator, _start,
)  # fmt: skip


def _expectation(stop: Stop) -> str:
    """What was expected instead."""
    expected, last = stop.expected, stop.last
    called = [word for word in stop.before[-2:] if word.type == "FUNC"]
    if called and stop.missing() and (last is called[-1] or stop.found.text == ")"):
        return f"`{called[-1].text}` is a function and needs an argument"
    if stop.missing():
        return "an expression is missing before it"
    if "EQ" in expected and "AUG" in expected and "OR" not in expected:
        return "a statement needs `=`, `+=` or `-=` after its target"
    if expected == {"NAME"}:
        return "a name belongs here"
    if "ACC" in expected and stop.before:
        return "a target such as `h[b,j]` belongs here"
    if "ACC" in expected:
        return "a line begins with a target such as `h[b,j]`, or with a keyword"
    known = [SHOWN[name] for name in sorted(expected) if name in SHOWN]
    if "$END" in expected:
        return "the line could end before it"
    return f"{' or '.join(known)} belongs here" if known else "nothing fits here"


SHOWN = {
    "COMMA": "`,`", "COLON": "`:`", "RPAR": "`)`", "RSQB": "`]`", "LPAR": "`(`", "RBRACE": "`}`",
    "EQ": "`=`", "LSQB": "`[`", "FUNC": "a name",
}  # fmt: skip


def _hint(stop: Stop) -> str:
    """What the writer may have meant, from the word and its neighbours."""
    text, last = stop.found.text, stop.last
    pair = f"{last.text}{text}" if last is not None and not stop.spaced else ""
    if pair in PAIRS:
        return PAIRS[pair]
    ahead = f"{text}{stop.after}"
    for sign, hint in AHEAD.items():
        if ahead.startswith(sign):
            return hint
    if last is not None and last.text in "-−" and text in "-−":
        return "put the second minus into parentheses: `-(-x)`"
    if stop.before and _is(stop.before[0], "batch"):
        return "`batch` names one index, or `none`"
    if stop.before and _is(stop.before[0], "for") and _without_comma(stop):
        return "`for` lists indices with commas between them: `for b,i,j`"
    if text == "(" and len(stop.before) == 1:
        return f"indices stand in square brackets: `{stop.before[0].text}[…]`"
    return ""


def _without_comma(stop: Stop) -> bool:
    """Whether an index of a `for` list was read as the target, or could not be."""
    read = stop.last is not None and stop.last.type == "NAME" and "AUG" in stop.expected
    return stop.found.type in ("NAME", "FUNC") or (read and stop.found.type in ("ACC", "COLON"))


PAIRS = {"**": "a power is written `x^2`", "//": "a comment begins with `#`"}
AHEAD = {
    "//": "a comment begins with `#`",
    "/=": "write `*=`, or `=` with a fraction",
    "+ =": "`+=` is written without a space",
    "- =": "`-=` is written without a space",
    "==": "a definition has one `=`; `==` compares",
    ":=": "a definition is written `=`",
    "<-": "a definition is written `=`",
    "{": "braces hold the indices of an operator, directly after its `_`: `Σ_{i,j}`",
}
