"""Plan → Script: source, and what it is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from einsumgrad.emit.homes import homes
from einsumgrad.emit.lines import Lines
from einsumgrad.emit.places import Place
from einsumgrad.emit.writer import Writer
from einsumgrad.plan.nodes import Load, Plan
from einsumgrad.tune.orders import orders


@dataclass(frozen=True, slots=True)
class Script:
    """The source of `make`, which takes the views of one block of `bytes` and gives the function
    of a step; that takes the leaves' arrays in the order of `leaves`."""

    source: str
    leaves: tuple[tuple[str, str], ...]
    views: Mapping[str, Place]
    constants: Mapping[str, Any]
    bytes: int
    results: tuple[str, ...]


def script(plan: Plan) -> Script:
    """The source of a plan."""
    writer = Writer()
    lines = Lines(plan, homes(plan, orders(plan)), writer, {})
    lines.steps(plan.steps)
    loads = {
        s.register: s.instruction.tensor for s in plan.steps if isinstance(s.instruction, Load)
    }
    leaves = tuple((tensor, plan.registers[r].dtype) for r, tensor in loads.items())
    returned = ", ".join(_results(lines, plan))
    writer.line(f"return [{returned}]")
    arguments = ", ".join(f"a{register}" for register in loads)
    views = {name: place for place, name in writer.statics.items()}
    head = [f"def make({', '.join(views)}):", f"    def step({arguments}):"]
    source = "\n".join([*head, *writer.first, *writer.lines, "    return step", ""])
    names = tuple(name for name, _ in plan.results)
    return Script(source, leaves, views, dict(writer.constants), lines.homes.bytes, names)


def _results(lines: Lines, plan: Plan) -> list[str]:
    """The arrays that are returned: each one its own, none that of an argument."""
    found: list[str] = []
    taken: set[str] = set()
    for _, register in plan.results:
        place = lines.places[register]
        shown = lines.writer.name(place)
        own = place.base.startswith("o") and place.nbytes == lines.writer.wholes[place.base].nbytes
        if place.base in taken or not own or 0 in place.strides:
            shown = f"array({shown})"
        taken.add(place.base)
        found.append(shown)
    return found
