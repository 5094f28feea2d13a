"""Factorisations, a graph network and a mixture of experts as PyTorch programs."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from peers import Peer, Tensors
from torch import distributions
from torch.nn import functional


def half_square(found: torch.Tensor, x: torch.Tensor) -> dict[str, torch.Tensor]:
    return {"ℓ": functional.mse_loss(found, x, reduction="sum") / 2, "f": found}


def cp(t: Tensors) -> dict[str, torch.Tensor]:
    outer = (t["U"][:, None, None] * t["V"][None, :, None]) * t["W"]
    return half_square(outer.sum(3), t["x"])


def tucker(t: Tensors) -> dict[str, torch.Tensor]:
    found = t["G"]
    for factor in ("U", "V", "W"):  # each takes the first axis and puts its own last
        found = torch.tensordot(found, t[factor], dims=([0], [1]))
    return half_square(found, t["x"])


def tensor_train(t: Tensors) -> dict[str, torch.Tensor]:
    found = t["F"]
    for core in ("G", "H", "K"):
        found = torch.tensordot(found, t[core], dims=1)
    return half_square(found, t["x"])


def matrix_factorisation(t: Tensors) -> dict[str, torch.Tensor]:
    user, item = functional.embedding(t["u"], t["P"]), functional.embedding(t["v"], t["Q"])
    shift, tilt = t["c"].gather(0, t["u"]), t["d"].gather(0, t["v"])
    f = torch.linalg.vecdot(user, item) + t["μ"] + shift + tilt
    size = torch.cat((user, item, shift[:, None], tilt[:, None]), dim=1).square().sum(1)
    return {"ℓ": functional.mse_loss(f, t["y"], reduction="none") + 0.02 * size, "f": f}


def graph_network(t: Tensors) -> dict[str, torch.Tensor]:
    """By the matrix D^-1/2 (A + I) D^-1/2 of the paper, A having a row for each target."""
    nodes = len(t["x"])
    adjacent = torch.eye(nodes, dtype=t["x"].dtype)
    adjacent.index_put_((t["t"], t["s"]), torch.ones((), dtype=adjacent.dtype), accumulate=True)
    scale = torch.diag(adjacent.sum(1).rsqrt())
    spread = scale @ adjacent @ scale
    h = torch.relu(spread @ t["x"] @ t["W"].T)
    return {"ℓ": functional.cross_entropy(spread @ h @ t["U"].T, t["y"])}


def experts(t: Tensors) -> dict[str, torch.Tensor]:
    """By a mixture of normal distributions, without what makes their integral 1."""
    answers = (t["W"] @ t["x"].T).permute(2, 0, 1) + t["c"]
    gate = distributions.Categorical(logits=functional.linear(t["x"], t["V"], t["d"]))
    each = distributions.Independent(distributions.Normal(answers, 1.0), 1)
    mixture = distributions.MixtureSameFamily(gate, each)
    norm = t["y"].shape[1] / 2 * math.log(2 * math.pi)
    return {"ℓ": -mixture.log_prob(t["y"]) - norm, "f": mixture.mean}


PEERS: Mapping[str, Peer] = {
    "cp": Peer(cp, {"x": "ijk", "U": "ir", "V": "jr", "W": "kr"}, fixed={"r": 3}),
    "tucker": Peer(
        tucker,
        {"x": "ijk", "G": "pqr", "U": "ip", "V": "jq", "W": "kr"},
        fixed={"p": 2, "q": 3, "r": 4},
    ),
    "tensor_train": Peer(
        tensor_train,
        {"x": "ijkl", "F": "ip", "G": "pjq", "H": "qkr", "K": "rl"},
        fixed={"p": 2, "q": 3, "r": 2},
    ),
    "matrix_factorisation": Peer(
        matrix_factorisation,
        {"u": "b", "v": "b", "y": "b", "P": "uk", "Q": "vk", "c": "u", "d": "v", "μ": ""},
        fixed={"u": 40, "v": 30, "k": 5},
        holds={"u": "u", "v": "v"},
    ),
    "graph_network": Peer(
        graph_network,
        {"s": "e", "t": "e", "x": "ni", "y": "n", "W": "ji", "U": "vj"},
        fixed={"j": 8, "v": 3},
        holds={"s": "n", "t": "n", "y": "v"},
    ),
    "experts": Peer(
        experts,
        {"x": "bi", "y": "bk", "W": "eki", "c": "ek", "V": "ei", "d": "e"},
        fixed={"e": 4},
    ),
}
