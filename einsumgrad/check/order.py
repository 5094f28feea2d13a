"""Every write of a tensor comes before its reads, circles aside; `=` comes first and once."""

from __future__ import annotations

from collections.abc import Iterator

from einsumgrad.check.faults import DefinedTwice, ReadBeforeWritten, ReadsItself
from einsumgrad.check.pieces import meetings
from einsumgrad.check.schedule import schedule
from einsumgrad.check.statement_faults import Below, Circle, MixedOperators, NoDistance, Overlap
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
                faults.append(_itself(statement, access))
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
    for stuck in schedule(program)[1]:
        found = [program.statements[place] for place in stuck.places]
        if stuck.late:
            yield from (_late(*map(program.statements.__getitem__, pair)) for pair in stuck.late)
        elif not any(_reads_itself(s, access) for s in found for access in s.reads):
            yield _circle(found)


def _circle(found: list[Statement]) -> Fault:
    names = {statement.target.tensor for statement in found}
    reads = [(s, a) for s in found for a in s.reads if a.tensor in names]
    shown = ", ".join(f"`{s.target.span.text}` needs `{a.span.text}`" for s, a in reads[:SHOWN])
    related = tuple(("in the circle", s.span) for s in found[1:SHOWN])
    return Circle(span=found[0].span, related=related, circle=shown)


def _late(reader: Statement, writer: Statement) -> Fault:
    """A step that would run as the lines do not stand."""
    name, target = writer.target.tensor, writer.target.span
    found = [access for access in reader.reads if access.tensor == name]
    access = min(found, key=lambda access: sum(map(is_affine, access.at)))
    related = (("written here", target),)
    return Below(span=access.span, related=related, text=access.span.text, target=target.text)


def _reads_itself(statement: Statement, access: Access) -> bool:
    positions = (*access.at, *statement.target.at)
    return access.tensor == statement.target.tensor and not any(map(is_affine, positions))


def _itself(statement: Statement, access: Access) -> Fault:
    """What it reads is the same entry, or one that is at no distance from it."""
    if access.at == statement.target.at:
        return ReadsItself(span=access.span, name=access.tensor)
    return NoDistance(span=access.span, name=access.tensor, text=access.span.text)


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
