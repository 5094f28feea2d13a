"""Plan → Script: source, and what it is given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from einsumgrad.emit.homes import homes
from einsumgrad.emit.lines import Lines
from einsumgrad.emit.places import Place
from einsumgrad.emit.table import FOLDS, UFUNCS
from einsumgrad.emit.writer import Writer
from einsumgrad.fused.registers import AVX2, Registers
from einsumgrad.plan.nodes import (
    Arrange,
    Buffer,
    Count,
    Done,
    Fill,
    Gather,
    Kernel,
    Load,
    Loop,
    Pad,
    Pair,
    Plan,
    Room,
    Store,
    Strips,
    Variable,
    Window,
)
from einsumgrad.record import record, replace
from einsumgrad.tune.orders import flat, orders

if TYPE_CHECKING:
    from einsumgrad.fused.entry import Written

QUIET = (
    Arrange, Buffer, Count, Done, Fill, Gather, Kernel, Load, Loop, Pad, Pair, Room, Store,
    Variable, Window,
)  # fmt: skip
"""Instructions that are no functions over registers; NumPy calculates for them only if the source
says so."""
LOUD = re.compile(rf"\b({'|'.join({*UFUNCS.values(), *FOLDS.values(), 'matmul', 'vecdot'})})[.(]")


@record
class Script:
    """The source of `make`, which takes the views of one block of `bytes` and gives the function
    of a step; that takes the leaves' arrays in the order of `leaves`, and those that it fills if it
    is a strip's. `strips` and `kernels`: what the source calls beside NumPy's functions. `quiet`:
    NumPy has nothing to warn of, since it calculates nothing."""

    source: str
    leaves: tuple[tuple[str, str], ...]
    views: Mapping[str, Place]
    constants: Mapping[str, Any]
    bytes: int
    results: tuple[str, ...]
    strips: Mapping[str, Parts]
    kernels: Mapping[str, Written]
    quiet: bool


@record
class Parts:
    """The scripts of strips: for a part, and for what is left of the axis."""

    made: Strips
    part: Script
    rest: Script | None


def script(
    plan: Plan, *, reuse: bool = False, registers: Registers = AVX2, cores: int = 1
) -> Script:
    """The source of a plan. `reuse`: its results are in the block, not arrays of their own.
    `registers`: those of the processor that kernels are made for; `cores`: how many share a
    product."""
    return _script(plan, {}, None, registers, reuse=reuse, cores=cores)


def _script(
    plan: Plan,
    given: Mapping[int, Place],
    outs: Mapping[int, Place] | None,
    registers: Registers,
    *,
    reuse: bool = False,
    cores: int = 1,
) -> Script:
    found = homes(plan, orders(plan), {} if reuse and outs is None else outs)
    writer = Writer(registers=registers, cores=cores, bytes=found.bytes)
    lines = Lines(plan, found, writer, {}, given=given)
    for place in (outs or {}).values():
        writer.whole(place.base, place)
    lines.steps(plan.steps)
    loads = {
        s.register: s.instruction.tensor for s in plan.steps if isinstance(s.instruction, Load)
    }
    if outs is None:
        writer.line(f"return [{', '.join(_results(lines, plan, reuse=reuse))}]")
    else:
        _filled(lines, outs)
        writer.flush()
    arguments = [*(f"a{register}" for register in loads), *(p.base for p in (outs or {}).values())]
    if writer.kernels:  # the function keeps what kernels are given only the addresses of
        arguments.append(f"t=({', '.join(dict.fromkeys(writer.held))},)")
    views = {name: place for place, name in writer.statics.items()}
    head = [
        f"def make({', '.join(views)}):",
        *(f"    {line}" for line in writer.setup),
        f"    def step({', '.join(arguments)}):",
    ]
    body = [*writer.first, *writer.lines] or ["        pass"]
    source = "\n".join([*head, *body, "    return step", ""])
    return Script(
        source=source,
        leaves=tuple((tensor, plan.registers[r].dtype) for r, tensor in loads.items()),
        views=views, constants=dict(writer.constants), bytes=writer.bytes + writer.room,
        results=tuple(name for name, _ in plan.results),
        kernels=dict(writer.kernels),
        quiet=_quiet(plan, source),
        strips={name: _parts(registers, *strips) for name, strips in lines.strips.items()},
    )  # fmt: skip


def _quiet(plan: Plan, source: str) -> bool:
    """Whether all is moved, or done by loops of our own; some products and sums are left to
    NumPy."""
    every = (step.instruction for step, _ in flat(plan.steps))
    return all(isinstance(made, QUIET) for made in every) and not LOUD.search(source)


def _parts(
    registers: Registers, made: Strips, takes: Mapping[int, Place], rooms: tuple[Place, ...]
) -> Parts:
    """The scripts of strips, whose arrays are parts of these."""
    return Parts(
        made, _part(registers, made.plan, takes, rooms),
        None if made.rest is None else _part(registers, made.rest, takes, rooms),
    )  # fmt: skip


def _part(
    registers: Registers, plan: Plan, takes: Mapping[int, Place], rooms: tuple[Place, ...]
) -> Script:
    given = {r: _shown(place, plan.registers[r].shape, f"a{r}") for r, place in takes.items()}
    outs = {}
    for (_, register), room in zip(plan.results, rooms, strict=True):
        shape = plan.registers[register].shape
        outs[register] = _shown(room, shape, f"o{register}")
    return _script(plan, given, outs, registers)


def _shown(whole: Place, shape: tuple[int, ...], base: str) -> Place:
    """A part of an array, as an array that a variable holds."""
    return replace(whole, base=base, offset=0, shape=shape)


def _filled(lines: Lines, outs: Mapping[int, Place]) -> None:
    """Puts what is not there yet where the caller wants it."""
    for register, out in outs.items():
        place = lines.places[register]
        if place != out:
            lines.writer.line(f"copyto({lines.writer.name(out)}, {lines.writer.name(place)})")


def _results(lines: Lines, plan: Plan, *, reuse: bool) -> list[str]:
    """The arrays that are returned: each one its own, none that of an argument."""
    found: list[str] = []
    wholes = {name: place for name, place in lines.writer.wholes.items() if name.startswith("o")}
    own = {(p.base, p.offset, p.nbytes) for p in wholes.values()}
    if reuse:
        own |= {(p.base, p.offset, p.nbytes) for p in lines.homes.places.values()}
    for _, register in plan.results:
        place = lines.places[register]
        key = (place.base, place.offset, place.nbytes)
        shown = lines.writer.name(place)
        if key not in own or 0 in place.strides:
            shown = f"array({shown})"
        own.discard(key)
        found.append(shown)
    return found
