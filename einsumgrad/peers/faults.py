"""What keeps a program from being run by a peer. Codes E7xx."""

from __future__ import annotations

from typing import ClassVar

from einsumgrad.diagnostics import Fault
from einsumgrad.record import record


@record(kw_only=True)
class NoPeer(Fault):
    code: ClassVar[str] = "E701"
    words: ClassVar[str] = "{peer} is not installed: {reason}"
    help: ClassVar[str] = "install it with the peers of the benchmark: pip install '{extra}'"
    peer: str
    reason: str
    extra: str = "einsumgrad[bench]"


@record(kw_only=True)
class NotTranslated(Fault):
    code: ClassVar[str] = "E702"
    words: ClassVar[str] = "{what} has no translation into calls of a peer"
    help: ClassVar[str] = "leave out --vs to time the program alone"
    what: str
