"""Programs with random arrays and a random direction of all that has a derivative."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import oracle

import einsumgrad
from einsumgrad.derive.reverse import default_wrt
from einsumgrad.verify.sample import draw_arrays, draw_sizes

Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]


@dataclass
class Moving:
    """A program at a point, and a direction; `weights` of its outputs make a number of them."""

    program: einsumgrad.Program
    arrays: dict[str, Array]
    sizes: dict[str, int]
    seed: int

    @cached_property
    def direction(self) -> dict[str, Array]:
        rng = np.random.default_rng([self.seed, 1])
        names = default_wrt(self.program.ir)
        return {name: rng.normal(size=self.arrays[name].shape) for name in names}

    @cached_property
    def forwards(self) -> tuple[dict[str, Array], dict[str, Array]]:
        return self.program.jvp(self.direction, **self.arrays)

    @cached_property
    def weights(self) -> dict[str, Array]:
        rng = np.random.default_rng([self.seed, 2])
        return {name: rng.normal(size=array.shape) for name, array in self.forwards[0].items()}

    def examples(self, name: str) -> int:
        """The factor of a batched tensor's `.grad` (LANGUAGE §8)."""
        ir = self.program.ir
        batched = ir.batch is not None and ir.tensor(name).batched
        return self.sizes[ir.batch.size] if ir.batch is not None and batched else 1

    def along(self) -> float:
        """⟨ū, J v⟩, each output weighted as its `.grad` weighs it."""
        tangents = self.forwards[1].items()
        return sum(float(np.sum(self.weights[n] * a)) / self.examples(n) for n, a in tangents)

    def across(self) -> tuple[float, float]:
        """⟨Jᵀū, v⟩, and the sum of the sizes of its terms."""
        found = self.program.vjp(self.weights, wrt=tuple(self.direction), **self.arrays)
        terms = [found[n] * v / self.examples(n) for n, v in self.direction.items()]
        every = np.concatenate([np.zeros(1), *(term.ravel() for term in terms)])
        return float(np.sum(every)), float(np.sum(np.abs(every)))

    def difference(self, name: str) -> tuple[float, float]:
        """⟨ū, J v⟩ of one output by differences of what the loops compute, and how far off."""
        base = oracle.run(self.program.ir, self.arrays, self.sizes)

        def moved(step: Array) -> float:
            arrays = {n: a + step * self.direction.get(n, 0) for n, a in self.arrays.items()}
            found = oracle.run(self.program.ir, arrays, self.sizes, base)
            return float(np.sum(self.weights[name] * found[name]))

        return oracle.central_difference(moved, np.zeros(()), np.ones(()))


def moving(program: einsumgrad.Program, seed: int, values: Any = "positive") -> Moving:
    """The program at a drawn point, positive so that logarithms and roots are finite."""
    sizes = draw_sizes(program.ir, {}, {})
    rng = np.random.default_rng([seed, 0])
    return Moving(program, draw_arrays(program.ir, {}, sizes, rng, values), sizes, seed)
