"""Models that spell words: what they reach on words they have not seen, and what they spell.

A loss here is that of a word, in nats: the sum over its letters and its end.
"""

from __future__ import annotations

import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from trained import EXAMPLES, ROOT, Array, arrays, epochs, example

from einsumgrad.train.training import Options, training

SAMPLE = EXAMPLES / "sample.py"


def bigram(data: dict[str, Array], held: dict[str, Array]) -> float:
    """The loss of the baseline: each symbol by the one before it, every pair counted once more."""
    counts = np.ones((27, 27))
    np.add.at(counts, pairs(data), 1)
    return float(-np.log(counts / counts.sum(1, keepdims=True))[pairs(held)].sum() / len(held["w"]))


def pairs(data: dict[str, Array]) -> tuple[Array, Array]:
    there = np.arange(13) < data["n"][:, None]
    return data["w"][:, :-1][there], data["w"][:, 1:][there]


BASELINE = bigram(arrays("letters_train"), arrays("letters_test"))


def test_the_baseline() -> None:
    """As the table of the examples has it."""
    assert pytest.approx(22.316, abs=1e-3) == BASELINE
    assert f"{BASELINE:.2f}" in (EXAMPLES / "README.md").read_text(encoding="utf-8")


def test_an_epoch_of_the_recurrent_network_beats_pairs_of_letters() -> None:
    options = Options(epochs=1, batch=128, lr=0.003, optimizer="adam", dtype="float32")
    data, held = arrays("letters_train"), arrays("letters_test")
    (epoch,) = training(example("rnn"), data, held, options=options).run()
    assert epoch.test_loss is not None
    assert epoch.test_loss < BASELINE - 1.5


@pytest.mark.parametrize("name", ["lstm", "gru", "gpt", "hmm"])
def test_a_few_steps_of_the_others_lower_the_loss(name: str) -> None:
    few = arrays("letters_train", 320)
    first, *_, last = epochs(example(name), few, epochs=3, batch=32, lr=0.01, optimizer="adam")
    assert last.loss < first.loss - 1


def spell(model: str, params: Path, *more: str) -> list[str]:
    """What the script prints."""
    command = [sys.executable, str(SAMPLE), str(EXAMPLES / f"{model}.ein"), str(params), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def sample(model: str, params: dict[str, Array], count: int, seed: int) -> list[str]:
    """What the script's function gives."""
    words: list[str] = runpy.run_path(str(SAMPLE))["sample"](
        EXAMPLES / f"{model}.ein", params, count, seed
    )
    return words


@pytest.mark.parametrize("name", ["rnn", "gpt"])
def test_a_seed_spells_the_same_words(name: str) -> None:
    params = example(name).init(0, **arrays("letters_train", 2))
    words = sample(name, params, 8, 3)
    assert len(words) == 8
    assert all(re.fullmatch("[a-z]{0,13}", word) for word in words)
    assert sample(name, params, 8, 3) == words
    assert sample(name, params, 8, 4) != words


def test_the_only_word_that_was_learned_is_spelled(tmp_path: Path) -> None:
    w = np.tile([[0, 1, 2, 3, 0] + 9 * [0]], (64, 1))
    options = Options(epochs=60, batch=64, lr=0.05, optimizer="adam")
    run = training(example("rnn"), {"w": w, "n": np.full(64, 4)}, options=options)
    list(run.run())
    np.savez(tmp_path / "params.npz", **run.params)
    assert spell("rnn", tmp_path / "params.npz", "5") == 5 * ["abc"]


def commands(model: str) -> list[str]:
    """How the table of the examples trains a model."""
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"^einsumgrad train examples/{model}\.ein .*", text, re.MULTILINE)


def losses(command: str, folder: Path) -> list[float]:
    """The test losses of a command that is run at the root, what it saves lying in the folder."""
    words = [re.sub(r"^(\w+\.npz)$", rf"{folder}/\1", word) for word in shlex.split(command)]
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [float(found) for found in re.findall(r"test loss ([\d.]+)", done.stdout)]


@pytest.mark.slow
def test_the_vowels_are_a_hidden_state(tmp_path: Path) -> None:
    (command,) = commands("hmm")
    losses(command, tmp_path)
    with np.load(tmp_path / "hmm.npz") as found:
        C, A = (np.exp(found[name]) for name in "CA")
    A, C = A / A.sum(1, keepdims=True), C / C.sum(1, keepdims=True)
    often = np.linalg.matrix_power(A, 100)[0]
    state = (often[:, None] * C).argmax(0)
    vowels = {ord(letter) - ord("a") + 1 for letter in "aeiou"}
    assert {*np.flatnonzero(state == state[1])} == vowels
    assert {*np.flatnonzero(state == state[0])} == {0}


@pytest.mark.slow
@pytest.mark.parametrize(("model", "reached"), [("lstm", 17.8), ("gpt", 18.1)])
def test_long_training(model: str, reached: float, tmp_path: Path) -> None:
    """By the commands in the table of the examples."""
    for command in commands(model):
        *_, last = losses(command, tmp_path)
    assert last < reached < BASELINE
    words = spell(model, tmp_path / f"{model}.npz", "50", "0")
    assert sum(bool(re.search("[aeiouy]", word)) for word in words) >= 48
    assert 6 < np.mean([len(word) for word in words]) < 10
