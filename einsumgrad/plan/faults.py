"""What keeps a checked program from being planned or run. Codes E5xx."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from einsumgrad.diagnostics import Fault


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TooLarge(Fault):
    code: ClassVar[str] = "E501"
    words: ClassVar[str] = "`{tensor}` needs {needed} of memory; {limit} may be used"
    help: ClassVar[str] = "use a smaller batch, or allow more with `--memory`"
    tensor: str
    needed: str
    limit: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TooManyIndices(Fault):
    code: ClassVar[str] = "E502"
    words: ClassVar[str] = "this statement has {count} indices; {limit} are the most that run"
    count: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class OutOfRange(Fault):
    code: ClassVar[str] = "E504"
    words: ClassVar[str] = "`{name}{position}` is {value}, but {axis} has the positions {allowed}"
    name: str
    position: str
    value: int
    axis: str
    allowed: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class DefinedAgain(Fault):
    code: ClassVar[str] = "E505"
    words: ClassVar[str] = "`{target}` meets some entries of `{tensor}` more than once"
    help: ClassVar[str] = "`+=` adds what meets there"
    target: str
    tensor: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PiecesMeet(Fault):
    code: ClassVar[str] = "E506"
    words: ClassVar[str] = "`{entry}` is defined twice, on these data"
    help: ClassVar[str] = "no two index tuples for which the conditions hold may define one entry"
    entry: str
