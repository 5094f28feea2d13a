"""Algebra on one expression: like terms, equal factors, signs, brackets that are decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from math import isfinite
from operator import is_not
from typing import assert_never

from einsumgrad.ir.build import (
    MINUS_ONE,
    ONE,
    ZERO,
    coefficient_of,
    negative,
    number,
    power,
    product,
    rebuild,
    total,
)
from einsumgrad.ir.nodes import (
    Access,
    And,
    Call,
    Comparator,
    Compare,
    Condition,
    Expr,
    Index,
    Iverson,
    Node,
    Normalise,
    Not,
    Number,
    Or,
    Position,
    Power,
    Product,
    Reduce,
    Size,
    Sum,
    children,
    walk,
)
from einsumgrad.ir.walk import free_indices
from einsumgrad.record import replace
from einsumgrad.rewrite.factor import factors_of
from einsumgrad.rewrite.heads import differ, head, heads

MIRRORED: dict[Comparator, Comparator] = {
    "=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<=",
}  # fmt: skip
Hear = Callable[[str], None]
LARGEST = 64
"""The largest denominator of a ratio of two multiples of π that is seen as one."""


def simplify(node: Expr, hear: Hear | None = None) -> Expr:
    """An equal expression that is no longer, in the order in which it was written. `hear` is told
    each rule that applied, in words."""
    result = _simplify(node, hear)
    assert isinstance(result, Expr)
    return result


def _simplify(node: Node, hear: Hear | None) -> Node:
    if parts := children(node):
        done = tuple([_simplify(part, hear) for part in parts[: _open(node)]])
        if any(map(is_not, done, parts)):
            node = rebuild(node, (*done, *parts[len(done) :]))
    for words, rule in RULES.get(type(node), ()):
        assert isinstance(node, Expr)
        made = rule(node)
        if hear is not None and made is not node and made != node:
            hear(words)
        node = made
    return node


def _open(node: Node) -> int | None:
    """How many of a node's parts, the first ones, algebra may write otherwise; None: all.

    No index position, and no condition of an operator: it restricts what binds an index that it
    names, be it in `y[k-k]`, and a statement has the same one as it was written; an axis is as long
    as the index that alone is its position, as in `x[k]` and not in `x[2k-k]`."""
    match node:
        case Access():
            return 0
        case Reduce() | Normalise():
            return -len(node.where) or None
        case _:
            return None


def _like_terms(node: Expr) -> Expr:
    """Terms that differ in their number only become one, at the place of the first."""
    if not isinstance(node, Sum) or differ(map(heads, node.terms)):
        return node
    found: dict[frozenset[tuple[Expr, int]], tuple[Expr, Number]] = {}
    for term in node.terms:
        lead, rest = coefficient_of(term)
        key = frozenset(Counter(factors_of(rest)).items())
        first, so_far = found.get(key, (rest, ZERO))
        added = total((so_far, lead))
        assert isinstance(added, Number)
        found[key] = (first, added)
    if len(found) == len(node.terms):
        return node
    return total(product(lead, rest) for rest, lead in found.values())


def _complement(node: Expr) -> Expr:
    """`1 - σ(-u)` is σ(u)."""
    match node:
        case Sum((first, Product((lead, Call("sigmoid", (arg,)))))):
            if first == ONE and lead == MINUS_ONE and is_negative(arg):
                return Call("sigmoid", (negate(arg),))
        case _:
            pass
    return node


def _positive_first(node: Expr) -> Expr:
    """A sum does not begin with a minus if it has a plus."""
    if not isinstance(node, Sum) or not is_negative(node.terms[0]):
        return node
    ordered = sorted(node.terms, key=is_negative)
    return Sum(tuple(ordered))


def is_negative(term: Expr) -> bool:
    """Whether a term is printed behind a minus, or each term of a sum."""
    match term:
        case Sum(terms):
            return all(map(is_negative, terms))
        case Number(value) | Product((Number(value), *_)):
            return value < 0
        case _:
            return False


def _equal_factors(node: Expr) -> Expr:
    """Powers of one base are added up where the first stands; a bracket counts once."""
    if not isinstance(node, Product):
        return node
    split = [_split_power(factor) for factor in node.factors]
    if differ(head(base) for base, _ in split):
        return node
    places: dict[Expr, Expr] = {}
    for base, exponent in split:
        if isinstance(base, Number | Size) or base not in places:
            places[base] = total((places[base], exponent)) if base in places else exponent
        elif not isinstance(base, Iverson):
            places[base] = total((places[base], exponent))
    if len(places) == len(node.factors):
        return node
    return product(*(_powered(base, exponent) for base, exponent in places.items()))


def _split_power(factor: Expr) -> tuple[Expr, Expr]:
    match factor:
        case Power(base, Number() as exponent):
            return base, exponent
        case _:
            return factor, ONE


def _powered(base: Expr, exponent: Expr) -> Expr:
    """`sqrt(u)^2` is u."""
    match base, exponent:
        case Call("sqrt", (inner,)), Number(Fraction(denominator=1) as times) if times % 2 == 0:
            return power(inner, number(times / 2))
        case _:
            return power(base, exponent)


def _cancelled(node: Expr) -> Expr:
    """`π/(2 π)` is `1/2`: π is a number that is not exact, so products do not fold it below."""
    match node:
        case Product((Number(float() as above), *rest)):
            for place, factor in enumerate(rest):
                match factor:
                    case Power(Number(float() as below), Number(Fraction(numerator=-1))):
                        if (ratio := _ratio(above, below)) is not None:
                            return product(number(ratio), *rest[:place], *rest[place + 1 :])
    return node


def _ratio(above: float, below: float) -> Fraction | None:
    """The small fraction that one number is of the other, if it is just that."""
    if not (above and below and isfinite(above) and isfinite(below)):
        return None
    found = Fraction(above / below).limit_denominator(LARGEST)
    return found if float(found) * below == above else None


def _signs(node: Expr) -> Expr:
    """`-(a - b)` is `b - a`, in front of other factors too."""
    if not isinstance(node, Product) or not is_negative(node):
        return node
    for place, factor in enumerate(node.factors):
        if isinstance(factor, Sum) and any(is_negative(term) for term in factor.terms):
            flipped = _positive_first(total(negative(term) for term in factor.terms))
            rest = (*node.factors[:place], flipped, *node.factors[place + 1 :])
            return product(MINUS_ONE, *rest)
    return node


def negate(value: Expr) -> Expr:
    """Minus the value: into a sum or a difference, else in front."""
    if isinstance(value, Sum):
        return total(negative(term) for term in value.terms)
    return negative(value)


def _decided(node: Expr) -> Expr:
    known = decide(node.condition) if isinstance(node, Iverson) else None
    return node if known is None else ONE if known else ZERO


def _number_last(node: Expr) -> Expr:
    """`[0 < u]` is `[u > 0]`."""
    match node:
        case Iverson(Compare(op, Number() as left, right)) if not isinstance(right, Number):
            return Iverson(Compare(MIRRORED[op], right, left))
        case _:
            return node


def _constants_out(node: Expr) -> Expr:
    """A sum's factors that have none of its indices stand before it; over 1 it is the size. Of a
    sum that leaves something out, only numbers: a factor may be finite just where it is kept."""
    if not isinstance(node, Reduce) or node.op != "sum":
        return node
    factors = factors_of(node.body)
    masked = bool(node.where) or any(isinstance(f, Iverson) for f in factors)
    outer = tuple(f for f in factors if _constant(f, set(node.indices), masked))
    inner = product(*(f for f in factors if f not in outer))
    if inner == ONE and not node.where:
        return product(*outer, *(Size(i.size) for i in node.indices))
    return product(*outer, replace(node, body=inner)) if outer and inner != ONE else node


def _constant(factor: Expr, bound: set[Index], masked: bool) -> bool:
    if masked:
        return not any(isinstance(part, Access | Position) for part in walk(factor))
    return not bound & set(free_indices(factor))


RULES: dict[type[Node], tuple[tuple[str, Callable[[Expr], Expr]], ...]] = {
    Sum: (
        ("like terms are added up", _like_terms),
        ("what is subtracted is written last", _positive_first),
        ("1 - σ(-u) is σ(u)", _complement),
    ),
    Product: (
        ("equal factors become one power", _equal_factors),
        ("a number above and below cancels", _cancelled),
        ("the minus goes into the difference", _signs),
    ),
    Iverson: (
        ("a bracket that always or never holds is 1 or 0", _decided),
        ("a comparison has its number on the right", _number_last),
    ),
    Reduce: (("what has no index of a sum stands before it", _constants_out),),
}
"""The rules for each kind of node, in the order in which they apply, with their words."""


def decide(condition: Condition) -> bool | None:
    """Whether a condition holds for all values, None if that depends on them."""
    match condition:
        case Compare():
            return _decide_compare(condition)
        case And(items):
            known = [decide(item) for item in items]
            return False if False in known else None if None in known else True
        case Or(items):
            known = [decide(item) for item in items]
            return True if True in known else None if None in known else False
        case Not(item):
            inner = decide(item)
            return None if inner is None else not inner
        case _:
            assert_never(condition)


def _decide_compare(condition: Compare) -> bool | None:
    left, right = condition.left, condition.right
    if left == right and isinstance(left, Position | Size):
        return condition.op in ("=", "<=", ">=")
    if isinstance(left, Number) and isinstance(right, Number):
        a, b = left.value, right.value
        return {
            "=": a == b, "!=": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b,
        }[condition.op]  # fmt: skip
    return None
