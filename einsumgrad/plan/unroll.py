"""Kernel offsets one by one: where a contraction over overlapping windows would copy too much.

`y[b,p,q,o] += x[b,p+k,q+l,c] w[k,l,o,c]` as one matrix product copies x K·L times. For each k and l
the window is a slice, so K·L products take no more room than x.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator

from einsumgrad.ir import nodes as ir
from einsumgrad.ir.affine import affine
from einsumgrad.ir.build import number
from einsumgrad.ir.substitute import replace_all, substitute
from einsumgrad.ir.walk import accesses as entries_in
from einsumgrad.ir.walk import free_indices
from einsumgrad.plan.builder import Builder
from einsumgrad.record import replace

MAX_OFFSETS = 256
Offsets = dict[ir.Index, ir.Expr]


def offsets(
    builder: Builder, accesses: Iterable[ir.Access], allowed: Iterable[ir.Index]
) -> tuple[Offsets, ...]:
    """The values of the kernel's indices, one after the other; none where nothing overlaps, or
    where no window is too large. `allowed`: the indices that may be fixed."""
    wide = [a for a in accesses if math.prod(_lengths(builder, a)) > builder.entries]
    if any(any(entries_in(at)) for access in wide for at in access.at):
        return ()
    found = dict.fromkeys(i for access in wide for i in _kernel(builder, access))
    chosen = [i for i in found if i in set(allowed)]
    sizes = [builder.size(i) for i in chosen]
    if not chosen or math.prod(sizes) > MAX_OFFSETS:
        return ()
    every = itertools.product(*map(range, sizes))
    return tuple(dict(zip(chosen, map(number, values), strict=True)) for values in every)


def _lengths(builder: Builder, access: ir.Access) -> tuple[int, ...]:
    return builder.shape(free_indices(access))


def _kernel(builder: Builder, access: ir.Access) -> Iterator[ir.Index]:
    """The shorter ones of the indices that share a position."""
    for at in access.at:
        form = affine(at)
        if form is not None and len(form.terms) > 1:
            yield from sorted(form.indices, key=builder.size)[:-1]


def at_offset(statement: ir.Statement, fixed: Offsets) -> ir.Statement:
    """The statement for one value of the kernel's indices."""
    target, value = substitute(statement.target, fixed), substitute(statement.value, fixed)
    assert isinstance(target, ir.Access)
    assert isinstance(value, ir.Expr)
    loops = tuple(i for i in statement.indices if i not in fixed)
    where = replace_all(statement.where, fixed)
    return replace(statement, indices=loops, target=target, value=value, where=where)
