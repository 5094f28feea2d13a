"""What each work needs: operations, ours beside XLA's: `python tests/bench/operations.py`.

XLA's operations are what its cost analysis says of the compiled program. It leaves out what a
convolution does with the zeros around, and counts functions such as exp as none, or written out;
ours count as one an entry."""

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
from peers.limit_peer import needs
from works import WORKS, Work


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
    shown = Table(title="millions")
    for column in ("work", "operations", "of products", "XLA's", "ours / XLA's", "MiB passed"):
        shown.add_column(column, justify="right")
    for work in WORKS.values():
        needed, theirs = needs(work, work.arrays("float32")), xlas(work)
        counts = (f"{n / 1e6:.4g}" for n in (needed.plan.flops, needed.products, theirs))
        passed = f"{needed.passed / 2**20:.3g}"
        shown.add_row(work.name, *counts, f"{needed.plan.flops / theirs:.3f}", passed)
    Console().print(shown)


if __name__ == "__main__":
    main()
