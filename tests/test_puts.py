"""Buffers that a loop sets, entry by entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from plans import agree, planned

import einsumgrad
from einsumgrad.engines.numpy import compile_plan
from einsumgrad.fused.groups import fused
from einsumgrad.plan.nodes import Buffer, Loop, Plan, Store
from einsumgrad.record import replace
from einsumgrad.tune.puts import set_once
from einsumgrad.tune.tune import tuned

Array = npt.NDArray[Any]
KEPT = {
    "later turns read": ("h[b,t] = tanh(x[b,t] + 1/2 h[b,t-1])", True),
    "two turns ago": ("h[b,t] = x[b,t] + 1/2 h[b,t-1] - 1/4 h[b,t-2]", True),
    "from the end": ("h[b,t] = x[b,t] + 1/2 sin h[b,t+1]", True),
    "outside": ("h[b,t] = x[b,t] + 1/2 h[b,t-1] where t > 2", False),
    "a start": ("h[b,0] = x[b,0]\nh[b,t] = x[b,t] + 1/2 h[b,t-1] where t > 0", False),
}  # fmt: skip


def functions(plan: Plan) -> list[str]:
    loops = [s.instruction for s in plan.steps if isinstance(s.instruction, Loop)]
    return [s.instruction.function for loop in loops for s in loop.body
            if isinstance(s.instruction, Store)]  # fmt: skip


def bare(plan: Plan) -> int:
    return sum(isinstance(s.instruction, Buffer) and s.instruction.bare for s in plan.steps)


def made(name: str) -> tuple[Plan, Mapping[str, Array]]:
    return planned(einsumgrad.parse(KEPT[name][0] + "\nloss l[b] = Σ_t h[b,t]^2").ir)


@pytest.mark.parametrize("name", KEPT)
def test_what_each_turn_writes_once_is_set(name: str) -> None:
    plan, arrays = made(name)
    fast, expected = tuned(plan), compile_plan(plan).run(arrays)
    assert ("set" in functions(fast)) == (bare(fast) > 0)
    assert not KEPT[name][1] or bare(fast)
    agree(fast, arrays, expected)
    agree(fused(fast), arrays, expected)
    agree(fast, arrays, compile_plan(fast).run(arrays))


def test_memory_that_held_something_else_is_not_read() -> None:
    """What lies around such a buffer is 0, whatever was there before."""
    program = einsumgrad.parse("h[b,t] = x[b,t] + 1/2 h[b,t-1]", engine="numpy")
    x = np.ones((3, 4))
    first = program.run(x=np.full((3, 4), np.nan))["h"]
    assert np.isnan(first).all()
    expected = np.cumsum(0.5 ** np.arange(4))
    np.testing.assert_allclose(program.run(x=x)["h"], np.broadcast_to(expected, (3, 4)))


def replaced(plan: Plan, change: Any) -> Plan:
    """A plan whose loop is changed."""
    steps = tuple(
        replace(s, instruction=change(s.instruction)) if isinstance(s.instruction, Loop) else s
        for s in plan.steps
    )
    return replace(plan, steps=steps)


def test_turns_in_the_other_order_read_zeros() -> None:
    """Then an entry is read before it is written: nothing is set."""
    plan, _ = made("later turns read")
    assert bare(set_once(plan)) > 0
    turned = replaced(plan, lambda loop: replace(loop, upward=not loop.upward))
    shorter = replaced(plan, lambda loop: replace(loop, count=loop.count - 1))
    assert bare(set_once(shorter)) == 0
    assert bare(set_once(turned)) < bare(set_once(plan))
