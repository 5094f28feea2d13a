"""Bytes that an instruction needs beside its arguments and its result, while it runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import assert_never

import numpy as np

from einsumgrad.plan.nodes import (
    Arrange,
    Buffer,
    Cast,
    Count,
    Done,
    Fill,
    Fold,
    Gather,
    Guard,
    Instruction,
    Kernel,
    Load,
    Loop,
    Map,
    Once,
    OverlapAdd,
    Pad,
    Pair,
    Room,
    Scatter,
    Store,
    Strips,
    Variable,
    Window,
)
from einsumgrad.plan.operands import At, Operand, Register, lengths

MAPS = {"sigmoid": 1, "silu": 1, "erf": 1, "softplus": 2, "leaky_relu": 2, "gelu": 3}
"""How many arrays like its result a function makes on the way, where it makes any."""
FOLDS = {"softmax": 1, "log_softmax": 1, "logsumexp": 2, "argmax": 1, "argmin": 1}
"""How many arrays like its operand a reduction makes on the way."""
PIECE = 2**20
"""Entries of its space that a guard looks at in one piece."""
POSITION = 8
"""Bytes of a position."""


def bytes_of(register: Register) -> int:
    return register.size * np.dtype(register.dtype).itemsize


def scratch(made: Instruction, own: Register, registers: Sequence[Register]) -> int:
    """An upper bound, up to what NumPy and BLAS keep for themselves."""
    match made:
        case Map(function):
            return MAPS.get(function, 0) * bytes_of(own)
        case Fold(function, operand):
            arrays = FOLDS.get(function, 0) + (made.mask is not None)
            return arrays * bytes_of(registers[operand.register])
        case Pair():
            return _copied(made, registers)
        case Gather():
            return POSITION * _positions(made.at, registers)
        case Scatter():
            rows = 3 * bytes_of(registers[made.value.register])
            return rows + 4 * POSITION * _positions(made.at, registers)
        case Guard():
            return 2 * min(math.prod(own.space), PIECE) * np.dtype(own.dtype).itemsize
        case OverlapAdd():
            return bytes_of(own) if any(map(any, made.widths)) else 0
        case Loop(_, _, _, body):
            inner = (scratch(s.instruction, registers[s.register], registers) for s in body)
            return max(inner, default=0)
        case Variable() | Buffer() | Store() | Done() | Once() | Room() | Strips() | Kernel():
            return 0
        case Load() | Fill() | Count() | Cast() | Arrange() | Pad() | Window():
            return 0
        case _:
            assert_never(made)


def _positions(at: tuple[At, ...], registers: Sequence[Register]) -> int:
    """Over how many places of the space a tensor is read or written at index arrays."""
    places = (p.place for p in at if isinstance(p.place, Operand) and p.place.register >= 0)
    return math.prod(lengths(places, registers).values())


def _copied(made: Pair, registers: Sequence[Register]) -> int:
    """What has to be copied to be a matrix; BLAS takes a transposed one as it is."""
    both, rows, columns, summed = made.parts
    first = (made.left, (*both, *rows, *summed))
    second = (made.right, (*both, *summed, *columns))
    return sum(
        bytes_of(registers[operand.register])
        for operand, order in (first, second)
        if len(order) > 2 and operand.layout != order
    )
