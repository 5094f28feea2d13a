"""The works in PyTorch, as its documentation would have them: fused functions where there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

Given = Mapping[str, Tensor]


def mlp(a: Given) -> Tensor:
    h = torch.sigmoid(functional.linear(a["x"], a["W⁰"], -a["b⁰"]))
    s = torch.sigmoid(functional.linear(h, a["W¹"], -a["b¹"]))
    return functional.cross_entropy(s, a["y"])


def attention(a: Given) -> Tensor:
    heads, features, width = a["W^Q"].shape
    batch, length, _ = a["x"].shape

    def projected(weights: Tensor) -> Tensor:
        whole = functional.linear(a["x"], weights.reshape(heads * features, width))
        return whole.view(batch, length, heads, features).transpose(1, 2)

    q, k, v = (projected(a[name]) for name in ("W^Q", "W^K", "W^V"))
    o = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    joined = o.transpose(1, 2).reshape(batch, length, heads * features)
    z = functional.linear(joined, a["W^O"].reshape(width, heads * features))
    return 0.5 * functional.mse_loss(z, a["y"])


def convolution(a: Given) -> Tensor:
    h = functional.relu(functional.conv2d(a["x"], a["W"], a["a"], padding=1))
    return 0.5 * functional.max_pool2d(h, 2).square().mean()


def norm(a: Given) -> Tensor:
    h = functional.gelu(functional.layer_norm(a["x"], a["g"].shape, a["g"], a["c"], 1e-5))
    return 0.5 * h.square().mean()


def tucker(a: Given) -> Tensor:
    made = torch.einsum("pqr,ip,jq,kr->ijk", a["G"], a["A"], a["B"], a["C"])
    return 0.5 * functional.mse_loss(made, a["X"])


def rnn(a: Given) -> Tensor:
    """nn.RNN's own function, with a second bias of 0."""
    start = torch.zeros(1, len(a["x"]), len(a["c"]), dtype=a["x"].dtype)
    weights = [a["U"], a["W"], a["c"], torch.zeros_like(a["c"])]
    h, _ = torch.rnn_tanh(a["x"], start, weights, True, 1, 0.0, True, False, True)
    return 0.5 * functional.mse_loss(h, a["y"])


LOSSES: dict[str, Callable[[Given], Tensor]] = {
    "mlp": mlp, "attention": attention, "convolution": convolution, "norm": norm,
    "tucker": tucker, "rnn": rnn,
}  # fmt: skip
