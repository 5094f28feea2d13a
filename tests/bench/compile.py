"""How long compiling takes: `python tests/bench/compile.py`.

Whole processes, processor time, the least of three: the start-up figures, 20,000 simple statements
with their gradients, and perceptrons of 10, 100 and 1000 layers. The first line is how long this
machine takes for a loop of ten million turns (about 0.9 s where the figures in the notes come
from), since such figures are of a machine and its neighbours as much as of a program.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOOP = "s = 0\nfor i in range(10_000_000): s += i * i"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, command in commands(Path(folder)):
            seconds = min(spent(command) for _ in range(3))
            sys.stdout.write(f"{seconds:8.2f} s  {name}\n")
            sys.stdout.flush()


def commands(folder: Path) -> list[tuple[str, list[str]]]:
    def compiled(lines: Callable[[], str], name: str) -> list[str]:
        path = folder / f"{name}.ein"
        path.write_text(lines(), encoding="utf-8")
        return ["-m", "einsumgrad", "compile", str(path)]

    mlp = str(ROOT / "examples" / "mlp.ein")
    return [
        ("a loop of ten million turns", ["-c", LOOP]),
        ("import einsumgrad", ["-c", "import einsumgrad"]),
        ("einsumgrad compile examples/mlp.ein", ["-m", "einsumgrad", "compile", mlp]),
        ("20,000 statements `h1[b] = 2 h0[b]`", compiled(chain, "chain")),
        ("20,000 statements `h1[b,j] += W1[j,i] x[b,i]`", compiled(products, "products")),
        *((f"{n} layers", compiled(partial(layers, n), f"layers{n}")) for n in (10, 100, 1000)),
    ]


def chain() -> str:
    return "".join(f"h{k}[b] = 2 h{k - 1}[b]\n" for k in range(1, 20_001))


def products() -> str:
    return "".join(f"for b,i,j  h{k}[b,j] += W{k}[j,i] x[b,i]\n" for k in range(20_000))


def layers(count: int) -> str:
    lines = ["input h0[b,i]"]
    for k in range(1, count + 1):
        j, i = "ij"[k % 2], "ij"[(k - 1) % 2]
        lines.append(f"h{k}[b,{j}] = σ(Σ_{i} W{k}[{j},{i}] h{k - 1}[b,{i}] - c{k}[{j}])")
    return "\n".join([*lines, f"loss ℓ[b] = Σ_{j} h{count}[b,{j}]^2"])


def spent(command: list[str]) -> float:
    """Processor seconds of `python command`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
