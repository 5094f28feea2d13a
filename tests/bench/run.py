"""The benchmark: `python tests/bench/run.py [--quick] [--works W1,W2] [--dtype float64]`.

Every contestant runs in a process of its own. Gradients are compared first; then the contestants
take turns, round after round, so that what disturbs the machine disturbs all of them. What is
shown are medians over all steps, minima, ratios to the best peer, and the memory of a first step.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent))
from works import WORKS

CONTESTANTS = {
    "fused": ("ours", "fused"), "numpy": ("ours", "numpy"), "torch": ("torch_peer", "eager"),
    "compile": ("torch_peer", "compile"), "jax": ("jax_peer", "jit"),
    "autograd": ("autograd_peer", "tape"), "limit": ("limit_peer", "roofline"),
    "calls": ("limit_peer", "calls"),
}  # fmt: skip
OURS = ("fused", "numpy")
LIMITS = {"fused": "limit", "numpy": "calls"}
"""What ours cannot beat: see `peers/limit_peer.py`."""
BEST = ("torch", "compile", "jax")
"""Peers that a ratio may be to."""
TOLERANCE = {"float32": 2e-3, "float64": 1e-9}


@dataclass
class Found:
    """What was measured of a contestant on a work; times in seconds."""

    steps: list[float] = field(default_factory=list)
    first: float = math.nan
    peak: float = math.nan
    error: str = ""

    @property
    def median(self) -> float:
        return median(self.steps) if self.steps else math.nan


class Worker:
    """A contestant's process."""

    def __init__(self, name: str, dtype: str, folder: Path) -> None:
        own = folder / name
        own.mkdir()
        command = [sys.executable, str(Path(__file__).parent / "worker.py"), *CONTESTANTS[name]]
        self.process = subprocess.Popen(
            [*command, dtype, str(own)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=(own / "errors").open("w"), text=True,
        )  # fmt: skip

    def ask(self, command: str, argument: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(f"{command} {argument}\n")
            self.process.stdin.flush()
            found: dict[str, Any] = json.loads(self.process.stdout.readline())
        except (BrokenPipeError, ValueError) as error:
            return {"error": f"the process ended: {error}"}
        return found


def measured(options: argparse.Namespace) -> Iterator[tuple[str, dict[str, Found]]]:
    with tempfile.TemporaryDirectory() as folder:
        workers = {n: Worker(n, options.dtype, Path(folder)) for n in options.contestants}
        for work in options.works:
            yield work, contest(work, workers, options)
        for worker in workers.values():
            worker.process.kill()


def contest(work: str, workers: dict[str, Worker], options: argparse.Namespace) -> dict[str, Found]:
    """All contestants on one work."""
    found = {name: Found() for name in workers}
    paths: dict[str, str | None] = {}
    for name, worker in workers.items():
        answer = worker.ask("prepare", work)
        if "error" in answer:
            found[name].error = answer["error"]
            continue
        found[name].first, found[name].peak = answer["first"], answer["peak"]
        paths[name] = answer["path"]
    compare(work, {n: p for n, p in paths.items() if p}, TOLERANCE[options.dtype])
    for turn in range(options.rounds):
        names = list(paths)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            answer = workers[name].ask("time", str(options.seconds))
            found[name].steps += answer["steps"][1 if turn == 0 else 0 :]
    return found


def compare(work: str, paths: dict[str, str], tolerance: float) -> None:
    """Every contestant's value and gradients against the first one's."""
    (first, path), *others = paths.items()
    with np.load(path) as reference:
        for name, other in others:
            with np.load(other) as found:
                for key in reference.files:
                    scale = float(np.max(np.abs(reference[key])))
                    off = float(np.max(np.abs(reference[key] - found[key])))
                    if not off <= tolerance * scale:
                        raise SystemExit(f"{work}: {name} and {first} differ in {key} by {off}")


def ratio(found: dict[str, Found], name: str) -> float:
    """How long it takes, as a multiple of the best peer's time."""
    peers = [found[p].median for p in BEST if p in found and found[p].steps]
    return found[name].median / min(peers) if name in found and peers else math.nan


def mean(ratios: list[float]) -> float:
    """The geometric mean of those that there are."""
    known = [r for r in ratios if not math.isnan(r)]
    return math.exp(sum(map(math.log, known)) / len(known)) if known else math.nan


def table(results: dict[str, dict[str, Found]], names: list[str]) -> Table:
    """Medians in ms, ratios of ours to the best peer."""
    shown = Table(title="value and all parameters' gradients, median ms (least)")
    shown.add_column("work")
    for name in names:
        shown.add_column(name, justify="right")
    shares = [n for name in OURS for n in (name, LIMITS[name]) if n in names]
    for name in shares:
        shown.add_column(f"{name} / best", justify="right")
    for work, found in results.items():
        cells = [cell(found[name]) for name in names]
        ratios = [f"{ratio(found, name):.2f}" for name in shares]
        shown.add_row(f"{work} {WORKS[work].about}", *cells, *ratios)
    means = [f"{mean([ratio(f, name) for f in results.values()]):.2f}" for name in shares]
    shown.add_row("geometric mean", *("" for _ in names), *means)
    return shown


def cell(found: Found) -> str:
    if not found.steps:
        return "-"
    return f"{found.median * 1e3:.3g} ({min(found.steps) * 1e3:.3g})"


def memory(results: dict[str, dict[str, Found]], names: list[str]) -> Table:
    shown = Table(title="memory of a first step, MiB; its time, s")
    shown.add_column("work")
    for name in names:
        shown.add_column(name, justify="right")
    for work, found in results.items():
        shown.add_row(work, *(f"{found[n].peak / 2**20:.0f}; {found[n].first:.2f}" for n in names))
    return shown


def plotted(results: dict[str, dict[str, Found]], names: list[str], path: str) -> None:
    """Bars of the times as multiples of the best peer's."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(10, 4))
    width = 0.8 / len(names)
    for k, name in enumerate(names):
        heights = [ratio(found, name) for found in results.values()]
        places = [place + (k - len(names) / 2) * width for place in range(len(results))]
        if name in LIMITS.values():
            axes.plot(places, heights, "_", color="black", markersize=9, label=name)
        else:
            axes.bar(places, heights, width, label=name)
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set_yscale("log")
    axes.set_xticks(range(len(results)), list(results))
    axes.set_ylabel("time / best of torch, compile, jax")
    axes.legend(ncols=len(names), loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--works", default=",".join(WORKS))
    parser.add_argument("--contestants", default=",".join(CONTESTANTS))
    parser.add_argument("--png", metavar="FILE", help="draw the ratios")
    parser.add_argument("--dtype", default="float32", choices=TOLERANCE)
    options = parser.parse_args()
    options.works = options.works.split(",")
    options.contestants = options.contestants.split(",")
    options.rounds, options.seconds = (3, 0.2) if options.quick else (7, 0.3)
    return options


def main() -> None:
    options = arguments()
    results: dict[str, dict[str, Found]] = {}
    console = Console(width=200)
    for work, found in measured(options):
        results[work] = found
        for name, one in found.items():
            console.print(f"{work} {name:10} {cell(one):>20} {one.error}", highlight=False)
    console.print(table(results, options.contestants))
    console.print(memory(results, options.contestants))
    if options.png:
        plotted(results, options.contestants, options.png)


if __name__ == "__main__":
    main()
