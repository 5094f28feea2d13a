"""Expressions as calls of a peer's functions: einsum for sums of products, its own functions
elsewhere."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from functools import reduce
from typing import Any

from einsumgrad.check.sizes import axis_name
from einsumgrad.diagnostics import EinError, Span
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.build import MINUS_ONE, is_reciprocal, product, reciprocal
from einsumgrad.ir.inside import entered
from einsumgrad.peers.code import Axes, Code, Maker, constant, union
from einsumgrad.peers.entries import entries, place, read
from einsumgrad.peers.faults import NotTranslated
from einsumgrad.peers.table import NEUTRAL
from einsumgrad.plan.windows import leaving
from einsumgrad.record import record

COMPARED = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge,
}  # fmt: skip
TRUE = constant(1)


@record
class Translator:
    """Translates the expressions of a program. `known`: its tensors. `span`: the statement whose
    turn it is."""

    make: Maker
    known: Mapping[str, ir.Tensor]
    span: Span

    def refuse(self, what: str) -> EinError:
        return EinError(NotTranslated(span=self.span, what=what))

    def shape(self, name: str) -> tuple[int, ...]:
        axes = enumerate(self.known[name].axes)
        sizes = (axis_name(name, k) if i is None else i.size for k, i in axes)
        return tuple(int(self.make.sizes[size]) for size in sizes)

    # ---- values

    def value(self, node: ir.Expr) -> Code:
        """The code of an expression; its numbers are floats."""
        match node:
            case ir.Number(value):
                return constant(float(value))
            case ir.Size(name):
                return constant(float(self.make.sizes[name]))
            case ir.Position():
                return self.make.cast(place(self, node), self.make.dtype)
            case ir.Access(tensor):
                found = read(self, node)
                whole = self.known[tensor].integer
                return self.make.cast(found, self.make.dtype) if whole else found
            case ir.Sum(terms):
                return reduce(self._plus, terms[1:], self.value(terms[0]))
            case ir.Product(factors):
                return self._product(factors)
            case ir.Power(base, exponent):
                return self._power(node, base, exponent)
            case ir.Call("leaky_relu", (arg, slope)):
                choose = self.make.peer.tools["where"]
                return self.make.lifted(
                    lambda u, v: choose(u > 0, u, v * u), *map(self._array, (arg, slope))
                )
            case ir.Call(function, args):
                return self.make.called(function, *map(self.value, args))
            case ir.Reduce():
                return self._reduce(node)
            case ir.Normalise():
                return self._normalise(node)
            case ir.Iverson(condition):
                return self._number(self.condition(condition))

    def _array(self, node: ir.Expr) -> Code:
        return self.make.array(self.value(node))

    def _number(self, mask: Code) -> Code:
        return mask if mask.number is not None else self.make.cast(mask, self.make.dtype)

    def _plus(self, total: Code, term: ir.Expr) -> Code:
        match term:
            case ir.Product((first, *rest)) if first == MINUS_ONE:
                return self.operated(operator.sub, total, self.value(product(*rest)))
            case _:
                return self.operated(operator.add, total, self.value(term))

    def operated(self, function: Any, left: Code, right: Code) -> Code:
        """An operator of Python, which takes arrays and numbers."""
        if left.number is not None and right.number is not None:
            return constant(float(function(left.number, right.number)))
        return self.make.lifted(function, left, right)

    def _product(self, factors: tuple[ir.Expr, ...]) -> Code:
        """Smaller arrays first; a 0 of a bracket wins over whatever stands beside it."""
        brackets = tuple(f.condition for f in factors if isinstance(f, ir.Iverson))
        rest = [f for f in factors if not isinstance(f, ir.Iverson)]
        above = [self.value(f) for f in rest if not is_reciprocal(f)]
        below = [self.value(reciprocal(f)) for f in rest if is_reciprocal(f)]
        above.sort(key=lambda code: math.prod(self.make.shape(code.axes)))
        result = reduce(self._times, above, constant(1))
        for divisor in below:
            result = self.operated(operator.truediv, result, divisor)
        return self.make.where(self.conjunction(brackets), result, 0) if brackets else result

    def _times(self, left: Code, right: Code) -> Code:
        if 1 in (left.number, right.number):
            return right if left.number == 1 else left
        return self.operated(operator.mul, left, right)

    def _power(self, node: ir.Power, base: ir.Expr, exponent: ir.Expr) -> Code:
        if is_reciprocal(node):
            return self.operated(operator.truediv, constant(1), self.value(reciprocal(node)))
        below, above = self.value(base), self.value(exponent)
        if above.number == 2 and below.number is None:
            return self.make.lifted(lambda u: u * u, below)
        return self.operated(operator.pow, below, above)

    # ---- conditions

    def condition(self, node: ir.Condition) -> Code:
        match node:
            case ir.Compare(op, left, right):
                return self.operated(COMPARED[op], self.value(left), self.value(right))
            case ir.And(items):
                return self.conjunction(items)
            case ir.Or(items):
                return self._not(self.conjunction(tuple(ir.Not(item) for item in items)))
            case ir.Not(item):
                return self._not(self.condition(item))

    def conjunction(self, items: tuple[ir.Condition, ...]) -> Code:
        return reduce(self._both, map(self.condition, items), TRUE)

    def _not(self, code: Code) -> Code:
        if code.number is not None:
            return constant(not code.number)
        return self.make.lifted(operator.invert, code)

    def _both(self, left: Code, right: Code) -> Code:
        for one, other in ((left, right), (right, left)):
            if one.number is not None:
                return other if one.number else one
        return self.make.lifted(operator.and_, left, right)

    # ---- reductions

    def _reduce(self, node: ir.Reduce) -> Code:
        match node.op:
            case "sum":
                return self.summed(node.body, node.indices, node.where)
            case "mean":
                count = math.prod(max(1, n) for n in self.make.shape(node.indices))
                total = self.summed(node.body, node.indices, node.where)
                return self._times(constant(1 / count), total)
            case _:
                return self.folded(node.op, node.body, node.indices, node.where)

    def summed(self, body: ir.Expr, over: Axes, where: tuple[ir.Condition, ...]) -> Code:
        """Σ of a sum of products, each of them an einsum."""
        terms = body.terms if isinstance(body, ir.Sum) else (body,)
        found = [self._contracted(term, over, where) for term in terms]
        return reduce(lambda a, b: self.operated(operator.add, a, b), found)

    def _contracted(self, body: ir.Expr, over: Axes, where: tuple[ir.Condition, ...]) -> Code:
        factors = body.factors if isinstance(body, ir.Product) else (body,)
        brackets = tuple(f.condition for f in factors if isinstance(f, ir.Iverson))
        codes = [self.value(f) for f in factors if not isinstance(f, ir.Iverson)]
        mask = self.conjunction((*where, *brackets))
        if mask.number == 0:
            return constant(0)
        single = [code for code in codes if code.axes]
        if len(single) == 1 and mask.number is None:
            codes[codes.index(single[0])] = self.make.where(mask, single[0], 0)
        elif mask.number is None:
            codes.append(self._number(mask))
        whole = tuple(code for code in codes if code.axes)
        missing = self.make.shape(tuple(i for i in over if i not in union(whole)))
        scale = reduce(self._times, (c for c in codes if not c.axes), constant(math.prod(missing)))
        return self._times(scale, self._einsum(whole, over)) if whole else scale

    def _einsum(self, codes: tuple[Code, ...], over: Axes) -> Code:
        axes = union(codes)
        out = tuple(i for i in axes if i not in over)
        if len(codes) == 1:
            gone = tuple(i for i in axes if i in over)
            return self.make.folded("sum", codes[0], gone) if gone else codes[0]
        return self.make.einsum(codes, out)

    def folded(
        self, op: str, body: ir.Expr, over: Axes, where: tuple[ir.Condition, ...],
        *, keeps: bool = False,
    ) -> Code:  # fmt: skip
        """A reduction that needs its body entry by entry; what is outside is left out."""
        inside = () if op == "prod" else self.entering(body)
        code, mask = self.value(body), self.conjunction((*where, *inside))
        kept = self.make.where(mask, code, NEUTRAL[op])
        laid = self.make.spread(kept, tuple(dict.fromkeys((*kept.axes, *over))))
        return self.make.folded(op, laid, over, keeps=keeps)

    def entering(self, body: ir.Expr) -> tuple[ir.Condition, ...]:
        """Where what a maximum or the like is taken of reads no entry outside."""
        sizes = self.make.sizes
        found = [leaving(a.at, sizes, self.shape(a.tensor)) for a in entered(body)]
        return tuple(condition for conditions in found for condition in conditions)

    def _normalise(self, node: ir.Normalise) -> Code:
        found = self.folded(node.op, node.body, (node.index,), node.where, keeps=True)
        if node.at == ir.Position(node.index):
            return found
        at = {i: ir.Position(i) for i in found.axes} | {node.index: node.at}
        places = tuple(at[i] for i in found.axes)
        return entries(self, found, places, self.make.shape(found.axes))
