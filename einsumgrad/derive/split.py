"""Names for what stands under a nonlinear function, so that its cotangent is computed once.

`h = σ(Σ_i W x - c)` has one derivative by the argument of σ and several through it. The argument
gets a name, `h_in`; the sweep then derives by it as by any tensor, and prints that cotangent as
`δh`. Rewriting puts back or removes what need not be named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import field

from einsumgrad.derive.fusion import logged
from einsumgrad.derive.pull import Model
from einsumgrad.derive.rules import active_parts
from einsumgrad.ir.build import conjuncts, rebuild
from einsumgrad.ir.functions import OPERATOR_SYNONYMS, OPERATORS
from einsumgrad.ir.nodes import (
    Access,
    Call,
    Condition,
    Expr,
    Index,
    Normalise,
    Number,
    Position,
    Power,
    Product,
    Reduce,
    Size,
    Statement,
    Sum,
    children,
    walk,
)
from einsumgrad.ir.walk import free_indices, gathers, guards, outer
from einsumgrad.record import record, replace

Named = tuple[Expr, tuple[Condition, ...]]
"""What gets a name, and the conditions under which it is computed."""
PLAIN = (Access, Product, Number, Size, Position)
"""What a product of entries is made of, in which nothing gets a name."""


@record(frozen=False)
class Splitter:
    """Splits one statement; `made` are the definitions that then stand before it."""

    statement: Statement
    model: Model
    logged: frozenset[str]
    taken: set[str]
    made: dict[Named, Statement] = field(default_factory=dict)
    repeated: frozenset[Expr] = frozenset()

    def split(self) -> Statement:
        value = self.statement.value
        if all(isinstance(node, PLAIN) for node in walk(value)):
            return self.statement
        self.repeated = _repeated(value, self.model)
        if self.statement.target.tensor in self.logged and isinstance(value, Call | Normalise):
            return replace(self.statement, value=self._logged(value))
        left = self.below(value, False, self.statement.where)
        return self.statement if left is value else replace(self.statement, value=left)

    def _logged(self, value: Call | Normalise) -> Expr:
        """The argument of a softmax or σ whose logarithm is taken is named in any case."""
        arg = value.args[0] if isinstance(value, Call) else value.body
        if isinstance(arg, Access) or not self.model.active(arg):
            return value
        where = value.where if isinstance(value, Normalise) else ()
        inner = self.named(arg, (*self.statement.where, *where))
        if isinstance(value, Call):
            return replace(value, args=(inner,))
        return replace(value, body=inner)

    def below(self, node: Expr, heavy: bool, where: tuple[Condition, ...]) -> Expr:
        """The node with names for parts of it. `heavy`: under a nonlinear function."""
        if isinstance(node, Access) or not self.model.active(node):
            return node
        if node in self.repeated or (heavy and self.branches(node)):
            return self.named(node, where)
        return self.parts(node, heavy, where)

    def parts(self, node: Expr, heavy: bool, where: tuple[Condition, ...]) -> Expr:
        """The node itself, with names for parts of its parts."""
        if isinstance(node, Reduce | Normalise):
            where = outer(where, node)
        heavy = heavy or not _linear(node)
        inner = (*where, *node.where) if isinstance(node, Reduce | Normalise) else where
        active, whole = active_parts(node), node.factors if isinstance(node, Product) else ()
        below = self.entries if _extremum(node) else self.below
        known = children(node)
        parts = tuple(
            below(part, heavy, (*inner, *(guards(whole, place) if whole else ())))
            if part in active
            else part
            for place, part in enumerate(known)
        )
        if all(new is old for new, old in zip(parts, known, strict=True)):
            return node
        return rebuild_expr(node, parts)

    def entries(self, node: Expr, heavy: bool, where: tuple[Condition, ...]) -> Expr:
        """What a maximum is of: it is read twice, by the comparison and by the maximum."""
        if self.model.exact(node) or not self.model.active(node):
            return self.below(node, heavy, where)
        return self.named(node, where)

    def branches(self, node: Expr) -> bool:
        """Whether the cotangent goes several ways from here."""
        match node:
            case Sum() | Product() | Power() | Call():
                return sum(self.model.active(part) for part in active_parts(node)) > 1
            case Reduce("sum" | "mean", _, body):
                return self.branches(body)
            case _:
                return False

    def named(self, node: Expr, where: tuple[Condition, ...]) -> Expr:
        """An access of the tensor that now names the node; the node, if it cannot be named."""
        axes = _ordered(node, self.statement)
        where = conjuncts(where)
        kept = tuple(c for c in where if set(free_indices(c)) <= set(axes))
        if gathers(node) and set(kept) != set(where):
            return node
        if (key := (node, kept)) not in self.made:
            target = Access(self._fresh(), tuple(Position(i) for i in axes))
            value = self.parts(node, False, kept)
            self.made[key] = Statement(axes, target, "=", value, kept, listed=True, derived=True)
        return self.made[key].target

    def _fresh(self) -> str:
        name = fresh_name(argument_of(self.statement.target.tensor), self.taken)
        self.taken.add(name)
        return name


def rebuild_expr(node: Expr, parts: tuple[object, ...]) -> Expr:
    kept = tuple(part for part in parts if isinstance(part, Expr | Condition))
    result = rebuild(node, kept)
    assert isinstance(result, Expr)
    return result


def stem(name: str) -> str:
    """A tensor's name without `.grad`, each replaced by a prime, and with `_dot` for `.dot`."""
    return name.replace(".grad", "'").replace(".dot", "_dot")


def argument_of(tensor: str) -> str:
    """The name for what stands under a function in a tensor's definition."""
    base = stem(tensor)
    operator = base in OPERATORS or base in OPERATOR_SYNONYMS  # `mean_in x` would be a mean
    return f"in_{base}" if operator else f"{base}_in"


def fresh_name(name: str, taken: set[str]) -> str:
    """The name, or the name with the first free number."""
    found, count = name, 2
    while found in taken:
        found, count = f"{name}_{count}", count + 1
    return found


def _linear(node: Expr) -> bool:
    return isinstance(node, Sum | Product) or (
        isinstance(node, Reduce) and node.op in ("sum", "mean")
    )


def _extremum(node: Expr) -> bool:
    return isinstance(node, Reduce) and node.op in ("max", "min")


def _ordered(node: Expr, statement: Statement) -> tuple[Index, ...]:
    free = free_indices(node)
    first = tuple(i for i in statement.indices if i in free)
    return (*first, *(i for i in free if i not in first))


def _repeated(value: Expr, model: Model) -> frozenset[Expr]:
    """The largest parts that a derivative reaches more than once (a `def`'s argument)."""
    found = [n for n in _reached(value) if isinstance(n, Sum | Reduce | Product | Call)]
    if len(found) < 2:
        return frozenset()
    parts: Counter[Expr] = Counter(found)
    many = {n for n, count in parts.items() if count > 1 and model.active(n)}
    return frozenset(many - {n for top in many for n in walk(top) if n != top})


def _reached(node: Expr) -> Iterator[Expr]:
    yield node
    for part in active_parts(node):
        yield from _reached(part)


def logged_tensors(statements: tuple[Statement, ...]) -> frozenset[str]:
    """The tensors of whose entries a logarithm is taken, as they are or from 1."""
    return frozenset(read.tensor for read in logged(statements))


def split(
    statements: tuple[Statement, ...],
    model: Model,
    names: set[str],
) -> Mapping[int, tuple[Statement, ...]]:
    """For each statement by its place: the definitions made for it, then what is left of it."""
    logged = logged_tensors(statements)
    found: dict[int, tuple[Statement, ...]] = {}
    for place, statement in enumerate(statements):
        splitter = Splitter(statement, model, logged & model.definitions.keys(), names)
        left = splitter.split()
        found[place] = (*splitter.made.values(), left)
    return found
