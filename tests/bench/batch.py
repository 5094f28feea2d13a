"""Examples a second against the size of the batch, for the perceptron W2:
`python tests/bench/batch.py [--png FILE]`.

One example at a time, Python's slowness is what one sees; the larger the batch, the more of the
time is spent in vector operations, until they are all of it. That is why there are minibatches."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent))
from run import Worker

NAMES = ("fused", "numpy", "torch", "jax")
BATCHES = (1, 4, 16, 64, 256, 1024, 4096)
Rates = dict[str, dict[int, float]]


def measured(seconds: float) -> Rates:
    """Examples a second by contestant and batch, by the median step of each."""
    rates: Rates = {name: {} for name in NAMES}
    with tempfile.TemporaryDirectory() as folder:
        workers = {name: Worker(name, "float32", Path(folder)) for name in NAMES}
        for batch in BATCHES:
            for name, worker in workers.items():
                if "error" in worker.ask("prepare", f"W2/{batch}"):
                    continue
                steps = sorted(worker.ask("time", str(seconds))["steps"][1:])
                rates[name][batch] = batch / steps[len(steps) // 2]
        for worker in workers.values():
            worker.process.kill()
    return rates


def table(rates: Rates) -> Table:
    shown = Table(title="W2: thousands of examples a second, by batch size")
    shown.add_column("batch", justify="right")
    for name in NAMES:
        shown.add_column(name, justify="right")
    for batch in BATCHES:
        cells = (rates[name].get(batch) for name in NAMES)
        shown.add_row(str(batch), *("-" if r is None else f"{r / 1e3:.3g}" for r in cells))
    return shown


def plotted(rates: Rates, path: str) -> None:
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4))
    for name in NAMES:
        axes.loglog(list(rates[name]), list(rates[name].values()), "o-", label=name)
    axes.set_xlabel("batch size B")
    axes.set_ylabel("examples a second, value and gradients")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--png", metavar="FILE")
    parser.add_argument("--seconds", type=float, default=0.5)
    options = parser.parse_args()
    rates = measured(options.seconds)
    Console().print(table(rates))
    if options.png:
        plotted(rates, options.png)


if __name__ == "__main__":
    main()
