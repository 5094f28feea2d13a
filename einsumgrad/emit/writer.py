"""The source as it is written: lines, names of views, constants that it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import TYPE_CHECKING, Any

import numpy as np

from einsumgrad.emit.places import Place, laid
from einsumgrad.fused.registers import AVX2, Registers
from einsumgrad.record import record, replace

ARENA = "s"
FLOATS = {"float32": "c", "float64": "d"}
"""How the names of numbers of a dtype begin."""
USUAL = (*FLOATS, "int64", "bool")
"""Dtypes that the source has names for."""
GIVEN = "ak"
"""Variables that are set when the source begins: arguments, constants."""

if TYPE_CHECKING:
    from einsumgrad.fused.entry import Written


@record(frozen=False)
class Writer:
    """`first`: lines that come before all others. `statics`: views of the block, by the names of
    variables. `constants`: other values that the source is given. `kernels`:
    compiled functions that it is given, and `setup` the lines that make their tables of pointers,
    and views of constants; `held`: the tables and the views of which they have the addresses.
    `registers`: what kernels are made for, and `cores` how many share a product. `wholes`: what
    each variable that holds an array is. `scopes`: the views that have names by now, in each loop
    that is open. `waiting`: the numbers of kernels whose calls are not written yet. `bytes`: of the
    block, and `room` those behind it that one call at a time may work in."""

    lines: list[str] = field(default_factory=list)
    first: list[str] = field(default_factory=list)
    statics: dict[Place, str] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)
    kernels: dict[str, Written] = field(default_factory=dict)
    setup: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    wholes: dict[str, Place] = field(default_factory=dict)
    scopes: list[dict[Place, str]] = field(default_factory=lambda: [{}])
    waiting: list[int] = field(default_factory=list)
    registers: Registers = AVX2
    cores: int = 1
    bytes: int = 0
    room: int = 0
    depth: int = 2
    count: int = 0

    def line(self, text: str, *, before: bool = False) -> None:
        """`before`: it may come before calls of kernels that wait."""
        if not before:
            self.flush()
        self.lines.append("    " * self.depth + text)

    def flush(self) -> None:
        """Calls the kernels that wait, several by one call."""
        waiting, self.waiting = self.waiting, []
        if len(waiting) == 1:
            self.line(f"n{waiting[0]}(p{waiting[0]})")
        elif waiting:
            first = waiting[0]
            calls = ", ".join(f"n{k}, p{k}" for k in waiting)
            self.setup += [f"q{first} = chain({calls})", f"z{first} = address(q{first})"]
            self.held.append(f"q{first}")
            self.line(f"chained(z{first})")

    def whole(self, name: str, place: Place) -> None:
        """Notes that a variable holds just this array."""
        self.wholes[name] = place
        for scope in self.scopes:  # views of what the name was before are gone
            for known in [p for p in scope if p.base == name]:
                del scope[known]

    def constant(self, stem: str, value: Any) -> str:
        name = f"{stem}{len(self.constants)}"
        self.constants[name] = value
        return name

    def number(self, value: float, dtype: str | None) -> str:
        """A number beside arrays of a dtype: an array of it, as NumPy takes a microsecond to see
        what dtype a number of Python should have."""
        if dtype not in FLOATS:
            return number(value)
        digits = number(value).translate({ord("."): "_", ord("-"): "m", ord("+"): None})
        name = f"{FLOATS[dtype]}{digits}"
        with np.errstate(over="ignore"):  # a number may be too large for a float32
            self.constants.setdefault(name, np.array(value, dtype))
        return name

    def name(self, place: Place) -> str:
        """An expression for a place: a variable, made here if there is none."""
        if place.base == ARENA:
            return self.statics.setdefault(place, f"v{len(self.statics)}")
        if self.wholes.get(place.base) == place:
            return place.base
        return self.known(place) or self._shown(place)

    def seen(self, place: Place) -> str:
        """An expression for an array that only has to broadcast to a place's shape."""
        while place.shape[:1] == (1,) and self.wholes.get(place.base) != place:
            place = replace(place, shape=place.shape[1:], strides=place.strides[1:])
        return self.name(place)

    def behind(self, count: int) -> Place:
        """So many bytes behind the block, which ends where a line of the cache does."""
        self.room = max(self.room, count)
        return plain(ARENA, (count,), "bool", self.bytes)

    def copy(self, name: str, place: Place) -> None:
        """A copy without gaps, into memory that is kept from call to call."""
        self.setup.append(f"{name} = empty({place.shape}, {named(place.dtype)})")
        self.line(f"copyto({name}, {self.name(place)})")

    def known(self, place: Place) -> str | None:
        """The variable for a view that an open loop, or what is around it, has made."""
        return next((scope[place] for scope in self.scopes if place in scope), None)

    def _shown(self, place: Place) -> str:
        """A variable for a view: of what is there all the time, before all else."""
        self.count += 1
        name, given = f"u{self.count}", place.base[0] in GIVEN
        text = f"{name} = {self._seen(place)}"
        if place.base.startswith("k"):
            self.setup.append(text)
        elif given:
            self.first.append("    " * 2 + text)
        else:
            self.line(text)
        self.scopes[0 if given else -1][place] = name
        return name

    def _seen(self, place: Place) -> str:
        """A view of the array that a variable holds."""
        whole = self.wholes[place.base]
        order = _turned(whole, place)
        if order is not None:
            return f"{place.base}.transpose({', '.join(map(str, order))})"
        widened = _widened(whole, place)
        if widened is not None:
            return f"{place.base}[{widened}]"
        offset = place.offset - whole.offset
        where = self.constant("at", (place.shape, place.dtype, place.strides))
        return f"seen({place.base}, {where}, {offset})"

    def block(self, header: str, body: Callable[[], None]) -> None:
        """A loop or a branch."""
        self.line(header)
        self.depth += 1
        self.scopes.append({})
        start = len(self.lines)
        body()
        self.flush()
        if len(self.lines) == start:
            self.line("pass")
        self.scopes.pop()
        self.depth -= 1


def _turned(whole: Place, place: Place) -> tuple[int, ...] | None:
    """How the axes of an array are turned to be seen so, if that is all."""
    if (place.offset, place.dtype, len(place.shape)) != (
        whole.offset, whole.dtype, len(whole.shape)
    ):  # fmt: skip
        return None
    left = list(range(len(whole.shape)))
    order = []
    for n, stride in zip(place.shape, place.strides, strict=True):
        found = next((k for k in left if (whole.shape[k], whole.strides[k]) == (n, stride)), None)
        if found is None:
            return None
        left.remove(found)
        order.append(found)
    return tuple(order)


def _widened(whole: Place, place: Place) -> str | None:
    """Where an array has more axes of length 1, if that is all."""
    if (place.offset, place.dtype) != (whole.offset, whole.dtype):
        return None
    left, marks = list(zip(whole.shape, whole.strides, strict=True)), []
    for pair in zip(place.shape, place.strides, strict=True):
        same = left[:1] == [pair]
        if same:
            left.pop(0)
        elif pair[0] != 1:
            return None
        marks.append(":" if same else "None")
    return None if left else ", ".join(marks)


def plain(name: str, shape: tuple[int, ...], dtype: str, offset: int = 0) -> Place:
    """An array of its own, laid out plainly."""
    return laid(name, offset, shape, None, dtype)


def number(value: float) -> str:
    """A number as the source says it."""
    if value == np.inf:
        return "inf"
    if value == -np.inf:
        return "-inf"
    if np.isnan(value):
        return "nan"
    return repr(float(value))


def named(dtype: str) -> str:
    """A dtype as the source says it: those that are usual have names."""
    return dtype if dtype in USUAL else repr(dtype)
