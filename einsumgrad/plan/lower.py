"""Expressions to instructions: array operations over the indices that each value really has."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import assert_never

from einsumgrad.ir import nodes as ir
from einsumgrad.ir.substitute import replace as replaced
from einsumgrad.ir.substitute import replace_all
from einsumgrad.ir.walk import accesses, free_indices, gathers
from einsumgrad.plan.builder import Builder, Term, Value, union
from einsumgrad.plan.contract import contract
from einsumgrad.plan.folds import entering, laid_out
from einsumgrad.plan.hoist import outside, sliced
from einsumgrad.plan.nodes import Count
from einsumgrad.plan.numbers import evaluate, holds
from einsumgrad.plan.operands import Constant
from einsumgrad.plan.reads import read
from einsumgrad.plan.unroll import offsets
from einsumgrad.record import record, replace

HEAVY = (ir.Reduce, ir.Normalise, ir.Call, ir.Sum, ir.Product, ir.Power)
"""What is computed for all values of a loop's index at once, where that can be."""
TRUE, FALSE, ZERO = Constant(1.0), Constant(0.0), Constant(0.0)


@record
class Lowering:
    """Lowers expressions; `where`: the conditions in force, under which gathers are checked;
    `loops`: the registers of the loop variables around, by their indices, outermost first;
    `active`: the reads that keep a part inside each of these loops."""

    builder: Builder
    tensors: Mapping[str, Value]
    where: tuple[ir.Condition, ...] = ()
    loops: Mapping[ir.Index, int] = field(default_factory=dict)
    active: Mapping[ir.Index, frozenset[ir.Access]] = field(default_factory=dict)

    def under(self, where: tuple[ir.Condition, ...]) -> Lowering:
        kept = tuple(dict.fromkeys((*self.where, *where)))
        return replace(self, where=kept) if where else self

    def binding(self, node: ir.Reduce | ir.Normalise) -> Lowering:
        """Inside an operator: what is in force of its indices is said by the operator."""
        own = set(node.indices) if isinstance(node, ir.Reduce) else {node.index}
        kept = tuple(c for c in self.where if own.isdisjoint(free_indices(c)))
        loops = {i: r for i, r in self.loops.items() if i not in own}
        return replace(self, where=kept, loops=loops).under(node.where)

    def term(self, node: ir.Expr) -> Term:
        """The value of an expression over its free indices, or a number."""
        if self.loops and isinstance(node, HEAVY):
            outer = outside(self, node)
            if len(outer.loops) < len(self.loops):
                return sliced(self, outer.term(node))
        match node:
            case ir.Number(value):
                return Constant(float(value))
            case ir.Size(name):
                return Constant(float(self.builder.sizes[name]))
            case ir.Position(index):
                return self.count(index)
            case ir.Access():
                return self.read(node)
            case ir.Sum(terms):
                return self.total(terms)
            case ir.Product(factors):
                return self.product(factors)
            case ir.Power(base, exponent):
                return self.power(base, exponent)
            case ir.Call(function, args):
                return self.builder.map(function, *(self.term(arg) for arg in args))
            case ir.Reduce():
                return self.reduce(node)
            case ir.Normalise():
                return self.normalise(node)
            case ir.Iverson(condition):
                return self.condition(condition)
            case _:
                assert_never(node)

    def count(self, index: ir.Index) -> Value:
        if index in self.loops:
            return Value(self.loops[index], ())
        size = self.builder.size(index)
        register = self.builder.emit(Count(size), (size,), "int64", weak=True)
        return Value(register, (index,))

    # ---- conditions

    def condition(self, node: ir.Condition) -> Term:
        """A truth value over the condition's free indices."""
        match node:
            case ir.Compare(op, left, right):
                a, b = self.term(left), self.term(right)
                if isinstance(a, Constant) and isinstance(b, Constant):
                    return TRUE if holds(op, a.value, b.value) else FALSE
                return self.builder.map(op, a, b)
            case ir.And(items):
                return self.conjunction(items)
            case ir.Or(items):
                return self._junction("or", items)
            case ir.Not(item):
                inner = self.condition(item)
                if isinstance(inner, Constant):
                    return FALSE if inner.value else TRUE
                return self.builder.map("not", inner)
            case _:
                assert_never(node)

    def conjunction(self, items: tuple[ir.Condition, ...]) -> Term:
        """All of the conditions; TRUE if there is none."""
        return self._junction("and", tuple(dict.fromkeys(items)))

    def _junction(self, word: str, items: tuple[ir.Condition, ...]) -> Term:
        """One after the other, as a loop would: a gather in one is looked at only where those
        before it leave the answer open."""
        decisive, result = (FALSE, TRUE) if word == "and" else (TRUE, FALSE)
        found: Term = result
        for place, item in enumerate(items):
            before = items[:place] if word == "and" else tuple(ir.Not(i) for i in items[:place])
            new = (self.under(before) if gathers(item) else self).condition(item)
            if isinstance(new, Constant):
                if bool(new.value) == bool(decisive.value):
                    return decisive
            elif isinstance(found, Constant):
                found = new
            else:
                found = self.builder.map(word, found, new)
        return found

    # ---- sums, products, powers

    def total(self, terms: tuple[ir.Expr, ...]) -> Term:
        lowered = [self.term(term) for term in terms]
        number = sum(t.value for t in lowered if isinstance(t, Constant))
        values = [t for t in lowered if isinstance(t, Value)]
        return self.added(values, number)

    def added(self, values: list[Value], number: float) -> Term:
        if not values:
            return Constant(number)
        result = values[0]
        for value in values[1:]:
            result = self.builder.map("add", result, value)
        return self.builder.map("add", result, Constant(number)) if number else result

    def product(self, factors: tuple[ir.Expr, ...]) -> Term:
        """A product entry by entry; a 0 of a bracket wins over whatever stands beside it."""
        conditions = tuple(f.condition for f in factors if isinstance(f, ir.Iverson))
        rest = [f for f in factors if not isinstance(f, ir.Iverson)]
        values, number = self.under(conditions).factors(rest)
        return self.masked(self.multiplied(values, number), self.conjunction(conditions))

    def factors(self, factors: Sequence[ir.Expr]) -> tuple[list[Value], float]:
        lowered = [self.term(f) for f in factors]
        self.builder.trace.name(factors, lowered)
        number = math.prod(t.value for t in lowered if isinstance(t, Constant))
        return [t for t in lowered if isinstance(t, Value)], number

    def multiplied(self, values: list[Value], number: float) -> Term:
        """Smaller values first, so that a number or a vector does not pass over a matrix twice."""
        if not values:
            return Constant(number)
        ordered = sorted(values, key=lambda v: math.prod(self.builder.shape(v.axes)))
        result: Value = ordered[0]
        if number == -1:
            result = self.builder.map("negative", result)
        elif number != 1:
            result = self.builder.map("multiply", result, Constant(number))
        for value in ordered[1:]:
            result = self.builder.map("multiply", result, value)
        return result

    def masked(self, term: Term, mask: Term, other: float = 0.0) -> Term:
        """The term where the mask holds, else another number."""
        if isinstance(mask, Constant):
            return term if mask.value else Constant(other)
        if term == Constant(1.0) and not other:
            return mask
        return self.builder.map("select", mask, term, Constant(other))

    def power(self, base: ir.Expr, exponent: ir.Expr) -> Term:
        below, above = self.term(base), self.term(exponent)
        if isinstance(above, Constant):
            named = {2.0: "square", -1.0: "reciprocal"}.get(above.value)
            if named is not None:
                return self.builder.map(named, below)
        return self.builder.map("power", below, above)

    # ---- reductions

    def reduce(self, node: ir.Reduce) -> Term:
        inner = self.binding(node)
        match node.op:
            case "sum":
                return inner.summed(node.body, node.indices, node.where)
            case "mean":
                count = math.prod(max(1, self.builder.size(i)) for i in node.indices)
                found = inner.summed(node.body, node.indices, node.where)
                return _scaled(self, found, 1 / count)
            case _:
                return inner.folded(node.op, node.body, node.indices, node.where)

    def summed(
        self, body: ir.Expr, over: tuple[ir.Index, ...], where: tuple[ir.Condition, ...]
    ) -> Term:
        """Σ over indices of a sum of products, each contracted by itself; 0 over nothing, whatever
        a factor such as 1/B is then."""
        if any(self.builder.size(i) == 0 for i in over):
            return ZERO
        terms = body.terms if isinstance(body, ir.Sum) else (body,)
        sums = [self.apart(term, over, where) for term in terms]
        number = sum(t.value for t in sums if isinstance(t, Constant))
        return self.added([t for t in sums if isinstance(t, Value)], number)

    def apart(
        self, body: ir.Expr, over: tuple[ir.Index, ...], where: tuple[ir.Condition, ...]
    ) -> Term:
        """A contraction, taken apart at a kernel's offsets where it would need too much room."""
        fixed = offsets(self.builder, accesses(body), over)
        if not fixed:
            return self.contracted(body, over, where)
        left = tuple(i for i in over if i not in fixed[0])
        parts = [
            self.summed(replaced(body, at), left, replace_all(where, at)) for at in fixed
        ]  # fmt: skip
        number = sum(t.value for t in parts if isinstance(t, Constant))
        return self.added([t for t in parts if isinstance(t, Value)], number)

    def contracted(
        self, body: ir.Expr, over: tuple[ir.Index, ...], where: tuple[ir.Condition, ...]
    ) -> Term:
        factors = list(body.factors) if isinstance(body, ir.Product) else [body]
        brackets = tuple(f.condition for f in factors if isinstance(f, ir.Iverson))
        rest = [f for f in factors if not isinstance(f, ir.Iverson)]
        mask = self.conjunction((*where, *brackets))
        if mask == FALSE:
            return ZERO
        values, number = self.under(brackets).factors(rest)
        masks = [mask] if isinstance(mask, Value) else []
        self.builder.trace.name([ir.And((*where, *brackets))] * len(masks), masks)
        present = {i for v in (*values, *masks) for i in v.axes}
        number *= math.prod(self.builder.size(i) for i in over if i not in present)
        if not values and not masks:
            return Constant(number)
        out = tuple(i for i in union((*values, *masks)) if i not in over)
        if not values:
            return _scaled(self, contract(self.builder, masks, out, None), number)
        found = contract(self.builder, values, out, masks[0] if masks else None)
        return _scaled(self, found, number)

    def folded(
        self, op: str, body: ir.Expr, over: tuple[ir.Index, ...], where: tuple[ir.Condition, ...]
    ) -> Value:
        """A reduction that needs its body entry by entry."""
        inside = () if op == "prod" else entering(self, body)
        value, mask = laid_out(self, body, over, (*where, *inside))
        return self.builder.fold(op, value, over, mask)

    def normalise(self, node: ir.Normalise) -> Term:
        inner = self.binding(node)
        where = (*node.where, *entering(inner, node.body))
        value, mask = laid_out(inner, node.body, (node.index,), where)
        found = self.builder.fold(node.op, value, (node.index,), mask)
        if node.at == ir.Position(node.index):
            return found
        at = {i: ir.Position(i) for i in found.axes} | {node.index: node.at}
        name = f"index `{node.index.name}`"
        inner = replace(self, tensors={**self.tensors, name: found})
        places = tuple(at[i] for i in found.axes)
        return inner.read(ir.Access(name, places))

    # ---- entries of tensors

    def read(self, access: ir.Access) -> Term:
        return read(self, access)

    def loose(self, indices: tuple[ir.Index, ...]) -> tuple[ir.Index, ...]:
        """The indices that are axes here, not variables of a loop around."""
        return tuple(i for i in indices if i not in self.loops) if self.loops else indices

    def fixed(self, at: ir.Expr) -> int | None:
        """The value of a position without indices and tensors."""
        value = evaluate(at, self.builder.sizes)
        return None if value is None or value.denominator != 1 else int(value)


def _scaled(lowering: Lowering, term: Term, number: float) -> Term:
    if isinstance(term, Constant):
        return Constant(term.value * number)
    return term if number == 1 else lowering.multiplied([term], number)
