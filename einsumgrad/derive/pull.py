"""The chain rule: a cotangent pulled down an expression, from its last operand to its first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import assert_never

from einsumgrad.derive import fusion, words
from einsumgrad.derive.flow import Contribution, Flow, open_binder
from einsumgrad.derive.rules import (
    Rules,
    active_reads,
    exact,
    of_base,
    of_exponent,
    of_extremum,
    of_product,
)
from einsumgrad.ir.build import (
    ZERO,
    negative,
    product,
    reciprocal,
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
)
from einsumgrad.ir.walk import guards
from einsumgrad.record import record


@record
class Model:
    """What the chain rule needs to know of a program.

    `varied`: the tensors that depend on what is derived by. `definitions`: the tensors that one
    `=` defines, so that the name can stand for the right side. `made`: the names that splitting
    gave."""

    rules: Rules
    varied: frozenset[str]
    definitions: Mapping[str, Statement]
    made: frozenset[str] = frozenset()

    def active(self, node: Expr) -> bool:
        return any(name in self.varied for name in active_reads(node))

    def given(self, node: Expr) -> bool:
        """Whether the source names the node by itself."""
        return isinstance(node, Access) and node.tensor not in self.made

    def exact(self, node: Expr) -> bool:
        """`rules.exact`, names that splitting gave being what they stand for."""
        if isinstance(node, Access) and node.tensor in self.made:
            return self.exact(self.definitions[node.tensor].value)
        return exact(node, self.given)


def pull(node: Expr, flow: Flow, model: Model, named: Expr | None = None) -> Iterator[Contribution]:
    """All contributions of an expression. `named`: how its value can be read by name."""
    if not model.active(node) or flow.value == ZERO:
        return
    result = node if named is None else named
    match node:
        case Access():
            yield Contribution(node, flow)
        case Sum(terms):
            for term in reversed(terms):
                yield from pull(term, flow, model)
        case Product(factors):
            for place in reversed(range(len(factors))):
                if model.active(factors[place]):
                    yield from pull(factors[place], _beside(factors, place, flow), model)
        case Power(base, exponent):
            rule = words.of_exponent(node, result)
            yield from pull(exponent, flow.times(of_exponent(node, result), rule), model)
            yield from pull(base, flow.times(of_base(node), words.of_base(node)), model)
        case Call():
            yield from _call(node, flow, model, result)
        case Reduce():
            yield from _reduce(node, flow, model, result)
        case Normalise():
            yield from _normalise(node, flow, model, result)
        case Number() | Size() | Position() | Iverson():
            return
        case _:
            assert_never(node)


def _beside(factors: tuple[Expr, ...], place: int, flow: Flow) -> Flow:
    """The flow into one factor; brackets that guard its gathers restrict the loops."""
    where = guards(factors, place)
    left, right = (
        [f for f in part if not (isinstance(f, Iverson) and f.condition in where)]
        for part in (factors[:place], factors[place + 1 :])
    )
    return flow.beside(left, right).within(where)


def _call(node: Call, flow: Flow, model: Model, result: Expr) -> Iterator[Contribution]:
    if node.function == "log":
        fused = fusion.log(node.args[0], flow, model.definitions)
        if fused is not None:
            yield from pull(fused.body, fused.flow, model)
            return
    for place in reversed(range(len(node.args))):
        slope, text = model.rules.of_call(node, place, result, named=model.given(node.args[0]))
        below = flow.times(slope, words.of_call(node, text, place, result))
        yield from pull(node.args[place], below, model)


def _reduce(node: Reduce, flow: Flow, model: Model, result: Expr) -> Iterator[Contribution]:
    opened, below = open_binder(node, flow)
    match node.op:
        case "sum":
            pass
        case "mean":
            sizes = (reciprocal(Size(i.size)) for i in opened.indices)
            below = below.times(product(*sizes), words.MEAN)
        case "prod":
            below = below.times(of_product(opened, below.names), words.PRODUCT)
        case "max" | "min":
            slope = of_extremum(opened, result, below.names, exact=model.exact(opened.body))
            below = below.times(slope, words.of_extremum(node.op))
        case "logsumexp":
            (index,) = opened.indices
            slope = Normalise("softmax", index, opened.body, Position(index), opened.where)
            below = below.times(slope, words.LOGSUMEXP)
        case "argmax" | "argmin":
            return
        case _:
            assert_never(node.op)
    yield from pull(opened.body, below, model)


def _normalise(node: Normalise, flow: Flow, model: Model, result: Expr) -> Iterator[Contribution]:
    """softmax: y (g - Σ g y); log_softmax: g - softmax Σ g; g being the whole cotangent."""
    assert node.at == Position(node.index)
    flow = flow.within(node.where).over_all(node.index, node.where)
    index, where = node.index, flow.restricting(node.index)
    if node.op == "softmax":
        summed: Expr = Reduce("sum", (index,), product(flow.value, result), where)
        value = product(result, total((flow.value, negative(summed))))
    else:
        named = isinstance(result, Access)
        soft = Call("exp", (result,)) if named else _softmax(node)
        summed = fusion.summed(flow.value, node.index, flow)
        value = total((flow.value, negative(product(soft, summed))))
    rule = words.of_softmax(node, result, flow.value)
    yield from pull(node.body, flow.instead(value, rule), model)


def _softmax(node: Normalise) -> Expr:
    return Normalise("softmax", node.index, node.body, node.at, node.where)
