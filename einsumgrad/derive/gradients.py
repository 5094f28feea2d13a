"""What every gradient is called, where the sweep starts, and what it starts from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from einsumgrad.check.faults import NoDerivative
from einsumgrad.derive.split import argument_of, fresh_name, stem
from einsumgrad.diagnostics import EinError
from einsumgrad.ir.build import ONE
from einsumgrad.ir.nodes import Access, Expr, Index, Position, Program, Statement, Tensor
from einsumgrad.ir.substitute import fresh_index
from einsumgrad.record import record

GRAD = ".grad"


@record
class Gradients:
    """The gradients of one derivation.

    `names`: each tensor's gradient. `ones`: tensors whose gradient is 1 (the loss). `seeded`: where
    the sweep starts. `inputs`: the seeds that a program has to declare. `starts`: statements that
    copy a seed to which more is added. `batches`: which tensors are batched."""

    names: Mapping[str, str]
    ones: frozenset[str]
    seeded: tuple[str, ...]
    inputs: tuple[Tensor, ...]
    starts: tuple[Statement, ...]
    batches: Mapping[str, bool]

    def batched(self, tensor: str) -> bool:
        return self.batches[tensor]

    def head(self, statement: Statement) -> Expr:
        """The cotangent of the entry that a statement writes."""
        name = statement.target.tensor
        return ONE if name in self.ones else Access(self.names[name], statement.target.at)


def name_gradients(
    program: Program,
    varied: frozenset[str],
    pieces: Mapping[int, tuple[Statement, ...]],
    seeds: tuple[str, ...] | None,
    taken: set[str],
    partly: frozenset[str] = frozenset(),
) -> Gradients:
    """The gradients' names. `partly`: tensors that a part of the derivative goes past; what is left
    has a name of its own, as it is not the derivative by them. `seeds`: the outputs of the
    objective, whose `.grad` are given; empty for the loss, whose own is 1; None for the usual
    objective."""
    tensors = {tensor.name: tensor for tensor in program.tensors}
    suffix = gradient_suffix(program)
    names = {name: name + suffix for name in tensors}
    taken.update(names.values())
    loss = (program.loss,) if program.loss else ()
    usual = objective(program) if seeds is None else seeds or loss
    ones = frozenset(loss) if not seeds and usual == loss else frozenset[str]()
    seeds = usual
    seeded = tuple(name for name in seeds if name in varied)
    outer = tuple(name for name in seeded if name not in ones)
    inputs = tuple(_inputs(program, outer, tensors, names))
    for name in sorted(partly - {*seeds}):
        names[name] = fresh_name(f"{stem(name)}_direct", taken)
        taken.add(names[name])
    starts = tuple(_starts(program, outer, varied, tensors, names, taken))
    size = program.batch.size if program.batch else None
    batches = {tensor.name: tensor.batched for tensor in program.tensors}
    for place, found in pieces.items():
        for piece in found[:-1]:
            inner = piece.target.tensor
            names[inner] = _of_piece(inner, program.statements[place].target.tensor, taken)
            batches[inner] = any(i.size == size for i in piece.indices)
    return Gradients(names, ones, seeded, inputs, starts, batches)


def _of_piece(inner: str, whole: str, taken: set[str]) -> str:
    """`δh` for `h_in`, `δh_2` for `h_in_2`; `δh_in` if `δh` is what reaches all of h."""
    short = f"δ{stem(whole)}{inner.removeprefix(argument_of(whole))}"
    name = fresh_name(f"δ{inner}" if short in taken else short, taken)
    taken.add(name)
    return name


def objective(program: Program) -> tuple[str, ...]:
    """What is differentiated: the gradients of a derived program, else the loss, else outputs."""
    written = {s.target.tensor for s in program.statements}
    derived = tuple(n for n in program.outputs if n.endswith(GRAD) and n in written)
    if derived:
        return derived
    return (program.loss,) if program.loss else program.outputs


def gradient_suffix(program: Program) -> str:
    """`.grad`, once more than any name of the program bears it."""
    return GRAD * (1 + max((t.name.count(GRAD) for t in program.tensors), default=0))


def _inputs(
    program: Program,
    outer: tuple[str, ...],
    tensors: Mapping[str, Tensor],
    names: Mapping[str, str],
) -> Iterator[Tensor]:
    """Seeds without the batch index would be taken for parameters: they are declared."""
    place = {s.target.tensor: s.target.span for s in program.statements}
    for name in outer:
        tensor = tensors[name]
        if not tensor.batched:
            axes = tuple(i for i in tensor.axes if i is not None)
            if len(axes) < len(tensor.axes):
                what = f"the axes of output `{name}` have no index names"
                hint = f"declare it with its indices: `output {name}[…]`"
                raise EinError(NoDerivative(span=place[name], what=what, hint=hint))
            yield Tensor(names[name], "input", axes, declared=True)


def _starts(
    program: Program,
    outer: tuple[str, ...],
    varied: frozenset[str],
    tensors: Mapping[str, Tensor],
    names: dict[str, str],
    taken: set[str],
) -> Iterator[Statement]:
    """`δT += T.grad` for a seeded output that other statements read as well."""
    read = {a.tensor for s in program.statements for a in s.reads}
    for name in outer:
        if name not in read or name not in varied:
            continue
        axes = _apart(i for i in tensors[name].axes if i is not None)
        at = tuple(Position(i) for i in axes)
        seed = Access(names[name], at)
        names[name] = fresh_name(f"δ{stem(name)}", taken)
        taken.add(names[name])
        yield Statement(axes, Access(names[name], at), "+=", seed, listed=True, derived=True)


def _apart(axes: Iterable[Index]) -> tuple[Index, ...]:
    """The indices under names of their own: a tensor whose axes bear one name twice has entries
    beside its diagonal too."""
    found: list[Index] = []
    for index in axes:
        found.append(fresh_index(index, {i.name for i in found}))
    return tuple(found)
