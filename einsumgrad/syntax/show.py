"""Tree to text: the inverse of `parse`. Parentheses stand where meaning or a reader needs them."""

from __future__ import annotations

import math
import re
from typing import assert_never

from einsumgrad.ir.functions import FUNCTIONS, OPERATORS  # a table without imports
from einsumgrad.syntax import tree as t
from einsumgrad.syntax.show_items import show_item

OR, AND, NOT, COMPARE, SUM, PRODUCT, FACTOR, ATOM = range(8)
BARE = frozenset({"log", "exp", "sin", "cos", "tan", "tanh"})
"""Functions that a textbook writes without parentheses before an entry or another function."""


def show(node: t.File | t.Item | t.Expr | t.Condition, ascii: bool = False) -> str:
    """The text of a node; a file is one line an item.

    `ascii` spells functions and operators in ASCII; names are renamed before, by `ascii.spell`.

    >>> show(t.Negative(t.Access("h", (t.Name("b"), t.Name("j")))))
    '-h[b,j]'
    """
    shower = Shower(ascii)
    if isinstance(node, t.File):
        return "".join(show_item(item, shower.at) + "\n" for item in node.items)
    if isinstance(node, t.Expr | t.Condition):
        return shower.at(node)
    return show_item(node, shower.at)


TERM = r"(?:\d+ )?[^\s+*/^()\[\],.-]+"
PLAIN = re.compile(rf"-?{TERM}(?: [+-] {TERM})*")
"""A position of integers and indices."""
APART = re.compile(r"(?<=\d) (?=[eE]\d)")


def close(text: str) -> str:
    """A position as one writes it, without blanks where it is of integers and indices only.

    >>> close("2 p + k' - 1"), close("D h + d"), close("2 e1 + k")
    ("2p+k'-1", 'D h + d', '2 e1 + k')
    """
    if PLAIN.fullmatch(text) and not APART.search(text):
        return text.replace(" ", "")
    return text


class Shower:
    """Shows expressions and conditions; `at(node, level)` adds parentheses below a level."""

    def __init__(self, ascii: bool) -> None:
        self.ascii = ascii

    def at(self, node: t.Expr | t.Condition, level: int = OR) -> str:
        text, own = self._shown(node)
        return text if own >= level else f"({text})"

    def _shown(self, node: t.Expr | t.Condition) -> tuple[str, int]:
        match node:
            case t.Number(text):
                return text, ATOM
            case t.Name(name):
                return self._name(name), ATOM
            case t.Access(name, at):
                inside = ",".join(close(self.at(part, SUM)) for part in at)
                return (f"{name}[{inside}]" if at else name), ATOM
            case t.SizeOf(index):
                return f"|{index}|", ATOM
            case t.Bracket(condition):
                return f"[{self.at(condition)}]", ATOM
            case t.Call():
                return self._call(node)
            case t.Operator():
                return self._operator(node), FACTOR if not OPERATORS[node.op].big else PRODUCT
            case _:
                return self._compound(node)

    def _name(self, name: str) -> str:
        """In ASCII `π` is always the number: a tensor of that name is renamed before."""
        if name == "inf":
            return "inf" if self.ascii else "∞"
        return repr(math.pi) if name == "π" and self.ascii else name

    def _compound(self, node: t.Expr | t.Condition) -> tuple[str, int]:
        match node:
            case t.Negative(value):
                return f"-{self.at(value, PRODUCT)}", SUM
            case t.Sum(terms):
                return self._sum(terms), SUM
            case t.Product(factors):
                return self._product(factors), PRODUCT
            case t.Reciprocal(value):
                return f"1/{self.at(value, ATOM)}", PRODUCT
            case t.Power(t.Call() as base, exponent):
                return f"{self._call(base, closed=True)[0]}^{self._exponent(exponent)}", FACTOR
            case t.Power(base, exponent):
                return f"{self.at(base, ATOM)}^{self._exponent(exponent)}", FACTOR
            case t.Comparison() | t.Not() | t.And() | t.Or():
                return self._condition(node)
            case _:
                raise TypeError(node)

    def _condition(self, node: t.Condition) -> tuple[str, int]:
        match node:
            case t.Comparison(operands, operators):
                parts = [close(self.at(operands[0], SUM))]
                for operator, operand in zip(operators, operands[1:], strict=True):
                    parts += [operator, close(self.at(operand, SUM))]
                return " ".join(parts), COMPARE
            case t.Not(condition):
                return f"not {self.at(condition, NOT + 1)}", NOT
            case t.And(conditions):
                return " and ".join(self.at(c, AND + 1) for c in conditions), AND
            case t.Or(conditions):
                return " or ".join(self.at(c, OR + 1) for c in conditions), OR
            case _:
                assert_never(node)

    def _exponent(self, exponent: t.Expr) -> str:
        match exponent:
            case t.Negative(t.Number(text)):
                return f"-{text}"
            case t.Number():
                return self.at(exponent)
            case t.Name(name) if "." not in name:
                return self.at(exponent)
            case _:  # `c^d[i]` would be read as the entry of a tensor with a raised name
                return f"({self.at(exponent)})"

    def _call(self, node: t.Call, closed: bool = False) -> tuple[str, int]:
        """`closed`: other factors follow, so the argument gets parentheses."""
        table = FUNCTIONS.get(node.function)
        name = table.symbol if table and table.symbol and not self.ascii else node.function
        shown = [self._shown(arg) for arg in node.args]
        text, own = shown[0]
        bare = own == ATOM and isinstance(node.args[0], t.Access | t.Name | t.Call)
        if name in BARE and bare and not closed:
            return f"{name} {text}", FACTOR
        return f"{name}({', '.join(text for text, _ in shown)})", ATOM

    def _operator(self, node: t.Operator, enclosed: bool = False, closed: bool = False) -> str:
        """`enclosed`: other terms follow, so a body of several factors gets parentheses; `closed`:
        other factors follow, so that any argument does."""
        table = OPERATORS[node.op]
        name = table.symbol if table.symbol and not self.ascii else node.op
        names = ",".join(node.indices)
        head = f"{name}_{{{names}}}" if len(node.indices) > 1 else f"{name}_{names}"
        if not table.big:
            bare = isinstance(node.body, t.Access) and bool(node.body.at) and not closed
            return f"{head} {self.at(node.body)}" if bare else f"{head}({self.at(node.body, SUM)})"
        text, own = self._shown(node.body)
        negative = isinstance(node.body, t.Negative)
        wrap = own < PRODUCT or (enclosed and isinstance(node.body, t.Product)) or negative
        return f"{head}({text})" if wrap else f"{head} {text}"

    def _sum(self, terms: tuple[t.Expr, ...]) -> str:
        parts: list[str] = []
        for place, term in enumerate(terms):
            value = term.value if isinstance(term, t.Negative) else term
            text = self._term(value)
            sign = "-" if isinstance(term, t.Negative) else "+"
            lead = f" {sign} " if place else sign.replace("+", "")
            parts.append(f"{lead}{text}")
        return "".join(parts)

    def _term(self, value: t.Expr) -> str:
        if isinstance(value, t.Operator) and OPERATORS[value.op].big:
            return self._operator(value, enclosed=True)
        return self.at(value, PRODUCT)

    def _product(self, factors: tuple[t.Expr, ...]) -> str:
        text = ""
        coefficient = True
        for place, factor in enumerate(factors):
            last = place == len(factors) - 1
            if isinstance(factor, t.Reciprocal):
                join = "/" if coefficient else " / "
                text += join + self._factor(factor.value, last, divisor=True)
            else:
                shown = self._factor(factor, last)
                text += (" * " if text and shown[0].isdigit() else " " if text else "") + shown
            coefficient = coefficient and _is_coefficient(factor)
        return text

    def _factor(self, factor: t.Expr, last: bool, divisor: bool = False) -> str:
        big = isinstance(factor, t.Operator) and OPERATORS[factor.op].big
        if big and last and not divisor:
            return self.at(factor)
        if isinstance(factor, t.Call):
            return self._call(factor, closed=not last)[0]
        if isinstance(factor, t.Operator) and not last and not big:
            return self._operator(factor, closed=True)
        return self.at(factor, FACTOR)


def _is_coefficient(factor: t.Expr) -> bool:
    value = factor.value if isinstance(factor, t.Reciprocal) else factor
    return isinstance(value, t.Number | t.Name | t.SizeOf | t.Product)
