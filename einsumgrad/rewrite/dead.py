"""Statements that nothing returned depends on, removed."""

from __future__ import annotations

from einsumgrad.ir.circles import needed
from einsumgrad.ir.nodes import Program
from einsumgrad.rewrite.edit import Reason, Told, kept_names, unheard, with_statements

UNREAD = Reason("nothing that is printed reads it by name: it is left out")


def dead(program: Program, told: Told = unheard) -> Program:
    """The program without derived statements whose target is neither returned nor read."""
    forward = (s for s in program.statements if not s.derived)
    kept = {*kept_names(program), *(s.target.tensor for s in forward)}
    alive = needed(program.statements, kept)
    made = []
    for statement in program.statements:
        if statement.derived and statement.target.tensor not in alive:
            told(statement, None, UNREAD)
        else:
            made.append(statement)
    return with_statements(program, made)
