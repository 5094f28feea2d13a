"""What no contestant can beat, as a contestant: its steps say what a work takes at least, by rates
measured at that moment, beside the others.

`roofline`: the longer of two times: the operations of all products of matrices at the rate of a
large one by PyTorch, and arguments and gradients passing through memory once at the rate of its
copies. `calls`: what NumPy's calls for the same plan take (`calls.py`), products at the rate of its
BLAS."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from works import Work

import einsumgrad
from einsumgrad.plan.counts import flops
from einsumgrad.plan.nodes import Pair, Plan
from einsumgrad.tune.bodies import turns
from einsumgrad.tune.elementary import elementary
from einsumgrad.tune.tune import tuned
from peers.calls import Rates, least, spent

SIDE, COPIED = 1024, 2**26


@dataclass(frozen=True)
class Needs:
    """A plan, the operations of its products, the bytes of its arguments and results."""

    plan: Plan
    products: int
    passed: int


def needs(work: Work, arrays: Mapping[str, Any]) -> Needs:
    program = einsumgrad.load(work.path, engine="numpy")
    _, gradients = program.value_and_grad(arrays, wrt=work.wrt)
    ((_, runner),) = program.runners.items()
    ((_, ready),) = runner.plans.items()
    plan = ready.plan
    products = sum(
        n * flops(s.instruction, plan.registers[s.register], plan.registers)
        for s, n in turns(plan.steps)
        if isinstance(s.instruction, Pair)
    )
    return Needs(plan, products, sum(a.nbytes for a in (*arrays.values(), *gradients.values())))


def prepare(work: Work, arrays: Mapping[str, Any], mode: str) -> Callable[[], float]:
    """A step that gives seconds."""
    needed = needs(work, arrays)
    dtype = str(arrays[work.wrt[0]].dtype)
    return (roofline if mode == "roofline" else calls)(needed, dtype)


def seconds(call: Callable[[], object]) -> float:
    """The least of a few calls: threads are awake and memory is there."""
    return min(spent(call, 3))


def roofline(needed: Needs, dtype: str) -> Callable[[], float]:
    import torch

    one, out = (torch.ones(SIDE, SIDE, dtype=getattr(torch, dtype)) for _ in range(2))
    source, target = torch.ones(COPIED, dtype=torch.uint8), torch.ones(COPIED, dtype=torch.uint8)

    def step() -> float:
        product = seconds(lambda: torch.mm(one, one, out=out)) / (2 * SIDE**3)
        byte = seconds(lambda: target.copy_(source)) / (2 * COPIED)
        return max(product * needed.products, byte * needed.passed)

    return step


def calls(needed: Needs, dtype: str) -> Callable[[], float]:
    one, out = np.ones((SIDE, SIDE), dtype), np.ones((SIDE, SIDE), dtype)
    plan, cores = elementary(tuned(needed.plan)), os.cpu_count() or 1

    def step() -> float:
        product = seconds(lambda: np.matmul(one, one, out)) / (2 * SIDE**3)
        return least(plan, Rates(dtype), product, cores)

    return step
