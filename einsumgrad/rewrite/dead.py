"""Statements that nothing returned depends on, removed."""

from __future__ import annotations

from einsumgrad.ir.nodes import Program
from einsumgrad.rewrite.edit import Reason, Told, kept_names, unheard, with_statements

UNREAD = Reason("nothing that is printed reads it by name: it is left out")


def dead(program: Program, told: Told = unheard) -> Program:
    """The program without derived statements whose target is neither returned nor read."""
    needed = kept_names(program)
    kept = []
    for statement in reversed(program.statements):
        if statement.derived and statement.target.tensor not in needed:
            told(statement, None, UNREAD)
            continue
        needed.update(access.tensor for access in statement.reads)
        kept.append(statement)
    return with_statements(program, reversed(kept))
