"""Makes `data/letters_train.npz` and `data/letters_test.npz` from `data/words.txt`.

`python examples/prepare_letters.py`. A row of `w` is a word as `rnn.ein` reads it: a boundary (0),
its letters (a = 1 … z = 26), a boundary, and zeros up to 14 symbols. `n` is how many symbols are to
be predicted: the letters and the closing boundary.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

DATA = Path(__file__).parent / "data"
TRAINING, LONGEST = 24_000, 12

Arrays = dict[str, npt.NDArray[np.int64]]


def rows(words: list[str]) -> Arrays:
    """The arrays of the words."""
    w = np.zeros((len(words), LONGEST + 2), np.int64)
    for row, word in zip(w, words, strict=True):
        row[1 : len(word) + 1] = [ord(letter) - ord("a") + 1 for letter in word]
    return {"w": w, "n": np.array([len(word) + 1 for word in words], np.int64)}


def main() -> None:
    """Writes both files; the first 24,000 words are for training, as in `words_train.npz`."""
    words = (DATA / "words.txt").read_text(encoding="ascii").split()
    np.savez_compressed(DATA / "letters_train.npz", **rows(words[:TRAINING]))
    np.savez_compressed(DATA / "letters_test.npz", **rows(words[TRAINING:]))


if __name__ == "__main__":
    main()
