"""`einsumgrad explain`."""

from __future__ import annotations

import click

from einsumgrad.cli.files import names_option, read_program
from einsumgrad.explain.explain import explain


@click.command()
@click.argument("file", metavar="FILE")
@click.option("--wrt", metavar="NAMES", help="Derive by these only, `--wrt W,b`; default: all.")
@click.option("--ascii", "plain", is_flag=True, help="Print names and signs in ASCII.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(file: str, wrt: str | None, plain: bool, as_json: bool) -> None:
    """Print the derivation of the gradients step by step. `-` reads standard input.

    \b
    Example:
      einsumgrad explain examples/mlp.ein
    """
    program = read_program(file)
    found = explain(program, names_option(program, wrt))
    if as_json:
        from einsumgrad.explain.json import to_json

        click.echo(to_json(found, ascii=plain), nl=False)
        return
    from einsumgrad.explain.render import render

    click.echo(render(found, ascii=plain), nl=False)
