"""From reductions of the grammar to nodes of the tree: one method for each rule."""

from __future__ import annotations

from typing import cast

from einsumgrad.diagnostics import EinError, Span
from einsumgrad.ir.functions import FUNCTIONS, OPERATOR_SYNONYMS, SYNONYMS
from einsumgrad.record import replace
from einsumgrad.syntax import tree as t
from einsumgrad.syntax.faults import NotCondition, NotNumber
from einsumgrad.syntax.spaced import spaced_before
from einsumgrad.syntax.words import Word

Node = t.Expr | t.Condition
Child = Word | Node
CONDITIONS = (t.Comparison, t.And, t.Or, t.Not)
COMPARATORS = {"==": "=", "≠": "!=", "≤": "<=", "≥": ">="}
DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


def span_of(children: list[Child]) -> Span:
    return children[0].span.to(children[-1].span)


def value(node: Child) -> t.Expr:
    """The child as a number; a condition there is a fault."""
    if isinstance(node, CONDITIONS):
        raise EinError(NotNumber(span=node.span, text=_inside(node)))
    return cast("t.Expr", node)


def _inside(node: Child) -> str:
    """The node's text without the parentheses around a condition, as it may be shown in a line."""
    text = " ".join(node.span.text.split())
    grouped = text.startswith("(") and text.endswith(")") and isinstance(node, CONDITIONS)
    return text[1:-1] if grouped else text


def condition(node: Child) -> t.Condition:
    """The child as a condition; a number there is a fault."""
    if isinstance(node, CONDITIONS):
        return node
    raise EinError(NotCondition(span=node.span, text=_inside(node)))


def nodes(children: list[Child]) -> list[Node]:
    return [child for child in children if not isinstance(child, Word)]


def texts(children: list[Child], kind: str = "NAME") -> tuple[str, ...]:
    return tuple(c.text for c in children if isinstance(c, Word) and c.type == kind)


class Expressions:
    """Builds expressions and conditions."""

    def number(self, children: list[Child]) -> t.Expr:
        (word,) = children
        assert isinstance(word, Word)
        if word.text == "∞":
            return t.Name("inf", word.span)
        return t.Number(word.text, word.span)

    def name(self, children: list[Child]) -> t.Expr:
        (word,) = children
        assert isinstance(word, Word)
        return t.Name("inf" if word.text == "inf" else word.text, word.span)

    def bars(self, children: list[Child]) -> t.Expr:
        (word,) = children
        assert isinstance(word, Word)
        return t.SizeOf(word.text.strip("|").strip().replace("′", "'"), word.span)

    def access(self, children: list[Child]) -> t.Expr:
        (name,) = texts(children, "ACC")
        at = tuple(value(node) for node in nodes(children))
        return t.Access(name, at, span_of(children))

    def bracket(self, children: list[Child]) -> t.Expr:
        inner = children[1]
        spaced = None if isinstance(inner, CONDITIONS) else spaced_before(children[0].span)
        if spaced is not None:
            raise EinError(spaced)
        return t.Bracket(condition(inner), span_of(children))

    def group(self, children: list[Child]) -> Node:
        """The node between the parentheses, whose place they belong to."""
        return replace(nodes(children)[0], span=span_of(children))

    def subscript(self, children: list[Child]) -> Word:
        names = [c for c in children if isinstance(c, Word)]
        inner = names[0].text if len(names) == 1 else cast("Word", children[1]).text
        return Word("SUBSCRIPT", inner, span_of(children))

    def names(self, children: list[Child]) -> Word:
        return Word("NAMES", ",".join(texts(children)), span_of(children))

    def head(self, children: list[Child]) -> Word:
        first = cast("Word", children[0])
        if first.type == "FUNC":
            return Word("HEAD", SYNONYMS.get(first.text, first.text), first.span)
        subscript = cast("Word", children[1])
        return Word("HEAD", f"{first.text}{subscript.text}", span_of(children))

    def apply(self, children: list[Child]) -> t.Expr:
        return _applied(cast("Word", children[0]), [children[1]], span_of(children))

    def call(self, children: list[Child]) -> t.Expr:
        return _applied(cast("Word", children[0]), list(nodes(children)), span_of(children))

    def big(self, children: list[Child]) -> t.Expr:
        word, subscript = cast("Word", children[0]), cast("Word", children[1])
        body = value(children[-1])
        if len(children) == 4:
            body = t.Negative(body, children[2].span.to(body.span))
        op = word.text.removesuffix("_")
        names = tuple(subscript.text.split(","))
        return t.Operator(OPERATOR_SYNONYMS.get(op, op), names, body, span_of(children))

    def power(self, children: list[Child]) -> t.Expr:
        last = children[-1]
        if isinstance(last, Word):
            last = t.Number(last.text.translate(DIGITS), last.span)
        return t.Power(value(children[0]), value(last), span_of(children))

    def opposite(self, children: list[Child]) -> t.Expr:
        return t.Negative(value(children[1]), span_of(children))

    def times(self, children: list[Child]) -> t.Expr:
        factor = value(children[-1])
        return t.Negative(factor, span_of(children[1:])) if len(children) == 3 else factor

    def over(self, children: list[Child]) -> t.Expr:
        return t.Reciprocal(self.times(children), span_of(children))

    def product(self, children: list[Child]) -> t.Expr:
        factors = tuple(value(child) for child in children)
        return factors[0] if len(factors) == 1 else t.Product(factors, span_of(children))

    def plus(self, children: list[Child]) -> t.Expr:
        return value(children[1])

    def minus(self, children: list[Child]) -> t.Expr:
        return t.Negative(value(children[1]), span_of(children))

    def sum(self, children: list[Child]) -> t.Expr:
        if isinstance(children[0], Word):
            children = [self.minus(children[:2]), *children[2:]]
        terms = tuple(value(child) for child in children)
        return terms[0] if len(terms) == 1 else t.Sum(terms, span_of(children))

    def chain(self, children: list[Child]) -> t.Condition:
        operands = tuple(value(child) for child in children[::2])
        signs = [cast("Word", child).text for child in children[1::2]]
        operators = tuple(COMPARATORS.get(sign, sign) for sign in signs)
        return t.Comparison(
            operands, cast("tuple[t.Comparator, ...]", operators), span_of(children)
        )

    def negation(self, children: list[Child]) -> t.Condition:
        return t.Not(condition(children[1]), span_of(children))

    def conjunction(self, children: list[Child]) -> t.Condition:
        return t.And(tuple(condition(c) for c in children[::2]), span_of(children))

    def disjunction(self, children: list[Child]) -> t.Condition:
        return t.Or(tuple(condition(c) for c in children[::2]), span_of(children))


def _applied(head: Word, args: list[Child], span: Span) -> t.Expr:
    """A call of a function, or of a subscripted operator that takes its argument as one."""
    values = tuple(value(arg) for arg in args)
    for op in ("log_softmax", "softmax", "logsumexp", "argmax", "argmin"):
        if head.text.startswith(f"{op}_") and head.text not in FUNCTIONS:
            names = tuple(head.text.removeprefix(f"{op}_").split(","))
            body = values[0] if len(values) == 1 else t.Call(op, values, span)
            return t.Operator(op, names, body, span)
    return t.Call(head.text, values, span)
