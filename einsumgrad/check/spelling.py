"""Undeclared names that look like slips: did you mean another one?

An undeclared leaf is legal, so a slip must be told from a name. Two things betray it: a name
like a function's before a parenthesis, and, in a program that declares its leaves, a name that is
one slip away from a declared one (more slips, if the declared one is never read)."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from einsumgrad.check.faults import UnknownFunction, UnknownTensor
from einsumgrad.diagnostics import Fault
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.functions import FUNCTIONS, OPERATORS
from einsumgrad.ir.walk import reads
from einsumgrad.syntax.names import ascii_name

LOOKALIKE = str.maketrans("OoQlIi|", "0001111")


def spelling_faults(program: ir.Program) -> tuple[Fault, ...]:
    """A fault for every undeclared leaf that looks like a slip."""
    leaves = [x for x in program.tensors if not x.declared and x.kind in ("param", "input")]
    leaves = [x for x in leaves if not x.name.endswith((".grad", ".dot"))]
    known = [x for x in program.tensors if x.declared or x.kind == "computed"]
    declares = any(x.declared and x.kind in ("param", "input", "const") for x in known)
    read = {access.tensor for s in program.statements for access in reads(s)}
    faults: list[Fault] = []
    for leaf in leaves:
        if near := _function_like(leaf):
            faults.append(UnknownFunction(span=leaf.span, name=leaf.name, near=near))
        elif declares and (near := _tensor_like(leaf, known, read)):
            faults.append(UnknownTensor(span=leaf.span, name=leaf.name, near=near))
    return tuple(faults)


def _function_like(leaf: ir.Tensor) -> str | None:
    """`sigmod(x[b])` reads as a scalar times a parenthesis; `sofmax_i x[i]` as a scalar too."""
    stem, mark, index = leaf.name.partition("_")
    if leaf.axes or len(stem) < 3:
        return None
    names = (*FUNCTIONS, *OPERATORS) if mark else tuple(FUNCTIONS)
    near = difflib.get_close_matches(stem, names, 1, 0.75)
    return f"{near[0]}{mark}{index}" if near else None


def _tensor_like(leaf: ir.Tensor, known: Iterable[ir.Tensor], read: set[str]) -> str | None:
    for other in known:
        if len(other.axes) != len(leaf.axes):
            continue
        if _lookalike(leaf.name, other.name) or (
            other.name not in read and other.kind != "computed" and _close(leaf.name, other.name)
        ):
            return other.name
    return None


def _lookalike(left: str, right: str) -> bool:
    """Same but for o/0, l/1, letter case, or one slip in a name of four or more letters."""
    a, b = ascii_name(left), ascii_name(right)
    if a.translate(LOOKALIKE) == b.translate(LOOKALIKE):
        return True
    long = min(len(a), len(b)) >= 4 and a.isalpha() and b.isalpha()
    return long and difflib.SequenceMatcher(None, a, b).ratio() >= 0.85


def _close(left: str, right: str) -> bool:
    a, b = ascii_name(left), ascii_name(right)
    return min(len(a), len(b)) >= 2 and difflib.SequenceMatcher(None, a, b).ratio() >= 0.6
