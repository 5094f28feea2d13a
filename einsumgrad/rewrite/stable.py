"""Stable forms for execution: log∘softmax, log∘σ, log∘(1-σ) and log∘Σ∘exp as single functions.

For the plan only: the printed program stays as it was written. The inner function may stand inline
or be what defines the tensor that the logarithm reads; then its argument is read instead."""

from __future__ import annotations

from collections.abc import Mapping

from einsumgrad.ir.affine import is_affine
from einsumgrad.ir.build import MINUS_ONE, ONE, negative, rebuild
from einsumgrad.ir.circles import by_target
from einsumgrad.ir.nodes import (
    Access,
    Call,
    Expr,
    Index,
    Node,
    Normalise,
    Position,
    Product,
    Program,
    Reduce,
    Statement,
    Sum,
    children,
)
from einsumgrad.ir.substitute import pins, substitute
from einsumgrad.ir.walk import free_indices
from einsumgrad.record import replace
from einsumgrad.rewrite.edit import plain_target

Definitions = Mapping[str, Statement]


def stable(program: Program) -> Program:
    """The program with every logarithm of such a function in its stable form."""
    found = by_target(program.statements)
    defined = {
        name: s[0]
        for name, s in found.items()
        if len(s) == 1 and s[0].op == "=" and plain_target(s[0].target) and not _outer(s[0])
    }
    made = tuple(replace(s, value=_stable(s.value, defined)) for s in program.statements)
    return replace(program, statements=made)


def _outer(statement: Statement) -> bool:
    """Whether conditions restrict the definition itself, not only its operator."""
    value = statement.value
    inner = value.where if isinstance(value, Normalise | Reduce) else ()
    return any(c not in inner for c in statement.where)


def _stable(node: Expr, defined: Definitions) -> Expr:
    result = _visit(node, defined)
    assert isinstance(result, Expr)
    return result


def _visit(node: Node, defined: Definitions) -> Node:
    parts = children(node)
    done = tuple(_visit(part, defined) for part in parts)
    if any(new is not old for new, old in zip(done, parts, strict=True)):
        node = rebuild(node, done)
    match node:
        case Call("log", (arg,)):
            return _log(arg, defined) or node
        case _:
            return node


def _log(arg: Expr, defined: Definitions) -> Expr | None:
    match _inner(arg, defined):
        case Normalise("softmax") as soft:
            return Normalise("log_softmax", soft.index, soft.body, soft.at, soft.where)
        case Call("sigmoid", (u,)):
            return negative(Call("softplus", (negative(u),)))
        case Reduce("sum", (index,), Call("exp", (body,)), where):
            return Reduce("logsumexp", (index,), body, where)
        case Sum((first, Product((lead, rest)))) if first == ONE and lead == MINUS_ONE:
            inner = _inner(rest, defined)
            if isinstance(inner, Call) and inner.function == "sigmoid":
                return negative(Call("softplus", inner.args))
        case _:
            pass
    return None


def _inner(arg: Expr, defined: Definitions) -> Expr:
    """The expression, or what defines the tensor that it reads, moved to where it is read."""
    if not isinstance(arg, Access) or arg.tensor not in defined or any(map(is_affine, arg.at)):
        return arg
    statement = defined[arg.tensor]
    pairs = zip(statement.target.at, arg.at, strict=True)
    moved: dict[Index, Expr] = {p.index: at for p, at in pairs if isinstance(p, Position)}
    value = statement.value
    if pins((value,), moved):
        return arg
    if isinstance(value, Normalise):
        return _normalised(value, moved)
    result = substitute(value, moved)
    assert isinstance(result, Expr)
    return result


def _normalised(node: Normalise, moved: dict[Index, Expr]) -> Expr:
    """The softmax over its own index, read at the place where the tensor is read."""
    at = moved.get(node.index, node.at)
    inner = {i: e for i, e in moved.items() if i != node.index}
    clash = any(node.index in free_indices(e) for e in inner.values())
    plain = Normalise(node.op, node.index, node.body, node.at, node.where)
    if clash:
        return plain if not moved else Access("", ())
    result = substitute(Normalise(node.op, node.index, node.body, _hold(), node.where), inner)
    assert isinstance(result, Normalise)
    return Normalise(result.op, result.index, result.body, at, result.where)


def _hold() -> Expr:
    return ONE
