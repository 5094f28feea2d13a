"""No plan runs that needs more memory than it may use."""

from __future__ import annotations

import os
from pathlib import Path

from einsumgrad.check.spans import place_of
from einsumgrad.diagnostics import EinError
from einsumgrad.ir import nodes as ir
from einsumgrad.plan.faults import TooLarge
from einsumgrad.plan.nodes import Plan

FALLBACK = 2**30
UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def check_memory(program: ir.Program, plan: Plan, limit: int) -> None:
    """Raises EinError, before anything is allocated, if the plan of a program needs more bytes than
    the limit; it names the tensor that needs the most."""
    if plan.peak_bytes > limit:
        raise EinError(too_large(program, plan.largest[0], plan.peak_bytes, limit))


def too_large(program: ir.Program, tensor: str, needed: int, limit: int) -> TooLarge:
    """The fault of so many bytes, most of them for one tensor."""
    span = place_of(program, tensor)
    return TooLarge(span=span, tensor=tensor, needed=readable(needed), limit=readable(limit))


def readable(count: int) -> str:
    """A number of bytes in the unit that suits it.

    >>> readable(512), readable(3 * 2**30)
    ('512 bytes', '3.0 GiB')
    """
    value, place = float(count), 0
    while value >= 1024 and place + 1 < len(UNITS):
        value, place = value / 1024, place + 1
    return f"{value:.1f} {UNITS[place]}" if place else f"{count} bytes"


def free_memory() -> int:
    """The bytes that the machine has free: Linux's MemAvailable, else free pages, else 1 GiB."""
    try:
        for line in Path("/proc/meminfo").read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return FALLBACK
