"""IR to tree: the inverse of `check`. What is undeclared stays so; what is printed reads back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import groupby, pairwise
from typing import Literal

from einsumgrad.check.check import default_outputs
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.nodes import walk
from einsumgrad.reflect.expressions import chained, condition, expression
from einsumgrad.syntax import tree as t
from einsumgrad.syntax.names import size_name


def reflect(program: ir.Program) -> t.File:
    """The tree of a program: declarations, then its statements in order."""
    items: list[t.Item] = [*_batch(program), *_ranges(program), *_tensors(program)]
    items += _roles(program)
    writes = [s.target.tensor for s in program.statements]
    inline = program.loss if writes.count(program.loss or "") == 1 else None
    items += (statement(s, inline) for s in program.statements)
    return t.File(tuple(items), program.source)


def statement(item: ir.Statement, loss: str | None = None) -> t.Statement:
    """The tree of a statement; that of the loss declares it at once where it can."""
    target = t.Access(item.target.tensor, tuple(expression(at) for at in item.target.at))
    loops = tuple(i.name for i in item.indices) if item.listed and item.indices else None
    declares: Literal["loss"] | None = (
        "loss" if item.target.tensor == loss and loops is None else None
    )
    where = _merged([item.where, *_inner_where(item)])
    return t.Statement(
        loops, target, item.op, expression(item.value), chained(condition(c) for c in where),
        declares,
    )  # fmt: skip


def _inner_where(item: ir.Statement) -> Iterator[tuple[ir.Condition, ...]]:
    """The conditions that operators carry; printed at the end of the statement."""
    for node in walk(item.value):
        if isinstance(node, ir.Reduce | ir.Normalise):
            yield node.where


def _merged(lists: Iterable[tuple[ir.Condition, ...]]) -> tuple[ir.Condition, ...]:
    """The conditions of all lists, each once, in an order that keeps that of every list, if there
    is one: reading takes the lists from it again. Otherwise as they come."""
    several = [found for found in lists if found]
    known = tuple(dict.fromkeys(condition for found in several for condition in found))
    if len(several) < 2 or all(_subsequence(found, known) for found in several):
        return known
    place = {condition: k for k, condition in enumerate(known)}
    before: dict[int, set[int]] = {k: set() for k in range(len(known))}
    for found in several:
        for left, right in pairwise(found):
            before[place[right]].add(place[left])
    try:
        return tuple(known[k] for k in TopologicalSorter(before).static_order())
    except CycleError:
        return known


def _subsequence(found: tuple[ir.Condition, ...], known: tuple[ir.Condition, ...]) -> bool:
    left = iter(known)
    return all(condition in left for condition in found)


def _batch(program: ir.Program) -> list[t.Item]:
    if program.batch is None:
        return [t.BatchDecl(None)]
    return [] if program.batch.name == "b" else [t.BatchDecl(program.batch.name)]


def _ranges(program: ir.Program) -> list[t.Item]:
    """The declared indices. A number stands with the index whose capital the size is."""
    sizes = dict(program.sizes)
    groups: list[t.IndexGroup] = []
    for size, found in groupby(program.indices, key=lambda i: i.size):
        names = tuple(i.name for i in found)
        given = sizes.pop(size, None)
        if given is None:
            groups.append(t.IndexGroup(names, _size(size)))
            continue
        owner = next((k for k, name in enumerate(names) if size_name(name) == size), 0)
        if owner:
            groups.append(t.IndexGroup(names[:owner], _size(size)))
        groups.append(t.IndexGroup(names[owner:], expression(given)))
    return [t.IndexDecl(tuple(groups))] if groups else []


def _size(name: str) -> t.Expr:
    return t.SizeOf(name.strip("|")) if name.startswith("|") else t.Name(name)


def _tensors(program: ir.Program) -> list[t.Item]:
    items: list[t.Item] = []
    declared = (x for x in program.tensors if x.declared)
    for kind, group in groupby(declared, key=lambda tensor: tensor.kind):
        if kind != "computed":
            items.append(t.TensorDecl(kind, tuple(_declared(tensor) for tensor in group)))
    return items


def _declared(tensor: ir.Tensor) -> t.Declared:
    indices = tuple(i.name for i in tensor.axes if i is not None)
    match tensor.start:
        case None:
            start: t.Draw | t.Expr | None = None
        case ir.Draw(distribution, args):
            start = t.Draw(distribution, tuple(expression(arg) for arg in args))
        case value:
            start = expression(value)
    return t.Declared(tensor.name, indices, tensor.holds.name if tensor.holds else None, start)


def _roles(program: ir.Program) -> list[t.Item]:
    """`loss` where no statement can say it, `output` where the default would differ."""
    items: list[t.Item] = []
    writers = [s for s in program.statements if s.target.tensor == program.loss]
    if program.loss and (len(writers) != 1 or (writers[0].listed and writers[0].indices)):
        items.append(t.TensorDecl("loss", (_role(program.tensor(program.loss)),)))
    tensors = {tensor.name: tensor for tensor in program.tensors}
    opened = any(tensors[n].declared and tensors[n].kind == "computed" for n in program.outputs)
    if opened or program.outputs != default_outputs(program.statements, program.loss):
        entries = tuple(_role(tensors[name]) for name in program.outputs)
        items.append(t.TensorDecl("output", entries))
    return items


def _role(tensor: ir.Tensor) -> t.Declared:
    known = tuple(i.name for i in tensor.axes if i is not None)
    return t.Declared(tensor.name, known if len(known) == len(tensor.axes) else ())


def needed_indices(program: ir.Program) -> tuple[ir.Index, ...]:
    """The declared indices, then those in use whose size their name does not give."""
    used = sorted({i for s in program.statements for i in s.every_index})
    known = {i.name for i in program.indices}
    extra = (i for i in used if i.name not in known and size_name(i.name) != i.size)
    return (*program.indices, *extra)
