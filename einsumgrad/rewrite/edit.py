"""What all passes share: statements of a program replaced, its tables completed again."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from einsumgrad.check.tensors import complete
from einsumgrad.ir.nodes import Access, Expr, Position, Program, Statement
from einsumgrad.record import record, replace


@record
class Reason:
    """Why a statement was changed: a format string over the parts, counted from 0."""

    words: str
    parts: tuple[Expr, ...] = ()


Told = Callable[[Statement, Statement | None, Reason], None]
"""Hears of every change: the statement before it and after it (None: it is gone), and why."""


def unheard(*_: object) -> None:
    """What passes tell when nobody listens."""


def with_statements(program: Program, statements: Iterable[Statement]) -> Program:
    """The program with other statements. Its table of tensors is as it was: see `completed`."""
    listed = tuple(statements)
    return program if listed == program.statements else replace(program, statements=listed)


def completed(program: Program) -> Program:
    """The program with the table of tensors that follows from its statements."""
    written = {statement.target.tensor for statement in program.statements}
    declared = (tensor for tensor in program.tensors if tensor.declared)
    kept = tuple(t for t in declared if t.kind != "computed" or t.name in written)
    return replace(program, tensors=complete(kept, program.statements, program.batch))


def taken_names(program: Program) -> set[str]:
    """The names that a new tensor must not bear."""
    written = (statement.target.tensor for statement in program.statements)
    return {*(tensor.name for tensor in program.tensors), *written}


def plain_target(target: Access) -> bool:
    """Whether a target bears distinct plain indices only."""
    plain = all(isinstance(at, Position) for at in target.at)
    return plain and (len(target.at) < 2 or len(set(target.at)) == len(target.at))


def kept_names(program: Program) -> set[str]:
    """The tensors that a run returns."""
    return {*program.outputs, *([program.loss] if program.loss else ())}


def read_counts(statements: Iterable[Statement]) -> dict[str, int]:
    """How often each tensor is read."""
    counts: dict[str, int] = {}
    for statement in statements:
        for access in statement.reads:
            counts[access.tensor] = counts.get(access.tensor, 0) + 1
    return counts
