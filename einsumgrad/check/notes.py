"""What a program may mean otherwise than its author thinks: notes, no faults."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from einsumgrad.diagnostics import Fault
from einsumgrad.ir.nodes import Position, Program, Statement, Sum
from einsumgrad.ir.walk import free_indices, reads


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatedTerm(Fault):
    code: ClassVar[str] = "N301"
    words: ClassVar[str] = (
        "one term does not have the index `{index}`: it is added once for each value of `{index}`"
    )
    help: ClassVar[str] = "if that is not meant, add it in a statement of its own"
    index: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NeverRead(Fault):
    code: ClassVar[str] = "N302"
    words: ClassVar[str] = "`{name}` is declared, but no statement reads it"
    name: str


def notes(program: Program) -> tuple[Fault, ...]:
    """The notes of a program, in the order of its lines."""
    found: list[Fault] = []
    for statement in program.statements:
        found += _repeated(statement)
    read = {access.tensor for s in program.statements for access in reads(s)}
    for tensor in program.tensors:
        if tensor.declared and tensor.kind != "computed" and tensor.name not in read:
            found.append(NeverRead(span=tensor.span, name=tensor.name))
    return tuple(found)


def _repeated(statement: Statement) -> Iterator[Fault]:
    """Terms of a `+=` that lack an index which is summed."""
    kept = {at.index for at in statement.target.at if isinstance(at, Position)}
    summed = [i for i in statement.indices if i not in kept]
    terms = statement.value.terms if isinstance(statement.value, Sum) else (statement.value,)
    for index in summed:
        if any(index not in free_indices(term) for term in terms):
            yield RepeatedTerm(span=statement.span, index=index.name)
