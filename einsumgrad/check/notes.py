"""What a program may mean otherwise than its author thinks: notes, no faults."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from einsumgrad.check.conditions import possible
from einsumgrad.check.ranges import Ranges, ranges
from einsumgrad.diagnostics import Fault, Span
from einsumgrad.ir.inside import computed_reads, left_out
from einsumgrad.ir.nodes import Access, Expr, Index, Program, Reduce, Statement, Sum, walk
from einsumgrad.ir.walk import accesses, free_indices
from einsumgrad.record import record
from einsumgrad.syntax.names import size_name


@record(kw_only=True)
class RepeatedTerm(Fault):
    code: ClassVar[str] = "N301"
    words: ClassVar[str] = (
        "this term does not have the index `{index}`: it is added once for each value of `{index}`"
    )
    help: ClassVar[str] = "if that is not meant, add it in a statement of its own"
    index: str


@record(kw_only=True)
class NeverRead(Fault):
    code: ClassVar[str] = "N302"
    words: ClassVar[str] = "`{name}` is declared, but no statement reads it"
    name: str


@record(kw_only=True)
class RepeatedBody(Fault):
    code: ClassVar[str] = "N303"
    words: ClassVar[str] = (
        "nothing after `Σ_{index}` has the index `{index}`: it is added `{size}` times"
    )
    index: str
    size: str


@record(kw_only=True)
class ReadOutside(Fault):
    code: ClassVar[str] = "N304"
    words: ClassVar[str] = "`{text}` is outside for some values of its indices, and {then}"
    help: ClassVar[str] = "`--strict` makes this an error"
    text: str
    then: str


def outside(program: Program) -> tuple[ReadOutside, ...]:
    """A note for every read that leaves its tensor, as far as the sizes say, in line order."""
    if not computed_reads(program.statements):
        return ()
    known = ranges(program)
    found: dict[Span, ReadOutside] = {}
    for statement in program.statements:
        dropped = {access.span for access in left_out(statement)}
        for access in statement.reads:
            if known.leaves(access) and _outside(access, statement, known):
                span, then = access.span, "left out" if access.span in dropped else "0"
                found.setdefault(span, ReadOutside(span=span, text=span.text, then=f"{then} there"))
    return tuple(found.values())


def _outside(access: Access, statement: Statement, known: Ranges) -> bool:
    """Whether a statement's conditions let a read be outside."""
    return possible(statement.indices, statement.where, known.outside(access), known)


def notes(program: Program) -> tuple[Fault, ...]:
    """The notes of a program, in the order of its lines."""
    found: list[Fault] = [*outside(program)]
    for statement in program.statements:
        found += _terms(statement)
        found += _bodies(statement)
    read = {access.tensor for s in program.statements for access in s.reads}
    for tensor in program.tensors:
        if tensor.declared and tensor.kind != "computed" and tensor.name not in read:
            found.append(NeverRead(span=tensor.span, name=tensor.name))
    return tuple(sorted(found, key=lambda note: note.span.start))


def _terms(statement: Statement) -> Iterator[Fault]:
    """Terms of a `+=` that lack an index which is summed."""
    kept = {i for at in statement.target.at for i in free_indices(at)}
    summed = [i for i in statement.indices if i not in kept]
    terms = statement.value.terms if isinstance(statement.value, Sum) else (statement.value,)
    for term in terms if summed else ():
        free = set(free_indices(term))
        for index in summed:
            if index not in free:
                yield RepeatedTerm(span=_place(term, statement), index=index.name)


def _place(term: Expr, statement: Statement) -> Span:
    """Where a term stands, as far as its entries show."""
    spans = [access.span for access in accesses(term) if access.span.text]
    spans.sort(key=lambda span: (span.start, span.end))
    return spans[0].to(max(spans, key=lambda span: span.end)) if spans else statement.span


def _bodies(statement: Statement) -> Iterator[Fault]:
    """Sums over an index that what is summed does not have."""
    for node in walk(statement.value):
        if isinstance(node, Reduce) and node.op == "sum":
            free = {i for part in (node.body, *node.where) for i in free_indices(part)}
            for index in node.indices:
                if index not in free:
                    yield _repeated(index, node, statement)


def _repeated(index: Index, node: Reduce, statement: Statement) -> Fault:
    span, size = _place(node.body, statement), size_name(index.name)
    return RepeatedBody(span=span, index=index.name, size=size)
