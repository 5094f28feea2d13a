"""Options of the tests, and the goldens they share.

`pytest --accept` rewrites golden files; a person reads the diff. `pytest --programs N` sets how
many random programs each property sees.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import Save, Shell

# The tests' arrays are tiny: a second thread of the matrix library only waits for the first.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

collect_ignore = ["bench"]
"""Benchmarks are no tests, and import frameworks that the tests need not."""

Golden = Callable[[Path, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--accept", action="store_true", help="rewrite golden files")
    parser.addoption("--programs", type=int, default=200, help="random programs for each property")


@pytest.fixture
def golden(pytestconfig: pytest.Config) -> Golden:
    """Compares a text with a golden file, or writes the file under `--accept`."""

    def compare(path: Path, found: str) -> None:
        if pytestconfig.getoption("--accept"):
            path.write_text(found, encoding="utf-8")
        assert path.exists(), f"no golden {path}; `pytest --accept` writes it"
        assert found == path.read_text(encoding="utf-8")

    return compare


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Calls the command line."""
    return Shell(monkeypatch, capsys)


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Writes arrays to a file."""
    import numpy as np

    def write(name: str = "data.npz", **arrays: Any) -> Path:
        np.savez(tmp_path / name, **arrays)
        return tmp_path / name

    return write
