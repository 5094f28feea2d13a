"""Tree to checked Program: all faults of the file at once, or a program without any."""

from __future__ import annotations

from einsumgrad.check.defs import def_faults
from einsumgrad.check.echoes import without_echoes
from einsumgrad.check.faults import (
    NeverWritten,
    NotIntegerTensor,
    RangeTwice,
    RankConflict,
    SecondLoss,
)
from einsumgrad.check.lower import Budget, Scope
from einsumgrad.check.names import Names, collect, is_size
from einsumgrad.check.order import circle_faults, order_faults, piece_faults
from einsumgrad.check.sizes import size_faults
from einsumgrad.check.spelling import tensor_faults, word_faults
from einsumgrad.check.starts import constant
from einsumgrad.check.statements import lower_statement
from einsumgrad.check.tensors import tensor_table
from einsumgrad.diagnostics import EinError, Fault
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.affine import is_affine
from einsumgrad.ir.circles import ringed
from einsumgrad.record import record
from einsumgrad.syntax import tree as t

FROM_OTHER_LINES = (NeverWritten, NotIntegerTensor)


def check(file: t.File, unread: tuple[Fault, ...] = ()) -> ir.Program:
    """The program that a tree means. Raises EinError with every fault found.

    `unread`: the faults of lines that are not in the tree; with them only that is said which no
    such line could put right."""
    names = collect(file)
    faults = [*unread, *names.faults, *def_faults(file)]
    statements = _statements(file, names, faults)
    whole: list[Fault] = []
    program = _program(file, names, statements, whole)
    faults += [*order_faults(statements), *word_faults(program)]
    faults += (f for f in whole if not unread or not isinstance(f, FROM_OTHER_LINES))
    if not unread:
        faults += tensor_faults(program)
        if not any(isinstance(fault, RankConflict | RangeTwice) for fault in faults):
            faults += size_faults(program)
            faults += circle_faults(program)
            faults += piece_faults(program)
    if faults:
        raise EinError(*without_echoes(file, faults))
    return program


def _statements(file: t.File, names: Names, faults: list[Fault]) -> tuple[ir.Statement, ...]:
    found, budget = [], Budget()
    for item in file.items:
        if isinstance(item, t.Statement):
            try:
                lowered = lower_statement(item, names, budget)
            except EinError as error:
                faults += error.faults
                continue
            faults += lowered.faults
            found.append(lowered.statement)
    return tuple(found)


def _program(
    file: t.File, names: Names, statements: tuple[ir.Statement, ...], faults: list[Fault]
) -> ir.Program:
    tensors = tensor_table(names, statements, faults)
    roles = _roles(file, {s.target.tensor for s in statements}, faults)
    groups = [g for item in file.items if isinstance(item, t.IndexDecl) for g in item.groups]
    scope = Scope(names, frozenset())
    given = (
        (names.index(g.names[0]).size, constant(g.size, "a size", scope, faults, calls=False))
        for g in groups
        if not is_size(g.size)
    )
    sizes = tuple((name, value) for name, value in given if value != ir.Size(name))
    outputs = roles.outputs or default_outputs(statements, roles.loss)
    indices = tuple(names.index(n) for g in groups for n in g.names)
    batch = names.index(names.batch) if names.batch else None
    places = tuple((names.index(g.names[0]).size, g.span) for g in groups)
    return ir.Program(
        statements, tensors, batch, sizes, roles.loss, outputs, indices, places, file.source
    )


def default_outputs(statements: tuple[ir.Statement, ...], loss: str | None) -> tuple[str, ...]:
    """What is written and never read, besides the loss. What only its own circle reads, at other
    values of the index, is read by nobody."""
    rings, read = ringed(statements), set[str]()
    for place, statement in enumerate(statements):
        own = rings.get(place, frozenset())
        for access in statement.reads:
            if access.tensor not in own or not any(map(is_affine, access.at)):
                read.add(access.tensor)
    written = dict.fromkeys(s.target.tensor for s in statements)
    return tuple(name for name in written if name not in read and name != loss)


@record
class _Roles:
    loss: str | None
    outputs: tuple[str, ...]


def _roles(file: t.File, written: set[str], faults: list[Fault]) -> _Roles:
    """The loss and the declared outputs, each of which some statement writes."""
    losses: list[str] = []
    outputs: list[str] = []
    for item in file.items:
        match item:
            case t.Statement(declares="loss", target=target) if losses not in ([], [target.name]):
                faults.append(SecondLoss(span=target.span, name=target.name))
            case t.Statement(declares="loss", target=target):
                losses = [target.name]
            case t.Statement(declares="output", target=target):
                outputs.append(target.name)
            case t.TensorDecl(kind="loss" | "output"):
                _declared_roles(item, written, losses, outputs, faults)
            case _:
                pass
    return _Roles(losses[0] if losses else None, tuple(dict.fromkeys(outputs)))


def _declared_roles(
    item: t.TensorDecl, written: set[str], losses: list[str], outputs: list[str],
    faults: list[Fault],
) -> None:  # fmt: skip
    for entry in item.entries:
        if entry.name not in written:
            hint = f"add a statement `{entry.span.text} = …`"
            faults.append(NeverWritten(span=entry.span, name=entry.name, kind=item.kind, hint=hint))
        elif item.kind == "output":
            outputs.append(entry.name)
        elif losses not in ([], [entry.name]):
            faults.append(SecondLoss(span=entry.span, name=entry.name))
        else:
            losses[:] = [entry.name]
