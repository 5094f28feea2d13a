"""Pieces of one definition: whether some entry could be defined by two of them (LANGUAGE §5)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction

from einsumgrad.check.conditions import MAX_CASES, cases, equal, form, less, limits
from einsumgrad.check.ranges import Ranges, ranges
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.affine import affine, is_affine
from einsumgrad.ir.circles import by_target
from einsumgrad.ir.linear import Form, feasible
from einsumgrad.record import record

MAX_PIECES = 100
"""More pieces of one tensor are told apart on the data only."""


@record
class Meeting:
    """Two statements, or one for two tuples, that may define the same entry. `surely`: their
    conditions and positions are affine, so that it is no question of the data."""

    first: ir.Statement
    second: ir.Statement
    surely: bool


def meetings(program: ir.Program) -> Iterator[Meeting]:
    """The definitions of one tensor that may meet, each pair and each with itself."""
    pieces = ([s for s in found if s.op == "="] for found in by_target(program.statements).values())
    open_pieces = [found for found in pieces if len(found) > 1 or any(map(_computed, found))]
    known = ranges(program) if open_pieces else None
    for found in open_pieces:
        if len(found) > MAX_PIECES:
            yield Meeting(found[0], found[1], surely=False)
            continue
        assert known is not None
        for first, second in itertools.combinations(found, 2):
            yield from _meeting(first, second, known)
        for one in filter(_computed, found):
            if any(_meets(one, one, known, (apart,)) is not None for apart in _earlier(one)):
                yield Meeting(one, one, surely=False)


def _computed(statement: ir.Statement) -> bool:
    """Whether two tuples of a piece may meet; those of a whole definition are told apart where its
    sizes are known."""
    return bool(statement.where) and any(map(is_affine, statement.target.at))


def _earlier(statement: ir.Statement) -> Iterator[Form]:
    """For each index that it is less in the first tuple than in the second."""
    for index in statement.indices:
        one, other = f"{index.name}#0", f"{index.name}#1"
        yield less({other: Fraction(1)}, {one: Fraction(1)})


def _meeting(first: ir.Statement, second: ir.Statement, known: Ranges) -> Iterator[Meeting]:
    surely = _meets(first, second, known)
    if surely is not None:
        yield Meeting(first, second, surely)


def _meets(
    first: ir.Statement, second: ir.Statement, known: Ranges, further: tuple[Form, ...] = ()
) -> bool | None:
    """Whether two statements surely define an entry, or only on some data; None if they do not."""
    same = _same_entry(first, second, known)
    conditions = [cases(ir.And(s.where), k, known) for k, s in enumerate((first, second))]
    every = list(itertools.islice(itertools.product(*conditions), MAX_CASES + 1))
    bounds = [*limits(first.indices, 0, known), *limits(second.indices, 1, known), *further]
    surely = same is not None and len(every) <= MAX_CASES
    for case in every:
        found = [forms for part in case for forms in part if forms is not None]
        surely = surely and all(forms is not None for part in case for forms in part)
        forms = [*(same or ()), *bounds, *(one for forms in found for one in forms)]
        if feasible(forms):
            return surely and not any("·" in name for form in forms for name in form)
    return None


def _same_entry(
    first: ir.Statement, second: ir.Statement, known: Ranges
) -> tuple[Form, ...] | None:
    """Both targets are the same entry; None where a position is not affine."""
    forms: list[Form] = []
    for left, right in zip(first.target.at, second.target.at, strict=True):
        a, b = affine(left), affine(right)
        if a is None or b is None:
            return None
        forms += equal(form(a, 0, known), form(b, 1, known))
    return tuple(forms)
