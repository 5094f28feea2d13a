"""What keeps a program from being run by a peer. Codes E7xx."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from einsumgrad.diagnostics import Fault


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class NoPeer(Fault):
    code: ClassVar[str] = "E701"
    words: ClassVar[str] = "{peer} is not installed: {reason}"
    help: ClassVar[str] = "install it with the peers of the benchmark: pip install '{extra}'"
    peer: str
    reason: str
    extra: str = "einsumgrad[bench]"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class NotTranslated(Fault):
    code: ClassVar[str] = "E702"
    words: ClassVar[str] = "{what} has no translation into calls of a peer"
    help: ClassVar[str] = "leave out --vs to time the program alone"
    what: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PeersDiffer(Fault):
    code: ClassVar[str] = "E703"
    words: ClassVar[str] = "{peer} computes another {what}: off by {off:.1e} of its largest entry"
    help: ClassVar[str] = "`einsumgrad verify` holds the derived gradients against differences"
    peer: str
    what: str
    off: float
