"""The table of tensors: kinds, axes, roles, and the faults that need the whole program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import cast

from einsumgrad.check.faults import BatchedParameter, NotIntegerTensor, RankConflict, WrittenLeaf
from einsumgrad.check.lower import Scope
from einsumgrad.check.names import Names
from einsumgrad.check.starts import lower_start
from einsumgrad.diagnostics import Fault
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.affine import is_affine
from einsumgrad.ir.walk import accesses
from einsumgrad.record import replace
from einsumgrad.syntax.names import SUFFIXES, base_name

Axes = tuple[ir.Index | None, ...]


def uses(statements: tuple[ir.Statement, ...]) -> Iterator[ir.Access]:
    """Every access of a program in order, a statement's target after what it reads."""
    for statement in statements:
        yield from statement.reads
        yield statement.target


def tensor_table(
    names: Names, statements: tuple[ir.Statement, ...], faults: list[Fault]
) -> tuple[ir.Tensor, ...]:
    """Declared tensors in their order, then the others as they appear."""
    batch = names.index(names.batch) if names.batch else None
    written = {s.target.tensor: s for s in reversed(statements)}
    declared = tuple(_declared(n, names, batch, written, faults) for n in names.declared)
    opened = _opened(names, statements, batch)
    table = complete((*declared, *opened), statements, batch)
    found = by_name(statements)
    for tensor in table:
        _check_ranks(tensor, found.get(tensor.name, []), faults)
    _check_gathered(statements, table, faults)
    return table


def _opened(
    names: Names, statements: tuple[ir.Statement, ...], batch: ir.Index | None
) -> Iterator[ir.Tensor]:
    """Outputs whose declaration names axes that no target does."""
    targets: dict[str, list[ir.Access]] = {}
    for statement in statements:
        targets.setdefault(statement.target.tensor, []).append(statement.target)
    for name, entry in names.roles.items():
        if entry.indices and name in targets and None in _axes(targets[name], {}):
            axes: Axes = tuple(names.index(i) for i in entry.indices)
            batched = _batched(axes, batch)
            yield ir.Tensor(name, "computed", axes, None, None, False, batched, True, entry.span)


def by_name(statements: tuple[ir.Statement, ...]) -> dict[str, list[ir.Access]]:
    """Every tensor's accesses, the tensors in order of first appearance."""
    found: dict[str, list[ir.Access]] = {}
    for access in uses(statements):
        found.setdefault(access.tensor, []).append(access)
    return found


def complete(
    declared: tuple[ir.Tensor, ...],
    statements: tuple[ir.Statement, ...],
    batch: ir.Index | None,
) -> tuple[ir.Tensor, ...]:
    """The whole table: the declared leaves, then what statements write, or read undeclared."""
    found = by_name(statements)
    entries = (access for listed in found.values() for access in listed)
    gathered = {at.tensor for access in entries for at in _gathers(access)}
    targets: dict[str, list[ir.Access]] = {}
    for statement in statements:
        targets.setdefault(statement.target.tensor, []).append(statement.target)
    known = [replace(x, integer=True) if x.name in gathered else x for x in declared]
    table = [tensor for tensor in known if tensor.kind != "computed"]
    opened = {tensor.name: tensor for tensor in known if tensor.kind == "computed"}
    axes = {tensor.name: tensor.axes for tensor in declared}
    undeclared = dict.fromkeys(name for name in found if name not in axes)
    holds = {tensor.name: tensor.holds for tensor in declared}
    axes |= {name: _axes(targets.get(name, found[name]), holds) for name in undeclared}
    for name in (name for name in found if name in opened or name in undeclared):
        own = _of_derivative(name, axes)
        if name in opened:
            table.append(opened[name])
        elif name in targets:
            table.append(ir.Tensor(name, "computed", own, batched=_batched(own, batch)))
        else:
            table.append(_leaf(name, own, found[name], name in gathered, batch))
    return _with_integers(table, statements)


def _of_derivative(name: str, axes: Mapping[str, Axes]) -> Axes:
    """A derivative has the axes of its tensor, kept apart for each example those too."""
    own, stem = axes[name], base_name(name)
    if stem == name or stem not in axes:
        return own
    of_stem = _of_derivative(stem, axes)
    if len(of_stem) + 1 == len(own):
        of_stem = (None, *of_stem)
    if len(of_stem) != len(own):
        return own
    return tuple(there or here for there, here in zip(of_stem, own, strict=True))


def _leaf(
    name: str, axes: Axes, found: list[ir.Access], gathered: bool, batch: ir.Index | None
) -> ir.Tensor:
    """An undeclared leaf: an input if it is batched (or an index), else a parameter."""
    batched = any(_batched(known, batch) for known in (axes, *map(_plain, found)))
    kind: ir.Kind = "input" if batched or gathered else "param"
    return ir.Tensor(name, kind, axes, integer=gathered, batched=batched, span=found[0].span)


def _with_integers(
    table: list[ir.Tensor], statements: tuple[ir.Statement, ...]
) -> tuple[ir.Tensor, ...]:
    """Computed tensors whose statements give whole numbers only are integer too; a
    derivative is not, even where it is 1."""
    tensors = {tensor.name: tensor for tensor in table}
    whole: dict[str, bool] = {}
    for statement in statements:
        name = statement.target.tensor
        one = not name.endswith(SUFFIXES) and integer_valued(statement.value, tensors)
        whole[name] = whole.get(name, True) and one
        if tensors[name].integer != whole[name]:
            tensors[name] = replace(tensors[name], integer=whole[name])
    return tuple(tensors.values())


def _gathers(access: ir.Access) -> list[ir.Access]:
    return [at for at in access.at if isinstance(at, ir.Access)]


def _declared(
    name: str,
    names: Names,
    batch: ir.Index | None,
    written: dict[str, ir.Statement],
    faults: list[Fault],
) -> ir.Tensor:
    kind, entry = names.declared[name]
    if name in written:
        span, place = written[name].target.span, (("declared here", entry.span),)
        faults.append(WrittenLeaf(span=span, related=place, name=name, kind=kind))
    axes: Axes = tuple(names.index(i) for i in entry.indices)
    batched = _batched(axes, batch)
    if kind == "param" and batched and batch:
        faults.append(BatchedParameter(span=entry.span, name=name, index=batch.name))
    holds = names.index(entry.holds) if entry.holds else None
    start = lower_start(entry, Scope(names, frozenset()), faults)
    assert kind not in {"loss", "output"}
    leaf = cast("ir.Kind", kind)
    return ir.Tensor(name, leaf, axes, holds, start, holds is not None, batched, True, entry.span)


def _plain(access: ir.Access) -> Axes:
    return tuple([at.index if isinstance(at, ir.Position) else None for at in access.at])


def _axes(found: list[ir.Access], holds: Mapping[str, ir.Index | None]) -> Axes:
    """For each axis the index of its first plain use, else the one whose values a declared tensor
    holds that gathers there."""
    first = _plain(found[0])
    if None not in first:
        return first
    every = [_plain(access) for access in found]
    every += [
        tuple(holds.get(a.tensor) if isinstance(a, ir.Access) else None for a in access.at)
        for access in found
    ]
    same = [axes for axes in every if len(axes) == len(every[0])]
    return tuple(next((i for i in column if i), None) for column in zip(*same, strict=True))


def _batched(axes: Axes, batch: ir.Index | None) -> bool:
    return batch is not None and batch.size in [i.size for i in axes if i is not None]


def _check_ranks(tensor: ir.Tensor, found: list[ir.Access], faults: list[Fault]) -> None:
    """All uses of a tensor have as many indices; the first odd one is reported."""
    rank = len(tensor.axes)
    odd = next((access for access in found if len(access.at) != rank), None)
    if odd is None:
        return
    place = tensor.span if tensor.declared else next(a.span for a in found if len(a.at) == rank)
    label = "declared here" if tensor.declared else "used here"
    hint = f"an entry of it is written `{place.text}`" if not odd.at else ""
    faults.append(
        RankConflict(
            span=odd.span, related=((label, place),), name=tensor.name,
            here=_counted(len(odd.at)), there=_counted(rank), hint=hint,
        )
    )  # fmt: skip


def _counted(rank: int) -> str:
    return "no index" if rank == 0 else "one index" if rank == 1 else f"{rank} indices"


def _check_gathered(
    statements: tuple[ir.Statement, ...], table: tuple[ir.Tensor, ...], faults: list[Fault]
) -> None:
    """A tensor in an index position is an integer input, or computed from integers."""
    tensors = {tensor.name: tensor for tensor in table}
    gathered = {at.tensor: at for access in uses(statements) for at in _gathers(access)}
    for name, access in gathered.items():
        if tensors[name].kind in ("param", "noise") or not tensors[name].integer:
            hint = _integer_hint(tensors[name])
            faults.append(NotIntegerTensor(span=access.span, name=name, hint=hint))


def _integer_hint(tensor: ir.Tensor) -> str:
    if tensor.kind == "computed":
        return "only what is computed from integers alone, or with argmax, is an integer"
    return f"declare it as an input that holds them: `input {tensor.span.text} : k`"


def integer_valued(value: ir.Expr, tensors: dict[str, ir.Tensor]) -> bool:
    """Whether an expression has whole values only, as far as its form shows."""
    match value:
        case ir.Position() | ir.Size() | ir.Iverson() | ir.Reduce(op="argmax" | "argmin"):
            return True
        case ir.Number(Fraction(denominator=below)):
            return below == 1
        case ir.Number(float() as number):
            return number.is_integer()
        case ir.Access(name):
            return tensors[name].integer
        case ir.Sum(items) | ir.Product(items):
            return all(integer_valued(item, tensors) for item in items)
        case ir.Power(base, ir.Number(Fraction(denominator=1) as exponent)) if exponent >= 0:
            return integer_valued(base, tensors)
        case ir.Reduce(op="sum" | "prod", body=body):
            return integer_valued(body, tensors)
        case ir.Reduce(op="max" | "min", body=body, where=()):
            return integer_valued(body, tensors) and not _may_leave(body)
        case ir.Call("min" | "max" | "abs" | "sign", args):
            return all(integer_valued(arg, tensors) for arg in args)
        case ir.Call("floor"):
            return True
        case _:
            return False


def _may_leave(value: ir.Expr) -> bool:
    """Whether a maximum of it may leave out all, and be infinite."""
    return any(is_affine(at) for access in accesses(value) for at in access.at)
