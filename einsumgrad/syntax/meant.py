"""Which function or operator was meant by a name that is none."""

from __future__ import annotations

from functools import cache

from einsumgrad.ir.functions import FUNCTIONS, OPERATORS  # a table without imports
from einsumgrad.syntax.near import Nearby

ELSEWHERE = {
    "ln": "log", "lg": "log", "sgn": "sign", "sigma": "sigmoid", "logistic": "sigmoid",
    "sqroot": "sqrt", "heaviside": "sign", "swish": "silu", "lrelu": "leaky_relu",
}  # fmt: skip
"""What functions are called in other languages."""
SUMS = {"average": "mean", "avg": "mean", "total": "sum", "product": "prod", "lse": "logsumexp"}


def meant_function(name: str) -> str:
    """The function that a name is a slip of, or is called elsewhere; empty if there is none.

    >>> meant_function("sigmod"), meant_function("ln"), meant_function("W")
    ('sigmoid', 'log', '')
    """
    return ELSEWHERE.get(name.casefold()) or _near(name, tuple(FUNCTIONS))


def meant_operator(name: str) -> str:
    """Likewise for the operators that bind an index: what stands before `_i`."""
    return SUMS.get(name.casefold()) or _near(name, tuple(OPERATORS))


def _near(name: str, names: tuple[str, ...]) -> str:
    """The name that a word of three or more letters is a slip of."""
    return next(_nearby(names).of(name), "") if len(name) > 2 else ""


@cache
def _nearby(names: tuple[str, ...]) -> Nearby:
    nearby = Nearby()
    for name in names:
        nearby.add(name)
    return nearby


def function_hint(name: str) -> str:
    """Advice for a name that stands where only a function can."""
    near = meant_function(name)
    if name in ("pow", "power"):
        return "a power is written `x^2`"
    if name in OPERATORS:
        return f"the index that it runs over is its subscript: `{name}_i …`"
    return f"did you mean `{near}`?" if near else f"an entry of a tensor is written `{name}[…]`"
