"""Numbers that are multiplied later than where they stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from plans import agree, planned_on

import einsumgrad
from einsumgrad.engines.numpy import compile_plan
from einsumgrad.plan.nodes import Plan
from einsumgrad.tune import tune
from einsumgrad.tune.carried import BOUNDS, carried
from einsumgrad.tune.scales import multiplied

Array = npt.NDArray[Any]
SIZE = 200


def planned(text: str, wrt: tuple[str, ...]) -> tuple[Plan, Mapping[str, Array]]:
    """The plan of a loss's gradients on matrices that are large beside a call."""
    rng = np.random.default_rng(0)
    shapes = {"x": (SIZE, SIZE), "g": (SIZE,), "W": (SIZE, SIZE), "c": (SIZE,)}
    arrays = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    return planned_on(einsumgrad.parse(text), wrt, arrays)


def before(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """The plan tuned, but for this rule."""
    with monkeypatch.context() as changed:
        changed.setattr(tune, "carried", lambda made: made)
        return tune.tuned(plan)


def times(plan: Plan) -> list[int]:
    """How many entries numbers multiply, where those are a matrix."""
    sizes = (plan.registers[s.register].size for s in plan.steps if multiplied(s.instruction))
    return [size for size in sizes if size >= SIZE * SIZE]


CASES = {
    "gelu": ("h[b,i] = gelu(g[i] x[b,i] + c[i])\nloss l[b] = 1/2 mean_i h[b,i]^2", 3),
    "terms": ("loss l[b] = Σ_i (0.3 sin(g[i] x[b,i]) + 0.7 cos(c[i] x[b,i]))^2", 1),
    "quotients": ("h[b,i] = 3 sin(g[i] x[b,i]) / (7 exp x[b,i])\nloss l[b] = Σ_i h[b,i]^2", 0),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_fewer_entries_are_multiplied(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, left = CASES[name]
    plan, arrays = planned("param g[i], c[i]\n" + text, ("g", "c") if "c[" in text else ("g",))
    plain = before(plan, monkeypatch)
    fast = carried(plain)
    assert len(times(fast)) == left < len(times(plain))
    agree(fast, arrays, compile_plan(plan).run(arrays))


@pytest.mark.parametrize(
    "text",
    [
        "param W[i,j]\nh[b,j] += W[i,j] x[b,i]\nloss l[b] = Σ_j exp(2 h[b,j])",
        "param g[i]\nloss l[b] = Σ_i sin(2 x[b,i]) g[i]",
        f"param g[i]\nloss l[b] = Σ_i ({2 * BOUNDS[1]!r} (g[i] x[b,i]))^2",
    ],
)
def test_what_does_not_gain_stays(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions and sums of others take what is multiplied; bounds keep float32's range."""
    plan, _ = planned(text, ("W",) if "W[" in text else ("g",))
    plain = before(plan, monkeypatch)
    assert carried(plain) == plain
