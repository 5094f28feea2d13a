"""From reductions of the grammar to declarations and statements."""

from __future__ import annotations

from typing import Literal, cast

from einsumgrad.diagnostics import EinError, Span
from einsumgrad.record import record
from einsumgrad.syntax import tree as t
from einsumgrad.syntax.build import Child, Expressions, condition, nodes, span_of, texts, value
from einsumgrad.syntax.faults import BadDeclaration, BadStart, NotIndexName, UnknownWord
from einsumgrad.syntax.near import one_slip
from einsumgrad.syntax.walk import walk
from einsumgrad.syntax.words import Word

WHERE = frozenset({"if", "when", "with"})
"""What conditions are called elsewhere."""


@record
class Where:
    conditions: tuple[t.Condition, ...]
    span: Span


@record
class Entry:
    """`target : holds op value`, before it is known which kind of line it stands in."""

    target: t.Access
    holds: str | None
    op: str | None
    value: t.Expr | t.Draw | None
    span: Span


class Items(Expressions):
    """Builds the lines; `line` gives the items of one."""

    def where(self, children: list[Child]) -> Where:
        return Where(tuple(condition(node) for node in nodes(children)), span_of(children))

    def target(self, children: list[Child]) -> t.Access:
        (child,) = children
        if isinstance(child, Word):
            return t.Access(child.text, (), child.span)
        return cast("t.Access", child)

    def loops(self, children: list[Child]) -> Word:
        return Word("LOOPS", cast("Word", children[1]).text, span_of(children))

    def statement(self, children: list[Child]) -> t.Statement:
        head = children[0]
        loops = tuple(head.text.split(",")) if isinstance(head, Word) else None
        target, op, right = children[1:4] if loops else children[:3]
        last = cast("object", children[-1])
        where = last.conditions if isinstance(last, Where) else ()
        return t.Statement(
            loops, cast("t.Access", target), _op(cast("Word", op)), _right(right), where, None,
            span_of(children),
        )  # fmt: skip

    def draw(self, children: list[Child]) -> t.Draw:
        name = cast("Word", children[0])
        args = tuple(value(node) for node in nodes(children))
        return t.Draw(name.text, args, span_of(children))

    def entry(self, children: list[Child]) -> Entry:
        signs = {c.type: c for c in children if isinstance(c, Word)}
        op = next((signs[k] for k in ("TILDE", "EQ", "AUG") if k in signs), None)
        last = cast("t.Expr | t.Draw", children[-1])
        given = None if op is None else last if isinstance(last, t.Draw) else _right(last)
        holds = signs["NAME"].text if "NAME" in signs else None
        sign = None if op is None else "~" if op.type == "TILDE" else _op(op)
        return Entry(cast("t.Access", children[0]), holds, sign, given, span_of(children))

    def declaration(self, children: list[Child]) -> tuple[t.Item, ...]:
        kind = cast("Word", children[0])
        parts = [cast("object", child) for child in children]
        entries = tuple(part for part in parts if isinstance(part, Entry))
        where = next((part for part in parts if isinstance(part, Where)), None)
        span = span_of(children)
        if kind.text in ("loss", "output") and len(entries) == 1 and entries[0].op:
            return (_definition(kind, entries[0], where, span),)
        if where is not None:
            raise EinError(BadDeclaration(span=where.span, kind=kind.text, what="a `where`"))
        declared = tuple(_declared(kind, entry) for entry in entries)
        return (t.TensorDecl(cast("t.Kind", kind.text), declared, span),)

    def batch(self, children: list[Child]) -> t.BatchDecl:
        word = cast("Word", children[1])
        return t.BatchDecl(None if word.type == "NONE" else word.text, span_of(children))

    def range(self, children: list[Child]) -> t.IndexGroup:
        return t.IndexGroup(texts(children), value(children[-1]), span_of(children))

    def ranges(self, children: list[Child]) -> t.IndexDecl:
        parts = [cast("object", child) for child in children]
        groups = tuple(part for part in parts if isinstance(part, t.IndexGroup))
        return t.IndexDecl(groups, span_of(children))

    def definition(self, children: list[Child]) -> t.Def:
        name, params = cast("Word", children[1]), cast("Word", children[3])
        return t.Def(
            name.text, tuple(params.text.split(",")), value(children[-1]), span_of(children)
        )

    def line(self, children: list[object]) -> tuple[t.Item, ...]:
        (item,) = children
        return cast("tuple[t.Item, ...]", item if isinstance(item, tuple) else (item,))


def _right(node: Child) -> t.Expr:
    """A right side; a condition there is one after a misspelt `where`, or a bracket's."""
    for name in walk(node.operands[0]) if isinstance(node, t.Comparison) else ():
        if isinstance(name, t.Name) and (name.name in WHERE or one_slip(name.name, "where")):
            raise EinError(UnknownWord(span=name.span, word=name.name, near="where"))
    return value(node)


def _op(word: Word) -> t.Op:
    return cast("t.Op", word.text.replace("−", "-").replace(" ", ""))


def _definition(kind: Word, entry: Entry, where: Where | None, span: Span) -> t.Statement:
    declares = cast("Literal['loss', 'output']", kind.text)
    if entry.holds or entry.value is None or isinstance(entry.value, t.Draw):
        what = "values after `:`" if entry.holds else "a distribution after `~`"
        hint = "it is computed: give it its value with `=`"
        raise EinError(BadDeclaration(span=entry.span, kind=kind.text, what=what, hint=hint))
    conditions = where.conditions if where else ()
    op = cast("t.Op", entry.op)
    return t.Statement(None, entry.target, op, entry.value, conditions, declares, span)


def _declared(kind: Word, entry: Entry) -> t.Declared:
    indices = tuple(_index_name(at) for at in entry.target.at)
    if kind.text == "noise" and entry.op != "~":
        text = Span(entry.span.source, entry.span.start, entry.target.span.end).text
        hint = f"write `{text} ~ normal(1)`, or another distribution"
        what = f"noise `{entry.target.name}` has no distribution to be drawn from"
        raise EinError(BadStart(span=entry.span, what=what, hint=hint))
    what = _refused(kind.text, entry)
    if what:
        hint = HINTS.get(kind.text, "write the statement on a line of its own")
        raise EinError(BadDeclaration(span=entry.span, kind=kind.text, what=what, hint=hint))
    return t.Declared(entry.target.name, indices, entry.holds, entry.value, entry.span)


def _refused(kind: str, entry: Entry) -> str:
    """What a declaration of this kind cannot say; empty if it says nothing such."""
    allowed = () if kind in ("loss", "output", "input") else ("=", "~")
    if entry.op is not None and entry.op not in allowed:
        return f"a start after `{entry.op}`" if entry.op in ("=", "~") else f"`{entry.op}`"
    return "values after `:`" if entry.holds and kind in ("loss", "output") else ""


HINTS = {"input": "its values come with the data; a `param` or a `const` may have a start"}


def _index_name(at: t.Expr) -> str:
    if isinstance(at, t.Name):
        return at.name
    raise EinError(NotIndexName(span=at.span, text=at.span.text))
