"""What a statement costs where arrays are small: `python tests/bench/statements.py`.

Chains of 10 and of 1000 statements on arrays of a few entries; the difference of their times, by
the statements that one has more. NumPy's own call is in it."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent))
import einsumgrad

CHAINS = {
    "a sum": ("h{k}[b] = h{j}[b] + x[b]", {"x": (4,)}),
    "a product": ("h{k}[b] = h{j}[b] x[b]", {"x": (4,)}),
    "tanh": ("h{k}[b] = tanh(h{j}[b])", {"x": (4,)}),
    "a product of matrices": ("h{k}[b,{o}] = Σ_{i} W[{o},{i}] h{j}[b,{i}]", {"x": (2, 4)}),
}
SHORT, LONG, TIMES = 10, 1000, 100


def seconds(statement: str, count: int, arrays: dict[str, np.ndarray]) -> float:
    """The median of a call."""
    lines = []
    for k in range(1, count + 1):
        named = {"k": k, "j": k - 1, "o": "ij"[k % 2], "i": "ji"[k % 2]}
        lines.append(statement.format(**named).replace("h0[", "x["))
    program = einsumgrad.parse("\n".join(lines), engine="numpy")
    found = []
    for _ in range(TIMES):
        started = time.perf_counter()
        program.run(**arrays)
        found.append(time.perf_counter() - started)
    return median(found)


def main() -> None:
    shown = Table(title="engine numpy, µs a statement")
    shown.add_column("statement")
    shown.add_column("µs", justify="right")
    for name, (statement, shapes) in CHAINS.items():
        arrays = {n: np.full(shape, 0.5, np.float32) for n, shape in shapes.items()}
        if "W" in statement:
            arrays["W"] = np.full((4, 4), 0.25, np.float32)
        short, long = (seconds(statement, count, arrays) for count in (SHORT, LONG))
        shown.add_row(name, f"{(long - short) / (LONG - SHORT) * 1e6:.2f}")
    Console(width=200).print(shown)


if __name__ == "__main__":
    main()
