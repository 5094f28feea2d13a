"""Models of chains. A peer does not repeat the recursion of its file: it sums over every path, or
writes the whole sequence as one Gaussian or one convolution, or is PyTorch's own loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from peers import Array, Peer, Tensors
from torch import distributions
from torch.nn import functional


def paths(states: int, length: int) -> torch.Tensor:
    """Every sequence of states, one a row."""
    return torch.cartesian_prod(*[torch.arange(states)] * length).reshape(-1, length)


def path_scores(e: torch.Tensor, pairs: torch.Tensor) -> torch.Tensor:
    """The score of every path: its entries of `e[t,s]`, and `pairs` of neighbours."""
    every = paths(e.shape[1], e.shape[0])
    own = e[torch.arange(e.shape[0]), every].sum(1)
    return own + pairs[every[:, :-1], every[:, 1:]].sum(1)


def hmm(t: Tensors) -> dict[str, torch.Tensor]:
    start, steps, symbols = (t[name].log_softmax(-1) for name in "aAC")
    losses = []
    for word, last in zip(t["w"], t["n"], strict=True):
        e = symbols[:, word[: last + 1]].T
        first = paths(len(start), len(e))[:, 0]
        losses.append(-torch.logsumexp(path_scores(e, steps) + start[first], 0))
    return {"ℓ": torch.stack(losses)}


def crf(t: Tensors) -> dict[str, torch.Tensor]:
    tags = functional.linear(t["x"], t["W"])
    losses = []
    for e, y in zip(tags, t["y"], strict=True):
        scores = path_scores(e, t["A"])
        right = (paths(e.shape[1], len(e)) == y).all(1)
        losses.append(-scores.log_softmax(0)[right].squeeze(0))
    return {"ℓ": torch.stack(losses)}


def viterbi(t: Tensors) -> dict[str, torch.Tensor]:
    scores = torch.stack([path_scores(e, t["A"]) for e in t["e"]])
    best = scores.max(1)
    every = paths(t["e"].shape[2], t["e"].shape[1])
    return {"f": best.values, "p": every[best.indices]}


def ctc(t: Tensors) -> dict[str, torch.Tensor]:
    frames = t["a"].log_softmax(2).transpose(0, 1)
    return {"ℓ": functional.ctc_loss(frames, t["y"], t["n"], t["m"], reduction="none")}


def state_space(t: Tensors) -> dict[str, torch.Tensor]:
    """A convolution: the kernel is what an input does after so many steps, by powers."""
    rate = (1 + torch.arange(t["a"].shape[1])) * t["a"].exp()
    decay = torch.exp(-t["τ"].exp()[:, None] * rate)
    length = t["x"].shape[1]
    powers = decay ** torch.arange(length)[:, None, None]
    kernel = torch.einsum("dn,tdn,dn->dt", t["C"], powers, (1 - decay) / rate * t["B"])
    x = functional.pad(t["x"].transpose(1, 2), (length - 1, 0))
    y = functional.conv1d(x, kernel.flip(1)[:, None], groups=len(kernel))
    return {"y": y.transpose(1, 2) + t["D"] * t["x"]}


def kalman(t: Tensors) -> dict[str, torch.Tensor]:
    """All observations are one Gaussian vector; a state is estimated from those up to its time."""
    states = joint(t["F"], t["q"].exp(), t["y"].shape[1])
    seen = states @ t["C"]
    both = torch.einsum("tiu,i->tu", seen, t["C"])
    both = both + t["r"].exp() * torch.eye(len(both), dtype=both.dtype)
    law = distributions.MultivariateNormal(torch.zeros_like(both[0]), both)
    estimates = [
        t["y"][:, : u + 1] @ torch.linalg.solve(both[: u + 1, : u + 1], seen[u, :, : u + 1].T)
        for u in range(len(both))
    ]
    return {"ℓ": -law.log_prob(t["y"]), "m": torch.stack(estimates, 1)}


def joint(F: torch.Tensor, variances: torch.Tensor, length: int) -> torch.Tensor:
    """The covariance [t,i,u,k] of all states of a chain that starts at 0."""
    powers = [torch.eye(len(F), dtype=F.dtype)]
    for _ in range(length - 1):
        powers.append(F @ powers[-1])
    zero = torch.zeros_like(F)
    moved = torch.stack(
        [
            torch.stack([powers[t - s] if s <= t else zero for s in range(length)])
            for t in range(length)
        ]
    )  # what the noise of step s has become at step t
    return torch.einsum("tsij,j,uskj->tiuk", moved, variances, moved)


@dataclass(frozen=True)
class Transcripts(Peer):
    """Labels of at least one symbol, none of them the blank, and frames enough to say them."""

    def draw(self, rng: np.random.Generator) -> dict[str, Array]:
        arrays = super().draw(rng)
        batch, frames, symbols = arrays["a"].shape
        labels = arrays["y"].shape[1]
        arrays["y"] = rng.integers(1, symbols, (batch, labels))
        arrays["m"] = rng.integers(1, labels + 1, batch)
        arrays["n"] = rng.integers(2 * arrays["m"], frames + 1)
        return arrays


PEERS: Mapping[str, Peer] = {
    "hmm": Peer(
        hmm,
        {"w": "bt", "n": "b", "a": "s", "A": "ss", "C": "sv"},
        fixed={"v": 27, "s": 3},
        holds={"w": "v", "n": "t"},
    ),
    "crf": Peer(crf, {"x": "bti", "y": "bt", "W": "si", "A": "ss"}, holds={"y": "s"}),
    "viterbi": Peer(viterbi, {"e": "bts", "A": "ss"}, loss="f"),
    "ctc": Transcripts(
        ctc,
        {"a": "btv", "y": "bu", "n": "b", "m": "b"},
        fixed={"t": 9, "u": 4},
        holds={"y": "v"},
        counts={"n": "t", "m": "u"},
    ),
    "state_space": Peer(
        state_space,
        {"x": "btd", "a": "dn", "τ": "d", "B": "dn", "C": "dn", "D": "d"},
        fixed={"n": 4},
        loss="y",
    ),
    "kalman": Peer(kalman, {"y": "bt", "F": "kk", "C": "k", "q": "k", "r": ""}),
}
