"""HIPS autograd, which has no convolution: that work is left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import autograd.numpy as np
from autograd import value_and_grad
from autograd.scipy.special import erf
from works import Arrays, Work

from peers import array_losses

Result = tuple[Any, dict[str, Any]]


def sigmoid(u: Any) -> Any:
    return 0.5 * (1 + np.tanh(0.5 * u))


def logsumexp(u: Any) -> Any:
    top = np.max(u, axis=1)
    return top + np.log(np.sum(np.exp(u - top[:, None]), axis=1))


def softmax(u: Any) -> Any:
    raised = np.exp(u - np.max(u, axis=-1, keepdims=True))
    return raised / np.sum(raised, axis=-1, keepdims=True)


def gelu(u: Any) -> Any:
    return 0.5 * u * (1 + erf(u * 0.7071067811865476))


def rnn(a: Mapping[str, Any]) -> Any:
    inputs = np.dot(a["x"], a["U"].T) + a["c"]
    h, states = np.zeros_like(inputs[:, 0]), []
    for step in range(inputs.shape[1]):
        h = np.tanh(inputs[:, step] + np.dot(h, a["W"].T))
        states.append(h)
    return 0.5 * np.mean((np.stack(states, axis=1) - a["y"]) ** 2)


LOSSES: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "mlp": partial(array_losses.mlp, np, sigmoid=sigmoid, logsumexp=logsumexp),
    "attention": partial(array_losses.attention, np, softmax=softmax),
    "norm": partial(array_losses.norm, np, gelu=gelu),
    "tucker": partial(array_losses.tucker, np), "rnn": rnn,
}  # fmt: skip


def prepare(work: Work, arrays: Arrays, _mode: str) -> Callable[[], Result]:
    data = {name: array for name, array in arrays.items() if name not in work.wrt}
    loss = LOSSES[work.program]
    step = value_and_grad(lambda own: loss({**own, **data}))
    return partial(step, {name: arrays[name] for name in work.wrt})


def plain(result: Result) -> tuple[float, Arrays]:
    return float(result[0]), {name: np.asarray(g) for name, g in result[1].items()}
