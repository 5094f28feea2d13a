"""Whether a program is a classifier, and how often it is right.

A classifier's loss holds `log P[…, y[…]]` with integers y: the class is the argmax of P along the
axis at which y is read. How often it is y is counted by two more statements of the program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from einsumgrad.api import Program
from einsumgrad.diagnostics import EinError
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.build import ZERO, product
from einsumgrad.ir.nodes import Node, children
from einsumgrad.ir.walk import free_indices
from einsumgrad.record import record, replace
from einsumgrad.train.examples import Examples
from einsumgrad.train.parameters import fresh

Array = npt.NDArray[Any]


@record
class Labelled:
    """A read of a probability at a label: `access` is `P[b, y[b]]`, `axis` that of the label.
    `where`: the conditions under which the loss counts it."""

    access: ir.Access
    axis: int
    where: tuple[ir.Condition, ...]


@record
class Scores:
    """The objective on some examples, and the share that is classified right (None: no
    classifier)."""

    loss: float
    accuracy: float | None


@record
class Judge:
    """Runs a program forwards to score parameters. `hits` and `seen` are two outputs: how many
    labels are right, and how many there are."""

    program: Program
    hits: str | None
    seen: str | None

    def scores(
        self, params: Mapping[str, Array], data: Examples, batch: int, seed: int,
        memory: int | None,
    ) -> Scores:  # fmt: skip
        """The scores over all examples, a batch at a time; `seed` draws noise."""
        loss = self.program.loss or ""
        each = self.program.ir.tensor(loss).batched
        total = hits = seen = 0.0
        for chosen in data.batches(batch, None):
            arrays = data.rows(chosen)
            try:
                found = self.program.run({**params, **arrays}, seed=seed, memory=memory)
            except EinError as error:
                raise data.placed(error, chosen) from None
            total += float(np.sum(found[loss])) * (1 if each else len(chosen))
            if self.hits and self.seen:
                hits, seen = hits + float(found[self.hits]), seen + float(found[self.seen])
        return Scores(total / data.count, hits / seen if seen else None)


def judge(program: ir.Program) -> Judge:
    """The program with its loss as the only output, and the two counts of a classifier."""
    found = _labelled(program)
    if found is None:
        return Judge(Program(replace(program, outputs=())), None, None)
    taken = {t.name for t in program.tensors} | {i.name for i in program.indices}
    names = (fresh("hits", taken), fresh("seen", taken))
    statements = _counts(program, found, names)
    counts = tuple(ir.Tensor(name, "computed", (), integer=True) for name in names)
    added = replace(
        program,
        statements=(*program.statements, *statements),
        tensors=(*program.tensors, *counts),
        outputs=names,
    )
    return Judge(Program(added), *names)


def _counts(
    program: ir.Program, found: Labelled, names: tuple[str, str]
) -> tuple[ir.Statement, ir.Statement]:
    """`hits += [argmax_ŷ P[b,ŷ] = y[b]]` and `seen += 1`, over all labels; the 1 is written as
    `[b >= 0]`, because a statement names its loop indices."""
    loops = free_indices(found.access)
    label = found.access.at[found.axis]
    index = program.tensor(found.access.tensor).axes[found.axis]
    assert index is not None
    own = ir.Index(fresh(index.name, {i.name for i in loops}), index.size)
    at = list(found.access.at)
    at[found.axis] = ir.Position(own)
    best = ir.Reduce("argmax", (own,), replace(found.access, at=tuple(at)))
    right = ir.Iverson(ir.Compare("=", best, label))
    hits, seen = (ir.Access(name, ()) for name in names)
    always = product(*(ir.Iverson(ir.Compare(">=", ir.Position(i), ZERO)) for i in loops))
    return (
        ir.Statement(loops, hits, "+=", right, found.where, listed=True),
        ir.Statement(loops, seen, "+=", always, found.where, listed=True),
    )


def _labelled(program: ir.Program) -> Labelled | None:
    """The one probability that a loss takes the logarithm of at a label, if there is one."""
    tensors = {t.name: t for t in program.tensors}
    found: list[Labelled] = []
    for statement in program.statements:
        for access, where in _logarithms(statement.value, statement.where):
            axes = tensors[access.tensor].axes
            labels = [k for k, at in enumerate(access.at) if _label(at, tensors)]
            plain = len(labels) == 1 and all(
                isinstance(at, ir.Position) for k, at in enumerate(access.at) if k not in labels
            )
            if plain and axes[labels[0]] is not None and _counted(access, where):
                found.append(Labelled(access, labels[0], where))
    distinct = list(dict.fromkeys(found))
    return distinct[0] if len(distinct) == 1 else None


def _label(at: ir.Expr, tensors: Mapping[str, ir.Tensor]) -> bool:
    return isinstance(at, ir.Access) and tensors[at.tensor].kind == "input"


def _counted(access: ir.Access, where: tuple[ir.Condition, ...]) -> bool:
    """Whether the conditions are about the access's own indices."""
    loops = set(free_indices(access))
    return all(set(free_indices(condition)) <= loops for condition in where)


def _logarithms(
    node: Node, where: tuple[ir.Condition, ...]
) -> Iterator[tuple[ir.Access, tuple[ir.Condition, ...]]]:
    """Every `log P[…]` with the conditions under which its value counts."""
    match node:
        case ir.Call("log", (ir.Access() as access,)):
            yield access, where
        case ir.Reduce(body=body, where=inner):
            yield from _logarithms(body, (*where, *inner))
        case ir.Product(factors):
            masks = tuple(f.condition for f in factors if isinstance(f, ir.Iverson))
            for factor in factors:
                yield from _logarithms(factor, (*where, *masks))
        case _:
            for part in children(node):
                yield from _logarithms(part, where)
