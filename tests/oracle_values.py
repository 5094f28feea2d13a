"""What expressions mean to the loop oracle: each becomes, once, a function of the open indices.

The function of a node calls those of its parts, so that no loop looks at a node again. They are
made for one run of one statement, during which no tensor changes: they hold the arrays they read.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeVar, assert_never

import numpy.typing as npt
from oracle_functions import COMPARE, FUNCTIONS, REDUCTIONS, SUMS, Entered, ieee, logsumexp

from einsumgrad.ir import nodes as ir
from einsumgrad.ir.walk import free_indices

T = TypeVar("T")
Array = npt.NDArray[Any]
Env = dict[str, int]
Names = frozenset[str]
"""The indices that are open where an expression stands."""
Place = tuple[int, ...]
Value = Callable[[Env], float]
Holds = Callable[[Env], bool]
Tuples = Callable[[Env], Iterator[Env]]
Placed = Callable[[Env], Place | None]


class GatherError(Exception):
    """A gathered position that is outside its tensor, or no integer."""


@dataclass(frozen=True)
class Values:
    """Functions of expressions over these tensors. `stop` reads `frozen`, if that is given."""

    tensors: Mapping[str, Array]
    sizes: Mapping[str, int]
    frozen: Mapping[str, Array] | None

    def value(self, expr: ir.Expr, opened: Names) -> Value:
        match expr:
            case ir.Position(index):
                return operator.itemgetter(index.name)
            case ir.Access(tensor):
                return self.entry(expr, self.tensors[tensor], opened)
            case ir.Number(Fraction(denominator=1) as whole):
                return constant(int(whole))
            case ir.Number(number):
                return constant(float(number))
            case ir.Size(name):
                return constant(self.sizes[name])
            case ir.Iverson(condition):
                holds = self.holds(condition, opened)
                return lambda env: int(holds(env))
            case _:
                return self.compound(expr, opened)

    def compound(
        self,
        expr: ir.Sum | ir.Product | ir.Power | ir.Call | ir.Reduce | ir.Normalise,
        opened: Names,
    ) -> Value:
        match expr:
            case ir.Sum(terms):
                parts = self.values(terms, opened)
                return lambda env: sum([part(env) for part in parts])
            case ir.Product(factors):
                return self.product(factors, opened)
            case ir.Power(base, exponent):
                below, above = self.values((base, exponent), opened)
                return lambda env: ieee(pow, below(env), above(env))
            case ir.Call("stop", (arg,)) if self.frozen is not None:
                return Values(self.frozen, self.sizes, None).value(arg, opened)
            case ir.Call(name, args):
                function, parts = FUNCTIONS[name], self.values(args, opened)
                return lambda env: ieee(function, *[part(env) for part in parts])
            case ir.Reduce():
                return self.reduction(expr, opened)
            case ir.Normalise():
                return self.normalised(expr, opened)
            case _:
                assert_never(expr)

    def values(self, exprs: tuple[ir.Expr, ...], opened: Names) -> list[Value]:
        return [self.value(expr, opened) for expr in exprs]

    def product(self, factors: tuple[ir.Expr, ...], opened: Names) -> Value:
        """A bracket that does not hold makes a 0, whatever the other factors are."""
        conditions = (f.condition for f in factors if isinstance(f, ir.Iverson))
        brackets = [self.holds(condition, opened) for condition in conditions]
        rest = self.values(tuple(f for f in factors if not isinstance(f, ir.Iverson)), opened)

        def masked(env: Env) -> float:
            return plain(env) if all(holds(env) for holds in brackets) else 0

        def plain(env: Env) -> float:
            return math.prod([factor(env) for factor in rest])

        return masked if brackets else plain

    def entry(self, access: ir.Access, array: Array, opened: Names) -> Value:
        """What is read, 0 outside."""
        place_of, item = self.place(access, array.shape, opened), array.item

        def entry(env: Env) -> float:
            place = place_of(env)
            return 0 if place is None else float(item(place))

        return entry

    def place(self, access: ir.Access, shape: tuple[int, ...], opened: Names) -> Placed:
        """The entry's position, None if it is outside; a gather has to be inside."""
        indices = [at.index for at in access.at if isinstance(at, ir.Position)]
        sizes = [self.sizes[index.size] for index in indices]
        if len(indices) == len(access.at) == len(shape) and all(map(operator.le, sizes, shape)):
            return numbers_of([index.name for index in indices])
        positions = self.values(access.at, opened)
        gathered = [gathers(at) for at in access.at]

        def place(env: Env) -> Place | None:
            values = [position(env) for position in positions]
            for value, size, inside in zip(values, shape, gathered, strict=True):
                if value != int(value) or (inside and not 0 <= value < size):
                    raise GatherError(f"{access.tensor}: {value} of {size}")
            inside = all(0 <= value < size for value, size in zip(values, shape, strict=True))
            return tuple([int(value) for value in values]) if inside else None

        return place

    def enters(self, node: ir.Expr, opened: Names) -> Holds:
        """Whether nothing is read outside, but for entries over which an operator inside runs: only
        then does a tuple enter a maximum, a softmax or the like."""
        places = [
            self.place(access, self.tensors[access.tensor].shape, opened)
            for access in deciding(node, opened)
        ]
        return lambda env: all(place(env) is not None for place in places)

    def tuples(
        self, indices: tuple[ir.Index, ...], where: tuple[ir.Condition, ...], opened: Names
    ) -> Tuples:
        """The values of the indices for which all conditions hold, each put into one `Env`: it has
        to be read before the next tuple is asked for."""
        names = [i.name for i in indices]
        ranges = [range(self.sizes[i.size]) for i in indices]
        conditions = [self.holds(condition, opened.union(names)) for condition in where]

        def tuples(env: Env) -> Iterator[Env]:
            inner = dict(env)
            for values in itertools.product(*ranges):
                inner.update(zip(names, values, strict=True))
                if not conditions or all(holds(inner) for holds in conditions):
                    yield inner

        return tuples

    def entered(
        self, expr: ir.Reduce | ir.Normalise, indices: tuple[ir.Index, ...], opened: Names
    ) -> Callable[[Env], Entered]:
        first, inner = indices[0].name, opened.union([i.name for i in indices])
        tuples, value = self.tuples(indices, expr.where, opened), self.value(expr.body, inner)
        if expr.op in SUMS:
            return lambda env: [(each[first], value(each)) for each in tuples(env)]
        enters = self.enters(expr.body, inner)
        return lambda env: [(each[first], value(each)) for each in tuples(env) if enters(each)]

    def reduction(self, expr: ir.Reduce, opened: Names) -> Value:
        entered, reduce = self.entered(expr, expr.indices, opened), REDUCTIONS[expr.op]
        count = max(math.prod(self.sizes[i.size] for i in expr.indices), 1)

        def reduced(env: Env) -> float:
            value = reduce(entered(env))
            return value / count if expr.op == "mean" else value

        free = free_names(expr)
        return reduced if opened <= free else once_each(free, reduced)

    def normalised(self, expr: ir.Normalise, opened: Names) -> Value:
        """All its places read the same entries: these are found once for the other indices."""
        inner = free_names(expr.body, *expr.where) - {expr.index.name}
        entered = once_each(inner, self.entered(expr, (expr.index,), opened))
        place, size = self.value(expr.at, opened), self.sizes[expr.index.size]
        inside = gathers(expr.at)

        def log_softmax(env: Env) -> float:
            pairs, at = entered(env), place(env)
            if at != int(at) or (inside and not 0 <= at < size):
                raise GatherError(f"{expr.index.name}: {at} of {size}")
            return dict(pairs).get(int(at), -math.inf) - logsumexp(pairs) if pairs else -math.inf

        return log_softmax if expr.op == "log_softmax" else lambda env: math.exp(log_softmax(env))

    def holds(self, condition: ir.Condition, opened: Names) -> Holds:
        match condition:
            case ir.Compare(op, left, right):
                compare, (one, other) = COMPARE[op], self.values((left, right), opened)
                return lambda env: bool(compare(one(env), other(env)))
            case ir.And(items):
                every = [self.holds(item, opened) for item in items]
                return lambda env: all(holds(env) for holds in every)
            case ir.Or(items):
                some = [self.holds(item, opened) for item in items]
                return lambda env: any(holds(env) for holds in some)
            case ir.Not(item):
                holds = self.holds(item, opened)
                return lambda env: not holds(env)
            case _:
                assert_never(condition)


def constant(value: float) -> Value:
    return lambda _: value


def free_names(*nodes: ir.Node) -> Names:
    return frozenset(i.name for node in nodes for i in free_indices(node))


def once_each(names: Names, function: Callable[[Env], T]) -> Callable[[Env], T]:
    """The function, run once for each tuple of the indices that it looks at: all that could make
    another value of it, as the tensors stay the same."""
    known: dict[Place, T] = {}
    key_of = numbers_of(list(names))

    def looked_up(env: Env) -> T:
        key = key_of(env)
        if key not in known:
            known[key] = function(env)
        return known[key]

    return looked_up


def numbers_of(names: list[str]) -> Callable[[Env], Place]:
    """The values of these indices."""
    if len(names) < 2:  # of which `itemgetter` makes no tuple
        return lambda env: tuple([env[name] for name in names])
    return operator.itemgetter(*names)


def deciding(node: ir.Expr | ir.Condition, opened: Names) -> Iterator[ir.Access]:
    """The entries read that decide whether a tuple of the open indices enters: those of these
    indices alone, and none in a bracket."""
    match node:
        case ir.Access():
            if all(i.name in opened for i in free_indices(node)):
                yield node
        case ir.Iverson():
            return
        case ir.Normalise(index=index):
            yield from deciding(node.body, opened - {index.name})
        case ir.Reduce():
            yield from deciding(node.body, opened.difference(i.name for i in node.indices))
        case _:
            for part in ir.children(node):
                yield from deciding(part, opened)


def gathers(at: ir.Expr) -> bool:
    """Whether a position depends on an entry of a tensor."""
    match at:
        case ir.Number() | ir.Size() | ir.Position():
            return False
        case ir.Sum(parts) | ir.Product(parts):
            return any(gathers(part) for part in parts)
        case _:
            return True
