"""Names to derive by, checked."""

from __future__ import annotations

import unicodedata

from einsumgrad.data_faults import NotDifferentiable
from einsumgrad.diagnostics import EinError
from einsumgrad.ir.nodes import Program, Tensor
from einsumgrad.reflect.ascii import spelling
from einsumgrad.syntax.near import resembling
from einsumgrad.syntax.words import canonical


def aliases(program: Program) -> dict[str, str]:
    """Every spelling of a tensor's name that a caller may use: its own and the ASCII one."""
    spelled = spelling(program).tensors
    return {**{plain: name for name, plain in spelled.items()}, **{n: n for n in spelled}}


def check_wrt(program: Program, asked: tuple[str, ...]) -> tuple[str, ...]:
    """The tensors' own names. Raises EinError for one that has no derivative."""
    spelled = aliases(program)
    tensors = {t.name: t for t in program.tensors}
    names = [canonical(unicodedata.normalize("NFC", name)) for name in asked]
    for name in names:
        if name not in spelled:
            close = resembling(name, spelled)
            hint = f"did you mean `{close}`?" if close else ""
            raise EinError(NotDifferentiable(name=name, why="no such tensor", hint=hint))
        why = _constant(tensors[spelled[name]])
        if why:
            raise EinError(NotDifferentiable(name=name, why=why))
    return tuple(dict.fromkeys(spelled[name] for name in names))


def _constant(tensor: Tensor) -> str:
    """Why a tensor has no derivative; empty if it has one."""
    if tensor.integer:
        return "it holds integers"
    if tensor.kind == "const":
        return "it is a constant"
    if tensor.kind in ("computed", "noise"):
        return "it is no input and no parameter"
    return ""


def parameters(program: Program) -> tuple[str, ...]:
    """The parameters that have a derivative."""
    return tuple(t.name for t in program.tensors if t.kind == "param" and not t.integer)
