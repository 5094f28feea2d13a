"""Faults that only follow from another one, left out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from einsumgrad.check.faults import (
    BareOperator,
    BoundUnused,
    NameClash,
    UnknownIndex,
    Unlisted,
    Unused,
    WouldSum,
)
from einsumgrad.diagnostics import Fault
from einsumgrad.syntax import tree as t
from einsumgrad.syntax.faults import UnknownFunction, UnknownWord

SLIPS = (UnknownFunction, UnknownWord, BareOperator, BoundUnused)
ECHOES = (WouldSum, Unlisted, Unused, UnknownIndex)


def without_echoes(file: t.File, faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """The faults, each once. A misspelt operator binds no index, so its statement seems to sum;
    an index that is taken for a scalar seems unused: those are no faults of their own."""
    starts = sorted(item.span.start for item in file.items)
    listed = tuple(dict.fromkeys(faults))
    slips = {bisect_right(starts, f.span.start) for f in listed if isinstance(f, SLIPS)}
    scalars = {fault.name for fault in listed if isinstance(fault, NameClash)}
    return tuple(
        fault
        for fault in listed
        if not (isinstance(fault, Unused) and fault.index in scalars)
        and (not isinstance(fault, ECHOES) or bisect_right(starts, fault.span.start) not in slips)
    )
