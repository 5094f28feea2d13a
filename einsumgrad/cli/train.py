"""`einsumgrad train`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from einsumgrad.cli.files import memory_option, read_program

if TYPE_CHECKING:
    from einsumgrad.train.training import Training

LINES = 40
"""So many update statements are printed."""
STOPPED = 130
"""The exit code after Ctrl-C, as shells have it."""


@click.command()
@click.argument("file", metavar="FILE")
@click.option(
    "--data", metavar="F.npz", multiple=True, required=True, help="Arrays by name; may be repeated."
)
@click.option("--test", metavar="F.npz", multiple=True, help="Held-out data, scored every epoch.")
@click.option(
    "--batch", type=click.IntRange(min=1), default=64, help="Examples a step; default: 64."
)
@click.option("--epochs", type=click.IntRange(min=0), default=20, help="Default: 20.")
@click.option(
    "--lr", type=float, metavar="η", help="The step size; default: the optimizer's own η."
)
@click.option(
    "--optimizer", metavar="NAME", default="sgd",
    help="sgd, momentum, adam, or a .ein file of update statements; default: sgd.",
)  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(min=0), default=0,
    help="For starts, the order of the data, noise; default: 0.",
)  # fmt: skip
@click.option("--init", metavar="F.npz", help="Parameters to start from, as `--save` writes them.")
@click.option("--save", metavar="F.npz", help="Save the parameters, after Ctrl-C too.")
@click.option(
    "--dtype", type=click.Choice(["float32", "float64"]),
    help="Compute in this; default: as the data is.",
)  # fmt: skip
@click.option(
    "--memory", callback=memory_option, metavar="BYTES",
    help="What a step may allocate: `500MB`, `2GB`; default: what is free.",
)  # fmt: skip
@click.pass_context
def command(
    ctx: click.Context, /, file: str, data: tuple[str, ...], test: tuple[str, ...],
    init: str | None, save: str | None, **options: Any,
) -> None:  # fmt: skip
    """Train a program's parameters on minibatches. `-` reads it from standard input.

    Arrays with the batch index are split into batches, in a new order every epoch; the last batch
    of an epoch holds what is left. Others are given whole. The loss of an epoch is the mean over
    its examples, each as it was when its turn came. With --test a classifier's accuracy is
    reported too: how often the argmax of the P in `log P[b, y[b]]` is y. Ctrl-C stops, reports and
    saves; the exit code is then 130.

    \b
    Example:
      einsumgrad train examples/mlp.ein --data examples/data/digits_train.npz \\
        --test examples/data/digits_test.npz --lr 8 --batch 32 --epochs 40

    An optimizer is update statements. θ is one entry of every parameter in turn, θ.grad its
    gradient, η the step size, t the number of the step; what is read before it is written is kept
    from step to step and starts at 0. A file may name parameters instead; others stay as they are.

    \b
      $ cat heavy_ball.ein
      const η = 0.1
      m = 0.9 m + θ.grad
      θ -= η m
      $ einsumgrad train model.ein --data train.npz --optimizer heavy_ball.ein
    """
    ir = read_program(file)
    from einsumgrad.api import Program
    from einsumgrad.cli.data import read_all, read_arrays, write_arrays
    from einsumgrad.train.training import Options, training

    settings = Options(**options)
    _check_folder(save)
    run = training(
        Program(ir), read_all(data, settings.memory),
        read_all(test, settings.memory) if test else None,
        read_arrays(init, settings.memory) if init else None, settings,
    )  # fmt: skip
    for line in _opening(file, run):
        click.echo(line)
    began = time.perf_counter()
    stopped = _trained(run)
    click.echo(f"{counted(run.point.step, 'step')} in {time.perf_counter() - began:.1f} s")
    if save is not None:
        write_arrays(save, run.params)
        click.echo(f"saved {save}")
    if stopped:
        ctx.exit(STOPPED)


def counted(count: int, what: str) -> str:
    """`1 step`, `1,438 steps`."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _check_folder(save: str | None) -> None:
    """Raises EinError before training if nothing could be saved after it."""
    from einsumgrad.data_faults import Unwritable
    from einsumgrad.diagnostics import EinError

    if save is not None and Path(save).is_dir():
        raise EinError(Unwritable(file=save, reason="it is a folder"))
    if save is not None and not Path(save).parent.is_dir():
        raise EinError(Unwritable(file=save, reason="there is no such folder"))


def _opening(file: str, run: Training) -> Iterator[str]:
    """What is trained, on what, and the update statements of a step."""
    count = sum(array.size for array in run.params.values())
    tested = f", {run.test.count:,} to test" if run.test else ""
    yield f"{file}: {counted(count, 'parameter')} in {', '.join(run.params)}"
    seen = counted(run.data.count, "example") + tested
    yield f"{seen}, {counted(run.steps, 'step')} an epoch; each step:"
    lines = run.update.lines
    yield from (f"  {line}" for line in lines[:LINES])
    if len(lines) > LINES:
        yield f"  … and {len(lines) - LINES} more"
    scalars = [f"{name} = {a:g}" for name, a in run.given.items() if a.ndim == 0]
    yield from [f"  with {', '.join(scalars)}"] if scalars else []


def _trained(run: Training) -> bool:
    """Trains, with a line for each epoch. Whether Ctrl-C stopped it: what is learned is kept."""
    from einsumgrad.cli.progress import epoch_line, shown

    told = 0
    try:
        with shown(run) as show:
            for epoch in run.run(show.step):
                show.line(epoch_line(run, epoch))
                told = epoch.number
    except KeyboardInterrupt:
        now = run.running
        of = counted(run.steps, "step")
        click.echo(f"stopped in epoch {now.number}, after {now.steps} of its {of}")
        if now.steps and now.number != told:
            click.echo(epoch_line(run, run.report()))
        return True
    return False
