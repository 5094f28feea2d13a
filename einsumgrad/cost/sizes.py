"""Sizes where nothing gives them, by which plans of different sizes are chosen."""

from __future__ import annotations

from collections.abc import Mapping

from einsumgrad.check.sizes import axis_sizes
from einsumgrad.diagnostics import EinError
from einsumgrad.ir.nodes import Program
from einsumgrad.verify.sample import SMALL, draw_sizes

LARGE = (
    127, 113, 109, 107, 103, 101, 97, 89, 83, 79, 73, 71, 67, 61, 59, 53, 47, 43, 41, 37, 31, 29,
    23, 19, 17, 13, 11,
)  # fmt: skip
"""Much alike, so that no index is the cheap one; distinct primes, so that no two computations are
taken for one; falling, so that a kernel, which comes late, is shorter than what it slides over."""


def some_sizes(program: Program, given: Mapping[str, int]) -> dict[str, int]:
    """Every size: as declared, as given by name, else a large one, or a small one where a program
    allows no large one. Raises EinError if what is given disagrees."""
    leaves = [t for t in program.tensors if t.kind != "computed"]
    gathered = {size: LARGE[0] for tensor in leaves for size in axis_sizes(tensor)}
    for lengths in (LARGE, LARGE[::-1]):
        try:
            return gathered | draw_sizes(program, given, {}, lengths)
        except EinError:
            continue
    return gathered | draw_sizes(program, given, {}, SMALL)
