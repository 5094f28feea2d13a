"""Recurrent networks and a Transformer, by PyTorch's own layers.

Their files share data and loss: `w` is a word between boundaries, `n` how many symbols of it are to
be predicted. A symbol after the last is a boundary (0), as a read outside a tensor is 0.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from peers import Peer, Tensors
from torch import nn
from torch.nn import functional


def spelled(t: Tensors, logits: torch.Tensor) -> dict[str, torch.Tensor]:
    """The loss of a word: minus the logarithm of its probability."""
    following = functional.pad(t["w"][:, 1:], (0, 1))
    missed = functional.cross_entropy(logits.transpose(1, 2), following, reduction="none")
    there = torch.arange(following.shape[1]) < t["n"][:, None]
    return {"ℓ": missed.masked_fill(~there, 0.0).sum(1)}


def layer(kind: type[nn.RNNBase], t: Tensors, gates: str, hidden: str) -> dict[str, torch.Tensor]:
    """A layer of PyTorch, which stacks its gates' weights, under an embedding and a linear map.

    `gates`: their letters in PyTorch's order. `hidden`: those with a bias beside U as well."""
    W, U, b = (torch.cat([t[f"{name}^{gate}"] for gate in gates]) for name in ("W", "U", "b"))
    a = torch.cat([t[f"a^{g}"] if g in hidden else 0 * t[f"b^{g}"] for g in gates])
    return network(kind, t, (W, U, b, a))


def network(
    kind: type[nn.RNNBase], t: Tensors, weights: tuple[torch.Tensor, ...]
) -> dict[str, torch.Tensor]:
    x = functional.embedding(t["w"], t["E"])
    module = kind(x.shape[2], t["V"].shape[1], batch_first=True, dtype=x.dtype)
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    h, _ = torch.func.functional_call(module, dict(zip(names, weights, strict=True)), (x,))
    return spelled(t, functional.linear(h, t["V"], t["d"]))


def rnn(t: Tensors) -> dict[str, torch.Tensor]:
    return network(nn.RNN, t, (t["W"], t["U"], t["c"], torch.zeros_like(t["c"])))


def lstm(t: Tensors) -> dict[str, torch.Tensor]:
    return layer(nn.LSTM, t, "ifgo", "")


def gru(t: Tensors) -> dict[str, torch.Tensor]:
    return layer(nn.GRU, t, "rzg", "g")


def gpt(t: Tensors) -> dict[str, torch.Tensor]:
    x = functional.embedding(t["w"], t["E"]) + t["R"]
    for layer in range(len(t["W¹"])):
        x = block({name: array[layer] for name, array in t.items() if name in LAYERED}, x)
    f = functional.layer_norm(x, x.shape[2:], t["g"], t["c"])
    return spelled(t, functional.linear(f, t["E"]))


def block(t: Tensors, x: torch.Tensor) -> torch.Tensor:
    """Attention and perceptron, each with its layer normalisation and the way around it."""
    n = functional.layer_norm(x, x.shape[2:], t["g¹"], t["c¹"])
    q, k, v = (torch.einsum("btd,hid->bhti", n, t[name]) for name in ("W^Q", "W^K", "W^V"))
    heads = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    joined = heads.transpose(1, 2).flatten(2)
    x = x + functional.linear(joined, t["W^O"].flatten(1))
    n = functional.layer_norm(x, x.shape[2:], t["g²"], t["c²"])
    m = functional.gelu(functional.linear(n, t["W¹"], t["b¹"]))
    return x + functional.linear(m, t["W²"], t["b²"])


LAYERED: Mapping[str, str] = {
    "g¹": "ld", "c¹": "ld", "W^Q": "lhid", "W^K": "lhid", "W^V": "lhid", "W^O": "ldhi",
    "g²": "ld", "c²": "ld", "W¹": "ljd", "b¹": "lj", "W²": "ldj", "b²": "ld",
}  # fmt: skip

WORDS: Mapping[str, str] = {"w": "bt", "n": "b", "E": "vk", "V": "vj", "d": "v"}


def gated(letters: str) -> dict[str, str]:
    """The weights of gates with these letters."""
    shapes = {"W": "jk", "U": "jj", "b": "j"}
    return {f"{name}^{letter}": shape for name, shape in shapes.items() for letter in letters}


def speller(model: object, shapes: Mapping[str, str], **sizes: int) -> Peer:
    """A peer on words."""
    assert callable(model)
    return Peer(model, shapes, {"v": 27, **sizes}, holds={"w": "v"}, counts={"n": "t"})


PEERS: Mapping[str, Peer] = {
    "rnn": speller(rnn, {**WORDS, "W": "jk", "U": "jj", "c": "j"}, k=16, j=64),
    "lstm": speller(lstm, {**WORDS, **gated("ifgo")}, k=16, j=64),
    "gru": speller(gru, {**WORDS, **gated("rzg"), "a^g": "j"}, k=16, j=64),
    "gpt": speller(
        gpt,
        {"w": "bt", "n": "b", "E": "vd", "R": "td", "g": "d", "c": "d", **LAYERED},
        d=32, l=2, h=4, i=8, j=128,
    ),
}  # fmt: skip
