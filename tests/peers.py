"""The examples as PyTorch programs, written from the papers and not from the `.ein` files.

A peer's `model` gives each example's loss (for the slide, its output) and what else the `.ein`
program returns, by PyTorch's own layers and losses wherever there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import distributions
from torch.nn import functional

Array = npt.NDArray[np.float64] | npt.NDArray[np.int64]
Tensors = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Peer:
    """A model and the shapes of its arrays: a letter for each axis, `b` for the batch.

    `fixed`: sizes that the example declares. `holds`: of integer arrays, the letter whose values
    they hold; `counts`: likewise, but the size itself is a value too. `unit`: arrays between 0 and
    1. `noise`: what the run would draw. The result under `loss` is the objective's."""

    model: Callable[[Tensors], dict[str, torch.Tensor]]
    shapes: Mapping[str, str]
    fixed: Mapping[str, int] = field(default_factory=dict)
    holds: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, str] = field(default_factory=dict)
    unit: tuple[str, ...] = ()
    noise: tuple[str, ...] = ()
    loss: str = "ℓ"

    def draw(self, rng: np.random.Generator) -> dict[str, Array]:
        """Arrays of random entries; a size that the example leaves open is 2 to 6."""
        letters = sorted(set("".join(self.shapes.values())) | set(self.holds.values()))
        sizes = {letter: self.fixed.get(letter, int(rng.integers(2, 7))) for letter in letters}
        return {name: self._array(name, sizes, rng) for name in self.shapes}

    def _array(self, name: str, sizes: Mapping[str, int], rng: np.random.Generator) -> Array:
        shape = tuple(sizes[letter] for letter in self.shapes[name])
        if name in self.holds:
            return rng.integers(0, sizes[self.holds[name]], shape)
        if name in self.counts:
            return rng.integers(0, sizes[self.counts[name]] + 1, shape)
        return rng.uniform(0.01, 0.99, shape) if name in self.unit else rng.normal(size=shape)

    @property
    def differentiable(self) -> tuple[str, ...]:
        whole = {*self.holds, *self.counts, *self.noise}
        return tuple(name for name in self.shapes if name not in whole)


def slide(t: Tensors) -> dict[str, torch.Tensor]:
    return {"h̃": functional.linear(t["x"], t["W"])}


def linear(t: Tensors) -> dict[str, torch.Tensor]:
    f = t["x"] @ t["w"] + t["c"]
    return {"ℓ": functional.mse_loss(f, t["y"], reduction="none") / 2, "f": f}


def logistic(t: Tensors) -> dict[str, torch.Tensor]:
    logits = t["x"] @ t["w"] + t["c"]
    loss = functional.binary_cross_entropy_with_logits(logits, t["y"], reduction="none")
    return {"ℓ": loss, "p": torch.sigmoid(logits)}


def mlp(t: Tensors) -> dict[str, torch.Tensor]:
    h = torch.sigmoid(functional.linear(t["x"], t["W⁰"], -t["b⁰"]))
    s = torch.sigmoid(functional.linear(h, t["W¹"], -t["b¹"]))
    return {"ℓ": functional.cross_entropy(s, t["y"], reduction="none")}


def embedding(t: Tensors) -> dict[str, torch.Tensor]:
    rows = functional.embedding(t["w"], t["E"])
    there = torch.arange(t["w"].shape[1]) < t["n"][:, None]
    rows = rows.masked_fill(~there[:, :, None], 0)
    h = torch.tanh(functional.linear(rows.flatten(1), t["H"].flatten(1), t["d"]))
    logits = functional.linear(h, t["U"], t["c"])
    return {"ℓ": functional.cross_entropy(logits, t["y"], reduction="none")}


def attention(t: Tensors) -> dict[str, torch.Tensor]:
    q, k, v = (torch.einsum("btd,hid->bhti", t["x"], t[w]) for w in ("W^Q", "W^K", "W^V"))
    heads = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    width = t["W^O"].shape[0]
    joined = heads.transpose(1, 2).flatten(2)
    logits = functional.linear(functional.linear(joined, t["W^O"].reshape(width, -1)), t["U"])
    loss = functional.cross_entropy(logits.transpose(1, 2), t["y"], reduction="none")
    return {"ℓ": loss.mean(1)}


def layernorm(t: Tensors) -> dict[str, torch.Tensor]:
    a = functional.linear(t["x"], t["W"])
    h = torch.relu(functional.layer_norm(a, a.shape[1:], t["g"], t["c"], eps=1e-5))
    f = functional.linear(h, t["U"])
    return {"ℓ": functional.mse_loss(f, t["y"], reduction="none").sum(1) / 2, "f": f}


def batchnorm(t: Tensors) -> dict[str, torch.Tensor]:
    a = functional.linear(t["x"], t["W"])
    n = functional.batch_norm(a, None, None, t["γ"], t["β"], training=True, eps=1e-5)
    f = functional.linear(torch.relu(n), t["U"])
    return {"ℓ": functional.mse_loss(f, t["y"], reduction="none").sum(1) / 2, "f": f}


def contrastive(t: Tensors) -> dict[str, torch.Tensor]:
    p = functional.normalize(functional.linear(t["x"], t["W"]))
    q = functional.normalize(functional.linear(t["z"], t["V"]))
    scores = torch.exp(t["τ"]) * p @ q.T
    return {"ℓ": functional.cross_entropy(scores, torch.arange(len(scores)), reduction="none")}


def vae(t: Tensors) -> dict[str, torch.Tensor]:
    h = torch.tanh(functional.linear(t["x"], t["W³"], t["c³"]))
    mean = functional.linear(h, t["W⁴"], t["c⁴"])
    deviation = torch.exp(functional.linear(h, t["W⁵"], t["c⁵"]) / 2)
    posterior, prior = distributions.Normal(mean, deviation), distributions.Normal(0.0, 1.0)
    z = mean + deviation * t["ε"]
    g = torch.tanh(functional.linear(z, t["W¹"], t["c¹"]))
    logits = functional.linear(g, t["W²"], t["c²"])
    missed = functional.binary_cross_entropy_with_logits(logits, t["x"], reduction="none")
    divergence = distributions.kl_divergence(posterior, prior)
    return {"ℓ": divergence.sum(1) + missed.sum(1), "y": torch.sigmoid(logits)}


def word2vec(t: Tensors) -> dict[str, torch.Tensor]:
    word = functional.embedding(t["c"], t["u"])
    context = functional.embedding(t["o"], t["v"])
    drawn = functional.embedding(t["neg"], t["v"])
    far = torch.bmm(drawn, word[:, :, None]).squeeze(2)
    near = torch.linalg.vecdot(word, context)
    return {"ℓ": -functional.logsigmoid(near) - functional.logsigmoid(-far).sum(1)}


PEERS: Mapping[str, Peer] = {
    "slide": Peer(slide, {"x": "bi", "W": "ji"}, loss="h̃"),
    "linear": Peer(linear, {"x": "bi", "y": "b", "w": "i", "c": ""}),
    "logistic": Peer(logistic, {"x": "bi", "y": "b", "w": "i", "c": ""}, unit=("y",)),
    "mlp": Peer(
        mlp,
        {"x": "bi", "y": "b", "W⁰": "ji", "b⁰": "j", "W¹": "yj", "b¹": "y"},
        fixed={"j": 64, "y": 10},
        holds={"y": "y"},
    ),
    "embedding": Peer(
        embedding,
        {"w": "bt", "n": "b", "y": "b", "E": "vk", "H": "jtk", "d": "j", "U": "yj", "c": "y"},
        fixed={"v": 26, "y": 26, "k": 8, "j": 64},
        holds={"w": "v", "y": "y"},
        counts={"n": "t"},
    ),
    "attention": Peer(
        attention,
        {
            "x": "btd", "y": "bt", "W^Q": "hid", "W^K": "hid", "W^V": "hid", "W^O": "dhi",
            "U": "vd",
        },
        fixed={"h": 2, "i": 3, "v": 5},
        holds={"y": "v"},
    ),
    "layernorm": Peer(
        layernorm, {"x": "bi", "y": "bk", "W": "ji", "g": "j", "c": "j", "U": "kj"}, fixed={"j": 8}
    ),
    "batchnorm": Peer(
        batchnorm, {"x": "bi", "y": "bk", "W": "ji", "γ": "j", "β": "j", "U": "kj"}, fixed={"j": 8}
    ),
    "contrastive": Peer(
        contrastive, {"x": "bi", "z": "bj", "W": "ki", "V": "kj", "τ": ""}, fixed={"k": 4}
    ),
    "vae": Peer(
        vae,
        {
            "x": "bi", "ε": "bk", "W³": "ji", "c³": "j", "W⁴": "kj", "c⁴": "k", "W⁵": "kj",
            "c⁵": "k", "W¹": "lk", "c¹": "l", "W²": "il", "c²": "i",
        },
        fixed={"j": 32, "l": 32, "k": 2},
        unit=("x",),
        noise=("ε",),
    ),
    "word2vec": Peer(
        word2vec,
        {"c": "b", "o": "b", "neg": "bn", "u": "wk", "v": "wk"},
        fixed={"w": 26, "k": 8},
        holds={"c": "w", "o": "w", "neg": "w"},
    ),
}  # fmt: skip
