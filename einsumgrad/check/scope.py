"""Which indices a piece of tree leaves free, given the name table."""

from __future__ import annotations

from collections.abc import Iterator

from einsumgrad.check.names import Names
from einsumgrad.ir.functions import OPERATORS
from einsumgrad.syntax import tree as t
from einsumgrad.syntax.walk import Part, parts


def free_names(node: Part, names: Names, bound: frozenset[str] = frozenset()) -> Iterator[str]:
    """Free index names of a tree in order of appearance, with repetition."""
    match node:
        case t.Name(name):
            if name in names.indices and name not in bound and not names.is_scalar(name):
                yield name
        case t.Operator(op, indices, body):
            if OPERATORS[op].keeps:
                yield from (i for i in indices if i not in bound)
            yield from free_names(body, names, bound | set(indices))
        case _:
            for part in parts(node):
                yield from free_names(part, names, bound)


def free(nodes: tuple[Part, ...], names: Names) -> tuple[str, ...]:
    """The free indices of several nodes, each once, in order of first appearance."""
    return tuple(dict.fromkeys(n for node in nodes for n in free_names(node, names)))


def bound_names(node: Part) -> set[str]:
    """Every index that an operator inside binds."""
    found: set[str] = set()
    stack = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, t.Operator):
            found.update(current.indices)
        stack += parts(current)
    return found


def links(condition: t.Condition) -> Iterator[t.Condition]:
    """The conditions that hold together: each of an `and`, each link of a chain."""
    match condition:
        case t.And(conditions):
            for part in conditions:
                yield from links(part)
        case t.Comparison(operands, operators):
            for op, left, right in zip(operators, operands, operands[1:], strict=False):
                yield t.Comparison((left, right), (op,), left.span.to(right.span))
        case _:
            yield condition
