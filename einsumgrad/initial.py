"""Parameters as training starts them, for sizes given by name or by arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from einsumgrad.arrays import leaves
from einsumgrad.check.sizes import axis_sizes, sizes_given, unknown_size
from einsumgrad.data_faults import BadArgument, BadLength, ExtraArray
from einsumgrad.diagnostics import EinError
from einsumgrad.ir.nodes import Program, Tensor
from einsumgrad.plan.memory import free_memory, too_large
from einsumgrad.reflect.ascii import spelling
from einsumgrad.steps.starts import shape_of, start
from einsumgrad.wrt import aliases

Array = npt.NDArray[Any]


def initial(
    program: Program, given: Mapping[str, Any], seed: int, dtype: str, memory: int | None = None
) -> dict[str, Array]:
    """The parameters, drawn by the seed. `given`: numbers for sizes by name, and arrays whose
    shapes give sizes. `memory`: the bytes they may take, None for what the machine has free.

    Raises EinError for a size that nothing gives, or if they are too large."""
    _check_dtype(dtype)
    sizes = _sizes(program, given)
    params = [tensor for tensor in program.tensors if tensor.kind == "param"]
    missing = [
        unknown_size(program, size) for t in params for size in axis_sizes(t) if size not in sizes
    ]
    if missing:
        raise EinError(*dict.fromkeys(missing))
    _check_memory(program, params, sizes, free_memory() if memory is None else memory)
    rng = np.random.default_rng(seed)
    started = {t.name: start(t, program, sizes, rng) for t in params}
    kinds = {t.name: "int64" if t.integer else dtype for t in params}
    return {name: array.astype(kinds[name], copy=False) for name, array in started.items()}


def _check_dtype(dtype: Any) -> None:
    """Anything but a floating dtype would round the numbers that are drawn."""
    try:
        floating = np.issubdtype(np.dtype(dtype), np.floating)
    except TypeError:
        floating = False
    if not floating:
        wanted = "a floating dtype, such as `float32`"
        raise EinError(BadArgument(name="dtype", value=repr(dtype), wanted=wanted))


def _sizes(program: Program, given: Mapping[str, Any]) -> dict[str, int]:
    """All sizes that the program, the numbers and the arrays give."""
    spelled, names = aliases(program), _size_names(program)
    numbers: dict[str, int] = {}
    arrays: dict[str, Any] = {}
    for key, value in given.items():
        if key in names and (key not in spelled or isinstance(value, int | float | np.generic)):
            numbers[names[key]] = _length(key, value)
        elif key in spelled:
            arrays[key] = value
        else:
            sizes = ", ".join(f"`{name}`" for name in dict.fromkeys(names.values()))
            raise EinError(ExtraArray(name=key, hint=f"the sizes are {sizes}"))
    taken = leaves(program).take(arrays, some=True)
    return sizes_given(program, numbers, {name: array.shape for name, array in taken.items()})


def _size_names(program: Program) -> dict[str, str]:
    """Every spelling of a size that a caller may use: `Ŷ`, `|head|`, `head`, in ASCII too."""
    indices = {i for t in program.tensors for i in t.axes if i is not None}
    sizes = list(dict.fromkeys(i.size for i in (*sorted(indices), *program.indices)))
    plain = spelling(program).sizes
    names = {plain[size]: size for size in sizes} | {size: size for size in sizes}
    return {name.strip("|"): size for name, size in names.items()} | names


def _length(name: str, value: Any) -> int:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < 0:
        raise EinError(BadLength(name=name, value=str(value)))
    return int(value)


def _check_memory(
    program: Program, params: list[Tensor], sizes: Mapping[str, int], limit: int
) -> None:
    """Nothing is drawn that does not fit."""
    needed = {t.name: 8 * math.prod(shape_of(t, sizes)) for t in params}
    if sum(needed.values()) > limit:
        tensor = max(needed, key=lambda name: needed[name])
        raise EinError(too_large(program, tensor, sum(needed.values()), limit))
