"""What can be wrong with statements that depend on each other. Codes E24x."""

from __future__ import annotations

from typing import ClassVar

from einsumgrad.diagnostics import Fault
from einsumgrad.record import record


@record(kw_only=True)
class Circle(Fault):
    code: ClassVar[str] = "E242"
    words: ClassVar[str] = "no order of an index runs this circle: {circle}"
    help: ClassVar[str] = (
        "read entries of one index at earlier values only, `h[b,t-1]`, or at later ones only, and "
        "in one step after what writes them"
    )
    circle: str


@record(kw_only=True)
class Overlap(Fault):
    code: ClassVar[str] = "E243"
    words: ClassVar[str] = "two pieces define an entry of `{name}`"
    help: ClassVar[str] = "no index tuple may meet the conditions of both"
    name: str


@record(kw_only=True)
class MixedOperators(Fault):
    code: ClassVar[str] = "E244"
    words: ClassVar[str] = "`{name}` is reduced by `{first}` and by `{second}`"
    help: ClassVar[str] = "give one of the two a name of its own"
    name: str
    first: str
    second: str


@record(kw_only=True)
class Outside(Fault):
    code: ClassVar[str] = "E245"
    words: ClassVar[str] = "`{text}` is outside for some values of its indices"
    help: ClassVar[str] = "a `where` keeps those away; without `--strict` it is {then}"
    then: str
    text: str


@record(kw_only=True)
class Below(Fault):
    code: ClassVar[str] = "E246"
    words: ClassVar[str] = "`{text}` is read above the line that writes it in the same step"
    help: ClassVar[str] = "a step runs its lines as they stand: move that of `{target}` above this"
    text: str
    target: str


@record(kw_only=True)
class NoDistance(Fault):
    code: ClassVar[str] = "E247"
    words: ClassVar[str] = "`{name}` reads itself in `{text}`, at no distance along an index"
    help: ClassVar[str] = (
        "a tensor may read its entries a number of steps away, as `t-1` is from `t`"
    )
    name: str
    text: str
