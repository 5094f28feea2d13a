"""Reading programs and options for the commands."""

from __future__ import annotations

import sys

import click

from einsumgrad.ir.nodes import Program
from einsumgrad.pipeline import checked
from einsumgrad.syntax.parse import decode
from einsumgrad.syntax.read import read_bytes


def read_program(path: str) -> Program:
    """The checked program of a file, or of standard input for `-`."""
    if path == "-":
        return checked(decode(sys.stdin.buffer.read(), "<stdin>"), "<stdin>")
    return checked(decode(read_bytes(path), path), path)


def files_argument(
    _ctx: click.Context, _param: click.Parameter, files: tuple[str, ...]
) -> tuple[str, ...]:
    """The files, of which standard input can be one, once."""
    if files.count("-") > 1:
        raise click.BadParameter("standard input, `-`, can be read once only", param_hint="FILE...")
    return files


def names_option(program: Program, text: str | None) -> tuple[str, ...] | None:
    """The tensors that `--wrt` names, in Unicode or ASCII. Raises EinError for others."""
    if text is None:
        return None
    from einsumgrad.wrt import check_wrt

    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise click.BadParameter("it names no tensor", param_hint="--wrt")
    return check_wrt(program, names)


def sizes_option(program: Program, text: str | None) -> dict[str, int]:
    """The sizes of `--size b=64,i=784`, by the names of indices or of sizes."""

    by_name: dict[str, str] = {name: name for name, _ in program.sizes}
    every = {i for s in program.statements for i in s.every_index} | set(program.indices)
    every |= {i for tensor in program.tensors for i in tensor.axes if i is not None}
    for index in every:
        by_name |= {index.name: index.size, index.size: index.size}
    found: dict[str, int] = {}
    for part in (text or "").split(","):
        name, equals, value = (word.strip() for word in part.partition("="))
        if not part.strip():
            continue
        if not equals or not value.isdigit():
            raise click.BadParameter(f"`{part}` is no NAME=NUMBER", param_hint="--size")
        if name not in by_name:
            raise click.BadParameter(f"no index or size `{name}`", param_hint="--size")
        found[by_name[name]] = int(value)
    return found


def memory_option(_ctx: click.Context, _param: click.Parameter, text: str | None) -> int | None:
    """Bytes: `500MB`, `2GiB`."""
    if text is None:
        return None
    from einsumgrad.plan.memory import bytes_of

    found = bytes_of(text)
    if found is None:
        raise click.BadParameter(f"`{text}` is no amount of memory, such as 2GB")
    return found
