"""Faults and notes on the terminal, in colour where it has any."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

HEAD = re.compile(r"(error|note)\[\w+\]:")
CARETS = re.compile(r" *\| *\^+$")
PLACE = re.compile(r"  --> ")
HELP = re.compile(r"  help:")


def echo_faults(text: str, *, err: bool = True) -> None:
    """Prints what `diagnostics` rendered. Rich decides on colour: NO_COLOR, FORCE_COLOR, TERM."""
    from rich.console import Console

    console = Console(stderr=err, highlight=False, markup=False, emoji=False)
    style = "bold red"
    shown = text.encode("utf-8", "replace").decode()  # the name of a file may be no text
    for line in shown.split("\n"):
        head = HEAD.match(line)
        if head is not None:
            style = "bold red" if head.group(1) == "error" else "bold cyan"
        console.print(_styled(line, style), soft_wrap=True)


def _styled(line: str, style: str) -> Text:
    """One line; its head and its carets take the style."""
    from rich.text import Text

    text = Text(line)
    if head := HEAD.match(line):
        text.stylize(style, 0, head.end())
        text.stylize("bold", head.end())
    elif CARETS.match(line):
        text.stylize(style)
    elif PLACE.match(line):
        text.stylize("blue", 0, 5)
    elif found := HELP.match(line):
        text.stylize("green", 0, found.end())
    return text
