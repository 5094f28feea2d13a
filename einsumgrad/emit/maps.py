"""Elementwise functions as lines of the source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import inf

from einsumgrad.emit.places import Place
from einsumgrad.emit.put import kept
from einsumgrad.emit.table import BY_NAME, LINES, UFUNCS
from einsumgrad.emit.writer import FLOATS, Writer, number
from einsumgrad.engines.functions import FUNCTIONS
from einsumgrad.plan.nodes import Map
from einsumgrad.plan.operands import Arg, Constant, Operand

Places = Mapping[int, Place]
NUMBERS = {"zero": 0.0, "one": 1.0}
BOUNDS = {"max": "low", "relu": "low", "min": "high"}
"""Functions that are a bound, if one argument is a number."""
LARGE = 2**14
"""Bytes from which on `clip`, which takes 4 µs more to begin, is faster: `maximum` compares with a
number five times as slowly as with an array (NumPy 2.4, AVX2)."""


def mapped(writer: Writer, made: Map, places: Places, place: Place) -> None:
    """Writes a function over its space into a place."""
    if kept(writer, made, places, place):
        return
    out, dtype = writer.name(place), _common(made, places)
    args = [_argument(writer, arg, made.rank, places, dtype) for arg in made.args]
    if made.function in BOUNDS and place.nbytes >= LARGE and _bounded(made, dtype):
        bounds = {"low": writer.number(-inf, dtype), "high": writer.number(inf, dtype)}
        array, *number = args if isinstance(made.args[0], Operand) else reversed(args)
        side = BOUNDS[made.function]
        bounds[side] = number[0] if number else writer.number(0.0, dtype)
        writer.line(f"clip({array}, {bounds['low']}, {bounds['high']}, {out})")
    elif made.function in UFUNCS:
        name = UFUNCS[made.function]
        into = f"out={out}" if name in BY_NAME else out
        writer.line(f"{name}({', '.join((*args, into))})")
    elif made.function in LINES:
        _several(writer, made, args, out, dtype)
    else:
        function = writer.constant("f", FUNCTIONS[made.function])
        writer.line(f"copyto({out}, {function}({', '.join(args)}), 'unsafe')")


def _several(writer: Writer, made: Map, args: list[str], out: str, dtype: str | None) -> None:
    """The lines of a function that is none of NumPy's."""
    names = {"o": out, **dict(zip("abc", args, strict=False))}

    def filled(found: re.Match[str]) -> str:
        word = found.group()
        return names[word] if word in names else writer.number(NUMBERS[word], dtype)

    for text in LINES[made.function]:
        line = re.sub(r"\b([oabc]|zero|one)\b", filled, text)
        if line == f"copyto({out}, {out})":
            continue
        if text == "copyto(o, c)" and isinstance(made.args[2], Constant):
            line = f"{out}.fill({number(made.args[2].value)})"
        writer.line(line)


def _bounded(made: Map, dtype: str | None) -> bool:
    return dtype in FLOATS and sum(isinstance(arg, Operand) for arg in made.args) == 1


def _common(made: Map, places: Places) -> str | None:
    """The dtype of all arguments that are arrays, but conditions; None if they differ."""
    of = [places[arg.register].dtype for arg in made.args if isinstance(arg, Operand)]
    found = {dtype for dtype in of if dtype != "bool"}
    return found.pop() if len(found) == 1 else None


def _argument(writer: Writer, arg: Arg, rank: int, places: Places, dtype: str | None) -> str:
    if isinstance(arg, Constant):
        return writer.number(arg.value, dtype)
    place = places[arg.register]
    if place.base.startswith("i"):  # a loop's variable, a number
        return place.base
    return writer.seen(place.spread(arg.layout, rank))
