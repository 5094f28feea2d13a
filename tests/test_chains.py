"""What the derivatives of the chain models are: posteriors, best paths; by sums over all paths."""

from __future__ import annotations

import numpy as np
import torch
from peers import Array
from peers_chains import PEERS, path_scores, paths
from trained import example

import einsumgrad


def test_the_gradient_of_the_forward_algorithm_is_the_posterior() -> None:
    """By the emissions, with the sign of the loss: what the derived program computes for `e`."""
    arrays = PEERS["hmm"].draw(np.random.default_rng(5))
    derived = einsumgrad.parse(str(example("hmm").derive()) + "output e.grad[b,t,s]\n")
    found = -derived.run(**arrays)["e.grad"]
    for grad, word, last in zip(found, arrays["w"], arrays["n"], strict=True):
        expected = posterior({name: torch.tensor(arrays[name]) for name in "aAC"}, word[: last + 1])
        np.testing.assert_allclose(grad[: last + 1], expected, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(grad[: last + 1].sum(1), 1, rtol=1e-12)
        assert not grad[last + 1 :].any(), "what was not observed"


def posterior(params: dict[str, torch.Tensor], word: Array) -> Array:
    """The probability of each state at each time, given the word."""
    start, steps, symbols = (params[name].log_softmax(-1) for name in "aAC")
    every = paths(len(start), len(word))
    scores = path_scores(symbols[:, word].T, steps) + start[every[:, 0]]
    chances = scores.softmax(0)
    return torch.stack([chances @ (every == s).double() for s in range(len(start))], 1).numpy()


def test_the_gradient_of_the_best_score_is_the_best_path() -> None:
    arrays = PEERS["viterbi"].draw(np.random.default_rng(5))
    program = example("viterbi")
    path = program.run(**arrays)["p"]
    grads = program.vjp({"f": np.ones(len(path))}, **arrays)
    batch, _, states = arrays["e"].shape
    np.testing.assert_array_equal(grads["e"], np.eye(states)[path])
    taken = np.zeros((states, states))
    np.add.at(taken, (path[:, :-1], path[:, 1:]), 1 / batch)
    np.testing.assert_allclose(grads["A"], taken, rtol=1e-12)


def test_a_labelling_that_does_not_fit_its_frames_is_impossible() -> None:
    """Two equal labels need a blank between them; the gradient stays free of NaN."""
    a = np.random.default_rng(0).normal(size=(2, 3, 4))
    y, n, m = np.array([[1, 1], [1, 2]]), np.array([2, 2]), np.array([2, 2])
    program = example("ctc")
    loss = program.run(a=a, y=y, n=n, m=m)["ℓ"]
    assert loss[0] == np.inf
    assert np.isfinite(loss[1])
    _, grads = program.value_and_grad(a=a, y=y, n=n, m=m, wrt=("a",))
    assert np.isfinite(grads["a"]).all()


def test_a_state_space_layer_runs_on_from_any_point() -> None:
    """Time does not matter to it: an input that comes later has its effect later."""
    arrays = PEERS["state_space"].draw(np.random.default_rng(5))
    late = np.concatenate([np.zeros_like(arrays["x"]), arrays["x"]], 1)
    program = example("state_space")
    found = program.run(**{**arrays, "x": late})["y"][:, arrays["x"].shape[1] :]
    np.testing.assert_allclose(found, program.run(**arrays)["y"], rtol=1e-12, atol=1e-14)
