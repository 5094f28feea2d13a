"""`einsumgrad bench`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from einsumgrad.cli.files import names_option, read_program, sizes_option

if TYPE_CHECKING:
    from rich.table import Table

    from einsumgrad.bench.contest import Timing
    from einsumgrad.bench.work import Work
    from einsumgrad.plan.nodes import Plan

PEERS = ("torch", "jax", "numpy")
MILLI = 1e3


def peers_option(_ctx: click.Context, _param: click.Parameter, text: str | None) -> tuple[str, ...]:
    """`torch,jax`: the peers' names, each once."""
    names = tuple(dict.fromkeys(n.strip() for n in (text or "").split(",") if n.strip()))
    for name in names:
        if name not in PEERS:
            raise click.BadParameter(f"`{name}` is none of {', '.join(PEERS)}")
    return names


@click.command()
@click.argument("file", metavar="FILE")
@click.option("--data", metavar="F.npz", multiple=True, help="Arrays; the others are drawn.")
@click.option("--size", "sizes", metavar="SIZES", help="Sizes of drawn arrays: `b=128,i=784`.")
@click.option(
    "--wrt", metavar="NAMES", help="Gradients by these, `--wrt W,x`; default: parameters."
)
@click.option(
    "--vs", "peers", metavar="PEERS", callback=peers_option,
    help="Peers to run it too: torch, jax, numpy.",
)  # fmt: skip
@click.option(
    "--engine", type=click.Choice(["auto", "fused", "numpy"]), default="auto",
    help="What runs the program itself; default: auto.",
)  # fmt: skip
@click.option(
    "--repeat", type=click.IntRange(min=1), metavar="N",
    help="Steps to time; default: as many as two seconds allow, 5 at least.",
)  # fmt: skip
@click.option(
    "--dtype", type=click.Choice(["float32", "float64"]),
    help="Of all floats; default: as the data is, float32 without data.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Draws arrays; default: 0.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    file: str, data: tuple[str, ...], sizes: str | None, wrt: str | None, peers: tuple[Any, ...],
    **options: Any,
) -> None:  # fmt: skip
    """Time a program's value and gradients. `-` reads the program from standard input.

    Arrays that no file gives are drawn. Without a loss the gradients of the outputs are drawn too,
    or given: `h.grad` for `h`.

    With --vs the same program is run by peers, statement by statement: sums of products by their
    einsum, functions by their own, with their own derivatives: eager in torch, compiled in jax.
    NumPy, which has none, runs the derived program. Gradients are compared first, then all take
    turns in one run. Code that is written for a peer by hand may be faster than its translation.

    \b
    Example:
      einsumgrad bench examples/mlp.ein --size b=128,i=784 --vs torch,jax
    """
    program = read_program(file)
    names, lengths = names_option(program, wrt), sizes_option(program, sizes)
    from einsumgrad.bench.contest import contest
    from einsumgrad.bench.contestants import ours, theirs
    from einsumgrad.bench.work import make_work
    from einsumgrad.cli.data import read_all

    work = make_work(
        program, read_all(data), sizes=lengths, seed=options["seed"], dtype=options["dtype"],
        wrt=names,
    )  # fmt: skip
    contestants = (ours(work, options["engine"]), *(theirs(work, name) for name in peers))
    plan = work.plan
    timings = contest(contestants, work.dtype, options["repeat"])
    if options["as_json"]:
        from einsumgrad.cli.json import to_json

        click.echo(to_json([_document(file, work, plan, timings)]), nl=False)
        return
    _print(file, work, plan, timings, options["seed"])


def _document(file: str, work: Work, plan: Plan, timings: Sequence[Timing]) -> dict[str, Any]:
    """What was measured, times in milliseconds."""
    base = timings[0].median
    return {
        "version": 1, "file": file, "dtype": work.dtype, "sizes": dict(_sizes(work)),
        "wrt": list(work.wrt), "drawn": list(work.drawn), "flops": plan.flops,
        "peak_bytes": plan.peak_bytes,
        "contestants": [
            {
                "name": t.name, "first_ms": MILLI * t.first, "median_ms": MILLI * t.median,
                "least_ms": MILLI * t.least, "steps": len(t.steps), "ratio": t.median / base,
                "gflops": plan.flops / t.median / 1e9,
            }
            for t in timings
        ],
    }  # fmt: skip


def _print(file: str, work: Work, plan: Plan, timings: Sequence[Timing], seed: int) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    for line in _opening(file, work, seed):
        console.print(line, markup=False, soft_wrap=True)
    console.print(_table(timings))
    for line in _closing(plan, timings):
        console.print(line, markup=False, soft_wrap=True)


def _sizes(work: Work) -> Iterator[tuple[str, int]]:
    """The sizes that a program can name."""
    return ((name, size) for name, size in sorted(work.sizes.items()) if "#" not in name)


def _opening(file: str, work: Work, seed: int) -> Iterator[str]:
    sizes = ", ".join(f"{name} = {size}" for name, size in _sizes(work))
    value = "the objective" if work.program.loss else ", ".join(work.outputs)
    yield f"{file}: {value} and the gradients by {', '.join(work.wrt)}"
    yield f"in {work.dtype}" + (f", {sizes}" if sizes else "")
    if work.drawn:
        yield f"drawn with seed {seed}: {', '.join(work.drawn)}"


def _table(timings: Sequence[Timing]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("ms")
    titles = ("first call", "median", "least", "steps", "× einsumgrad")
    for title in titles[: None if len(timings) > 1 else -1]:
        table.add_column(title, justify="right")
    for timing in timings:
        times = (f"{MILLI * t:.4g}" for t in (timing.first, timing.median, timing.least))
        ratio = [f"{timing.median / timings[0].median:.2f}"] if len(timings) > 1 else []
        table.add_row(*map(Text, (timing.name, *times, str(len(timing.steps)), *ratio)))
    return table


def _closing(plan: Plan, timings: Sequence[Timing]) -> Iterator[str]:
    from einsumgrad.plan.memory import readable

    speed = plan.flops / timings[0].median / 1e9
    memory = readable(plan.peak_bytes)
    yield f"{plan.flops:,} FLOPs, {speed:.3g} GFLOP/s; the plan uses {memory} beside its arrays"
    if len(timings) > 1:
        yield "gradients agree"
