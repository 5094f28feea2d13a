"""What `einsumgrad compile --cost` prints: a table, or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from einsumgrad.cost.cost import Amount, Cost, Row
from einsumgrad.cost.length import shown
from einsumgrad.plan.memory import readable
from einsumgrad.reflect.reflect import statement
from einsumgrad.syntax.show import show

if TYPE_CHECKING:
    from rich.table import Table

WIDTH = 120
"""Columns of a table that goes to a file."""
MANY = 8
"""So many contractions of a statement are listed."""
REST = "checks, and results in their dtypes"


def echo_cost(found: Cost, loss: str | None, *, ascii: bool) -> None:
    """Prints the table, and what it holds for."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, WIDTH)
    console.print(_table(found, loss, ascii=ascii))
    for line in _notes(found):
        console.print(line, markup=False, soft_wrap=True)


def document(found: Cost, loss: str | None, *, ascii: bool) -> dict[str, Any]:
    """The same facts as JSON: formulas as text; a number is null if a size is unknown."""
    return {
        "version": 1,
        "sizes": dict(found.sizes),
        "assumed": dict(found.assumed),
        "statements": [
            {"text": _text(row, loss, ascii=ascii), **_amounts(row)}
            | {"order": [c.shown(ascii=ascii) for c in row.order]}
            for row in found.rows
        ],
        "total": {**_amounts(found.total), "intensity": found.intensity},
    }


def _amounts(row: Row) -> dict[str, Any]:
    named = {"flops": row.flops, "bytes": row.traffic, "peak_bytes": row.memory}
    return {n: {"formula": shown(a.formula), "number": a.value} for n, a in named.items()}


def _text(row: Row, loss: str | None, *, ascii: bool) -> str:
    return REST if row.statement is None else show(statement(row.statement, loss), ascii)


def _table(found: Cost, loss: str | None, *, ascii: bool) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, expand=True)
    table.add_column("statement", ratio=2)
    for title in ("FLOPs", "bytes moved", "most in use"):
        table.add_column(title, ratio=1)
    for row in found.rows:
        lines = "\n  ".join((_text(row, loss, ascii=ascii), *_order(row, ascii=ascii)))
        table.add_row(*map(Text, (lines, *_cells(row))))
    table.add_section()
    table.add_row(*(Text(cell, style="bold") for cell in ("in total", *_cells(found.total))))
    return table


def _order(row: Row, *, ascii: bool) -> Iterator[str]:
    yield from (contraction.shown(ascii=ascii) for contraction in row.order[:MANY])
    if len(row.order) > MANY:
        yield f"and {len(row.order) - MANY} more"


def _cells(row: Row) -> tuple[str, str, str]:
    return (
        _cell(row.flops, "" if row.flops.value is None else f"{row.flops.value:,}"),
        _cell(row.traffic, _bytes(row.traffic)),
        _cell(row.memory, _bytes(row.memory)),
    )


def _bytes(amount: Amount) -> str:
    return "" if amount.value is None else readable(amount.value)


def _cell(amount: Amount, number: str) -> str:
    """The number, if it is known, over the formula, if that is no number."""
    formula = shown(amount.formula)
    plain = amount.formula.keys() <= {()}
    return number if plain else f"{number}\n{formula}" if number else formula


def _notes(found: Cost) -> Iterator[str]:
    if found.sizes:
        yield f"with {_listed(found.sizes)}"
    if found.assumed:
        yield f"orders as for {_listed(found.assumed)}, which nothing gives: --size"
    for name in sorted(n for n in {**found.sizes, **found.assumed} if "#" in n):
        tensor, _, axis = name.partition("#")
        yield f"{name} is the length of axis {axis} of {tensor}, which bears no index"
    if found.intensity is not None:
        yield f"{found.intensity:.3g} FLOPs a byte, in float64"


def _listed(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} = {size}" for name, size in sorted(sizes.items()))
