"""How training shows where it is: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from einsumgrad.record import record

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from einsumgrad.train.training import Epoch, Running, Training

EVERY = 0.1
"""Seconds between two looks of the bar."""


class Quiet:
    """Prints lines only."""

    def line(self, text: str) -> None:
        click.echo(text)

    def step(self, running: Running) -> None:
        """A step was done: nothing to show."""


@record(frozen=False)
class Bar(Quiet):
    """A bar with loss and time left, lines above it."""

    progress: Progress
    task: TaskID
    steps: int
    drawn: float = 0.0

    def line(self, text: str) -> None:
        self.progress.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def step(self, running: Running) -> None:
        now = time.perf_counter()
        if now - self.drawn > EVERY:
            self.drawn = now
            done = (running.number - 1) * self.steps + running.steps
            self.progress.update(
                self.task, completed=done, epoch=running.number, loss=figure(running.loss)
            )


@contextmanager
def shown(run: Training) -> Iterator[Quiet]:
    """A bar if standard output is a terminal that can show one, else lines only."""
    if not sys.stdout.isatty():
        yield Quiet()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console()
    if console.is_dumb_terminal:
        yield Quiet()
        return
    epochs = run.options.epochs
    columns = (
        TextColumn(f"epoch {{task.fields[epoch]}}/{epochs}"), BarColumn(),
        TextColumn("loss {task.fields[loss]}"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=epochs * run.steps, epoch=1, loss="…")
        yield Bar(progress, task, run.steps)


def epoch_line(run: Training, epoch: Epoch) -> str:
    """`epoch  3/20   loss 2.0541   test loss 2.0478   accuracy 58.77 %   0.02 s`."""
    epochs = str(run.options.epochs)
    parts = [
        f"epoch {epoch.number:>{len(epochs)}}/{epochs}",
        f"loss {figure(epoch.loss)}",
        f"test loss {figure(epoch.test_loss)}" if epoch.test_loss is not None else "",
        f"accuracy {100 * epoch.accuracy:.2f} %" if epoch.accuracy is not None else "",
        f"{epoch.seconds:.2f} s",
    ]
    return "   ".join(part for part in parts if part)


def figure(value: float) -> str:
    """A number in five digits."""
    return f"{value:#.5g}"
