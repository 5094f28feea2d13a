"""Kronecker deltas contracted away: a summed index that a bracket equates is replaced."""

from __future__ import annotations

from einsumgrad.ir.build import product
from einsumgrad.ir.nodes import (
    Access,
    Compare,
    Condition,
    Expr,
    Index,
    Iverson,
    Normalise,
    Number,
    Position,
    Product,
    Program,
    Statement,
    Tensor,
    walk,
)
from einsumgrad.ir.substitute import pins, replace_all, substitute
from einsumgrad.ir.walk import bound_indices, computed_with, free_indices
from einsumgrad.record import replace
from einsumgrad.rewrite.edit import Reason, Told, unheard, with_statements
from einsumgrad.rewrite.factor import factors_of
from einsumgrad.rewrite.simplify import simplify_statement


def deltas(program: Program, told: Told = unheard) -> Program:
    """`for i,j  y[i] += [j = i] x[j]` becomes `for i  y[i] += x[i]`; a gathered j too, its values
    being inside the range."""
    tensors = {tensor.name: tensor for tensor in program.tensors}
    made = (contract(s, tensors, told) if s.derived else s for s in program.statements)
    return with_statements(program, made)


def contract(statement: Statement, tensors: dict[str, Tensor], told: Told = unheard) -> Statement:
    """The statement without the deltas that one of its summed indices meets."""
    for condition in statement.where:
        if (fixed := _fixed(condition, statement)) is not None:
            bare = replace(statement, where=tuple(c for c in statement.where if c != condition))
            made = _moved(bare, bare.value, *fixed)
            words = "in the sum over {0} the condition keeps only {0} = {1}"
            told(statement, made, Reason(words, (Position(fixed[0]), fixed[1])))
            return contract(simplify_statement(made, told), tensors, told)
    factors = statement.value.factors if isinstance(statement.value, Product) else ()
    for place, factor in enumerate(factors):
        found = _delta(factor, statement, tensors)
        if found is None and isinstance(factor, Iverson):
            found = _fixed(factor.condition, statement)
        if found is not None:
            rest = product(*factors[:place], *factors[place + 1 :])
            made = _moved(statement, rest, *found)
            parts = (factor, Position(found[0]), found[1])
            words = "in the sum over {1} the bracket {0} keeps only {1} = {2}"
            told(statement, made, Reason(words, parts))
            return contract(simplify_statement(made, told), tensors, told)
    return statement


def _fixed(condition: Condition, statement: Statement) -> tuple[Index, Number] | None:
    """The summed index that a condition equates with a number. A factor reads an entry there, which
    is 0 if there is no such place."""
    kept = {i for at in statement.target.at for i in free_indices(at)}
    match condition:
        case Compare("=", Position(index), Number() as number):
            reads = any(
                isinstance(f, Access) and Position(index) in f.at
                for f in factors_of(statement.value)
            )
            summed = index in statement.indices and index not in kept
            summed = summed and index not in bound_indices(statement.value)
            nodes = (statement.value, *statement.where)
            pinned = summed and reads and pins(nodes, {index: number})
            return (index, number) if summed and reads and not pinned else None
        case _:
            return None


def _delta(
    factor: Expr, statement: Statement, tensors: dict[str, Tensor]
) -> tuple[Index, Expr] | None:
    match factor:
        case Iverson(Compare("=", left, right)):
            for index, other in ((left, right), (right, left)):
                if (
                    isinstance(index, Position)
                    and _summed(index.index, statement, other, tensors)
                    and _printable(index.index, statement.value, other)
                    and not (isinstance(other, Access) and _computes(index.index, statement))
                    and not pins((statement.value, *statement.where), {index.index: other})
                ):
                    return index.index, other
        case _:
            pass
    return None


def _printable(index: Index, value: Expr, other: Expr) -> bool:
    """No source reads a softmax elsewhere than at its own index: not at a gathered place, nor at
    one whose name would be captured, so that the softmax is over another name."""
    normalised = [n for n in walk(value) if isinstance(n, Normalise)]
    if any(n.index in free_indices(other) and index in free_indices(n) for n in normalised):
        return False
    return isinstance(other, Position) or all(n.index != index for n in normalised)


def _computes(index: Index, statement: Statement) -> bool:
    return computed_with(index, (statement.value, *statement.where))


def _summed(index: Index, statement: Statement, other: Expr, tensors: dict[str, Tensor]) -> bool:
    """Whether the index is summed and `other` is always one of its values."""
    kept = {i for at in statement.target.at for i in free_indices(at)}
    if index not in statement.indices or index in kept or index in free_indices(other):
        return False
    match other:
        case Position(another):
            return another.size == index.size
        case Access(name):
            holds = tensors[name].holds
            return holds is not None and holds.size == index.size
        case _:
            return False


def _moved(statement: Statement, rest: Expr, index: Index, other: Expr) -> Statement:
    value = substitute(rest, {index: other})
    where = replace_all(statement.where, {index: other})
    loops = tuple(i for i in statement.indices if i != index)
    assert isinstance(value, Expr)
    return replace(statement, indices=loops, value=value, where=where)
