"""Pieces of one definition: whether some entry could be defined by two of them (LANGUAGE §5)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from einsumgrad.check.conditions import MAX_CASES, cases, equal, form, limits
from einsumgrad.check.ranges import Ranges, ranges
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.affine import affine
from einsumgrad.ir.circles import by_target
from einsumgrad.ir.linear import Form, feasible

MAX_PIECES = 100
"""More pieces of one tensor are told apart on the data only."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two statements that may define the same entry. `surely`: their conditions and positions are
    affine, so that it is no question of the data."""

    first: ir.Statement
    second: ir.Statement
    surely: bool


def meetings(program: ir.Program) -> Iterator[Meeting]:
    """The pairs of definitions of one tensor that may meet."""
    pieces = ([s for s in found if s.op == "="] for found in by_target(program.statements).values())
    several = [found for found in pieces if len(found) > 1]
    known = ranges(program) if several else None
    for found in several:
        if len(found) > MAX_PIECES:
            yield Meeting(found[0], found[1], surely=False)
            continue
        for first, second in itertools.combinations(found, 2):
            assert known is not None
            yield from _meeting(first, second, known)


def _meeting(first: ir.Statement, second: ir.Statement, known: Ranges) -> Iterator[Meeting]:
    same = _same_entry(first, second, known)
    conditions = [cases(ir.And(s.where), k, known) for k, s in enumerate((first, second))]
    every = list(itertools.islice(itertools.product(*conditions), MAX_CASES + 1))
    bounds = limits(first, 0, known) + limits(second, 1, known)
    surely = same is not None and len(every) <= MAX_CASES
    for case in every:
        found = [forms for part in case for forms in part if forms is not None]
        surely = surely and all(forms is not None for part in case for forms in part)
        if feasible([*(same or ()), *bounds, *(one for forms in found for one in forms)]):
            yield Meeting(first, second, surely)
            return


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
