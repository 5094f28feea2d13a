"""`einsumgrad run`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from einsumgrad.cli.files import memory_option, names_option, read_program
from einsumgrad.ir.nodes import Program
from einsumgrad.record import record

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

SHORT = 40
"""An array of up to so many entries is printed whole."""


@record(kw_only=True)
class Options:
    """The command's argument and options."""

    file: str
    data: tuple[str, ...]
    grad: bool
    wrt: str | None
    init: bool
    out: str | None
    seed: int
    dtype: str | None
    memory: int | None


@click.command()
@click.argument("file", metavar="FILE")
@click.option("--data", metavar="F.npz", multiple=True, help="Arrays by name; may be repeated.")
@click.option("--grad", is_flag=True, help="Compute the objective and the gradients too.")
@click.option(
    "--wrt", metavar="NAMES", help="Gradients by these, `--wrt W,x`; default: parameters."
)
@click.option("--init", is_flag=True, help="Start the parameters that no file gives.")
@click.option("--out", metavar="F.npz", help="Save what was computed.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="For noise and `--init`.")
@click.option(
    "--dtype", type=click.Choice(["float16", "float32", "float64"]),
    help="Compute in this; default: as the arrays are.",
)  # fmt: skip
@click.option(
    "--memory", callback=memory_option, metavar="BYTES",
    help="What a run may allocate: `500MB`, `2GB`; default: what is free.",
)  # fmt: skip
def command(**options: Any) -> None:
    """Run a program on arrays and print its outputs. `-` reads it from standard input.

    Without a loss, `--grad` takes the gradients of outputs from the data: `h.grad` for `h`.

    \b
    Example:
      einsumgrad run examples/mlp.ein --data examples/data/digits_test.npz --init --grad
    """
    _run(Options(**options))


def _run(options: Options) -> None:
    if options.wrt is not None and not options.grad:
        raise click.UsageError("--wrt needs --grad")
    program = read_program(options.file)
    names = names_option(program, options.wrt)
    import numpy as np

    from einsumgrad.cli.data import read_all, write_arrays
    from einsumgrad.evaluate import evaluate

    arrays = _cast(read_all(options.data, options.memory), options.dtype)
    if options.init:
        arrays |= _started(program, arrays, options)
    found = evaluate(
        program, arrays, grad=options.grad, wrt=names, seed=options.seed, memory=options.memory
    )
    for line in _lines(found.arrays, found.objective):
        click.echo(line)
    if options.out is not None:
        value = {} if found.objective is None else {"J": np.array(found.objective)}
        write_arrays(options.out, {**value, **found.arrays})


def _cast(arrays: Mapping[str, Array], dtype: str | None) -> dict[str, Array]:
    """The arrays with floating numbers as this dtype."""
    if dtype is None:
        return dict(arrays)
    return {n: a.astype(dtype) if a.dtype.kind == "f" else a for n, a in arrays.items()}


def _started(program: Program, arrays: Mapping[str, Array], options: Options) -> dict[str, Array]:
    """The parameters that no file gives, as training starts them, in the floats of the others."""
    from einsumgrad.arrays import floating, leaves
    from einsumgrad.evaluate import gradients_apart
    from einsumgrad.initial import initial

    taken = leaves(program).take(gradients_apart(program, arrays)[0], some=True)
    dtype = options.dtype or floating(taken)
    started = initial(program, taken, options.seed, dtype, options.memory)
    return {name: array for name, array in started.items() if name not in taken}


def _lines(found: Mapping[str, Array], objective: float | None) -> Iterator[str]:
    """What a run returned: short arrays whole, of others shape, dtype and range."""
    if objective is not None:
        yield f"J = {objective:.9g}"
    for name, array in found.items():
        yield _whole(name, array) if 0 < array.size <= SHORT else f"{name}: {_summary(array)}"


def _whole(name: str, array: Array) -> str:
    import numpy as np

    text = np.array2string(array, separator=", ", max_line_width=100, precision=8)
    return f"{name} = {text}" if array.ndim < 2 else f"{name} =\n{text}"


def _summary(array: Array) -> str:
    """`float32, 359 × 10, min -1.2, mean 0.3, max 4.5`."""
    import numpy as np

    shape = f"{array.dtype.name}, {' × '.join(map(str, array.shape))}"
    if not array.size:
        return f"{shape}, no entries"
    finite = array[np.isfinite(array)]
    lost = array.size - finite.size
    note = f", {lost} not finite" if lost else ""
    if not finite.size:
        return f"{shape}{note}"
    low, high, mean = finite.min(), finite.max(), np.mean(finite, dtype=np.float64)
    return f"{shape}, min {low:.6g}, mean {mean:.6g}, max {high:.6g}{note}"
