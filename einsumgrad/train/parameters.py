"""The parameters of a program, as an optimizer names them."""

from __future__ import annotations

from collections.abc import Set

from einsumgrad.diagnostics import Span
from einsumgrad.ir import nodes as ir
from einsumgrad.record import record, replace


@record
class Parameter:
    """A parameter, the indices that its axes are written with, and where the program names it."""

    name: str
    indices: tuple[str, ...]
    span: Span

    @property
    def entry(self) -> str:
        """One entry of it, as text."""
        return f"{self.name}[{','.join(self.indices)}]" if self.indices else self.name


def parameters(program: ir.Program) -> tuple[Parameter, ...]:
    """The program's parameters; an axis that it names no index for gets a fresh one."""
    taken = {i.name for tensor in program.tensors for i in tensor.axes if i is not None}
    found = []
    for tensor in program.tensors:
        if tensor.kind == "param":
            names: list[str] = []
            for index in tensor.axes:
                name = "i" if index is None else index.name
                names.append(fresh(name, (taken if index is None else set()) | set(names)))
            found.append(Parameter(tensor.name, tuple(names), tensor.span))
    return tuple(found)


def told_apart(params: tuple[Parameter, ...], scalars: Set[str]) -> tuple[Parameter, ...]:
    """The parameters, with a prime for every index that bears the name of a scalar."""
    found = []
    for param in params:
        names: list[str] = []
        for name in param.indices:
            names.append(fresh(name, scalars | set(names)))
        found.append(replace(param, indices=tuple(names)))
    return tuple(found)


def fresh(name: str, taken: Set[str]) -> str:
    """The name with as many primes as it needs to be none of the taken ones.

    >>> fresh("t", {"t", "t'"})
    "t''"
    """
    while name in taken:
        name += "'"
    return name
