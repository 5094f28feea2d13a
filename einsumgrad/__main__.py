"""`python -m einsumgrad` and the command `einsumgrad`."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Runs the command line: exit code 0 fine, 1 program or data wrong, 2 wrong use of the command,
    70 a bug of ours, 130 stopped by Ctrl-C."""
    import click

    from einsumgrad.cli.faults import echo_faults
    from einsumgrad.cli.main import app
    from einsumgrad.diagnostics import EinError

    # Compiling makes many nodes and no rubbish; a third of its time would go into collection.
    gc.set_threshold(100_000, 50, 50)
    try:
        code = app.main(standalone_mode=False, prog_name="einsumgrad")
    except click.exceptions.Abort:
        code = 130
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except EinError as error:
        echo_faults(str(error))
        code = 1
    except BrokenPipeError:
        sys.stderr.close()
        code = 0
    except MemoryError:
        click.echo("error: this machine has too little memory for that", err=True)
        code = 1
    except UnicodeEncodeError:
        click.echo("error: the output has letters that its encoding lacks: use UTF-8", err=True)
        code = 1
    except Exception as error:
        click.echo(f"internal error, please report it: {type(error).__name__}: {error}", err=True)
        code = 70
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
