"""Products multiplied out, factors taken out, and how long an expression is to a reader."""

from __future__ import annotations

from collections import Counter
from itertools import product as every

from einsumgrad.ir.build import (
    MINUS_ONE,
    ONE,
    ZERO,
    coefficient_of,
    number,
    product,
    reciprocal,
    total,
)
from einsumgrad.ir.nodes import (
    Access,
    Call,
    Expr,
    Iverson,
    Node,
    Normalise,
    Number,
    Position,
    Power,
    Product,
    Reduce,
    Size,
    Sum,
    children,
    walk,
)

MAX_TERMS = 64


def factors_of(value: Expr) -> tuple[Expr, ...]:
    return value.factors if isinstance(value, Product) else (value,)


def expand(node: Expr) -> Expr:
    """Products multiplied out over their sums, as far as that makes no long expression."""
    match node:
        case Sum(terms):
            return total(expand(term) for term in terms)
        case Product(factors):
            parts = tuple(expand(factor) for factor in factors)
            flat = not any(isinstance(part, Sum | Product) for part in parts)  # a 0 stands first
            return node if flat and parts[0] != ZERO else _multiply_out(parts)
        case _:
            return node


def _multiply_out(factors: tuple[Expr, ...]) -> Expr:
    choices = [factor.terms if isinstance(factor, Sum) else (factor,) for factor in factors]
    count = 1
    for terms in choices:
        count *= len(terms)
        if count > MAX_TERMS:
            return product(*factors)
    return total(product(*chosen) for chosen in every(*choices))


def factored(value: Expr) -> Expr:
    """A sum with the factors that all its terms have taken out, and a number they all have. Where
    a bracket stays behind, only the number: the bracket may be what keeps a factor finite."""
    if not isinstance(value, Sum):
        return value
    pairs = [coefficient_of(term) for term in value.terms]
    terms = [factors_of(rest) for _, rest in pairs]
    common = _common(terms)
    if any(isinstance(f, Iverson) and f not in common for term in terms for f in term):
        common = ()
    leads = {lead if lead.value > 0 else number(-lead.value) for lead, _ in pairs}
    out = leads.pop() if len(leads) == 1 else ONE
    if not common and out == ONE:
        return value
    rest = total(_divided(term, (out, *common)) for term in value.terms)
    return product(out, *common, rest)


def _common(terms: list[tuple[Expr, ...]]) -> tuple[Expr, ...]:
    """The factors that every term has, in the order of the first."""
    counts = [Counter(term) for term in terms]
    shared = Counter(f for f in counts[0] for _ in range(min(c[f] for c in counts)))
    found = []
    for factor in terms[0]:
        if factor != ONE and shared[factor] > 0:
            shared[factor] -= 1
            found.append(factor)
    return tuple(found)


def _divided(term: Expr, by: tuple[Expr, ...]) -> Expr:
    """The term without some of its factors."""
    lead, rest = coefficient_of(term)
    left = list(factors_of(rest))
    for factor in by[1:]:
        left.remove(factor)
    return product(lead, reciprocal(by[0]), *left)


def weight(node: Node) -> int:
    """How much there is to read: entries, numbers, sizes and indices; a minus counts nothing."""
    match node:
        case Access() | Number() | Size() | Position():
            return 1
        case Product((lead, *rest)) if lead == MINUS_ONE:
            return sum(map(weight, rest))
        case _:
            return sum(map(weight, children(node)))


def cost(node: Node) -> int:
    """The number of parts."""
    return sum(1 for _ in walk(node))


def light(node: Expr) -> bool:
    """Short enough to stand in two places: a number, an entry, or a sum or product of two."""
    plain = all(not isinstance(part, Call | Reduce | Normalise | Power) for part in walk(node))
    return plain and sum(isinstance(part, Access | Iverson) for part in walk(node)) <= 2
