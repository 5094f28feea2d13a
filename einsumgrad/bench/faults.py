"""What keeps a program from being timed. Codes E7xx."""

from __future__ import annotations

from typing import ClassVar

from einsumgrad.diagnostics import Fault
from einsumgrad.record import record


@record(kw_only=True)
class NothingToTime(Fault):
    code: ClassVar[str] = "E704"
    words: ClassVar[str] = "there is no gradient to time: no parameter and no input has one"


@record(kw_only=True)
class PeersDiffer(Fault):
    code: ClassVar[str] = "E703"
    words: ClassVar[str] = "{peer} computes another {what}: off by {off} of its largest entry"
    help: ClassVar[str] = "`einsumgrad verify` holds the derived gradients against differences"
    peer: str
    what: str
    off: str
