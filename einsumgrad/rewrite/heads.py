"""What equal expressions have in common and is quickly found: most that differ do so in it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from einsumgrad.ir.nodes import Access, Call, Expr, Number
from einsumgrad.rewrite.factor import factors_of


def differ(heads: Iterable[Hashable]) -> bool:
    """Whether no two are equal; then nor are the expressions, and these need not be compared."""
    listed = list(heads)
    return len(set(listed)) == len(listed)


def heads(term: Expr) -> frozenset[str]:
    """The heads of a term's factors, its number aside."""
    return frozenset(head(f) for f in factors_of(term) if not isinstance(f, Number))


def head(node: Expr) -> str:
    """What is named, else the kind."""
    match node:
        case Access(tensor):
            return tensor
        case Call(function):
            return function
        case _:
            return type(node).__name__
