"""Tree to checked Program: all faults of the file at once, or a program without any."""

from __future__ import annotations

from dataclasses import dataclass

from einsumgrad.check.faults import NeverWritten, NotYet, SecondLoss
from einsumgrad.check.names import Names, collect
from einsumgrad.check.order import order_faults
from einsumgrad.check.sizes import size_faults
from einsumgrad.check.spelling import spelling_faults
from einsumgrad.check.starts import refuse_starts
from einsumgrad.check.statements import lower_statement
from einsumgrad.check.tensors import size_value, tensor_table
from einsumgrad.diagnostics import EinError, Fault
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.walk import reads
from einsumgrad.syntax import tree as t


def check(file: t.File) -> ir.Program:
    """The program that a tree means. Raises EinError with every fault found."""
    names = collect(file)
    faults = list(names.faults)
    statements = _statements(file, names, faults)
    if faults:
        raise EinError(*faults)
    program = _program(file, names, statements, faults)
    faults += [*order_faults(statements), *spelling_faults(program)]
    if not faults:
        faults += size_faults(program)
    if faults:
        raise EinError(*faults)
    return program


def _statements(file: t.File, names: Names, faults: list[Fault]) -> tuple[ir.Statement, ...]:
    found = []
    for item in file.items:
        if isinstance(item, t.Statement):
            try:
                lowered = lower_statement(item, names)
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
    sizes = tuple(
        (names.index(g.names[0]).size, size_value(g.size, names, faults))
        for g in groups
        if not isinstance(g.size, t.Name | t.SizeOf)
    )
    outputs = roles.outputs or default_outputs(statements, roles.loss)
    indices = tuple(names.index(n) for g in groups for n in g.names)
    batch = names.index(names.batch) if names.batch else None
    return ir.Program(statements, tensors, batch, sizes, roles.loss, outputs, indices, file.source)


def default_outputs(statements: tuple[ir.Statement, ...], loss: str | None) -> tuple[str, ...]:
    """What is written and never read, besides the loss."""
    read = {access.tensor for s in statements for access in reads(s)}
    written = dict.fromkeys(s.target.tensor for s in statements)
    return tuple(name for name in written if name not in read and name != loss)


@dataclass(frozen=True, slots=True)
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
            case t.TensorDecl(kind, entries):
                faults += [f for e in entries if (f := refuse_starts(kind, e))]
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
        elif entry.start is not None or entry.holds is not None:
            faults.append(NotYet(span=entry.span, what=f"`:` or `=` in an {item.kind} list"))
        elif item.kind == "output":
            outputs.append(entry.name)
        elif losses not in ([], [entry.name]):
            faults.append(SecondLoss(span=entry.span, name=entry.name))
        else:
            losses[:] = [entry.name]
