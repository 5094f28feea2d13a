"""What planning tells of its decisions: for printing, never for runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import TYPE_CHECKING

from einsumgrad.ir import nodes as ir
from einsumgrad.plan.operands import Constant
from einsumgrad.record import record

if TYPE_CHECKING:
    from einsumgrad.plan.builder import Term, Value


@record
class Pairing:
    """Two operands of a contraction and what they become."""

    left: Value
    right: Value
    result: Value


@record(frozen=False)
class Trace:
    """`place`: the statement that is being planned, None between statements. `statements`: for each
    register the one that needed it first. `nodes`: what a value is in the program. `same`: the
    value that another is but for a factor, its dtype, and what is summed. `pairings`: the
    contractions of each statement in their order."""

    place: int | None = None
    statements: list[int | None] = field(default_factory=list)
    nodes: dict[Value, ir.Node] = field(default_factory=dict)
    same: dict[Value, Value] = field(default_factory=dict)
    pairings: dict[int, list[Pairing]] = field(default_factory=dict)

    def name(self, nodes: Sequence[ir.Node], terms: Sequence[Term]) -> None:
        """Keeps what the factors of a product are."""
        for node, term in zip(nodes, terms, strict=True):
            if not isinstance(term, Constant):
                self.nodes.setdefault(term, node)

    def alias(self, new: Value, old: Value) -> Value:
        if new != old:
            self.same.setdefault(new, old)
        return new

    def pair(self, left: Value, right: Value, result: Value) -> Value:
        """Keeps a contraction; a number that something is multiplied by is none."""
        if not (left.axes and right.axes):
            return self.alias(result, left if left.axes else right)
        if self.place is not None:
            self.pairings.setdefault(self.place, []).append(Pairing(left, right, result))
        return result
