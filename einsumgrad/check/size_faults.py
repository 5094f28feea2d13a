"""What can be wrong with sizes. Codes E2xx."""

from __future__ import annotations

from typing import ClassVar

from einsumgrad.diagnostics import Fault
from einsumgrad.record import record


@record(kw_only=True)
class SizeConflict(Fault):
    code: ClassVar[str] = "E230"
    words: ClassVar[str] = "sizes disagree: {left}, but {right}"
    left: str
    right: str


@record(kw_only=True)
class BadSize(Fault):
    code: ClassVar[str] = "E231"
    words: ClassVar[str] = (
        "the size of index `{index}` is {text}; a size is a whole number from 0 to 2^63 - 1"
    )
    index: str
    text: str


@record(kw_only=True)
class UnknownSize(Fault):
    code: ClassVar[str] = "E232"
    words: ClassVar[str] = "nothing gives the size `{size}`{of}"
    help: ClassVar[str] = "declare it, `index {index} : 8`{otherwise}"
    size: str
    index: str
    of: str = ""
    otherwise: str


@record(kw_only=True)
class NeverInRange(Fault):
    code: ClassVar[str] = "E240"
    words: ClassVar[str] = "no size of `{index}` keeps `{text}` in range"
    help: ClassVar[str] = "what is outside reads as 0 where the size is given: `index {index} : 8`"
    text: str
    index: str


@record(kw_only=True)
class UnknownLength(Fault):
    code: ClassVar[str] = "E241"
    words: ClassVar[str] = "nothing gives the length of axis {axis} of `{tensor}`"
    help: ClassVar[str] = "declare it with an index there: `{kind} {tensor}[…]`"
    tensor: str
    axis: int
    kind: str
