"""What can be wrong with the text itself. Codes E1xx."""

from __future__ import annotations

from typing import ClassVar

from einsumgrad.diagnostics import Fault
from einsumgrad.record import record


@record(kw_only=True)
class Unexpected(Fault):
    code: ClassVar[str] = "E101"
    words: ClassVar[str] = "unexpected {found}; {expected}"
    found: str
    expected: str
    hint: str = ""
    help: ClassVar[str] = "{hint}"


@record(kw_only=True)
class BadCharacter(Fault):
    code: ClassVar[str] = "E102"
    words: ClassVar[str] = "{char} has no meaning here"
    char: str
    hint: str = ""
    help: ClassVar[str] = "{hint}"


@record(kw_only=True)
class Unclosed(Fault):
    code: ClassVar[str] = "E103"
    words: ClassVar[str] = "`{bracket}` is never closed"
    help: ClassVar[str] = "add the `{closing}` that belongs to it"
    bracket: str
    closing: str


@record(kw_only=True)
class Unopened(Fault):
    code: ClassVar[str] = "E104"
    words: ClassVar[str] = "`{bracket}` closes nothing"
    bracket: str


@record(kw_only=True)
class Mismatched(Fault):
    code: ClassVar[str] = "E105"
    words: ClassVar[str] = "`{bracket}` cannot close `{opening}`: `{closing}` belongs here"
    bracket: str
    opening: str
    closing: str


@record(kw_only=True)
class TooDeep(Fault):
    code: ClassVar[str] = "E106"
    words: ClassVar[str] = "nested more than {limit} deep"
    help: ClassVar[str] = "give a part a name of its own in an earlier statement"
    limit: int


@record(kw_only=True)
class NotText(Fault):
    code: ClassVar[str] = "E107"
    words: ClassVar[str] = (
        "{file} is not UTF-8 text: byte {offset}, in line {line}, is 0x{byte:02x}"
    )
    help: ClassVar[str] = "{hint}save the file as UTF-8"
    file: str
    hint: str = ""
    line: int
    offset: int
    byte: int


@record(kw_only=True)
class Reserved(Fault):
    code: ClassVar[str] = "E108"
    words: ClassVar[str] = "`{name}` is {what}, so it can name nothing else"
    help: ClassVar[str] = "choose another name, such as `{name}1`"
    name: str
    what: str


@record(kw_only=True)
class NotNumber(Fault):
    code: ClassVar[str] = "E109"
    words: ClassVar[str] = "a condition stands where a number is needed"
    help: ClassVar[str] = "`[{text}]` is 1 where the condition holds and 0 elsewhere"
    text: str


@record(kw_only=True)
class NotCondition(Fault):
    code: ClassVar[str] = "E110"
    words: ClassVar[str] = "a number stands where a condition is needed"
    help: ClassVar[str] = "compare it with something: `{text} > 0`, `{text} = 1`"
    text: str


@record(kw_only=True)
class SpacedAccess(Fault):
    code: ClassVar[str] = "E111"
    words: ClassVar[str] = "after a space, `[{inside}]` is a condition of its own"
    help: ClassVar[str] = "without the space it is an entry of `{name}`: `{name}[{inside}]`"
    name: str
    inside: str


@record(kw_only=True)
class NotIndexName(Fault):
    code: ClassVar[str] = "E112"
    words: ClassVar[str] = "a declaration names an index for each axis; `{text}` is no index"
    text: str


@record(kw_only=True)
class BadStart(Fault):
    code: ClassVar[str] = "E113"
    words: ClassVar[str] = "{what}"
    help: ClassVar[str] = "{hint}"
    what: str
    hint: str


@record(kw_only=True)
class BadDeclaration(Fault):
    code: ClassVar[str] = "E114"
    words: ClassVar[str] = "`{kind}` declares; it cannot take {what}"
    help: ClassVar[str] = "{hint}"
    kind: str
    what: str
    hint: str = "write the statement on a line of its own"


@record(kw_only=True)
class UnknownWord(Fault):
    code: ClassVar[str] = "E115"
    words: ClassVar[str] = "`{word}` is no keyword"
    help: ClassVar[str] = "did you mean `{near}`?"
    word: str
    near: str


@record(kw_only=True)
class LatexHere(Fault):
    code: ClassVar[str] = "E116"
    words: ClassVar[str] = "`{text}` is LaTeX, which an .ein file does not hold"
    help: ClassVar[str] = "{hint}"
    text: str
    hint: str = "write the letter itself: `σ`, `Σ_i`, `h̃`; a fraction is `1/B`"


@record(kw_only=True)
class UnknownFunction(Fault):
    code: ClassVar[str] = "E118"
    words: ClassVar[str] = "no function `{name}`"
    help: ClassVar[str] = "{hint}"
    name: str
    hint: str


@record(kw_only=True)
class Unreadable(Fault):
    code: ClassVar[str] = "E117"
    words: ClassVar[str] = "cannot read {file}: {reason}"
    file: str
    reason: str
