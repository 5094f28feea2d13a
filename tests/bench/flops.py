"""Operations of a value and its gradients, our plan's beside XLA's: `python tests/bench/flops.py`.

XLA's are what its own cost analysis says of the compiled program. It counts the body of a loop
once, so for W8 its figure is that of an unrolled scan. Functions such as exp are no operations to
it; ours count as one each. Where the two plans do the same products, that is the difference."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent))

from peers import jax_peer
from works import WORKS, Work

import einsumgrad
from einsumgrad.plan.counts import flops
from einsumgrad.plan.nodes import Pair
from einsumgrad.tune.bodies import turns


def ours(work: Work) -> tuple[int, int]:
    """All operations of the plan, and those of contractions."""
    program = einsumgrad.load(work.path, engine="numpy")
    program.value_and_grad(work.arrays("float32"), wrt=work.wrt)
    ((_, runner),) = program.runners.items()
    ((_, ready),) = runner.plans.items()
    plan = ready.plan
    products = sum(
        n * flops(s.instruction, plan.registers[s.register], plan.registers)
        for s, n in turns(plan.steps)
        if isinstance(s.instruction, Pair)
    )
    return plan.flops, products


def xlas(work: Work) -> float:
    arrays = {k: jnp.asarray(v) for k, v in work.arrays("float32").items()}
    parameters = {name: arrays.pop(name) for name in work.wrt}
    jax.lax.scan = partial(jax.lax.scan, unroll=True) if work.program == "rnn" else jax.lax.scan

    def loss(own: dict[str, Any]) -> Any:
        return jax_peer.LOSSES[work.program]({**arrays, **own})

    compiled = jax.jit(jax.value_and_grad(loss)).lower(parameters).compile()
    found = compiled.cost_analysis()
    return float((found[0] if isinstance(found, list) else found)["flops"])


def main() -> None:
    shown = Table(title="operations of value and gradients, millions")
    for column in ("work", "ours", "of products", "XLA", "ours / XLA"):
        shown.add_column(column, justify="right")
    for work in WORKS.values():
        total, products = ours(work)
        theirs = xlas(work)
        cells = (f"{n / 1e6:.4g}" for n in (total, products, theirs))
        shown.add_row(work.name, *cells, f"{total / theirs:.3f}")
    Console().print(shown)


if __name__ == "__main__":
    main()
