"""The derivative of `*=`: the product of all the other entries, right with any number of zeros."""

from __future__ import annotations

from einsumgrad.ir.build import MINUS_ONE, ONE, product, total
from einsumgrad.ir.circles import by_target
from einsumgrad.ir.inside import within
from einsumgrad.ir.nodes import (
    Access,
    Compare,
    Condition,
    Expr,
    Index,
    Iverson,
    Or,
    Position,
    Reduce,
    Statement,
)
from einsumgrad.ir.substitute import fresh_index, replace_all
from einsumgrad.ir.substitute import replace as replaced
from einsumgrad.ir.walk import accesses, computed_with, free_indices


def others(statement: Statement, statements: tuple[Statement, ...]) -> Expr:
    """What a `*=` statement's entry is multiplied with: all other tuples that meet its target."""
    writers = by_target(statements)[statement.target.tensor]
    return product(*(_met(writer, statement) for writer in writers))


def _met(other: Statement, statement: Statement) -> Expr:
    """The product of a statement's entries that meet the target of another, or of its own but for
    the own tuple."""
    fresh = _renamed(other, statement)
    moved: dict[Index, Expr] = {old: Position(new) for old, new in fresh.items()}
    where = list(replace_all(other.where, moved))
    for own, at in zip(statement.target.at, other.target.at, strict=True):
        where.append(Compare("=", replaced(at, moved), own))
    own_tuple = other is statement
    if own_tuple:
        apart = tuple(Compare("!=", Position(new), Position(old)) for old, new in fresh.items())
        where += [Or(apart)] if len(apart) > 1 else apart
    if own_tuple and not fresh:
        return ONE
    known = frozenset(statement.where)
    return _collected(tuple(fresh.values()), replaced(other.value, moved), tuple(where), known)


def _renamed(other: Statement, statement: Statement) -> dict[Index, Index]:
    names = {i.name for i in (*statement.every_index, *other.every_index)}
    fresh: dict[Index, Index] = {}
    for index in other.indices:
        fresh[index] = fresh_index(index, names)
        names.add(fresh[index].name)
    return fresh


def _collected(
    over: tuple[Index, ...],
    value: Expr,
    where: tuple[Condition, ...],
    known: frozenset[Condition],
) -> Expr:
    """`prod_{…} value where …`, as far as the conditions are not known to hold; an index that a
    condition equates is put in, where that is one of its values. What names none of the indices
    decides over the whole product: it is 1 where that fails."""
    for condition in where:
        match condition:
            case Compare("=", Position(index), at) if (
                index in over
                and index not in free_indices(at)
                and not (any(accesses(at)) and computed_with(index, (value, *where)))
                and not (isinstance(at, Position) and at.index.size != index.size)
            ):
                moved = {index: at}
                bounds = () if isinstance(at, Position | Access) else within(at, index.size)
                left_over = (*(c for c in where if c is not condition), *bounds)
                rest = replace_all(left_over, moved)
                left = tuple(i for i in over if i != index)
                return _collected(left, replaced(value, moved), rest, known)
            case _:
                pass
    kept = tuple(c for c in map(_decided, where) if c is not None and c not in known)
    if Or(()) in kept:
        return ONE
    inner = tuple(c for c in kept if not set(over).isdisjoint(free_indices(c)))
    outer = tuple(Iverson(c) for c in kept if c not in inner)
    whole = Reduce("prod", over, value, inner) if over else value
    return total((ONE, product(*outer, total((whole, MINUS_ONE))))) if outer else whole


def _decided(condition: Condition) -> Condition | None:
    """None for a condition that surely holds; a choice without what surely fails."""
    match condition:
        case Compare("=", left, right) if left == right:
            return None
        case Compare("!=", left, right) if left == right:
            return Or(())
        case Or(items):
            left_over = tuple(c for c in items if _decided(c) != Or(()))
            return left_over[0] if len(left_over) == 1 else Or(left_over)
        case _:
            return condition
