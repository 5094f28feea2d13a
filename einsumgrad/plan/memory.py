"""No plan runs that needs more memory than it may use."""

from __future__ import annotations

import os
from pathlib import Path

from einsumgrad.check.spans import place_of
from einsumgrad.data_faults import BadArgument
from einsumgrad.diagnostics import EinError
from einsumgrad.ir import nodes as ir
from einsumgrad.plan.faults import TooLarge
from einsumgrad.plan.nodes import Plan

FALLBACK = 2**30
FACTORS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
Memory = int | str | None
"""Bytes that may be used, as a number or as `2GB`; None for what is free."""
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


def bytes_of(text: str) -> int | None:
    """Bytes, with K, M, G or T and an optional B or iB; None if it is no amount.

    >>> bytes_of("500MB"), bytes_of("2 GiB"), bytes_of("much")
    (524288000, 2147483648, None)
    """
    word = text.strip().upper().removesuffix("IB").removesuffix("B")
    unit = word[-1:] if word[-1:] in FACTORS else ""
    try:
        found = int(float(word.removesuffix(unit)) * FACTORS.get(unit, 1))
    except (ValueError, OverflowError):
        return None
    return found if found >= 0 else None


def limit_of(memory: Memory) -> int | None:
    """The bytes that a caller allows, in figures or words. Raises EinError for what is neither."""
    if memory is None or (isinstance(memory, int) and memory >= 0):
        return memory
    found = bytes_of(memory) if isinstance(memory, str) else None
    if found is None:
        wanted = "a number of bytes, or a text such as '2GB'"
        raise EinError(BadArgument(name="memory", value=repr(memory), wanted=wanted))
    return found


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
