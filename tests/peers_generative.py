"""Normalised, regularised and generative models as PyTorch programs."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from peers import Peer, Tensors
from torch.nn import functional


def squared(found: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Each example's sum of squares."""
    return functional.mse_loss(found, y, reduction="none").flatten(1).sum(1)


def groupnorm(t: Tensors) -> dict[str, torch.Tensor]:
    h = torch.relu(functional.group_norm(t["x"], 2, t["γ"], t["β"], eps=1e-5))
    f = torch.mv(functional.adaptive_avg_pool2d(h, 1).flatten(1), t["W"])
    return {"ℓ": functional.mse_loss(f, t["y"], reduction="none") / 2, "f": f}


def rmsnorm(t: Tensors) -> dict[str, torch.Tensor]:
    a = functional.linear(t["x"], t["W"])
    h = torch.relu(functional.rms_norm(a, a.shape[1:], t["g"], eps=1e-5))
    f = functional.linear(h, t["U"])
    return {"ℓ": squared(f, t["y"]) / 2, "f": f}


def dropout(t: Tensors) -> dict[str, torch.Tensor]:
    h = torch.relu(functional.linear(t["x"], t["W"], t["a"]))
    logits = functional.linear(h * t["r"] / 0.8, t["U"], t["c"])
    return {"ℓ": functional.cross_entropy(logits, t["y"], reduction="none")}


def label_smoothing(t: Tensors) -> dict[str, torch.Tensor]:
    logits = functional.linear(t["x"], t["W"], t["c"])
    loss = functional.cross_entropy(logits, t["y"], reduction="none", label_smoothing=0.1)
    return {"ℓ": loss}


def weight_decay(t: Tensors) -> dict[str, torch.Tensor]:
    logits = functional.linear(t["x"], t["W"], t["c"])
    penalty = 0.005 * torch.linalg.matrix_norm(t["W"]) ** 2
    return {"ℓ": functional.cross_entropy(logits, t["y"], reduction="none") + penalty}


def vqvae(t: Tensors) -> dict[str, torch.Tensor]:
    h = torch.tanh(functional.linear(t["x"], t["W¹"], t["c¹"]))
    z = functional.linear(h, t["W²"], t["c²"])
    nearest = torch.cdist(z, t["E"]).argmin(1)
    code = functional.embedding(nearest, t["E"])
    through = z + (code - z).detach()
    g = torch.tanh(functional.linear(through, t["W³"], t["c³"]))
    y = functional.linear(g, t["W⁴"], t["c⁴"])
    table, commitment = squared(z.detach(), code), squared(z, code.detach())
    return {"ℓ": squared(y, t["x"]) + table + commitment / 4, "y": y, "m": nearest}


def gan(t: Tensors) -> dict[str, torch.Tensor]:
    """The losses as for two optimizers: what the other one trains is detached."""

    def judged(x: torch.Tensor, s: Tensors) -> torch.Tensor:
        return torch.relu(functional.linear(x, s["V"], s["a"])) @ s["w"] + s["c"]

    def wrong(logits: torch.Tensor, label: float) -> torch.Tensor:
        labels = torch.full_like(logits, label)
        return functional.binary_cross_entropy_with_logits(logits, labels, reduction="none")

    still = {name: tensor.detach() for name, tensor in t.items()}
    y = torch.sigmoid(functional.linear(t["z"], t["U"], t["d"]))
    discriminator = wrong(judged(t["x"], t), 1.0) + wrong(judged(y.detach(), t), 0.0)
    generator = wrong(judged(y, still), 1.0)
    return {"ℓ": discriminator + generator, "ℓ^D": discriminator, "ℓ^G": generator, "y": y}


def cpc(t: Tensors) -> dict[str, torch.Tensor]:
    z = functional.linear(t["x"], t["W"])
    batch, length, _ = z.shape
    start = torch.zeros(1, batch, len(t["U"]), dtype=z.dtype)
    flags = (False, 1, 0.0, False, False, True)  # one layer, no biases, batch first
    c, _ = torch.rnn_tanh(z, start, [t["U"], t["V"]], *flags)
    loss = torch.zeros(batch, dtype=z.dtype)
    for ahead, Q in enumerate(t["Q"], 1):
        for place in range(length - ahead):
            scores = functional.linear(c[:, place], Q) @ z[:, place + ahead].T
            loss = loss + functional.cross_entropy(scores, torch.arange(batch), reduction="none")
    return {"ℓ": loss / (length * len(t["Q"]))}


def diffusion(t: Tensors) -> dict[str, torch.Tensor]:
    kept = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 100, dtype=torch.float64), 0)
    step = (100 * t["u"]).long()
    left = kept[step][:, None]
    z = left.sqrt() * t["x"] + (1 - left).sqrt() * t["ε"]
    h = torch.relu(functional.linear(z, t["W"]) + functional.embedding(step, t["E"]))
    return {"ℓ": squared(functional.linear(h, t["U"], t["c"]), t["ε"])}


PEERS: Mapping[str, Peer] = {
    "groupnorm": Peer(
        groupnorm, {"x": "bdpq", "y": "b", "γ": "d", "β": "d", "W": "d"}, fixed={"d": 6}
    ),
    "rmsnorm": Peer(
        rmsnorm, {"x": "bi", "y": "bk", "W": "ji", "g": "j", "U": "kj"}, fixed={"j": 8}
    ),
    "dropout": Peer(
        dropout,
        {"x": "bi", "y": "b", "r": "bj", "W": "ji", "a": "j", "U": "vj", "c": "v"},
        fixed={"j": 64, "v": 10},
        holds={"y": "v"},
        noise=("r",),
    ),
    "label_smoothing": Peer(
        label_smoothing,
        {"x": "bi", "y": "b", "W": "vi", "c": "v"},
        fixed={"v": 10},
        holds={"y": "v"},
    ),
    "weight_decay": Peer(
        weight_decay,
        {"x": "bi", "y": "b", "W": "vi", "c": "v"},
        fixed={"v": 10},
        holds={"y": "v"},
    ),
    "vqvae": Peer(
        vqvae,
        {
            "x": "bi", "W¹": "ji", "c¹": "j", "W²": "kj", "c²": "k", "E": "mk", "W³": "jk",
            "c³": "j", "W⁴": "ij", "c⁴": "i",
        },
        fixed={"j": 16, "k": 4, "m": 8},
    ),
    "gan": Peer(
        gan,
        {"x": "bi", "z": "bk", "U": "ik", "d": "i", "V": "ji", "a": "j", "w": "j", "c": ""},
        fixed={"j": 16, "k": 4},
        noise=("z",),
    ),
    "cpc": Peer(
        cpc,
        {"x": "bti", "W": "ki", "U": "jk", "V": "jj", "Q": "nkj"},
        fixed={"k": 4, "j": 5, "n": 2},
    ),
    "diffusion": Peer(
        diffusion,
        {"x": "bi", "u": "b", "ε": "bi", "E": "tj", "W": "ji", "U": "ij", "c": "i"},
        fixed={"t": 100, "j": 32},
        unit=("u",),
        noise=("u", "ε"),
    ),
}  # fmt: skip
