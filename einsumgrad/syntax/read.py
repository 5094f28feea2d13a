"""Reading a file, with its faults."""

from __future__ import annotations

from pathlib import Path

from einsumgrad.diagnostics import EinError
from einsumgrad.syntax.faults import Unreadable

MAX_BYTES = 64 * 2**20


def read_bytes(path: str) -> bytes:
    """The bytes of a file. Raises EinError if there is none, or if it is longer than 64 MiB."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise EinError(Unreadable(file=path, reason=why)) from None
    if len(data) > MAX_BYTES:
        raise EinError(Unreadable(file=path, reason="it is longer than 64 MiB"))
    return data
