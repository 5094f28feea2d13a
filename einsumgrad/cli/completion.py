"""`einsumgrad completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print a script that completes commands and options in a shell.

    \b
    Example:
      eval "$(einsumgrad completion bash)"
    """
    from einsumgrad.cli.main import app

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(kind(app, {}, "einsumgrad", "_EINSUMGRAD_COMPLETE").source())
