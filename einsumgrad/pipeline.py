"""The stages put together: what the API and the command line ask for."""

from __future__ import annotations

from einsumgrad.check.check import check
from einsumgrad.derive.reverse import reverse
from einsumgrad.ir.nodes import Program
from einsumgrad.rewrite.passes import Watcher, rewrite
from einsumgrad.rewrite.stable import stable
from einsumgrad.syntax.parse import read


def checked(text: str, filename: str = "<text>") -> Program:
    """The program of a text. Raises EinError with every fault of it, of all its lines."""
    reading = read(text, filename)
    return check(reading.file, reading.faults)


def backward(
    program: Program,
    wrt: tuple[str, ...] | None = None,
    *,
    seeds: tuple[str, ...] | None = None,
    per_example: bool = False,
    watch: Watcher | None = None,
) -> Program:
    """The forward-and-backward program: outputs, then `NAME.grad` for each of `wrt`.

    `wrt` None: all parameters and inputs that the objective depends on. `seeds`: outputs whose
    `.grad` are inputs; empty for the loss, whose own is 1; None for the usual objective. Raises
    EinError where there is no derivative."""
    derived = reverse(program, wrt, seeds)
    if per_example:
        from einsumgrad.derive.per_example import per_example as kept_apart

        derived = kept_apart(program, derived)
    return rewrite(derived, watch)


def tangents(
    program: Program,
    wrt: tuple[str, ...] | None = None,
    *,
    of: tuple[str, ...] | None = None,
    watch: Watcher | None = None,
) -> Program:
    """The program with tangents: outputs, then `NAME.dot` for each of `of` that depends on `wrt`
    (default: for the outputs and the loss, by all parameters and inputs), whose own `.dot` are
    inputs. Raises EinError where there is no derivative."""
    from einsumgrad.derive.forward import forward

    return rewrite(forward(program, wrt, of), watch)


def prepared(program: Program) -> Program:
    """The program in the form in which it is planned."""
    return stable(program)
