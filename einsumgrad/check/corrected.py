"""A statement's text with one thing put right, as a fault shows it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from einsumgrad.check.names import Names
from einsumgrad.check.scope import bound_names, free_names
from einsumgrad.diagnostics import Span
from einsumgrad.ir.functions import OPERATORS
from einsumgrad.syntax import tree as t
from einsumgrad.syntax.walk import parts, walk

LONGEST = 100
LIST = re.compile(r"for\s+(.*?)[\s:]*$", re.DOTALL)
COMMENT = re.compile(r"#[^\n]*")
SPACES = re.compile(r"\s*\n\s*")


def list_span(item: t.Statement) -> Span:
    """The place of the indices after `for`."""
    start = item.span.start
    found = LIST.match(item.span.source.text[start : item.target.span.start])
    assert found is not None
    return Span(item.span.source, start + found.start(1), start + found.end(1))


def relisted(item: t.Statement, indices: Sequence[str]) -> str:
    """The statement with these indices after `for`, or without `for` where there are none."""
    rest = item.span.source.text[list_span(item).end : item.span.end]
    loops = f"for {','.join(indices)}{rest}" if indices else rest.lstrip(" \t:")
    return _line(loops)


def summed(item: t.Statement, missing: Sequence[str], names: Names) -> str:
    """How a statement whose `=` would sum over the missing indices is to be written."""
    if (kept := _kept(item.value, missing)) is not None:
        return _keeping(item, kept, names)
    if bound_names(item.value) & set(missing):
        return "an operator takes only what follows it: put all that it runs over into parentheses"
    adding = _quoted(_with_op(item, "+="))
    body = _term(item.value, frozenset(missing), names)
    if body is None:
        return f"to sum over it write {adding}"
    binding = _quoted(_bound(item, missing, body))
    if body is item.value:
        return f"to sum over it write {adding} or {binding}"
    return f"to sum over it write {binding} (`+=` would sum the whole right side)"


def _kept(value: t.Expr, missing: Sequence[str]) -> t.Operator | None:
    """A softmax over an index that the target lacks."""
    found = (node for node in walk(value) if isinstance(node, t.Operator))
    return next((n for n in found if OPERATORS[n.op].keeps and n.indices[0] in missing), None)


def _keeping(item: t.Statement, node: t.Operator, names: Names) -> str:
    """What such an operator lacks: its index in its argument, or in the target."""
    index, target = node.indices[0], item.target.span.text
    if index not in set(free_names(node.body, names)):
        return f"`{node.op}_{index}` runs over `{index}`, which its argument does not have"
    wider = f"{target[:-1]},{index}]" if target.endswith("]") else f"{target}[{index}]"
    return f"`{node.op}_{index}` keeps its index, so the target has it too: `{wider}`"


def op_span(item: t.Statement) -> Span:
    """The place of the statement's sign, `=` or another."""
    start, end = item.target.span.end, item.value.span.start
    between = item.span.source.text[start:end]
    lead = len(between) - len(between.lstrip())
    return Span(item.span.source, start + lead, start + len(between.rstrip(" \t(")))


def added(item: t.Statement) -> str:
    """The statement with `+=` for its `=`."""
    return _line(_with_op(item, "+="))


def _with_op(item: t.Statement, op: str) -> str:
    place, text = op_span(item), item.span.source.text
    sign = text[place.start : place.end]
    return (
        f"{text[item.span.start : place.start]}{sign.replace('=', op, 1)}"
        + (text[place.end : item.span.end])
    )


def _bound(item: t.Statement, missing: Sequence[str], body: t.Expr) -> str:
    """The statement with a Σ in front of the body."""
    text, span = item.span.source.text, body.span
    wrap = isinstance(body, t.Sum) and not _enclosed(span.text)
    inside = f"({span.text})" if wrap else span.text
    head = text[item.span.start : span.start]
    return f"{head}Σ_{_subscript(missing)} {inside}{text[span.end : item.span.end]}"


def _subscript(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{{{','.join(names)}}}"


def _enclosed(text: str) -> bool:
    """Whether the first parenthesis closes at the end."""
    depth = 0
    for place, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if depth == 0:
            return place == len(text) - 1
    return False


def _term(value: t.Expr, indices: frozenset[str], names: Names) -> t.Expr | None:
    """What a reader would sum: the product that contracts the indices, else the term that has
    them, else the whole value; None where the value has none of them."""
    if not indices & set(free_names(value, names)):
        return None
    return _contraction(value, indices, names) or _alone(value, indices, names)


def _contraction(node: t.Expr, indices: frozenset[str], names: Names) -> t.Expr | None:
    """The smallest product that alone has the indices, in two or more of its factors."""
    holders = _holders(node, indices, names)
    if len(holders) > 1:
        return node if isinstance(node, t.Product) else None
    return _contraction(holders[0], indices, names) if holders else None


def _alone(node: t.Expr, indices: frozenset[str], names: Names) -> t.Expr:
    holders = _holders(node, indices, names)
    if isinstance(node, t.Sum | t.Negative) and len(holders) == 1:
        return _alone(holders[0], indices, names)
    return node


def _holders(node: t.Expr, indices: Collection[str], names: Names) -> list[t.Expr]:
    """The parts of an expression that have one of the indices."""
    inside = [] if isinstance(node, t.Access) else list(parts(node))
    return [
        part
        for part in inside
        if isinstance(part, t.Expr) and set(indices) & set(free_names(part, names))
    ]


def _quoted(text: str) -> str:
    return f"`{_line(text)}`"


def _line(text: str) -> str:
    """A text in one line of bearable length."""
    line = SPACES.sub(" ", COMMENT.sub("", text)).strip()
    return line if len(line) <= LONGEST else f"{line[:LONGEST].rstrip()} …"
