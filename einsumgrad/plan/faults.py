"""What keeps a checked program from being planned or run. Codes E5xx."""

from __future__ import annotations

from typing import ClassVar

from einsumgrad.diagnostics import Fault
from einsumgrad.record import record


@record(kw_only=True)
class TooLarge(Fault):
    code: ClassVar[str] = "E501"
    words: ClassVar[str] = "`{tensor}` needs {needed} of memory; {limit} may be used"
    help: ClassVar[str] = "use a smaller batch, or allow more with `--memory`"
    tensor: str
    needed: str
    limit: str


@record(kw_only=True)
class TooManyIndices(Fault):
    code: ClassVar[str] = "E502"
    words: ClassVar[str] = "this statement has {count} indices; {limit} are the most that run"
    count: int
    limit: int


@record(kw_only=True)
class OutOfRange(Fault):
    code: ClassVar[str] = "E504"
    words: ClassVar[str] = "`{name}{position}` is {value}, but {axis} has the positions {allowed}"
    name: str
    position: str
    value: int
    axis: str
    allowed: str


@record(kw_only=True)
class DefinedAgain(Fault):
    code: ClassVar[str] = "E505"
    words: ClassVar[str] = "`{target}` meets some entries of `{tensor}` more than once"
    help: ClassVar[str] = "`+=` adds what meets there"
    target: str
    tensor: str


@record(kw_only=True)
class PiecesMeet(Fault):
    code: ClassVar[str] = "E506"
    words: ClassVar[str] = "`{entry}` is defined twice, on these data"
    help: ClassVar[str] = "no two index tuples for which the conditions hold may define one entry"
    entry: str
