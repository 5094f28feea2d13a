"""A first gradient in a fresh process, and what an installation takes on disk:
`python tests/bench/start.py`.

Each contestant imports what it needs, builds W2 and computes its gradients once; the time is that
of the whole process, by a clock outside it. `fused` is shown with machine code that it has kept
from an earlier run, and without."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
CONTESTANTS = {
    "numpy": ("ours", "numpy"), "fused": ("ours", "fused"), "torch": ("torch_peer", "eager"),
    "jax": ("jax_peer", "jit"),
}  # fmt: skip
SCRIPT = """
import sys, importlib
sys.path.insert(0, {here!r})
from works import WORKS
peer = importlib.import_module("peers." + {module!r})
peer.plain(peer.prepare(WORKS["W2"], WORKS["W2"].arrays("float32"), {mode!r})())
"""
PACKAGES = {
    "numpy": ("numpy", "opt_einsum", "lark", "click", "rich"),
    "fused": ("numpy", "opt_einsum", "lark", "click", "rich", "llvmlite",
              "platformdirs"),
    "torch": ("torch", "numpy"), "jax": ("jax", "jaxlib", "numpy", "scipy", "ml_dtypes"),
}  # fmt: skip
TIMES = 5


def seconds(name: str) -> float:
    """The time of one process."""
    module, mode = CONTESTANTS[name]
    script = SCRIPT.format(here=str(HERE), module=module, mode=mode)
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, env=kept())
    return time.perf_counter() - started


def kept() -> dict[str, str]:
    """The environment in which Python keeps the bytecode of this checkout, as an installer does of
    what it installs."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def without_kept_code() -> float:
    """The fused engine's first run ever."""
    from einsumgrad.steps.cache import store

    shutil.rmtree(store().folder, ignore_errors=True)
    return seconds("fused")


def mebibytes(packages: tuple[str, ...]) -> float:
    """What the files of some packages take."""
    total = 0
    for package in packages:
        for file in metadata.files(package) or ():
            path = Path(str(file.locate()))
            total += path.stat().st_size if path.exists() else 0
    return total / 2**20


def main() -> None:
    shown = Table(title="first gradient of W2 in a fresh process, s; installation, MiB")
    for column in ("contestant", "seconds", "MiB"):
        shown.add_column(column, justify="right" if column != "contestant" else "left")
    first = without_kept_code()
    for name in CONTESTANTS:
        found = [seconds(name) for _ in range(TIMES)]
        shown.add_row(
            name, f"{median(found):.2f} ({min(found):.2f})", f"{mebibytes(PACKAGES[name]):.0f}"
        )
    shown.add_row("fused, nothing kept", f"{first:.2f}", "")
    Console().print(shown)


if __name__ == "__main__":
    main()
