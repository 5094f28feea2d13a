"""The batch rule of LANGUAGE §8, in one place.

Derivatives are per example for batched tensors (`v.grad = B ∂J/∂v`) and of the mean objective for
the others (`v.grad = ∂J/∂v`), so the chain rule from a result to an operand changes by a factor.
"""

from __future__ import annotations

from einsumgrad.ir.build import ONE, reciprocal
from einsumgrad.ir.nodes import Expr, Index, Size


def batch_factor(batch: Index | None, result: bool, operand: bool) -> Expr:
    """`1/B` from a batched result to an unbatched operand, `B` the other way round, else 1."""
    if batch is None or result == operand:
        return ONE
    size = Size(batch.size)
    return reciprocal(size) if result else size
