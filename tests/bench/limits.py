"""What each work needs at least: operations, ours beside XLA's, and the time that they and the
memory take on this machine: `python tests/bench/limits.py`.

XLA's operations are what its cost analysis says of the compiled program. It leaves out what a
convolution does with the zeros around, and counts functions such as exp as none, or written out;
ours count as one an entry. The limit is the longer of two times: that of the products of matrices
at the rate of a large one, and that of arguments and gradients passing through memory once at the
rate of a copy. No work can be faster than that; small ones are limited by calls."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent))

from peers import jax_peer
from works import WORKS, Work

import einsumgrad
from einsumgrad.plan.counts import flops
from einsumgrad.plan.nodes import Pair
from einsumgrad.tune.bodies import turns

SIDE, COPIED, WHILE = 1536, 2**27, 20.0


def usual(call: Callable[[], object]) -> float:
    """The median of the seconds of calls, one after the other for a while: the first ones are
    faster than a processor is in the long run."""
    call()
    found, until = list[float](), time.perf_counter() + WHILE
    while time.perf_counter() < until:
        started = time.perf_counter()
        call()
        found.append(time.perf_counter() - started)
    return median(found)


def gemm_rate() -> float:
    """Operations a second of a large product in float32, on all cores."""
    one = np.random.default_rng(0).normal(size=(SIDE, SIDE)).astype(np.float32)
    out = np.empty_like(one)
    return 2 * SIDE**3 / usual(lambda: np.matmul(one, one, out))


def bandwidth() -> float:
    """Bytes a second that two threads read, and write elsewhere, together."""
    source, target = np.ones((2, COPIED), np.uint8), np.empty((2, COPIED), np.uint8)
    with ThreadPoolExecutor(2) as pool:
        seconds = usual(lambda: list(pool.map(np.copyto, target, source)))
    return 4 * COPIED / seconds


def ours(work: Work) -> tuple[int, int, int]:
    """All operations of the plan, those of products, and the bytes of arguments and results."""
    program = einsumgrad.load(work.path, engine="numpy")
    arrays = work.arrays("float32")
    _, gradients = program.value_and_grad(arrays, wrt=work.wrt)
    ((_, runner),) = program.runners.items()
    ((_, ready),) = runner.plans.items()
    plan = ready.plan
    products = sum(
        n * flops(s.instruction, plan.registers[s.register], plan.registers)
        for s, n in turns(plan.steps)
        if isinstance(s.instruction, Pair)
    )
    passed = sum(a.nbytes for a in (*arrays.values(), *gradients.values()))
    return plan.flops, products, passed


def xlas(work: Work) -> float:
    """Its operations; a scan is unrolled, as the body of a loop would count once."""
    arrays = {k: jnp.asarray(v) for k, v in work.arrays("float32").items()}
    parameters = {name: arrays.pop(name) for name in work.wrt}
    scan = jax.lax.scan

    def loss(own: dict[str, Any]) -> Any:
        return jax_peer.LOSSES[work.program]({**arrays, **own})

    try:
        jax.lax.scan = partial(scan, unroll=True)
        found = jax.jit(jax.value_and_grad(loss)).lower(parameters).compile().cost_analysis()
    finally:
        jax.lax.scan = scan
    return float((found[0] if isinstance(found, list) else found)["flops"])


def main() -> None:
    rate, speed = gemm_rate(), bandwidth()
    title = f"float32; products at {rate / 1e9:.0f} GFLOP/s, memory at {speed / 1e9:.1f} GB/s"
    shown = Table(title=title)
    columns = ("work", "MFLOP", "of products", "XLA's", "ours / XLA's", "MiB passed", "limit, ms")
    for column in columns:
        shown.add_column(column, justify="right")
    for work in WORKS.values():
        total, products, passed = ours(work)
        theirs = xlas(work)
        limit = max(products / rate, passed / speed) * 1e3
        cells = (f"{n / 1e6:.4g}" for n in (total, products, theirs))
        row = (*cells, f"{total / theirs:.3f}", f"{passed / 2**20:.3g}", f"{limit:.3g}")
        shown.add_row(work.name, *row)
    Console().print(shown)


if __name__ == "__main__":
    main()
