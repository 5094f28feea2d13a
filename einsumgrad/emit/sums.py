"""Sums as products with ones: BLAS adds two to ten times as fast as `add.reduce`."""

from __future__ import annotations

from math import prod

import numpy as np

from einsumgrad.emit.places import Place
from einsumgrad.emit.writer import Writer
from einsumgrad.plan.nodes import Fold
from einsumgrad.tune.elementary import MOST


def summed(writer: Writer, made: Fold, source: Place, out: Place, *, alone: bool) -> bool:
    """Writes a sum of floating numbers; False if it is none, or lies in no matrix. `alone`: nothing
    runs beside it, so that BLAS may use threads of its own, as it does for matrices only."""
    terms = prod(source.shape[k] for k in made.axes)
    floating = source.dtype == out.dtype and out.dtype in ("float32", "float64")
    if made.function != "sum" or not floating or not 2 <= terms <= MOST:
        return False
    over = [k for k in source.order if k in made.axes]
    kept = [k for k in source.order if k not in made.axes]
    left = sorted(kept)
    matrix = source.merged((tuple(kept), tuple(over)))
    target = out.turned(tuple(left.index(k) for k in kept)).merged((tuple(range(len(kept))),))
    if matrix is None or target is None or 0 in matrix.shape:
        return False
    if target.strides[0] != target.item or 0 in matrix.strides or not matrix.is_matrix():
        return False
    rows = matrix.strides[1] == matrix.item
    if not (alone or rows):
        return False
    ones = writer.constant("k", np.ones(terms, out.dtype))
    function = "matmul" if alone else "vecdot"
    writer.line(f"{function}({writer.name(matrix)}, {ones}, {writer.name(target)})")
    return True
