"""Arrays as a caller gives them, checked against the program's leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from einsumgrad.data_faults import (
    ArrayRank,
    ArrayType,
    ComputedArray,
    ExtraArray,
    GivenTwice,
    MissingArray,
    NotIntegers,
)
from einsumgrad.diagnostics import EinError, Fault
from einsumgrad.ir import nodes as ir
from einsumgrad.record import record
from einsumgrad.syntax.near import nearest, resembling
from einsumgrad.wrt import aliases

Array = npt.NDArray[Any]
KINDS = {"U": "text", "S": "bytes", "O": "Python objects"}
"""What arrays hold that are no numbers, by NumPy's letter."""


@record
class Leaves:
    """What given arrays are held against, looked up once for all runs of a program.

    `tensors`: all of its tensors by name, in order. `spelled`: every name that a caller may use.
    `read`: the tensors that some statement reads."""

    tensors: Mapping[str, ir.Tensor]
    spelled: Mapping[str, str]
    read: frozenset[str]

    def take(self, given: Mapping[str, Any], *, some: bool = False) -> dict[str, Array]:
        """The arrays by the tensors' own names, each an ndarray of real numbers and of the right
        rank. `some`: others may be missing.

        Raises EinError with all faults at once: missing, extra, ill-typed, ill-shaped arrays."""
        faults: list[Fault] = []
        found: dict[str, Array] = {}
        weak: dict[str, Array] = {}
        for key, value in given.items():
            name = self.spelled.get(key)
            if name is None:
                faults.append(ExtraArray(name=key, hint=self._near(key)))
                continue
            if name in found or name in weak:
                faults.append(GivenTwice(name=name, how="once in ASCII"))
            array, fault = _array(self.tensors[name], value)
            if fault is not None:
                faults.append(fault)
            (found if isinstance(value, np.ndarray | np.generic) else weak)[name] = array
        if not some:
            faults += self._missing(found.keys() | weak.keys(), list(given))
        if faults:
            raise EinError(*faults)
        return self._in_order(found, weak)

    def _near(self, key: str) -> str:
        """The name that was meant, or the names that there are."""
        there = [name for name, tensor in self.tensors.items() if tensor.kind != "computed"]
        names = [spelled for spelled, name in self.spelled.items() if name in there]
        close = nearest(key, names) or resembling(key, names)
        if close:
            return f"did you mean `{close}`?"
        listed = ", ".join(f"`{n}`" for n in there[:8])
        return f"it has {listed}" if there else "it takes no arrays"

    def _missing(self, given: set[str], keys: list[str]) -> list[Fault]:
        faults: list[Fault] = []
        for tensor in self.tensors.values():
            started = tensor.kind in ("const", "noise") and tensor.start is not None
            if tensor.kind == "computed" or tensor.name in given or started:
                continue
            if tensor.name in self.read:
                faults.append(_missing(tensor, keys, given))
        return faults

    def _in_order(self, found: Mapping[str, Array], weak: Mapping[str, Array]) -> dict[str, Array]:
        """All arrays in the program's order; numbers and lists take the arrays' floating dtype."""
        floats = [a.dtype for a in found.values() if a.dtype.kind == "f"]
        dtype = np.result_type(*floats) if floats else np.dtype(np.float64)
        cast = {n: a.astype(dtype) if a.dtype.kind == "f" else a for n, a in weak.items()}
        every = {**found, **cast}
        return {name: every[name] for name in self.tensors if name in every}


def leaves(program: ir.Program) -> Leaves:
    """What arrays for this program are held against."""
    tensors = {tensor.name: tensor for tensor in program.tensors}
    read = frozenset(access.tensor for s in program.statements for access in s.reads)
    return Leaves(tensors, aliases(program), read)


def _array(tensor: ir.Tensor, value: Any) -> tuple[Array, Fault | None]:
    """The value as an array, and what is wrong with it."""
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):
        return np.zeros(()), ArrayType(span=tensor.span, name=tensor.name, dtype="ragged lists")
    if tensor.kind == "computed":
        return array, ComputedArray(span=tensor.span, name=tensor.name)
    if array.dtype.kind not in "biuf":
        held = KINDS.get(array.dtype.kind, str(array.dtype))
        return array, ArrayType(span=tensor.span, name=tensor.name, dtype=held)
    if array.ndim != len(tensor.axes):
        shape, wanted = str(list(array.shape)), _indices(tensor)
        return array, ArrayRank(span=tensor.span, name=tensor.name, shape=shape, wanted=wanted)
    if tensor.integer and array.dtype.kind == "f" and array.size:
        kind = str(array.dtype)
        return array, NotIntegers(span=tensor.span, name=tensor.name, dtype=kind)
    dtype = np.dtype(np.int64) if tensor.integer and not array.size else array.dtype
    return array.astype(dtype.newbyteorder("="), copy=False), None


def _indices(tensor: ir.Tensor) -> str:
    names = [i.name if i is not None else "·" for i in tensor.axes]
    if not names:
        return "no index: it is a single number"
    plural = "index" if len(names) == 1 else "indices"
    return f"{len(names)} {plural}, [{','.join(names)}]"


def _missing(tensor: ir.Tensor, keys: list[str], given: set[str]) -> Fault:
    close = resembling(tensor.name, keys, 0.75)
    hint = f"`{close}` was given: is that it?" if close and close not in given else ""
    if tensor.kind == "param" and not hint:
        hint = "start parameters with `program.init(…)`, or `--init` on the command line"
    kind = "parameter" if tensor.kind == "param" else tensor.kind
    return MissingArray(span=tensor.span, name=tensor.name, kind=kind, hint=hint)


def floating(arrays: Mapping[str, Array]) -> str:
    """The dtype that the arrays' floating numbers promote to; float64 if there are none."""
    floats = [a.dtype for a in arrays.values() if a.dtype.kind == "f"]
    return str(np.result_type(*floats)) if floats else "float64"
