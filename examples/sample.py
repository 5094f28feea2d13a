"""Spells new words with a trained `rnn.ein`, `lstm.ein`, `gru.ein` or `gpt.ein`.

`python examples/sample.py examples/lstm.ein lstm.npz 20 0`: the model, its parameters as written by
`einsumgrad train --save`, how many words, the seed. The same seed spells the same words.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

import einsumgrad

USAGE = "usage: python examples/sample.py MODEL.ein PARAMETERS.npz [COUNT [SEED]]"
LENGTH = 14
"""The symbols of a word with its two boundaries, as in the training data."""


def sample(
    model: Path, params: dict[str, npt.NDArray[np.float32]], count: int, seed: int
) -> list[str]:
    """That many words, each letter drawn with the probability that the model gives it."""
    program = einsumgrad.parse(model.read_text(encoding="utf-8") + "\noutput P[b,t,v]\n")
    rng = np.random.default_rng(seed)
    w = np.zeros((count, LENGTH), np.int64)
    n = np.full(count, LENGTH - 1)
    for t in range(LENGTH - 1):
        P = program.run(w=w, n=n, **params)["P"][:, t]
        drawn = (P.cumsum(1) < rng.uniform(size=(count, 1)) * P.sum(1, keepdims=True)).sum(1)
        w[:, t + 1] = drawn * ((w[:, t] > 0) | (t == 0))
    return ["".join(chr(ord("a") + letter - 1) for letter in word if letter) for word in w]


def main(model: str, params: str, count: str = "10", seed: str = "0") -> None:
    """Prints the words."""
    try:
        with np.load(params) as found:
            words = sample(Path(model), dict(found), int(count), int(seed))
    except (OSError, ValueError, einsumgrad.EinError) as error:
        sys.exit(f"{error}\n{USAGE}")
    sys.stdout.write("\n".join(words) + "\n")


if __name__ == "__main__":
    if not 3 <= len(sys.argv) <= 5:
        sys.exit(USAGE)
    main(*sys.argv[1:])
