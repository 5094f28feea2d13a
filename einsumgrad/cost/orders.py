"""The orders of contractions in index notation."""

from __future__ import annotations

from einsumgrad.ir import nodes as ir
from einsumgrad.plan.builder import Value
from einsumgrad.plan.trace import Trace
from einsumgrad.record import record
from einsumgrad.reflect.expressions import chained, condition, expression
from einsumgrad.syntax import tree as t
from einsumgrad.syntax.show import show


@record
class Contraction:
    """Two factors and the indices of what they become."""

    product: t.Product
    indices: tuple[str, ...]

    def shown(self, *, ascii: bool = False) -> str:
        """`(Q[b,t,k] K[b,s,k]) → [b,t,s]`."""
        arrow = "->" if ascii else "→"
        return f"({show(self.product, ascii)}) {arrow} [{','.join(self.indices)}]"


def order(trace: Trace, place: int) -> tuple[Contraction, ...]:
    """The contractions of a statement one after the other; of a product made before only the
    indices are shown, as where it was made. A number that stands before is no part of it."""
    pairings = dict.fromkeys(trace.pairings.get(place, ()))
    return tuple(
        Contraction(t.Product((_tree(trace, p.left), _tree(trace, p.right))), _names(p.result.axes))
        for p in pairings
    )


def _tree(trace: Trace, value: Value) -> t.Expr:
    """What a value is in the program."""
    seen = value
    while seen not in trace.nodes and seen in trace.same:
        seen = trace.same[seen]
    node = trace.nodes.get(seen)
    if node is None:
        return t.Name(f"[{','.join(_names(value.axes))}]")
    gone = tuple(i for i in seen.axes if i not in value.axes)
    return t.Operator("sum", _names(gone), _written(node)) if gone else _written(node)


def _written(node: ir.Node) -> t.Expr:
    match node:
        case ir.And(items):
            parts = chained(condition(item) for item in items)
            return t.Bracket(parts[0] if len(parts) == 1 else t.And(parts))
        case ir.Compare() | ir.Or() | ir.Not():
            return t.Bracket(condition(node))
        case _:
            return expression(node)


def _names(indices: tuple[ir.Index, ...]) -> tuple[str, ...]:
    return tuple(index.name for index in indices)
