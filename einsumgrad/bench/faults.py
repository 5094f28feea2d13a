"""What keeps a program from being timed. Codes E7xx."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from einsumgrad.diagnostics import Fault


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class NothingToTime(Fault):
    code: ClassVar[str] = "E704"
    words: ClassVar[str] = "there is no gradient to time: no parameter and no input has one"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PeersDiffer(Fault):
    code: ClassVar[str] = "E703"
    words: ClassVar[str] = "{peer} computes another {what}: off by {off} of its largest entry"
    help: ClassVar[str] = "`einsumgrad verify` holds the derived gradients against differences"
    peer: str
    what: str
    off: str
