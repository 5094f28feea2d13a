"""Tree expressions to IR expressions, within one statement."""

from __future__ import annotations

import math
import re
from dataclasses import field
from fractions import Fraction
from typing import Literal, assert_never, cast

from einsumgrad.check.faults import (
    ArgumentCount,
    BoundTwice,
    BoundUnused,
    OneIndex,
    TooLong,
    UnknownIndex,
)
from einsumgrad.check.names import Names
from einsumgrad.check.positions import check_position
from einsumgrad.check.scope import free, free_names
from einsumgrad.diagnostics import NOWHERE, EinError, Fault, Span
from einsumgrad.ir import build
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.functions import FUNCTIONS, OPERATORS
from einsumgrad.ir.nodes import walk
from einsumgrad.record import record, replace
from einsumgrad.syntax import tree as t
from einsumgrad.syntax.faults import TooDeep
from einsumgrad.syntax.walk import height

MAX_PARTS = 100_000
MAX_TOTAL = 1_000_000
MAX_DEPTH = 100
MAX_DIGITS = 80
HEAD = re.compile(r"(?:log_softmax|[^_\s]+)_(?:\{[^}]*\}|[^\s(\[]+)")


@record(frozen=False)
class Budget:
    """How many parts the `def`s of a statement, and of all statements, may still become."""

    left: int = MAX_PARTS
    total: int = MAX_TOTAL

    def take(self, parts: int, span: Span) -> None:
        """Raises EinError if there is not as much left."""
        self.left -= parts
        self.total -= parts
        if self.left < 0 or self.total < 0:
            limit, whole = (MAX_PARTS, "call") if self.left < 0 else (MAX_TOTAL, "file")
            raise EinError(TooLong(span=span, whole=whole, limit=limit))


@record
class Scope:
    """What an expression is lowered within.

    `visible`: indices that may occur; `where`: the statement's conditions, for operators of its
    value that bind one of their indices; `args`: values of a `def`'s parameters, and `parts` how
    long they are; `open_defs`: those being put in, `depth` how deep all of them are, `called` where
    the outermost is called; `faults` collects."""

    names: Names
    visible: frozenset[str]
    where: tuple[t.Condition, ...] = ()
    args: tuple[tuple[str, ir.Expr], ...] = ()
    parts: tuple[tuple[str, int], ...] = ()
    open_defs: frozenset[str] = frozenset()
    depth: int = 0
    called: Span = NOWHERE
    faults: list[Fault] = field(default_factory=list)
    budget: Budget = field(default_factory=Budget)


def lower(node: t.Expr, scope: Scope) -> ir.Expr:
    """The IR of an expression; faults go to the scope, which then makes a 0 of the faulty part."""
    if scope.open_defs:
        scope.budget.take(1, scope.called)
    match node:
        case t.Number(text):
            return _number(text)
        case t.Name():
            return _name(node, scope)
        case t.SizeOf(index):
            if index in scope.names.unused:
                hint = "there is no size without an index of that name"
                scope.faults.append(_unknown(index, node.span, hint, scope))
            return ir.Size(scope.names.index(index).size)
        case t.Access(name, at):
            places = tuple(check_position(part, lower(part, scope), scope.faults) for part in at)
            return ir.Access(name, places, node.span)
        case t.Negative(value):
            return _product((build.MINUS_ONE, lower(value, scope)))
        case t.Sum(terms):
            return build.total(lower(term, scope) for term in terms)
        case t.Product(factors):
            return _product(tuple(lower(factor, scope) for factor in factors))
        case t.Reciprocal(value):
            return build.reciprocal(lower(value, scope))
        case t.Power(base, exponent):
            return _power(lower(base, scope), lower(exponent, scope))
        case t.Bracket(condition):
            return ir.Iverson(lower_condition(condition, scope))
        case t.Call():
            return _call(node, scope)
        case t.Operator():
            return _operator(node, scope)
        case _:
            assert_never(node)


def lower_condition(node: t.Condition, scope: Scope) -> ir.Condition:
    """The IR of a condition; a chain becomes the conjunction of its links."""
    match node:
        case t.Comparison(operands, operators):
            values = [lower(operand, scope) for operand in operands]
            links = zip(operators, values, values[1:], strict=False)
            compared = tuple(ir.Compare(op, left, right) for op, left, right in links)
            return compared[0] if len(compared) == 1 else ir.And(compared)
        case t.Not(condition):
            return ir.Not(lower_condition(condition, scope))
        case t.And(conditions):
            items = (lower_condition(c, scope) for c in conditions)
            flat = (i.items if isinstance(i, ir.And) else (i,) for i in items)
            return ir.And(tuple(c for group in flat for c in group))
        case t.Or(conditions):
            return ir.Or(tuple(lower_condition(c, scope) for c in conditions))
        case _:
            assert_never(node)


def _product(factors: tuple[ir.Expr, ...]) -> ir.Expr:
    """The product; one with a literal 0 still reads its tensors."""
    value = build.product(*factors)
    if value != build.ZERO:
        return value
    rest = build.product(*(f for f in build.flat_factors(factors) if not isinstance(f, ir.Number)))
    return value if rest == build.ONE else ir.Product((build.ZERO, *build.flat_factors((rest,))))


def _power(base: ir.Expr, exponent: ir.Expr) -> ir.Expr:
    """The power; `x^0` still reads x."""
    keep = exponent == build.ZERO and not isinstance(base, ir.Number)
    return ir.Power(base, exponent) if keep else build.power(base, exponent)


def _number(text: str) -> ir.Expr:
    if text.isdigit() and text.isascii() and len(text) <= MAX_DIGITS:
        return build.number(Fraction(int(text)))
    return ir.Number(float(text))


def _name(node: t.Name, scope: Scope) -> ir.Expr:
    """A bare name: a `def`'s parameter, an index, a scalar, a size, a constant, in this order."""
    name, names = node.name, scope.names
    if (given := dict(scope.args).get(name)) is not None:
        scope.budget.take(dict(scope.parts).get(name, 0), scope.called)
        return given
    if name == "inf":
        return ir.Number(math.inf)
    if names.is_scalar(name):
        return ir.Access(name, (), node.span)
    if name in names.indices:
        return _index_value(node, scope)
    if name in names.sizes:
        return ir.Size(names.sizes[name])
    if name == "π":
        return ir.Number(math.pi)
    return ir.Access(name, (), node.span)


def _index_value(node: t.Name, scope: Scope) -> ir.Expr:
    if node.name not in scope.visible:
        hint = f"bind it with an operator such as `Σ_{node.name}`, or list it"
        scope.faults.append(_unknown(node.name, node.span, hint, scope))
    return ir.Position(scope.names.index(node.name))


def _unknown(index: str, span: Span, hint: str, scope: Scope) -> Fault:
    related = (("put in here", scope.called),) if scope.open_defs else ()
    return UnknownIndex(span=span, related=related, index=index, hint=hint)


def _call(node: t.Call, scope: Scope) -> ir.Expr:
    wanted = _parameters(node.function, scope)
    if len(node.args) != wanted:
        words = "one argument" if wanted == 1 else f"{wanted} arguments"
        scope.faults.append(
            ArgumentCount(
                span=node.span, function=_called(node), wanted=words, given=len(node.args)
            )
        )
        return build.ZERO
    args = tuple(lower(arg, scope) for arg in node.args)
    if node.function in FUNCTIONS:
        return ir.Call(node.function, args)
    return _expand(node, args, scope)


def _called(node: t.Call) -> str:
    """The function's name as it is written."""
    written = node.span.text.partition("(")[0].strip()
    return written if written.isidentifier() else node.function


def _parameters(function: str, scope: Scope) -> int:
    if function in FUNCTIONS:
        return FUNCTIONS[function].arity
    if function in scope.names.defs:
        return len(scope.names.defs[function].params)
    return 1


def _expand(node: t.Call, args: tuple[ir.Expr, ...], scope: Scope) -> ir.Expr:
    """The body of a `def` with its parameters replaced."""
    definition = scope.names.defs.get(node.function)
    if definition is None or node.function in scope.open_defs:
        return build.ZERO  # a fault of the `def`, reported there
    depth = scope.depth + height(definition.body)
    if depth > MAX_DEPTH:
        raise EinError(TooDeep(span=scope.called, limit=MAX_DEPTH))
    inner = replace(
        scope,
        args=tuple(zip(definition.params, args, strict=True)),
        parts=tuple((p, _length(arg)) for p, arg in zip(definition.params, args, strict=True)),
        depth=depth,
        open_defs=scope.open_defs | {node.function},
        called=scope.called if scope.open_defs else node.span,
    )
    return lower(definition.body, inner)


def _length(value: ir.Expr) -> int:
    return sum(1 for _ in walk(value))


def _operator(node: t.Operator, scope: Scope) -> ir.Expr:
    table = OPERATORS[node.op]
    single = table.keeps or node.op in ("logsumexp", "argmax", "argmin")
    if single and len(node.indices) != 1:
        scope.faults.append(OneIndex(span=_head(node), op=node.op, given=len(node.indices)))
        return build.ZERO
    _check_bound(node, scope)
    bound = tuple(scope.names.index(name) for name in node.indices)
    inner = replace(scope, visible=scope.visible | set(node.indices))
    body = lower(node.body, inner)
    bare = replace(inner, where=())
    where = build.conjuncts(tuple(lower_condition(c, bare) for c in _restricting(node, inner)))
    if table.keeps:
        if node.indices[0] not in scope.visible:
            hint = f"`{node.op}` keeps its index, so what it stands in needs it too"
            scope.faults.append(_unknown(node.indices[0], _head(node), hint, scope))
        kept = cast("Literal['softmax', 'log_softmax']", node.op)
        return ir.Normalise(kept, bound[0], body, ir.Position(bound[0]), where)
    return ir.Reduce(cast("ir.ReduceOp", node.op), bound, body, where)


def _check_bound(node: t.Operator, scope: Scope) -> None:
    used = set(free_names(node.body, scope.names)) | {
        n for c in scope.where for n in free_names(c, scope.names)
    }
    head = _head(node)
    for place, index in enumerate(node.indices):
        if index in node.indices[:place]:
            scope.faults.append(BoundTwice(span=head, op=head.text, index=index))
        elif index not in used and len(index) > 1 and set(index) <= used:
            op, _, _ = head.text.partition("_") if node.op not in head.text else (node.op, "", "")
            corrected = f"{op}_{{{','.join(index)}}}"
            scope.faults.append(
                BoundUnused(span=head, op=head.text, index=index, corrected=corrected)
            )


def _head(node: t.Operator) -> Span:
    """The place of an operator with its subscript."""
    found = HEAD.match(node.span.text)
    end = node.span.start + found.end() if found else node.span.end
    return Span(node.span.source, node.span.start, end)


def _restricting(node: t.Operator, inner: Scope) -> tuple[t.Condition, ...]:
    """The statement's conditions that name an index bound here and are in scope here."""
    chosen = []
    for condition in inner.where:
        named = set(free((condition,), inner.names))
        if named & set(node.indices) and named <= inner.visible:
            chosen.append(condition)
    return tuple(chosen)
