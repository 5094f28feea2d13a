"""What a mask keeps, and values added where a window lies."""

from __future__ import annotations

import math
from collections.abc import Mapping

from einsumgrad.emit.places import Place
from einsumgrad.emit.slices import spots
from einsumgrad.emit.table import UFUNCS
from einsumgrad.emit.writer import Writer
from einsumgrad.plan.nodes import Map, OverlapAdd
from einsumgrad.plan.operands import Constant, Operand
from einsumgrad.record import replace

WHOLE = {"float32": "int32", "float64": "int64"}
"""Whole numbers of as many bits."""


def kept(writer: Writer, made: Map, places: Mapping[int, Place], out: Place) -> bool:
    """Writes what a mask keeps, 0 elsewhere, bit by bit: `copyto(…, where=…)` takes five times as
    long where the mask changes often. False if it is something else."""
    whole = WHOLE.get(out.dtype)
    match made:
        case Map("select", (Operand() as mask, Operand() as value, Constant(0.0) as other)):
            found = [places[a.register].spread(a.layout, made.rank) for a in (mask, value)]
        case _:
            return False
    if [one.dtype for one in found] != ["bool", out.dtype] or math.copysign(1, other.value) < 0:
        return False
    if whole is None or any(one.base.startswith("i") for one in found):
        return False
    bits = writer.name(replace(out, dtype=whole))
    writer.line(f"negative({writer.name(replace(found[0], dtype='int8'))}, {bits})")
    value_bits = writer.name(replace(found[1], dtype=whole))
    writer.line(f"bitwise_and({bits}, {value_bits}, {bits})")
    return True


def added(writer: Writer, made: OverlapAdd, places: Mapping[int, Place], out: Place) -> bool:
    """Writes an addition in place; False if an entry may be met twice."""
    value = places[made.value.register].spread(made.value.layout, made.rank)
    found = spots(made, out, value)
    if found is None:
        return False
    if found[0] == found[1]:  # it was made there, and so were all others
        return True
    if places[made.into] != out:
        writer.line(f"copyto({writer.name(out)}, {writer.name(places[made.into])})")
    if 0 in found[0].shape:
        return True
    target, part = (writer.name(one) for one in found)
    writer.line(f"{UFUNCS[made.function]}({target}, {part}, out={target})")
    return True
