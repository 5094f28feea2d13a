"""Machine code kept on disk, so that a program's next process need not compile it again.

A file is named by a hash of all that the code depends on, and begins with a hash of the code: what
is not just as it was written is compiled anew. A disk that cannot be written only costs time."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from einsumgrad.record import record

MOST = 512
"""Files that are kept; then the oldest go."""


@record
class Store:
    """A folder of machine code."""

    folder: Path

    def path(self, parts: Sequence[str]) -> Path:
        return self.folder / f"{_digest(chr(0).join(parts).encode()).hex()[:40]}.o"

    def read(self, path: Path) -> bytes | None:
        """The code, None if it is not there or damaged."""
        try:
            found = path.read_bytes()
        except OSError:
            return None
        digest, code = found[:32], found[32:]
        return code if _digest(code) == digest else None

    def write(self, path: Path, code: bytes) -> None:
        """Puts the code there in one step, as other processes may do the same."""
        import tempfile

        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, name = tempfile.mkstemp(dir=self.folder)
            with os.fdopen(handle, "wb") as file:
                file.write(_digest(code) + code)
            Path(name).replace(path)
            self._pruned()

    def _pruned(self) -> None:
        files = sorted(self.folder.glob("*.o"), key=lambda p: p.stat().st_mtime)
        for old in files[:-MOST]:
            old.unlink(missing_ok=True)


def _digest(code: bytes) -> bytes:
    import hashlib

    return hashlib.sha256(code).digest()


def store() -> Store:
    """The user's own folder for what can be made again."""
    from platformdirs import user_cache_path

    return Store(user_cache_path("einsumgrad", appauthor=False) / "kernels")
