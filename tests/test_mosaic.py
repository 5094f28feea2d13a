"""Values that are made where they are put: the gradients of poolings."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from plans import agree, planned_on

import einsumgrad
from einsumgrad.emit.script import script
from einsumgrad.engines.numpy import compile_plan
from einsumgrad.plan.nodes import Plan
from einsumgrad.tune.tune import tuned
from einsumgrad.tune.unroll import unrolled

HEAD = "index p, q : 2\nh[b,m,n] = tanh(x[b,m,n] w[m,n])\n"
SQUARE = "loss ℓ[b] = Σ_{r,s} (max_{p,q} %s)^2"
POOLED = {
    "squares": ((12, 16), SQUARE % "h[b,2r+p,2s+q]", 0),
    "turned squares": ((12, 16), SQUARE % "h[b,2r+q,2s+p]", 0),
    "an entry left over": ((13, 16), SQUARE % "h[b,2r+p,2s+q]", 4),
    "squares that overlap": ((12, 16), SQUARE % "h[b,r+p,s+q]", 4),
    "each with other steps": ((12, 15), SQUARE % "h[b,2r+p,3s+q]", 4),
    "rows": ((12, 16), "loss ℓ[b] = Σ_{r,n} (max_p h[b,2r+p,n])^2", 0),
    "the other way round": ((12, 16), "loss ℓ[b] = Σ_{r,n} (max_p h[b,2r+1-p,n])^2", 0),
}
"""Sizes, a loss, and how many values of its gradient are added one by one."""


def planned(sizes: tuple[int, int], loss: str) -> tuple[Plan, dict[str, npt.NDArray[Any]]]:
    rng = np.random.default_rng(0)
    arrays = {"x": rng.normal(size=(3, *sizes)), "w": rng.normal(size=sizes)}
    return planned_on(einsumgrad.parse(HEAD + loss), ("w", "x"), arrays)


@pytest.mark.parametrize("name", POOLED)
def test_what_covers_an_array_is_made_in_it(name: str) -> None:
    sizes, loss, count = POOLED[name]
    plan, given = planned(sizes, loss)
    made = unrolled(tuned(plan), 0)
    added = [line for line in script(made).source.splitlines() if re.search(r" add\(.*out=", line)]
    assert len(added) == count
    agree(made, given, compile_plan(plan).run(given))
