"""`einsumgrad compile`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from einsumgrad.cli.files import files_argument, names_option, read_program, sizes_option
from einsumgrad.cli.strict import refuse_outside, strict_option, tell_outside
from einsumgrad.ir.nodes import Program
from einsumgrad.pipeline import backward, prepared, tangents
from einsumgrad.record import record
from einsumgrad.reflect.reflect import reflect
from einsumgrad.syntax.show import show

if TYPE_CHECKING:
    from einsumgrad.cost.cost import Cost

STAGES = ("tree", "program", "derived", "rewritten", "plan")


@record(kw_only=True)
class Options:
    """The command's options."""

    wrt: str | None
    forward: bool
    plain: bool
    as_json: bool
    emit: str | None
    cost: bool
    sizes: str | None
    strict: bool


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", callback=files_argument)
@click.option("--wrt", metavar="NAMES", help="Derive by these only, `--wrt W,b`; default: all.")
@click.option("--forward", is_flag=True, help="Derive forwards: tangents, `h.dot` for `h`.")
@click.option("--ascii", "plain", is_flag=True, help="Print names in ASCII: y_hat for ŷ.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--emit", type=click.Choice(STAGES), help="The stage to print; default: rewritten.")
@click.option("--cost", is_flag=True, help="Print FLOPs, bytes, memory, orders of contraction.")
@click.option(
    "--size", "sizes", metavar="SIZES", help="Sizes, `b=64,i=784`, for --cost and a plan."
)
@strict_option
def command(files: tuple[str, ...], **options: Any) -> None:
    """Print declarations, forward and derived statements. `-` reads standard input.

    The JSON of several files is one list, each entry with its `file`.

    --cost counts 2 FLOPs for a multiplication that is added to a sum, 1 for anything else that is
    done to an entry, and 1 for each entry that a sum or a maximum takes; as bytes, all that the
    plan's steps read and write, in float64. What several statements need counts with the first.

    \b
    Example:
      $ echo 'for b,i,j  h[b,j] += W[j,i] x[b,i]' | einsumgrad compile -
      for b,i,j  h[b,j] += W[j,i] x[b,i]
      for b,i,j  x.grad[b,i] += h.grad[b,j] W[j,i]
      for b,i,j  W.grad[j,i] += 1/B h.grad[b,j] x[b,i]
    """
    given = Options(**options)
    if given.cost and given.emit is not None:
        raise click.UsageError("--cost is of the program that runs: leave out --emit")
    documents: list[dict[str, Any]] = []
    listed = given.as_json and given.emit != "plan" and len(files) > 1
    for place, file in enumerate(files):
        if len(files) > 1 and not listed:
            click.echo(f"{'' if place == 0 else chr(10)}# {file}")
        program = read_program(file)
        (refuse_outside if given.strict else tell_outside)(program)
        names = names_option(program, given.wrt)
        found = _stage(program, names, given.emit, forward=given.forward)
        if given.as_json and given.emit != "plan":
            own = {"file": file} if listed else {}
            documents.append(own | _document(found, given))
        else:
            _echo(found, given)
    if documents:
        from einsumgrad.cli.json import to_json

        click.echo(to_json(documents, ascii=given.plain), nl=False)


def _document(found: Program, given: Options) -> dict[str, Any]:
    from einsumgrad.cli.json import document

    spelled = _spelled(found, given.plain)
    if not given.cost:
        return document(spelled, ascii=given.plain)
    from einsumgrad.cli.cost import document as costs

    return costs(_cost(spelled, given), spelled.loss, ascii=given.plain)


def _cost(spelled: Program, given: Options) -> Cost:
    """What a program costs, in which names have the spelling that is printed."""
    from einsumgrad.cost.cost import cost

    return cost(spelled, sizes_option(spelled, given.sizes))


def _echo(found: Program, given: Options) -> None:
    if given.cost:
        from einsumgrad.cli.cost import echo_cost

        spelled = _spelled(found, given.plain)
        echo_cost(_cost(spelled, given), spelled.loss, ascii=given.plain)
        return
    plan = given.emit == "plan"
    text = _plan(found, given.sizes) if plan else _printed(found, given.plain, given.emit)
    click.echo(text, nl=False)


def _spelled(found: Program, plain: bool) -> Program:
    if not plain:
        return found
    from einsumgrad.reflect.ascii import ascii_program

    return ascii_program(found)


def _printed(found: Program, plain: bool, emit: str | None) -> str:
    found = _spelled(found, plain)
    if emit == "tree":
        from einsumgrad.cli.json import outline

        return outline(reflect(found))
    return show(reflect(found), ascii=plain)


def _stage(
    program: Program, wrt: tuple[str, ...] | None, emit: str | None, *, forward: bool
) -> Program:
    """The program after a stage. A stage that is asked for is verified, and those before it."""
    derive = tangents if forward else backward
    if emit is None:
        return derive(program, wrt)
    from einsumgrad.ir.verify import verify

    verify(program, "check")
    if emit in ("tree", "program"):
        return program
    if emit == "derived":
        return verify(_derived(program, wrt, forward=forward), "derive")
    return derive(program, wrt, watch=_verified)


def _derived(program: Program, wrt: tuple[str, ...] | None, *, forward: bool) -> Program:
    """The derived program before it is rewritten."""
    from einsumgrad.derive import forward as forwards
    from einsumgrad.derive import reverse as backwards

    return forwards.forward(program, wrt) if forward else backwards.reverse(program, wrt)


def _verified(name: str, before: Program, after: Program) -> None:
    from einsumgrad.ir.verify import verify

    verify(before, f"what comes before `{name}`")
    verify(after, f"`{name}`")


def _plan(program: Program, sizes: str | None) -> str:
    """The listing of a program's plan; leaves are float64 arrays of the sizes given."""
    import numpy as np

    from einsumgrad.check.sizes import (
        axis_sizes,
        bind_sizes,
        size_names,
        sizes_given,
        unknown_size,
    )
    from einsumgrad.diagnostics import EinError
    from einsumgrad.ir.verify import verify
    from einsumgrad.plan.listing import listing
    from einsumgrad.plan.plan import make_plan

    found = verify(prepared(program), "stable forms")
    known = sizes_given(found, sizes_option(found, sizes), {})
    leaves = [t for t in found.tensors if t.kind != "computed"]
    missing = {size for t in leaves for size in axis_sizes(t) if size not in known}
    if missing:
        # An axis without an index is as long as it is read, by indices whose sizes are known.
        named = {n for n in size_names(found) if "#" not in n and n not in known}
        raise EinError(*(unknown_size(found, size) for size in sorted(named or missing)))
    shapes = {t.name: tuple(known[size] for size in axis_sizes(t)) for t in leaves}
    dtypes = {t.name: np.dtype(np.int64 if t.integer else np.float64) for t in leaves}
    wanted = tuple(dict.fromkeys((*((found.loss,) if found.loss else ()), *found.outputs)))
    return listing(make_plan(found, bind_sizes(found, shapes), shapes, dtypes, wanted))
