"""The passes, in their order. Each is a pure function from Program to Program that leaves the table
of tensors to the end: what a pass asks of it, the declarations, no pass changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from einsumgrad.ir.nodes import Program
from einsumgrad.rewrite.alias import aliases
from einsumgrad.rewrite.dead import dead
from einsumgrad.rewrite.deltas import deltas
from einsumgrad.rewrite.edit import Told, completed, unheard
from einsumgrad.rewrite.inline import inline
from einsumgrad.rewrite.merge import merge
from einsumgrad.rewrite.once import once
from einsumgrad.rewrite.ordered import ordered
from einsumgrad.rewrite.settle import apart, settle
from einsumgrad.rewrite.share import share
from einsumgrad.rewrite.simplify import drop_zeros, simplify_program
from einsumgrad.rewrite.unit import unit_sums


class Pass(Protocol):
    """A pass tells of every change it makes to a statement."""

    def __call__(self, program: Program, told: Told = unheard, /) -> Program: ...


Watcher = Callable[[str, Program, Program], None]

PASSES: tuple[tuple[str, Pass], ...] = (
    ("simplify", simplify_program),
    ("sum softmaxes to 1", unit_sums),
    ("contract deltas", deltas),
    ("merge contributions", merge),
    ("name cotangents as gradients", aliases),
    ("put short helpers back", inline),
    ("merge again", merge),
    ("drop zeros", drop_zeros),
    ("remove what nothing reads", dead),
    ("write conditions once", once),
    ("name softmaxes apart", apart),
    ("name common parts", share),
    ("put back what is read once now", inline),
    ("remove what is put back", dead),
    ("name bound indices apart", settle),
    ("order conditions", ordered),
)


def rewrite(program: Program, watch: Watcher | None = None, told: Told = unheard) -> Program:
    """The program after all passes; `watch` sees each pass's name, input and output, `told` hears
    of every change to a statement. A pass that left this very program as it is is not run again."""
    idle: dict[Pass, Program] = {}
    for name, step in PASSES:
        after = program if idle.get(step) is program else step(program, told)
        if after is program:
            idle[step] = program
        elif watch is not None:
            after = completed(after)
        if watch is not None:
            watch(name, program, after)
        program = after
    return completed(program)
