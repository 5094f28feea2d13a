"""The rules of differentiation in words, as `explain` tells them.

In the words `u` and `v` are arguments, `y` is the result; a rule says what they are at its place.
"""

from __future__ import annotations

import re

from einsumgrad.ir.build import MINUS_ONE, number
from einsumgrad.ir.functions import FUNCTIONS
from einsumgrad.ir.nodes import Call, Expr, Index, Normalise, Number, Position, Power, Statement
from einsumgrad.record import record


@record
class Rule:
    """A rule as it was applied: `words` say it in general, `here` what its letters are.

    `through`: the definition that was put in place of its name. `whole`: the rule gave the whole
    cotangent, not a factor of it."""

    words: str
    here: tuple[tuple[str, Expr], ...] = ()
    through: Statement | None = None
    whole: bool = False


MEAN = Rule("a mean is the sum divided by the size of its index")
PRODUCT = Rule("a product has the derivative by one factor: the product of all the others")
LOGSUMEXP = Rule("logsumexp(u) has the derivative softmax(u)")
LOG_SUM_EXP = Rule("log(Σ exp(u)) has the derivative softmax(u)")


def of_call(node: Call, text: str, place: int, result: Expr) -> Rule:
    """`σ(u) has the derivative y (1 - y), y being σ(u)`; the text is the table's."""
    function = FUNCTIONS[node.function]
    letters = "uv"[: function.arity]
    call = f"{function.symbol or function.name}({', '.join(letters)})"
    by = f" by {letters[place]}" if function.arity > 1 else ""
    here = tuple(zip(letters, node.args, strict=True))
    if re.search(r"\by\b", text) is None:
        return Rule(f"{call} has the derivative {text}{by}", here)
    named = () if result == node else (("y", result),)
    return Rule(f"{call} has the derivative {text}{by}, y being {call}", (*here, *named))


def of_base(node: Power) -> Rule:
    """The power rule by the base."""
    base = ("u", node.base)
    if node.exponent == MINUS_ONE:
        return Rule("1/u has the derivative -1/u^2", (base,))
    if node.exponent == number(2):
        return Rule("u^2 has the derivative 2 u", (base,))
    here = (("n", node.exponent), base)
    if isinstance(node.exponent, Number):
        return Rule("u^n has the derivative n u^(n-1)", here)
    return Rule("u^n has the derivative n u^(n-1) by u, and 0 where n = 0", here)


def of_exponent(node: Power, result: Expr) -> Rule:
    """The power rule by the exponent."""
    named = () if result == node else (("u^n", result),)
    here = (("u", node.base), ("n", node.exponent), *named)
    if isinstance(node.base, Number):
        return Rule("u^n has the derivative u^n log(u) by n", here)
    return Rule("u^n has the derivative u^n log(u) by n, and 0 where u = 0", here)


def of_extremum(op: str) -> Rule:
    which = "maximum" if op == "max" else "minimum"
    return Rule(f"a {which} hands its derivative to the entry that attains it; ties share evenly")


def of_softmax(node: Normalise, result: Expr, cotangent: Expr) -> Rule:
    """softmax and log_softmax, whose every entry depends on every argument."""
    named = () if result == node else (("y", result),)
    here = (*named, ("g", cotangent))
    if node.op == "softmax":
        words = (
            "y = softmax(u) has ∂y_k/∂u_i = y_k ([k = i] - y_i); with g the derivative by y, that "
            "by u_i is Σ_k g_k ∂y_k/∂u_i = y_i (g_i - Σ_k g_k y_k)"
        )
        return Rule(words, here, whole=True)
    words = (
        "y = log_softmax(u) has ∂y_k/∂u_i = [k = i] - exp(y_i); with g the derivative by y, that "
        "by u_i is Σ_k g_k ∂y_k/∂u_i = g_i - exp(y_i) Σ_k g_k"
    )
    return Rule(words, here, whole=True)


def of_log_softmax(result: Expr, cotangent: Expr, through: Statement | None) -> Rule:
    """The logarithm of all entries of a softmax."""
    words = (
        "y = log(p) with p = softmax(u) has ∂y_k/∂u_i = [k = i] - p_i; with g the derivative by y, "
        "that by u_i is Σ_k g_k ∂y_k/∂u_i = g_i - p_i Σ_k g_k"
    )
    return Rule(words, (("p", result), ("g", cotangent)), through, whole=True)


def of_log_softmax_entry(at: Expr, index: Index, entry: Expr, through: Statement) -> Rule:
    """The logarithm of one entry of a softmax."""
    words = "log(p_k) with p = softmax(u) has the derivative [k = i] - p_i by u_i"
    return Rule(words, (("k", at), ("i", Position(index)), ("p_i", entry)), through)


def of_log_sigmoid(arg: Expr, result: Expr, through: Statement | None, *, complement: bool) -> Rule:
    """log(σ(u)), or log(1 - σ(u))."""
    words = "log(σ(u)) has the derivative 1 - σ(u)"
    if complement:
        words = "log(1 - σ(u)) has the derivative -σ(u)"
    named = () if through is None else (("σ(u)", result),)
    return Rule(words, (("u", arg), *named), through)
