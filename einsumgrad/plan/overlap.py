"""Which axes of an affine write have to be taken one by one, so that no entry is met twice."""

from __future__ import annotations

import math

import numpy as np

from einsumgrad.plan.operands import Walk

MAX_COUNTED = 10_000_000


def overlapping(
    walks: tuple[Walk, ...], lengths: tuple[int, ...], shape: tuple[int, ...]
) -> tuple[int, ...]:
    """Axes of the space without which no two tuples meet the same entry: the short ones first.

    By flat strides, as in a number system: each larger than all that the smaller ones reach."""
    flat = [1] * len(lengths)
    for axis in range(len(lengths) - 2, -1, -1):
        flat[axis] = flat[axis + 1] * lengths[axis + 1]
    strides = [0] * len(shape)
    for axis, walk in enumerate(walks):
        for k, by in walk.steps:
            strides[k] += by * flat[axis]
    single: list[int] = []
    for k in sorted(range(len(shape)), key=lambda k: shape[k]):
        left = [j for j in range(len(shape)) if j not in single]
        if _apart([(abs(strides[j]), shape[j]) for j in left]):
            break
        if shape[k] > 1:
            single.append(k)
    return tuple(sorted(single))


def _apart(axes: list[tuple[int, int]]) -> bool:
    reach = 0
    for stride, length in sorted(axes):
        if length > 1 and stride <= reach:
            return False
        reach += stride * (length - 1)
    return True


def meets(walks: tuple[Walk, ...], lengths: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether two tuples meet the same entry; where that is too much to count, the guess."""
    if not overlapping(walks, lengths, shape) or math.prod(shape) > MAX_COUNTED:
        return bool(overlapping(walks, lengths, shape))
    flat = np.zeros((1,) * len(shape), np.int64)
    for walk, length in zip(walks, lengths, strict=True):
        places = np.full((1,) * len(shape), walk.offset)
        for k, by in walk.steps:
            axis = np.arange(shape[k]).reshape(
                tuple(-1 if j == k else 1 for j in range(len(shape)))
            )
            places = places + by * axis
        flat = flat * length + places
    return len(np.unique(flat)) < math.prod(shape)
