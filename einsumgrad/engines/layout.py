"""Arrays seen in the space of an instruction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from einsumgrad.plan.operands import Layout

Array = npt.NDArray[Any]
View = Callable[[Array], Array]


def view(layout: Layout, rank: int) -> View | None:
    """How an array with these axes broadcasts in a space of `rank` axes; None if it just does."""
    order = tuple(int(k) for k in np.argsort(layout)) if layout else ()
    placed = sorted(layout)
    first = placed[0] if placed else rank
    index = tuple(slice(None) if k in placed else None for k in range(first, rank))
    transposes = order != tuple(range(len(layout)))
    expands = None in index
    if not transposes and not expands:
        return None
    if not expands:
        return lambda a: a.transpose(order)
    if not transposes:
        return lambda a: a[index]
    return lambda a: a.transpose(order)[index]


def seen(layout: Layout, rank: int) -> View:
    """`view`, the identity included."""
    return view(layout, rank) or (lambda a: a)
