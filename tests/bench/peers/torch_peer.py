"""PyTorch, eager and compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from works import Arrays, Work

from peers.torch_losses import LOSSES

Result = tuple[torch.Tensor, dict[str, torch.Tensor]]


def prepare(work: Work, arrays: Arrays, mode: str) -> Callable[[], Result]:
    given = {name: torch.from_numpy(array) for name, array in arrays.items()}
    for name in work.wrt:
        given[name].requires_grad_()
    leaves = [given[name] for name in work.wrt]
    loss: Callable[[Any], torch.Tensor] = LOSSES[work.program]
    if mode == "compile":
        loss = torch.compile(loss)

    def call() -> Result:
        value = loss(given)
        return value.detach(), dict(zip(work.wrt, torch.autograd.grad(value, leaves), strict=True))

    return call


def plain(result: Result) -> tuple[float, Arrays]:
    return float(result[0]), {name: g.numpy() for name, g in result[1].items()}
