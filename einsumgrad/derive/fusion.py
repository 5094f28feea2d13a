"""The logarithm of a softmax, a sigmoid or a sum of exponentials: derived as one function.

The separate rules would divide by a probability that may be 0; together they give what a textbook
prints, `P[b,ŷ] - [ŷ = y[b]]` (Bishop 2006, (4.108) with (4.106)), and are finite everywhere. The
inner function may stand inline or be the definition of the tensor that the logarithm reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from einsumgrad.derive import words
from einsumgrad.derive.flow import Flow, open_binder
from einsumgrad.ir.affine import is_affine
from einsumgrad.ir.build import MINUS_ONE, ONE, conjuncts, negative, product, total
from einsumgrad.ir.nodes import (
    Access,
    Call,
    Compare,
    Condition,
    Expr,
    Index,
    Iverson,
    Normalise,
    Position,
    Product,
    Reduce,
    Size,
    Statement,
    Sum,
    children,
    walk,
)
from einsumgrad.ir.substitute import fresh_index, pins, replace_all, substitute
from einsumgrad.ir.walk import free_indices
from einsumgrad.record import record, replace

Definitions = Mapping[str, Statement]


@record
class Soft:
    """A softmax of `body` over `index`, where `where` holds, read at `at`. `entry`: how its value
    at the index is read; `moved`: what stands for the indices of the definition of its name."""

    index: Index
    at: Expr
    body: Expr
    entry: Expr
    where: tuple[Condition, ...]
    moved: Mapping[Index, Expr]


@record
class Fused:
    """An expression further down and the cotangent that reaches it."""

    body: Expr
    flow: Flow


@record
class Inner:
    """A function found under a logarithm: its node, how its value is read, the conditions under
    which its definition holds, and that definition where a name was read."""

    node: Expr
    result: Expr
    where: tuple[Condition, ...] = ()
    through: Statement | None = None


def log(arg: Expr, flow: Flow, definitions: Definitions) -> Fused | None:
    """The fused rule for `log arg`, if there is one."""
    if isinstance(arg, Access):
        statement = _definition(arg, definitions)
        if statement is not None and isinstance(statement.value, Normalise):
            return _log_of_named_softmax(arg, statement, statement.value, flow)
    inner = _inner(arg, definitions)
    match inner.node:
        case Call("sigmoid", (body,)):
            slope = total((ONE, negative(inner.result)))
            rule = words.of_log_sigmoid(body, inner.result, inner.through, complement=False)
            return Fused(body, flow.within(inner.where).times(slope, rule))
        case Reduce("sum", (_,), Call("exp"), _):
            return _log_sum_exp(inner.node, flow.within(inner.where), inner.through)
        case Normalise("softmax", _, body, at) if at == Position(inner.node.index):
            return _log_of_inline_softmax(inner, inner.node, flow)
        case _:
            return _log_of_complement(arg, flow, definitions)


def passed_by(statements: Iterable[Statement], definitions: Definitions) -> frozenset[str]:
    """The tensors with a definition that the derivative of a logarithm goes past: what reaches such
    a tensor otherwise is only a part of the derivative by it."""
    found = ((read.tensor, _definition(read, definitions)) for read in logged(statements))
    return frozenset(name for name, of in found if of is not None and _soft(of.value))


def logged(statements: Iterable[Statement]) -> Iterator[Access]:
    """The entries of which a logarithm is taken, as they are or from 1."""
    for statement in statements:
        for node in walk(statement.value):
            match node:
                case Call("log", (Access() as read,)):
                    yield read
                case Call("log", (Sum((_, Product((_, Access() as read)))),)):
                    yield read
                case _:
                    pass


def _soft(value: Expr) -> bool:
    match value:
        case Normalise("softmax") | Call("sigmoid") | Reduce("sum", (_,), Call("exp")):
            return True
        case _:
            return False


def softmax_in(arg: Expr, definitions: Definitions, names: frozenset[str]) -> Soft | None:
    """The softmax that an expression is or reads, over an index that nothing else in it has;
    `names`: those of indices in use."""
    match arg:
        case Normalise("softmax", index, body, at) if at == Position(index):
            return Soft(index, at, body, arg, arg.where, {})
        case Access():
            statement = _definition(arg, definitions)
            node = None if statement is None else statement.value
            if statement is not None and isinstance(node, Normalise) and node.op == "softmax":
                return _named_softmax(arg, statement, node, names)
        case _:
            pass
    return None


def _named_softmax(
    access: Access, statement: Statement, node: Normalise, names: frozenset[str]
) -> Soft | None:
    moved = positions(statement, access)
    at = moved.pop(node.index)
    if node.at != Position(node.index) or not _movable(statement, moved):
        return None
    others = {i.name for other in moved.values() for i in free_indices(other)}
    clash = node.index.name in others
    index = fresh_index(node.index, names | others) if clash else node.index
    entry = replace(access, at=_with(access.at, statement, node.index, Position(index)))
    moved[node.index] = Position(index)
    body = substitute(node.body, moved)
    assert isinstance(body, Expr)
    where = conjuncts(replace_all((*statement.where, *node.where), moved))
    return Soft(index, at, body, entry, where, moved)


def _definition(arg: Access, definitions: Definitions) -> Statement | None:
    """What defines the tensor; none where an entry of it may be outside, and 0."""
    return None if any(map(is_affine, arg.at)) else definitions.get(arg.tensor)


def _log_of_complement(arg: Expr, flow: Flow, definitions: Definitions) -> Fused | None:
    """`log(1 - σ(u))` has the derivative -σ(u)."""
    match arg:
        case Sum((first, Product((lead, rest)))) if first == ONE and lead == MINUS_ONE:
            inner = _inner(rest, definitions)
            if isinstance(inner.node, Call) and inner.node.function == "sigmoid":
                (body,) = inner.node.args
                rule = words.of_log_sigmoid(body, inner.result, inner.through, complement=True)
                slope = negative(inner.result)
                return Fused(body, flow.within(inner.where).times(slope, rule))
        case _:
            pass
    return None


def _inner(arg: Expr, definitions: Definitions) -> Inner:
    """The expression, or what defines the tensor that it reads, at the place where it is read."""
    statement = _definition(arg, definitions) if isinstance(arg, Access) else None
    if statement is None or not isinstance(arg, Access):
        return Inner(arg, arg)
    moved = positions(statement, arg)
    if not _movable(statement, moved):
        return Inner(arg, arg)
    body = substitute(statement.value, moved)
    where = replace_all(statement.where, moved)
    assert isinstance(body, Expr)
    return Inner(body, arg, where, statement)


def _movable(statement: Statement, moved: Mapping[Index, Expr]) -> bool:
    """Whether a definition can stand where its tensor is read. A softmax inside it can be read at
    plain indices only: no source reads it elsewhere."""
    if pins((statement.value, *statement.where), moved):
        return False
    places = list(moved.values())
    plain = all(isinstance(at, Position) for at in places) and len(set(places)) == len(places)
    inside = [part for top in children(statement.value) for part in walk(top)]
    return plain or not any(isinstance(part, Normalise) for part in inside)


def positions(statement: Statement, access: Access) -> dict[Index, Expr]:
    """What a read of a tensor puts for each index of its definition."""
    pairs = zip(statement.target.at, access.at, strict=True)
    return {place.index: at for place, at in pairs if isinstance(place, Position)}


def _log_sum_exp(node: Reduce, flow: Flow, through: Statement | None) -> Fused:
    opened, below = open_binder(node, flow)
    assert isinstance(opened.body, Call)
    (index,), (body,) = opened.indices, opened.body.args
    soft = Normalise("softmax", index, body, Position(index), opened.where)
    return Fused(body, below.times(soft, replace(words.LOG_SUM_EXP, through=through)))


def _log_of_inline_softmax(inner: Inner, node: Normalise, flow: Flow) -> Fused:
    flow = flow.within(node.where).over_all(node.index, node.where)
    value = total((flow.value, negative(product(node, summed(flow.value, node.index, flow)))))
    rule = words.of_log_softmax(inner.result, flow.value, inner.through)
    return Fused(node.body, flow.instead(value, rule))


def _log_of_named_softmax(
    access: Access, statement: Statement, node: Normalise, flow: Flow
) -> Fused | None:
    """`log P[…, at]`: the cotangent of the logits is g ([i = at] - P[…, i]); where `at` is a loop
    index that nothing else uses, the same summed over it, g - P Σ g."""
    if node.op != "softmax" or node.at != Position(node.index):
        return None
    moved = positions(statement, access)
    at = moved.pop(node.index)
    if not _movable(statement, moved):
        return None
    others = {i for other in moved.values() for i in free_indices(other)}
    if isinstance(at, Position) and at.index in flow.loops and at.index not in others:
        return _over_own_index(access, statement, node, flow)
    near = {*flow.loops, *others, *free_indices(at), *free_indices(flow.value)}
    near |= {i for condition in flow.where for i in free_indices(condition)}
    clash = any(i.name == node.index.name for i in near)
    fresh = fresh_index(node.index, flow.names) if clash else node.index
    entry = replace(access, at=_with(access.at, statement, node.index, Position(fresh)))
    below = _at(statement, node, moved | {node.index: Position(fresh)}, flow.over((fresh,)))
    slope = total((Iverson(Compare("=", Position(fresh), at)), negative(entry)))
    rule = words.of_log_softmax_entry(at, fresh, entry, statement)
    return replace(below, flow=below.flow.times(slope, rule))


def _with(at: tuple[Expr, ...], statement: Statement, index: Index, new: Expr) -> tuple[Expr, ...]:
    places = zip(statement.target.at, at, strict=True)
    return tuple(new if place == Position(index) else old for place, old in places)


def _over_own_index(access: Access, statement: Statement, node: Normalise, flow: Flow) -> Fused:
    moved = positions(statement, access)
    at = moved[node.index]
    assert isinstance(at, Position)
    kept = conjuncts(replace_all((*statement.where, *node.where), moved))
    flow = flow.over_all(at.index, kept)
    below = _at(statement, node, moved, flow)
    rest = product(access, summed(flow.value, at.index, below.flow))
    value = total((flow.value, negative(rest)))
    rule = words.of_log_softmax(access, flow.value, statement)
    return replace(below, flow=below.flow.instead(value, rule))


def _at(statement: Statement, node: Normalise, moved: Mapping[Index, Expr], flow: Flow) -> Fused:
    """The logits of a softmax at another place, with the conditions that hold there."""
    body = substitute(node.body, moved)
    conditions = (*statement.where, *node.where)
    where = replace_all(conditions, moved)
    assert isinstance(body, Expr)
    return Fused(body, flow.within(where))


def summed(value: Expr, index: Index, flow: Flow) -> Expr:
    """Σ over a loop index, under the flow's conditions on it; a constant times the size."""
    where = flow.restricting(index)
    if index not in free_indices(value) and not where:
        return product(Size(index.size), value)
    if index not in free_indices(value):
        kept = tuple(Iverson(c) for c in where)
        return product(value, Reduce("sum", (index,), product(*kept), where))
    return Reduce("sum", (index,), value, where)
