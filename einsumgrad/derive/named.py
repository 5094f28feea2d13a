"""Leaves declared where the derivation must name the size of an axis that no index names."""

from __future__ import annotations

from collections.abc import Iterator

from einsumgrad.ir.inside import left_out
from einsumgrad.ir.nodes import Index, Program, Tensor
from einsumgrad.record import replace

LETTERS = "ijklmnopqrstuvwxyz"
LEAVES = ("input", "param")


def named(program: Program) -> Program:
    """The program with every undeclared leaf declared, if a maximum, a softmax or the like reads
    one at an axis that has no name: what is inside cannot be said without. All of them, since a
    declaration makes undeclared names that look alike suspicious."""
    if not any(None in t.axes for t in _asked(program)):
        return program
    fresh = _fresh(program)
    return replace(program, tensors=tuple(_declared(t, fresh) for t in program.tensors))


def _asked(program: Program) -> Iterator[Tensor]:
    """The undeclared leaves that such an operator reads."""
    read = {access.tensor for s in program.statements for access in left_out(s)}
    yield from (t for t in program.tensors if t.name in read and _open(t))


def _open(tensor: Tensor) -> bool:
    return not tensor.declared and tensor.kind in LEAVES


def _declared(tensor: Tensor, fresh: Iterator[Index]) -> Tensor:
    if not _open(tensor):
        return tensor
    axes = tuple(next(fresh) if axis is None else axis for axis in tensor.axes)
    return replace(tensor, axes=axes, declared=True)


def _fresh(program: Program) -> Iterator[Index]:
    """Indices whose names and sizes the program has not: `i` of size `I` and so on."""
    taken = {i for s in program.statements for i in s.every_index}
    taken |= {i for t in program.tensors for i in (*t.axes, t.holds) if i is not None}
    words = {i.name for i in (*taken, *program.indices)} | {t.name for t in program.tensors}
    words |= {i.size for i in (*taken, *program.indices)} | {name for name, _ in program.sizes}
    for count in range(1000):
        letter = LETTERS[count % len(LETTERS)]
        name = letter + "'" * (count // len(LETTERS))
        size = letter.upper() if name == letter else f"|{name}|"
        if name not in words and size not in words:
            yield Index(name, size)
