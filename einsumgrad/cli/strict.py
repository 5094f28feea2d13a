"""Reads outside their tensors: told, or refused with `--strict` (LANGUAGE §6)."""

from __future__ import annotations

import click

from einsumgrad.check.notes import outside
from einsumgrad.check.statement_faults import Outside
from einsumgrad.diagnostics import EinError
from einsumgrad.ir.nodes import Program

strict_option = click.option(
    "--strict",
    is_flag=True,
    help="Refuse reads outside their tensors, which are 0 or left out otherwise.",
)


def refuse_outside(program: Program) -> None:
    """Raises EinError with every read that leaves its tensor."""
    found = outside(program)
    if found:
        raise EinError(*(Outside(span=n.span, text=n.text, then=n.then) for n in found))


def tell_outside(program: Program) -> None:
    """Notes on standard error, beside what a command prints: a line for each read."""
    from einsumgrad.cli.faults import echo_faults

    for note in outside(program):
        line, column = note.span.source.place(note.span.start)
        place = f"{note.span.source.name}:{line}:{column}"
        echo_faults(f"note[{note.code}]: {place}: {note.message}")
