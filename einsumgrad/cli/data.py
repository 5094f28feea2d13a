"""Arrays from and to `.npz` files."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from einsumgrad.data_faults import BadArchive, GivenTwice, Unwritable
from einsumgrad.diagnostics import EinError
from einsumgrad.plan.memory import free_memory, readable
from einsumgrad.syntax.faults import Unreadable

Array = npt.NDArray[Any]
MORE = "allow more with `--memory`"


def read_arrays(path: str, memory: int | None = None) -> dict[str, Array]:
    """The arrays of a `.npz` file by name. Raises EinError if it cannot be read, is no `.npz`,
    holds pickled objects, or would unpack to more bytes than `memory` (default: what is free)."""
    try:
        with zipfile.ZipFile(path) as archive:
            needed = sum(entry.file_size for entry in archive.infolist())
        limit = free_memory() if memory is None else memory
        if needed > limit:
            reason = f"it unpacks to {readable(needed)}; {readable(limit)} may be used"
            raise EinError(BadArchive(file=path, reason=reason, hint=MORE))
        with np.load(path, allow_pickle=False) as found:
            return {name: _array(path, found[name]) for name in found.files}
    except OSError as error:
        why = error.strerror or str(error)
        raise EinError(Unreadable(file=path, reason=why)) from None
    except EinError:
        raise
    except MemoryError:
        raise EinError(
            BadArchive(file=path, reason="it does not fit into memory", hint="")
        ) from None
    except Exception as error:  # zipfile and NumPy raise a dozen kinds for files that are damaged
        pickled = isinstance(error, ValueError) and "pickle" in str(error)
        reason = "it holds Python objects, no numbers" if pickled else "it is no .npz file"
        raise EinError(BadArchive(file=path, reason=reason)) from None


def _array(path: str, found: Any) -> Array:
    if not isinstance(found, np.ndarray):
        raise EinError(BadArchive(file=path, reason="it is no .npz file"))
    return found


def read_all(paths: Sequence[str], memory: int | None = None) -> dict[str, Array]:
    """The arrays of several files. Raises EinError too if two of them have one name."""
    found: dict[str, Array] = {}
    origin: dict[str, str] = {}
    for path in paths:
        for name, array in read_arrays(path, memory).items():
            if name in found:
                how = f"by {origin[name]} and by {path}"
                raise EinError(GivenTwice(name=name, how=how))
            found[name], origin[name] = array, path
    return found


def write_arrays(path: str, arrays: Mapping[str, Array]) -> None:
    """Writes a `.npz` file at exactly that path, whatever the arrays are called. Raises EinError if
    it cannot be written."""
    try:
        with Path(path).open("wb") as file, zipfile.ZipFile(file, "w") as archive:
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                    np.lib.format.write_array(entry, np.asarray(array), allow_pickle=False)
    except OSError as error:
        why = error.strerror or str(error)
        raise EinError(Unwritable(file=path, reason=why)) from None
