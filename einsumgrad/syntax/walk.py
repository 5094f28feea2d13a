"""The parts of a tree's nodes, and how deep a tree is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from einsumgrad.diagnostics import Span
from einsumgrad.record import facts, replace
from einsumgrad.syntax import tree as t

Part = t.Expr | t.Condition | t.Item | t.IndexGroup | t.Declared | t.Draw
HOLDING = ("Expr", "Condition", "Access", "IndexGroup", "Declared", "Draw")
PARTS = (
    *t.Expr.__args__,
    *t.Condition.__args__,
    *t.Item.__args__,
    t.IndexGroup,
    t.Declared,
    t.Draw,
)


HELD = {
    kind: tuple(n for n, f in facts(kind).items() if any(word in str(f.kind) for word in HOLDING))
    for kind in PARTS
}
"""The fields of each kind of node that may hold nodes."""


def parts(node: Part) -> list[Part]:
    """The nodes directly below a node, in reading order."""
    found: list[Part] = []
    for name in HELD[type(node)]:
        held = getattr(node, name)
        if isinstance(held, tuple):
            found += [part for part in held if type(part) in HELD]
        elif type(held) in HELD:
            found.append(held)
    return found


def depth_over(node: Part, limit: int) -> Span | None:
    """The place of a node more than `limit` levels down, if there is one; without recursion."""
    stack = [(node, 0)]
    while stack:
        current, depth = stack.pop()
        if depth > limit:
            return current.span
        stack += [(part, depth + 1) for part in parts(current)]
    return None


def height(node: Part) -> int:
    """How many levels a tree has; without recursion."""
    levels, level = 0, [node]
    while level:
        levels, level = levels + 1, [part for above in level for part in parts(above)]
    return levels


def walk(node: Part) -> list[Part]:
    """The node and all below it, outer before inner, in reading order."""
    found: list[Part] = []
    left = [node]
    while left:
        current = left.pop()
        found.append(current)
        if HELD[type(current)]:
            left += reversed(parts(current))
    return found


def with_parts(node: Part, change: Callable[[Part], Part]) -> Part:
    """The node with each part directly below it changed."""
    found: dict[str, Any] = {}
    for name in facts(type(node)):
        held = getattr(node, name)
        if isinstance(held, tuple):
            found[name] = tuple(change(p) if isinstance(p, PARTS) else p for p in held)
        elif isinstance(held, PARTS):
            found[name] = change(held)
    return replace(node, **found)
