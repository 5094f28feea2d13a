"""Pieces of translated code: calls of a peer's functions, put together before any array is seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from string import ascii_letters
from typing import Any

import numpy as np

from einsumgrad.ir.nodes import Index
from einsumgrad.peers.table import SINGLE, Call, Peer
from einsumgrad.record import record

Axes = tuple[Index, ...]
Run = Callable[[Mapping[str, Any]], Any]
"""A value, given the tensors by name."""


@record
class Code:
    """A value whose axes are these indices. `number`: it is one, known now. `static`: it depends on
    no tensor."""

    axes: Axes
    run: Run
    number: float | None = None
    static: bool = False


def constant(value: float) -> Code:
    return Code((), lambda _: value, value, static=True)


def held(array: Any, axes: Axes) -> Code:
    """An array that is known now."""
    return Code(axes, lambda _: array, static=True)


@record
class Maker:
    """Makes code for a peer, of these sizes and for floats of this dtype."""

    peer: Peer
    sizes: Mapping[str, int]
    dtype: str

    def shape(self, axes: Axes) -> tuple[int, ...]:
        return tuple(int(self.sizes[index.size]) for index in axes)

    def lifted(self, function: Call, *codes: Code, axes: Axes | None = None) -> Code:
        """A function of whole arrays, over all indices of its arguments."""
        axes = union(codes) if axes is None else axes
        views = tuple(self.aligned(code, axes) for code in codes)
        static = all(code.static for code in codes)
        return _known(Code(axes, lambda env: function(*(v(env) for v in views)), None, static))

    def called(self, name: str, *codes: Code) -> Code:
        """A function of the peer's table, which takes arrays only."""
        return self.lifted(self.peer.functions[name], *map(self.array, codes))

    def array(self, code: Code) -> Code:
        if code.number is None:
            return code
        return held(self.peer.tools["array"](np.asarray(code.number, self.dtype)), ())

    def aligned(self, code: Code, axes: Axes) -> Run:
        """The value with its axes in the order of these, of length 1 along those that it lacks."""
        own = tuple(index for index in axes if index in code.axes)
        while axes and axes[0] not in code.axes:
            axes = axes[1:]
        run = code.run
        if own != code.axes:
            order, permuted = tuple(code.axes.index(i) for i in own), self.peer.tools["order"]
            run = _after(run, lambda array: permuted(array, order))
        if own != axes:
            at = tuple(slice(None) if index in own else None for index in axes)
            run = _after(run, lambda array: array[at])
        return run

    def spread(self, code: Code, axes: Axes) -> Code:
        """The value over exactly these axes, repeated along those that it lacks."""
        if code.axes == axes and code.number is None:
            return code
        view, shape = self.aligned(self.array(code), axes), self.shape(axes)
        spread = self.peer.tools["spread"]
        if set(code.axes) == set(axes):
            return Code(axes, view, None, code.static)
        return _known(Code(axes, lambda env: spread(view(env), shape), None, code.static))

    def where(self, mask: Code, code: Code, other: float) -> Code:
        """The value where the mask holds, else a number."""
        if mask.number is not None:
            return code if mask.number else constant(other)
        choose = self.peer.tools["where"]
        return self.lifted(lambda m, a: choose(m, a, other), mask, self.array(code))

    def cast(self, code: Code, dtype: str) -> Code:
        cast = self.peer.cast
        return self.lifted(lambda array: cast(array, dtype), code)

    def folded(self, name: str, code: Code, over: Axes, *, keeps: bool = False) -> Code:
        """A reduction over some axes of an array that has them all."""
        fold, places = self.peer.folds[name], tuple(code.axes.index(i) for i in over)
        rest = code.axes if keeps else tuple(i for i in code.axes if i not in over)
        taken = sorted(places, reverse=True) if name in SINGLE else [places]
        run = code.run
        for place in taken:
            run = _after(run, _fixed(fold, place))
        return Code(rest, run)

    def einsum(self, codes: tuple[Code, ...], out: Axes) -> Code:
        """The product of arrays, summed over the indices that are not among `out`."""
        letters = dict(zip(union(codes), ascii_letters, strict=False))
        parts = ["".join(letters[i] for i in axes) for axes in (*(c.axes for c in codes), out)]
        spec = f"{','.join(parts[:-1])}->{parts[-1]}"
        einsum, runs = self.peer.tools["einsum"], tuple(code.run for code in codes)
        return Code(out, lambda env: einsum(spec, *(run(env) for run in runs)))


def union(codes: Iterable[Code]) -> Axes:
    """All indices: those of the code with most of them first."""
    every = tuple(codes)
    longest = max(every, key=lambda code: len(code.axes), default=constant(0))
    return tuple(dict.fromkeys((*longest.axes, *(i for code in every for i in code.axes))))


def _known(code: Code) -> Code:
    """What depends on no tensor is computed now."""
    return held(code.run({}), code.axes) if code.static else code


def _after(first: Run, then: Call) -> Run:
    return lambda env: then(first(env))


def _fixed(fold: Call, place: Any) -> Call:
    return lambda array: fold(array, place)
