"""`einsumgrad check`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from einsumgrad.check.notes import notes
from einsumgrad.check.sizes import known_sizes
from einsumgrad.cli.files import files_argument, read_program
from einsumgrad.cli.strict import refuse_outside, strict_option
from einsumgrad.diagnostics import EinError, Fault, render, width
from einsumgrad.ir.nodes import Program, Tensor

KINDS = {"param": "parameter", "const": "constant"}


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", callback=files_argument)
@strict_option
def command(files: tuple[str, ...], strict: bool) -> None:
    """Report errors and notes, and what every tensor is, with sizes where known.

    `-` reads standard input. Reports and notes go to standard output, errors to standard error.
    The exit code is 1 if any of the files has an error.

    \b
    Example:
      einsumgrad check examples/*.ein
    """
    from einsumgrad.cli.faults import echo_faults

    failed = False
    for place, file in enumerate(files):
        name = "<stdin>" if file == "-" else click.format_filename(file)
        try:
            program = read_program(file)
            if strict:
                refuse_outside(program)
        except EinError as error:
            echo_faults(f"{error}\n\n{name}: {_counted(len(error.faults), 'error')}")
            failed = True
            continue
        found = notes(program)
        click.echo("\n" * (place > 0) + "\n".join(_report(name, program, found)))
        for note in found:
            echo_faults("\n" + render(note, "note"), err=False)
    if failed:
        sys.exit(1)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _report(file: str, program: Program, found: tuple[Fault, ...]) -> Iterator[str]:
    """The file's line, and a table of its tensors."""
    told = f", {_counted(len(found), 'note')}" if found else ""
    yield f"{file}: {_counted(len(program.statements), 'statement')}, no error{told}"
    sizes = known_sizes(program)
    rows = [(_role(t, program), _entry(t), _shape(t, sizes), _how(t)) for t in program.tensors]
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell + " " * (w - width(cell)) for cell, w in zip(row, widths, strict=True))
        yield f"  {'  '.join(cells)}".rstrip()


def _role(tensor: Tensor, program: Program) -> str:
    if tensor.name == program.loss:
        return "loss"
    if tensor.name in program.outputs:
        return "output"
    return KINDS.get(tensor.kind, tensor.kind)


def _entry(tensor: Tensor) -> str:
    """`y[b] : ŷ`"""
    names = ",".join(i.name if i else "·" for i in tensor.axes)
    bare = f"{tensor.name}[{names}]" if tensor.axes else tensor.name
    return f"{bare} : {tensor.holds.name}" if tensor.holds else bare


def _shape(tensor: Tensor, sizes: dict[str, int]) -> str:
    """Numbers where they are known, else the names of the sizes."""
    known = [str(sizes.get(i.size, i.size)) if i else "?" for i in tensor.axes]
    return " × ".join(known)


def _how(tensor: Tensor) -> str:
    return "" if tensor.declared or tensor.kind == "computed" else "not declared"
