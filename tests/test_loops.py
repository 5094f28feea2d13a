"""What is made ready before the turns of a loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from plans import agree, planned_on

import einsumgrad
from einsumgrad.emit.script import script
from einsumgrad.engines.numpy import compile_plan
from einsumgrad.plan.nodes import Pad, Plan
from einsumgrad.tune.loops import FEWEST, readied
from einsumgrad.tune.strips import cuts, stripped
from einsumgrad.tune.tune import tuned

Array = npt.NDArray[Any]
STATES = "param W[j,k]\nindex j, k : J\nh[b,t,j] = tanh(x[b,t,j] + Σ_k {} h[b,t-1,k])\n"
LOSS = "loss l[b] = Σ_{t,j} h[b,t,j]^2"


def planned(matrix: str, turns: int, text: str = LOSS) -> tuple[Plan, Mapping[str, Array]]:
    rng = np.random.default_rng(0)
    arrays = {"x": rng.normal(size=(2, turns, 3)), "W": rng.normal(size=(3, 3))}
    program = einsumgrad.parse(STATES.format(matrix) + text)
    return planned_on(program, ("W",), arrays)


def copied(plan: Plan) -> int:
    return sum(isinstance(step.instruction, Pad) for step in plan.steps)


@pytest.mark.parametrize("turns", [FEWEST - 1, FEWEST, 9])
@pytest.mark.parametrize("matrix", ["W[j,k]", "W[k,j]"])
def test_a_matrix_of_a_loop_lies_in_rows_that_are_summed(matrix: str, turns: int) -> None:
    """One pass takes it as it is, the other one its transpose."""
    plan, arrays = planned(matrix, turns)
    fast = tuned(plan)
    made, expected = readied(fast), compile_plan(plan).run(arrays)
    assert copied(made) - copied(fast) == (turns >= FEWEST)
    agree(made, arrays, expected)
    for cut in cuts(made):
        agree(stripped(made, cut, lambda _cut, _own: 1), arrays, expected)


def test_both_passes_share_what_a_turn_multiplies_by() -> None:
    """The products of a turn read the copy, not the parameter's transpose."""
    source = script(readied(tuned(planned("W[j,k]", 9)[0]))).source
    forward = source.split("for ")[1]
    product = next(line for line in forward.splitlines() if "matmul" in line)
    assert ", u" not in product
    assert "copyto(" in source.split("for ")[0]


def test_what_turns_make_is_left_alone() -> None:
    text = "loss l[b] = Σ_{t,j} h[b,t,j]^2 + Σ_{t,j} (Σ_k h[b,t,k] h[b,t,j])^2"
    plan, arrays = planned("W[j,k]", 9, text)
    agree(readied(tuned(plan)), arrays, compile_plan(plan).run(arrays))
