"""The chain rule forwards: the tangent of an expression, from the tangents of what it reads.

A tangent is the derivative along the direction in which the tensors move that are derived by: a
sum over operands, each with the slope that reverse mode gives it too. Only softmax has a rule of
its own here, its transpose being the one of reverse mode.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from itertools import islice
from typing import assert_never

from einsumgrad.check.faults import NoDerivative
from einsumgrad.derive import fusion
from einsumgrad.derive.flow import Flow, open_binder, start
from einsumgrad.derive.pull import Model
from einsumgrad.derive.rules import (
    active_reads,
    of_base,
    of_exponent,
    of_extremum,
    of_product,
)
from einsumgrad.derive.split import Named, argument_of, fresh_name
from einsumgrad.derive.terms import apart, arguments, brackets, entry, summed, times, within
from einsumgrad.diagnostics import EinError
from einsumgrad.ir.build import (
    ONE,
    ZERO,
    negative,
    product,
    total,
)
from einsumgrad.ir.nodes import (
    Access,
    Call,
    Expr,
    Iverson,
    Normalise,
    Number,
    Position,
    Power,
    Product,
    Reduce,
    Size,
    Statement,
    Sum,
    walk,
)
from einsumgrad.ir.substitute import replace as moved_to
from einsumgrad.ir.substitute import replace_all
from einsumgrad.ir.walk import free_indices, gathers
from einsumgrad.record import record, replace

MAX_PARTS = 2_000_000


@record(frozen=False)
class Tangents:
    """Tangents of the expressions of one statement.

    `dots`: the name of each tensor's tangent, of those that move; `suffix`: of new ones.
    `arguments`: of tensors that are a softmax or a sigmoid, the tangent of its argument. `taken`:
    the names in use. `made`: what had to be named, the definitions that then stand before the
    statement's tangent."""

    statement: Statement
    model: Model
    dots: Mapping[str, str]
    suffix: str
    arguments: dict[str, Expr]
    logged: frozenset[str]
    taken: set[str]
    made: dict[Named, Statement] = field(default_factory=dict)

    def of_statement(self, odd: frozenset[str]) -> Expr:
        """The tangent of the whole right side; `odd`: index names not to be made."""
        flow, target = start(self.statement, ONE, odd), self.statement.target
        named = target if target.tensor in self.model.definitions else None
        return self.of(self.statement.value, flow, named)

    def of(self, node: Expr, flow: Flow, named: Expr | None = None) -> Expr:
        """The tangent of an expression. `named`: how its value can be read by name; `flow`: the
        loops and the conditions under which it is computed."""
        if not self._moves(node):
            return ZERO
        result = node if named is None else named
        match node:
            case Access(name, at):
                return Access(self.dots[name], at)
            case Sum(terms):
                return total(self.of(term, flow) for term in terms)
            case Product(factors):
                return self._product(factors, flow)
            case Power(base, exponent):
                of_power = product(of_exponent(node, result), self.of(exponent, flow))
                return total((product(of_base(node), self.of(base, flow)), of_power))
            case Call():
                return self._call(node, flow, result)
            case Reduce():
                return self._reduce(node, flow, result)
            case Normalise():
                return self._normalise(node, flow, result, root=named is not None)
            case Number() | Size() | Position() | Iverson():
                return ZERO
            case _:
                assert_never(node)

    def _moves(self, node: Expr) -> bool:
        return any(name in self.dots for name in active_reads(node))

    def _product(self, factors: tuple[Expr, ...], flow: Flow) -> Expr:
        """Each factor in turn is replaced by its tangent."""
        places = [place for place, factor in enumerate(factors) if self._moves(factor)]
        self._bounded(len(places), Product(factors))
        return total(
            product(*factors[:place], self.of(factors[place], flow), *factors[place + 1 :])
            for place in places
        )

    def _bounded(self, times: int, node: Expr) -> None:
        """Raises EinError if a node, written so many times, is too long."""
        limit = MAX_PARTS // max(times, 1)
        if next(islice(walk(node), limit, None), None) is not None:
            what = f"the derivative of this statement would make more than {MAX_PARTS} parts"
            hint = "break it up: name its parts in statements of their own"
            raise EinError(NoDerivative(span=self.statement.span, what=what, hint=hint))

    def _call(self, node: Call, flow: Flow, result: Expr) -> Expr:
        if node.function == "log":
            fused = self._log_softmax(node.args[0], flow) or self._log(node.args[0], flow)
            if fused is not None:
                return fused
        logged = node is self.statement.value and self.statement.target.tensor in self.logged
        terms = []
        for place, arg in enumerate(node.args):
            moved = self._argument(arg, flow) if logged else self.of(arg, flow)
            if moved != ZERO:
                named = self.model.given(node.args[0])
                slope, _ = self.model.rules.of_call(node, place, result, named=named)
                terms.append(times(slope, moved))
        return total(terms)

    def _reduce(self, node: Reduce, flow: Flow, result: Expr) -> Expr:
        opened, inner = open_binder(node, flow)
        moved = self.of(opened.body, inner)
        if moved == ZERO:
            return ZERO
        match opened.op:
            case "sum" | "mean":
                return replace(opened, body=moved)
            case "prod":
                slope = of_product(opened, inner.names)
            case "max" | "min":
                slope = self._extremum(opened, inner, result)
            case "logsumexp":
                (index,) = opened.indices
                slope = Normalise("softmax", index, opened.body, Position(index), opened.where)
            case "argmax" | "argmin":
                return ZERO
            case _:
                assert_never(opened.op)
        return summed(product(slope, moved), opened.indices, opened.where)

    def _extremum(self, node: Reduce, flow: Flow, result: Expr) -> Expr:
        """The share of an entry; entries that are computed get a name, to be equal to the result
        to the last bit."""
        exact = self.model.exact(node.body)
        if not exact:
            node = replace(node, body=self._named(node.body, flow, self._fresh()))
        return of_extremum(node, result, flow.names, exact=exact)

    def _normalise(self, node: Normalise, flow: Flow, result: Expr, *, root: bool) -> Expr:
        """softmax: y (u̇ - Σ y u̇); log_softmax: u̇ - Σ softmax u̇."""
        assert node.at == Position(node.index)
        moved = self._argument(node.body, within(node.index, node.where, flow))
        soft = Normalise("softmax", node.index, node.body, node.at, node.where)
        log = node.op == "log_softmax"
        share = (Call("exp", (result,)) if log else result) if root else soft
        spread = summed(product(share, moved), (node.index,), node.where)
        kept = (*brackets(node.where, flow), *(() if log else (share,)))
        return product(*kept, total((moved, negative(spread))))

    def _argument(self, arg: Expr, flow: Flow) -> Expr:
        """The tangent of the argument of a softmax or sigmoid, which is read more than once: by a
        name, if it is no entry of a tensor. It is noted where that function is all of a tensor."""
        moved, own = self.of(arg, flow), self.statement.target.tensor
        if not entry(moved) and moved != ZERO:
            moved = self._named(moved, flow, self._fresh() + self.suffix)
        if entry(moved) and arg in arguments(self.statement.value):
            self.arguments[own] = moved
        return moved

    def _fresh(self) -> str:
        """A name for what stands under a function; a tensor and its tangent have the same axes."""
        taken = self.taken | {name.removesuffix(self.suffix) for name in self.taken}
        return fresh_name(argument_of(self.statement.target.tensor), taken)

    def _named(self, node: Expr, flow: Flow, name: str) -> Expr:
        """An access of the tensor that now names the node; the node, if it cannot be named."""
        free = free_indices(node)
        axes = (*(i for i in flow.loops if i in free), *(i for i in free if i not in flow.loops))
        kept = tuple(c for c in flow.where if set(free_indices(c)) <= set(axes))
        if gathers(node) and set(kept) != set(flow.where):
            return node
        if (key := (node, kept)) not in self.made:
            self.taken.add(name)
            target = Access(name, tuple(Position(i) for i in axes))
            self.made[key] = Statement(axes, target, "=", node, kept, listed=True, derived=True)
        return self.made[key].target

    def _log(self, arg: Expr, flow: Flow) -> Expr | None:
        """The fused rule for the logarithm of a sigmoid or of a sum of exponentials."""
        fused = fusion.log(arg, replace(flow, head=ONE, left=(), right=()), self.model.definitions)
        if fused is None:
            return None
        moved = self._noted(arg) or self.of(fused.body, fused.flow)
        new = fused.flow.loops[len(flow.loops) :]
        own, kept = apart(fused.flow.where, new)
        value = summed(product(fused.flow.value, moved), new, own)
        return product(*brackets(kept, flow), value)

    def _noted(self, arg: Expr) -> Expr | None:
        """The tangent of the argument of the sigmoid that names a tensor, where p or 1 - p is
        read."""
        match arg:
            case Access(name, _) if name in self.arguments:
                places = fusion.positions(self.model.definitions[name], arg)
                return moved_to(self.arguments[name], places)
            case Sum((first, Product((_, Access() as rest)))) if first == ONE:
                return self._noted(rest)
            case _:
                return None

    def _log_softmax(self, arg: Expr, flow: Flow) -> Expr | None:
        """log p of p = softmax(u), p perhaps read at another place: u̇ there, less Σ p u̇."""
        soft = fusion.softmax_in(arg, self.model.definitions, flow.names)
        if soft is None:
            return None
        inner = within(soft.index, soft.where, flow)
        if isinstance(arg, Access) and arg.tensor in self.arguments:
            moved = moved_to(self.arguments[arg.tensor], soft.moved)
        else:
            moved = self._argument(soft.body, inner)
        there = {soft.index: soft.at}
        own, _ = apart(soft.where, (soft.index,))
        spread = summed(product(soft.entry, moved), (soft.index,), own)
        value = total((moved_to(moved, there), negative(spread)))
        return product(*brackets(replace_all(soft.where, there), flow), value)
