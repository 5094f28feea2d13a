"""The models of images as PyTorch programs, by PyTorch's own convolutions and pooling."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from peers import Peer, Tensors
from torch.nn import functional


def missed(logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Each example's cross-entropy; the classes are on axis 1."""
    return functional.cross_entropy(logits, y, reduction="none")


def cnn(t: Tensors) -> dict[str, torch.Tensor]:
    image = t["x"].reshape(-1, 1, 8, 8)
    h = torch.relu(functional.conv2d(image, t["K¹"][:, None], t["c¹"], padding=1))
    h = torch.relu(functional.conv2d(h, t["K²"], t["c²"], stride=2, padding=1))
    h = torch.relu(h + functional.conv2d(h, t["K³"], t["c³"], padding=1))
    pooled = functional.max_pool2d(h, 2).flatten(1)
    return {"ℓ": missed(functional.linear(pooled, t["W"].flatten(1), t["c⁴"]), t["y"])}


def separable(t: Tensors) -> dict[str, torch.Tensor]:
    channels = t["x"].shape[1]
    h = functional.conv2d(t["x"], t["K"][:, None], groups=channels)
    h = torch.relu(functional.conv2d(h, t["M"][:, :, None, None], t["a"]))
    pooled = functional.adaptive_avg_pool2d(h, 1).flatten(1)
    return {"ℓ": missed(functional.linear(pooled, t["W"], t["a'"]), t["y"])}


def dilated(t: Tensors) -> dict[str, torch.Tensor]:
    h = torch.relu(functional.conv2d(t["x"], t["K¹"], t["a¹"], padding="same"))
    h = torch.relu(functional.conv2d(h, t["K²"], t["a²"], padding="same", dilation=2))
    h = torch.relu(functional.conv2d(h, t["K³"], t["a³"], padding="same", dilation=4))
    logits = functional.conv2d(h, t["W"][:, :, None, None], t["a⁴"])
    return {"ℓ": missed(logits, t["y"]).mean((1, 2))}


def transposed(t: Tensors) -> dict[str, torch.Tensor]:
    g = functional.conv_transpose2d(
        t["x"], t["K"], t["a"], stride=2, padding=1, output_padding=(1, 0)
    )
    y = torch.sigmoid(g)
    loss = functional.mse_loss(y, t["z"], reduction="none").sum((1, 2, 3)) / 2
    return {"ℓ": loss, "y": y}


def unet(t: Tensors) -> dict[str, torch.Tensor]:
    image = t["x"][:, None]
    fine = torch.relu(functional.conv2d(image, t["K¹"][:, None], t["a¹"], padding=1))
    coarse = functional.max_pool2d(fine, 2)
    coarse = torch.relu(functional.conv2d(coarse, t["K²"], t["a²"], padding=1))
    up = functional.conv_transpose2d(coarse, t["U"], t["a³"], stride=2)
    joined = torch.cat((fine, up), dim=1)
    kernel = torch.cat((t["K⁴"], t["L⁴"]), dim=1)
    h = torch.relu(functional.conv2d(joined, kernel, t["a⁴"], padding=1))
    logits = functional.conv2d(h, t["W"][:, :, None, None], t["a⁵"])
    return {"ℓ": missed(logits, t["y"]).mean((1, 2))}


# A letter is a size: p, q and r, s are the sides of images, k the side of a filter, w of a window.
PEERS: Mapping[str, Peer] = {
    "cnn": Peer(
        cnn,
        {
            "x": "bi", "y": "b", "K¹": "ckk", "c¹": "c", "K²": "dckk", "c²": "d", "K³": "ddkk",
            "c³": "d", "W": "vdww", "c⁴": "v",
        },
        fixed={"i": 64, "c": 16, "d": 32, "k": 3, "w": 2, "v": 10},
        holds={"y": "v"},
    ),
    "separable": Peer(
        separable,
        {"x": "bcpq", "y": "b", "K": "ckk", "M": "dc", "a": "d", "W": "vd", "a'": "v"},
        fixed={"p": 6, "q": 5, "k": 3, "d": 8, "v": 5},
        holds={"y": "v"},
    ),
    "dilated": Peer(
        dilated,
        {
            "x": "bcpq", "y": "bpq", "K¹": "dckk", "a¹": "d", "K²": "ddkk", "a²": "d",
            "K³": "ddkk", "a³": "d", "W": "vd", "a⁴": "v",
        },
        fixed={"p": 9, "q": 11, "k": 3, "d": 4, "v": 3},
        holds={"y": "v"},
    ),
    "transposed": Peer(
        transposed,
        {"x": "bcpq", "z": "bdrs", "K": "cdkk", "a": "d"},
        fixed={"c": 3, "d": 2, "k": 3, "p": 4, "q": 3, "r": 8, "s": 5},
    ),
    "unet": Peer(
        unet,
        {
            "x": "bpq", "y": "bpq", "K¹": "ckk", "a¹": "c", "K²": "dckk", "a²": "d", "U": "dcww",
            "a³": "c", "K⁴": "cckk", "L⁴": "cckk", "a⁴": "c", "W": "vc", "a⁵": "v",
        },
        fixed={"p": 6, "q": 8, "c": 4, "d": 6, "k": 3, "w": 2, "v": 3},
        holds={"y": "v"},
    ),
}  # fmt: skip
