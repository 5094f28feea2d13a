"""What can be wrong with statements that depend on each other. Codes E24x."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from einsumgrad.diagnostics import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle(Fault):
    code: ClassVar[str] = "E242"
    words: ClassVar[str] = "no order of an index runs this circle: {circle}"
    help: ClassVar[str] = (
        "read entries of one index at earlier values only, `h[b,t-1]`, or at later ones only, and "
        "in one step after what writes them"
    )
    circle: str
