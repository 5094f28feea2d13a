"""Arrays from and to `.npz` files."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from einsumgrad.data_faults import BadArchive, Unwritable
from einsumgrad.diagnostics import EinError
from einsumgrad.plan.memory import free_memory, readable
from einsumgrad.syntax.faults import Unreadable

Array = npt.NDArray[Any]


def read_arrays(path: str, memory: int | None = None) -> dict[str, Array]:
    """The arrays of a `.npz` file by name. Raises EinError if it cannot be read, is no `.npz`,
    holds pickled objects, or would unpack to more bytes than `memory` (default: what is free)."""
    try:
        with zipfile.ZipFile(path) as archive:
            needed = sum(entry.file_size for entry in archive.infolist())
        limit = free_memory() if memory is None else memory
        if needed > limit:
            reason = f"it unpacks to {readable(needed)}; {readable(limit)} may be used"
            raise EinError(BadArchive(file=path, reason=reason))
        with np.load(path, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except OSError as error:
        why = error.strerror or str(error)
        raise EinError(Unreadable(file=path, reason=why)) from None
    except (ValueError, zipfile.BadZipFile, EOFError, KeyError, NotImplementedError) as error:
        pickled = isinstance(error, ValueError) and "pickle" in str(error)
        reason = "it holds Python objects, no numbers" if pickled else "it is no .npz file"
        raise EinError(BadArchive(file=path, reason=reason)) from None


def write_arrays(path: str, arrays: Mapping[str, Array]) -> None:
    """Writes a `.npz` file at exactly that path. Raises EinError if it cannot be written."""
    try:
        with Path(path).open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
    except OSError as error:
        why = error.strerror or str(error)
        raise EinError(Unwritable(file=path, reason=why)) from None
