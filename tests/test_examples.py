"""Every example against PyTorch, and its data against the originals."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

import numpy as np
import pytest
import torch
from all_peers import PEERS
from peers import Array, Peer

import einsumgrad

EXAMPLES = Path(__file__).parent.parent / "examples"
DATA = EXAMPLES / "data"
FILES = tuple(sorted(path.stem for path in EXAMPLES.glob("*.ein")))
SEEDS = range(4)
STEMS = ("digits", "words", "letters")
SPELLERS = tuple((name, "letters") for name in ("rnn", "lstm", "gru", "gpt", "hmm"))


def load(name: str) -> einsumgrad.Program:
    return einsumgrad.load(EXAMPLES / f"{name}.ein")


def close(found: object, expected: Array, what: str) -> None:
    """Equal to 1e-9 of the largest entry."""
    scale = 1e-9 * max(1e-3, float(np.max(np.abs(expected), initial=0.0)))
    np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-9, atol=scale, err_msg=what)


def peer_results(
    peer: Peer, arrays: dict[str, Array], weights: Array | None
) -> tuple[dict[str, Array], dict[str, Array]]:
    """What the peer returns, and its gradients in the meaning of LANGUAGE §8: of the mean over the
    batch of the (weighted) losses, and times B for arrays that bear the batch index."""
    tensors = {name: torch.tensor(array) for name, array in arrays.items()}
    for name in peer.differentiable:
        tensors[name].requires_grad_()
    results = peer.model(tensors)
    per_example = results[peer.loss]
    seed = torch.ones_like(per_example) if weights is None else torch.tensor(weights)
    batch = per_example.shape[0] if per_example.ndim else 1  # `batch none`: the objective itself
    found = torch.autograd.grad(
        (per_example * seed).sum() / batch, [tensors[name] for name in peer.differentiable]
    )
    grads = {
        name: (grad * batch if "b" in peer.shapes[name] else grad).numpy()
        for name, grad in zip(peer.differentiable, found, strict=True)
    }
    return {name: result.detach().numpy() for name, result in results.items()}, grads


def test_every_example_has_a_peer() -> None:
    assert tuple(sorted(PEERS)) == FILES


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", FILES)
def test_values_and_gradients_are_pytorchs(name: str, seed: int) -> None:
    program, peer = load(name), PEERS[name]
    rng = np.random.default_rng(seed)
    arrays = peer.draw(rng)
    values = program.run(**arrays)
    weights = None if program.loss else rng.normal(size=values[peer.loss].shape)
    expected, grads = peer_results(peer, arrays, weights)
    assert set(expected) == set(values)
    for result, value in values.items():
        close(value, expected[result], result)
    if weights is None:
        objective, found = program.value_and_grad(**arrays, wrt=peer.differentiable)
        assert objective == pytest.approx(expected[peer.loss].mean(), rel=1e-9)
    else:
        found = program.vjp({peer.loss: weights}, wrt=peer.differentiable, **arrays)
    assert set(found) == set(grads)
    for tensor, grad in grads.items():
        assert found[tensor].shape == arrays[tensor].shape
        close(found[tensor], grad, f"{tensor}.grad")


@pytest.mark.parametrize("name", FILES)
def test_by_default_every_gradient_is_derived(name: str) -> None:
    program = load(name).derive()
    found = {output for output in program.outputs if output.endswith(".grad")}
    assert found == {f"{tensor}.grad" for tensor in PEERS[name].differentiable}


@pytest.mark.parametrize("name", FILES)
def test_an_example_says_what_it_is_and_where_its_formulas_come_from(name: str) -> None:
    text = (EXAMPLES / f"{name}.ein").read_text(encoding="utf-8")
    lines = [line[1:].strip() for line in takewhile(lambda t: t.startswith("#"), text.splitlines())]
    assert len(lines[0].split()) >= 3, "the first line says what it is"
    assert re.search(r"\b(19|20)\d\d\b", " ".join(lines[1:])), "a source has a year"


def test_digits_are_made_from_the_original() -> None:
    original = np.load(DATA / "digits.npz")
    order = np.random.default_rng(0).permutation(1797)
    x = (original["x"].reshape(1797, 64) / 16).astype(np.float32)[order]
    y = original["y"].astype(np.int64)[order]
    same("digits_train.npz", {"x": x[:1438], "y": y[:1438]})
    same("digits_test.npz", {"x": x[1438:], "y": y[1438:]})


def test_words_are_made_from_the_original() -> None:
    words = (DATA / "words.txt").read_text(encoding="ascii").split()
    assert len(words) == 30_000
    w = np.zeros((len(words), 11), np.int64)
    for row, word in zip(w, words, strict=True):
        letters = [ord(letter) - ord("a") for letter in reversed(word[:-1])]
        row[: len(letters)] = letters
    n = np.array([len(word) - 1 for word in words])
    y = np.array([ord(word[-1]) - ord("a") for word in words])
    same("words_train.npz", {"w": w[:24_000], "n": n[:24_000], "y": y[:24_000]})
    same("words_test.npz", {"w": w[24_000:], "n": n[24_000:], "y": y[24_000:]})


def test_letters_are_made_from_the_original() -> None:
    words = (DATA / "words.txt").read_text(encoding="ascii").split()
    n = np.array([len(word) + 1 for word in words])
    spelled = "".join("`" + word.ljust(13, "`") for word in words)
    w = np.frombuffer(spelled.encode("ascii"), np.uint8).reshape(-1, 14).astype(np.int64) - ord("`")
    same("letters_train.npz", {"w": w[:24_000], "n": n[:24_000]})
    same("letters_test.npz", {"w": w[24_000:], "n": n[24_000:]})


def same(file: str, expected: dict[str, Array]) -> None:
    found = np.load(DATA / file)
    assert set(found.files) == set(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array, err_msg=f"{file}: {name}")


def test_every_data_file_is_told_of_and_made_here() -> None:
    told = (DATA / "README.md").read_text(encoding="utf-8")
    files = {path.name for path in DATA.iterdir()} - {"README.md"}
    made = {f"{stem}_{part}.npz" for stem in STEMS for part in ("train", "test")}
    assert files == {"digits.npz", "words.txt", *made}
    assert all(f"`{file}`" in told for file in files)


@pytest.mark.parametrize(
    ("name", "stem"), [("mlp", "digits"), ("cnn", "digits"), ("embedding", "words"), *SPELLERS]
)
def test_the_data_fit_the_examples(name: str, stem: str) -> None:
    program = load(name)
    for part in ("train", "test"):
        arrays = dict(np.load(DATA / f"{stem}_{part}.npz"))
        assert set(arrays) == set(program.inputs)
        few = {key: array[:50] for key, array in arrays.items()}
        start = program.init(seed=0, **few)
        objective, grads = program.value_and_grad(**few, **start)
        assert np.isfinite(objective)
        assert all(np.isfinite(grad).all() and grad.any() for grad in grads.values())


@pytest.mark.parametrize("args", [[], ["examples/lstm.ein", "nowhere.npz"]])
def test_words_are_not_sampled_from_nothing(args: list[str]) -> None:
    root = Path(__file__).parent.parent
    command = [sys.executable, "examples/sample.py", *args]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
    assert done.returncode == 1
    assert "usage: python examples/sample.py" in done.stderr
    assert "Traceback" not in done.stderr
