"""Every write of a tensor comes before its reads, circles aside; `=` comes first and once."""

from __future__ import annotations

from collections.abc import Iterator

from einsumgrad.check.faults import DefinedTwice, ReadBeforeWritten, ReadsItself
from einsumgrad.check.pieces import meetings
from einsumgrad.check.schedule import schedule
from einsumgrad.check.statement_faults import Circle, MixedOperators, Overlap
from einsumgrad.diagnostics import Fault
from einsumgrad.ir.affine import is_affine
from einsumgrad.ir.circles import by_target, ringed
from einsumgrad.ir.nodes import Access, Position, Program, Statement

SHOWN = 6
WAYS = {"+=": 1, "-=": 1, "max=": 2, "min=": 3, "*=": 4}
"""Operators that go together on one tensor."""


def order_faults(statements: tuple[Statement, ...]) -> tuple[Fault, ...]:
    """The faults of the statements' order, in one pass over them."""
    rings = ringed(statements)
    faults: list[Fault] = []
    read: dict[str, list[tuple[int, Access]]] = {}
    written: dict[str, Statement] = {}
    for place, statement in enumerate(statements):
        name = statement.target.tensor
        for access in statement.reads:
            read.setdefault(access.tensor, []).append((place, access))
            if _reads_itself(statement, access):
                faults.append(ReadsItself(span=access.span, name=name))
        early = (found for reader, found in read.get(name, ()) if name not in rings.get(reader, ()))
        if (before := next(early, None)) is not None:
            related = (("read here", before.span),)
            span = statement.target.span
            faults.append(ReadBeforeWritten(span=span, related=related, name=name))
        if statement.op == "=" and name in written:
            second = _second(statement, written[name])
            faults += [second] if second else []
        written.setdefault(name, statement)
    return (*faults, *_mixed(statements))


def _mixed(statements: tuple[Statement, ...]) -> Iterator[Fault]:
    """A tensor that is added to is not also maximised."""
    for name, found in by_target(statements).items():
        reducing = [s for s in found if s.op != "="]
        for statement in reducing[1:]:
            if WAYS[statement.op] != WAYS[reducing[0].op]:
                related = (("first here", reducing[0].target.span),)
                yield MixedOperators(
                    span=statement.target.span, related=related, name=name,
                    first=reducing[0].op, second=statement.op,
                )  # fmt: skip
                break


def piece_faults(program: Program) -> Iterator[Fault]:
    """Pieces of which two surely define some entry."""
    for meeting in meetings(program):
        if meeting.surely and (_piece(meeting.first) or _piece(meeting.second)):
            first, second = meeting.first.target, meeting.second.target
            related = (("also here", first.span),)
            yield Overlap(span=second.span, related=related, name=second.tensor)


def circle_faults(program: Program) -> Iterator[Fault]:
    """The circles that no order of an index can run."""
    for places in schedule(program)[1]:
        found = [program.statements[place] for place in places]
        if any(
            _reads_itself(statement, access) for statement in found for access in statement.reads
        ):
            continue
        names = {statement.target.tensor for statement in found}
        reads = [(s, a) for s in found for a in s.reads if a.tensor in names]
        if not any(is_affine(at) for _, access in reads for at in access.at):
            yield _plain_circle(found, reads)
            continue
        shown = ", ".join(
            f"`{s.target.span.text}` needs `{a.span.text}`"
            for s, a in reads[:SHOWN]
        )  # fmt: skip
        related = tuple(("in the circle", s.span) for s in found[1:SHOWN])
        yield Circle(span=found[0].span, related=related, circle=shown)


def _reads_itself(statement: Statement, access: Access) -> bool:
    positions = (*access.at, *statement.target.at)
    return access.tensor == statement.target.tensor and not any(map(is_affine, positions))


def _plain_circle(found: list[Statement], reads: list[tuple[Statement, Access]]) -> Fault:
    """A circle without any shift is none that was meant."""
    access = reads[0][1]
    writer = next(s for s in found if s.target.tensor == access.tensor)
    related = (("read here", access.span),)
    return ReadBeforeWritten(span=writer.target.span, related=related, name=access.tensor)


def _second(statement: Statement, first: Statement) -> Fault | None:
    """What is wrong with a `=` after another statement; pieces may follow each other."""
    name, place = statement.target.tensor, statement.target.span
    related = (("first here", first.target.span),)
    if first.op == "=":
        return (
            None
            if _piece(statement) or _piece(first)
            else DefinedTwice(span=place, related=related, name=name)
        )
    what, hint = "defined after it was added to", f"put the `=` first, then the `{first.op}`"
    return DefinedTwice(span=place, related=related, name=name, what=what, hint=hint)


def _piece(statement: Statement) -> bool:
    """Whether a `=` leaves entries for others."""
    return bool(statement.where) or not all(isinstance(at, Position) for at in statement.target.at)
