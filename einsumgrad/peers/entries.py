"""Entries of tensors at positions: whole axes, or index arrays."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from einsumgrad.ir import nodes as ir
from einsumgrad.ir.walk import accesses, free_indices
from einsumgrad.peers.code import Code, Run, constant, held, union
from einsumgrad.peers.table import Call
from einsumgrad.plan.windows import leaving

if TYPE_CHECKING:
    from einsumgrad.peers.translate import Translator

At = Sequence[ir.Expr]
Shape = Sequence[int]


def read(translator: Translator, access: ir.Access) -> Code:
    """The entries of a tensor that an access reads."""
    name = access.tensor
    source = Code((), lambda env: env[name])
    return entries(translator, source, access.at, translator.shape(name))


def entries(translator: Translator, source: Code, at: At, shape: Shape) -> Code:
    """Entries of an array: an axis as it is where the position is an index that stands nowhere
    else, at index arrays elsewhere; 0 outside."""
    whole = [k for k in range(len(at)) if _whole(translator, k, at, shape)]
    chosen = [k for k in range(len(at)) if k not in whole]
    rest = tuple(p.index for k in whole if isinstance(p := at[k], ir.Position))
    order, run = (*chosen, *whole), source.run
    if order != tuple(range(len(at))):
        run = _ordered(run, translator.make.peer.tools["order"], order)
    if not chosen:
        return Code(rest, run)
    codes, inside = placed(translator, [at[k] for k in chosen], [shape[k] for k in chosen])
    axes = union(codes)
    places = [translator.make.aligned(code, axes) for code in codes]
    found = Code((*axes, *rest), lambda env: run(env)[tuple(place(env) for place in places)])
    return translator.make.where(inside, found, 0)


def _ordered(run: Run, permuted: Call, order: tuple[int, ...]) -> Run:
    return lambda env: permuted(run(env), order)


def _whole(translator: Translator, axis: int, at: At, shape: Shape) -> bool:
    own = at[axis]
    if not isinstance(own, ir.Position):
        return False
    others = (p for k, p in enumerate(at) if k != axis)
    alone = not any(own.index in free_indices(p) for p in others)
    return alone and translator.make.shape((own.index,)) == (shape[axis],)


def placed(translator: Translator, at: At, shape: Shape) -> tuple[list[Code], Code]:
    """Positions as index arrays that are kept inside, and where they are inside by themselves."""
    codes = [place(translator, position) for position in at]
    conditions = leaving(tuple(at), translator.make.sizes, tuple(shape))
    if conditions:
        pairs = zip(codes, shape, at, strict=True)
        codes = [c if any(accesses(p)) else _kept(translator, c, n) for c, n, p in pairs]
    return codes, translator.conjunction(conditions)


def _kept(translator: Translator, code: Code, length: int) -> Code:
    if code.number is not None:
        return constant(min(max(int(code.number), 0), length - 1))
    return translator.make.lifted(lambda a: a.clip(0, length - 1), code)


def place(translator: Translator, node: ir.Expr) -> Code:
    """The code of a position; its numbers are integers. Raises EinError for what is neither affine
    nor an integer tensor."""
    match node:
        case ir.Number(value) if value == int(value):
            return constant(int(value))
        case ir.Size(name):
            return constant(int(translator.make.sizes[name]))
        case ir.Position(index):
            (length,) = translator.make.shape((index,))
            return held(translator.make.peer.tools["array"](np.arange(length)), (index,))
        case ir.Access(tensor) if translator.known[tensor].integer:
            return read(translator, node)
        case ir.Sum(terms):
            parts = [place(translator, term) for term in terms]
            return reduce(lambda a, b: _counted(translator, operator.add, a, b), parts)
        case ir.Product(factors):
            parts = [place(translator, factor) for factor in factors]
            return reduce(lambda a, b: _counted(translator, operator.mul, a, b), parts)
        case _:
            raise translator.refuse("this position")


def _counted(translator: Translator, function: Call, left: Code, right: Code) -> Code:
    if left.number is not None and right.number is not None:
        return constant(function(int(left.number), int(right.number)))
    return translator.make.lifted(function, left, right)
