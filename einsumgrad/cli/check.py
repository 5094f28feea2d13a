"""`einsumgrad check`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from einsumgrad.check.notes import notes
from einsumgrad.check.sizes import known_sizes
from einsumgrad.cli.files import read_program
from einsumgrad.diagnostics import EinError, render
from einsumgrad.ir.nodes import Program, Tensor


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
def command(files: tuple[str, ...]) -> None:
    """Report errors and notes, and what every tensor is, with sizes where known.

    \b
    Example:
      einsumgrad check examples/*.ein
    """
    failed = False
    for file in files:
        try:
            program = read_program(file)
        except EinError as error:
            click.echo(str(error), err=True)
            failed = True
            continue
        click.echo("\n".join(_report(file, program)))
    if failed:
        sys.exit(1)


def _report(file: str, program: Program) -> Iterator[str]:
    statements = len(program.statements)
    yield f"{file}: {statements} {'statement' if statements == 1 else 'statements'}, no error"
    sizes = known_sizes(program)
    for tensor in program.tensors:
        yield f"  {_role(tensor, program):<10} {_shape(tensor, sizes)}"
    for note in notes(program):
        yield render(note, "note")


def _role(tensor: Tensor, program: Program) -> str:
    if tensor.name == program.loss:
        return "loss"
    if tensor.name in program.outputs:
        return "output"
    return tensor.kind


def _shape(tensor: Tensor, sizes: dict[str, int]) -> str:
    """`y[b] : ŷ` and its sizes."""
    names = ",".join(i.name if i else "·" for i in tensor.axes)
    bare = f"{tensor.name}[{names}]" if tensor.axes else tensor.name
    holds = f" : {tensor.holds.name}" if tensor.holds else ""
    known = [str(sizes.get(i.size, i.size)) if i else "?" for i in tensor.axes]
    shape = f"   {' × '.join(known)}" if known else ""
    how = "" if tensor.declared or tensor.kind == "computed" else "   (not declared)"
    return f"{bare}{holds}{shape}{how}"
