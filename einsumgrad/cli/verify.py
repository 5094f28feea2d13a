"""`einsumgrad verify`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from einsumgrad.cli.files import memory_option, names_option, read_program, sizes_option

if TYPE_CHECKING:
    from rich.table import Table

    from einsumgrad.verify.verify import Row, Verification

MANY = 12
"""So many names of drawn arrays are listed."""
WIDTH = 120
"""Columns of a table that goes to a file."""


@click.command()
@click.argument("file", metavar="FILE")
@click.option("--data", metavar="F.npz", multiple=True, help="Arrays; the others are drawn.")
@click.option("--wrt", metavar="NAMES", help="Gradients by these only, `--wrt W,b`; default: all.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Draws arrays; default: 0.")
@click.option("--size", "sizes", metavar="SIZES", help="Sizes of drawn arrays: `b=4,i=5`.")
@click.option(
    "--tolerance", type=click.FloatRange(min=0, min_open=True),
    help="The relative error that passes; default: 1e-6 and what the method is off by.",
)  # fmt: skip
@click.option(
    "--memory", callback=memory_option, metavar="BYTES",
    help="What a run may allocate: `500MB`, `2GB`; default: what is free.",
)  # fmt: skip
def command(
    file: str, data: tuple[str, ...], wrt: str | None, seed: int, sizes: str | None,
    tolerance: float | None, memory: int | None,
) -> None:  # fmt: skip
    """Hold every derived gradient against complex steps or central differences.

    Arrays that no file gives are drawn. `-` reads the program from standard input. The exit code
    is 1 if a gradient is wrong, or if the objective and all gradients are 0.

    \b
    Example:
      einsumgrad verify examples/mlp.ein
    """
    program = read_program(file)
    names, lengths = names_option(program, wrt), sizes_option(program, sizes)
    from einsumgrad.cli.data import read_all
    from einsumgrad.verify.verify import verify

    found = verify(
        program, read_all(data, memory), wrt=names, seed=seed, sizes=lengths,
        tolerance=tolerance, memory=memory,
    )  # fmt: skip
    _print(found, file, seed)
    if not found.ok or found.vacuous:
        sys.exit(1)


def _print(found: Verification, file: str, seed: int) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, WIDTH)
    console.print(_table(found))
    for line in (*_where(found, seed), _conclusion(found, file)):
        console.print(line, markup=False, soft_wrap=True)


def _table(found: Verification) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for title in ("gradient", "size", "checked", "by"):
        table.add_column(title)
    for title in ("largest error", "relative"):
        table.add_column(title, justify="right")
    table.add_column("result")
    for row in found.rows:
        bare = f"{row.name}{found.suffix}"
        name = f"{bare}[{','.join(row.indices)}]" if row.indices else bare
        errors = (f"{row.absolute:.1e}", f"{row.relative:.1e}") if row.decided else ("", "")
        style = "bold red" if not row.ok else "green" if row.decided else "yellow"
        cells = (name, _size(row), _checked(row), row.method, *errors)
        table.add_row(*map(Text, cells), Text(_result(row), style=style))
    return table


def _size(row: Row) -> str:
    return " × ".join(map(str, row.shape)) or "1"


def _checked(row: Row) -> str:
    if not row.directions:
        return "all entries" if row.entries > 1 else "1 entry" if row.entries else "no entries"
    return f"{row.entries} entries, {row.directions} directions"


def _result(row: Row) -> str:
    """`ok`, `FAILED` or what kept every check from deciding, and how many of those there were."""
    notes = [f"{row.kinks} at a kink"] if row.kinks else []
    notes += [f"{row.unclear} unclear"] if row.unclear else []
    if not row.ok:
        return ", ".join([f"FAILED: {row.wrong} wrong", *notes])
    notes += ["all 0"] if row.zero and row.entries else []
    return ", ".join(["ok" if row.decided else "not decided", *notes])


def _where(found: Verification, seed: int) -> Iterator[str]:
    """The point at which gradients were checked."""
    setting = found.setting
    named = sorted((name, size) for name, size in setting.sizes.items() if "#" not in name)
    sizes = ", ".join(f"{name} = {size}" for name, size in named)
    yield f"at J = {setting.forward.here.value:.6g}, in float64" + (f", {sizes}" if sizes else "")
    drawn = [*setting.drawn, *(name + found.suffix for name in setting.drawn_cotangents)]
    if drawn:
        more = f" and {len(drawn) - MANY} more" if len(drawn) > MANY else ""
        yield f"drawn with seed {seed}: {', '.join(drawn[:MANY])}{more}"
    if found.conditions:
        yield f"not checked, as only conditions read them: {', '.join(found.conditions)}"


def _conclusion(found: Verification, file: str) -> str:
    count = len(found.rows)
    gradients = "1 gradient" if count == 1 else f"{count} gradients"
    wrong = sum(not row.ok for row in found.rows)
    open_ = sum(row.ok and not row.decided for row in found.rows)
    if wrong:
        return f"{file}: {wrong} of {gradients} FAILED"
    if found.vacuous:
        return f"{file}: the objective and {gradients} are 0 here, so NOTHING is verified"
    if open_:
        return f"{file}: {open_} of {gradients} could not be decided, the others are right"
    return f"{file}: {gradients} right" if count > 1 else f"{file}: 1 gradient, right"
