"""The commands. Each imports what it needs when it runs, so that `compile` starts fast."""

from __future__ import annotations

from importlib import import_module

import click

from einsumgrad import __version__

COMMANDS = {
    "compile": "einsumgrad.cli.compile",
    "check": "einsumgrad.cli.check",
    "explain": "einsumgrad.cli.explain",
    "verify": "einsumgrad.cli.verify",
    "run": "einsumgrad.cli.run",
    "train": "einsumgrad.cli.train",
    "bench": "einsumgrad.cli.bench",
    "completion": "einsumgrad.cli.completion",
}


class Lazy(click.Group):
    """A group whose commands are imported when they are named."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = import_module(COMMANDS[cmd_name]).command
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """An unknown command names the one that was meant."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from einsumgrad.syntax.near import resembling

            near = resembling(args[0], COMMANDS)
            hint = f" Did you mean `{near}`?" if near else ""
            raise click.UsageError(f"No such command `{args[0]}`.{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="einsumgrad")
def app() -> None:
    """Textbook index notation in, readable gradients and fast programs out.

    \b
    Example:
      einsumgrad compile examples/mlp.ein
    """
