"""JAX: jit of value_and_grad."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from works import Arrays, Work

from peers import array_losses

Result = tuple[Any, dict[str, Any]]


def mlp(a: Mapping[str, Any]) -> Any:
    logsumexp = partial(jax.nn.logsumexp, axis=1)
    return array_losses.mlp(jnp, a, jax.nn.sigmoid, logsumexp)


def convolution(a: Mapping[str, Any]) -> Any:
    h = jax.lax.conv_general_dilated(a["x"], a["W"], (1, 1), "SAME")
    h = jax.nn.relu(h + a["a"][:, None, None])
    pooled = jax.lax.reduce_window(h, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    return 0.5 * jnp.mean(pooled**2)


def rnn(a: Mapping[str, Any]) -> Any:
    inputs = jnp.swapaxes(a["x"] @ a["U"].T + a["c"], 0, 1)

    def step(h: Any, own: Any) -> tuple[Any, Any]:
        h = jnp.tanh(own + h @ a["W"].T)
        return h, h

    start = jnp.zeros_like(inputs[0])
    _, h = jax.lax.scan(step, start, inputs)
    return 0.5 * jnp.mean((jnp.swapaxes(h, 0, 1) - a["y"]) ** 2)


def attention(a: Mapping[str, Any]) -> Any:
    return array_losses.attention(jnp, a, jax.nn.softmax)


def norm(a: Mapping[str, Any]) -> Any:
    return array_losses.norm(jnp, a, partial(jax.nn.gelu, approximate=False))


LOSSES: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "mlp": mlp, "attention": attention, "convolution": convolution, "norm": norm,
    "tucker": partial(array_losses.tucker, jnp), "rnn": rnn,
}  # fmt: skip


def prepare(work: Work, arrays: Arrays, _mode: str) -> Callable[[], Result]:
    jax.config.update("jax_enable_x64", any(a.dtype == np.float64 for a in arrays.values()))
    given = {name: jnp.asarray(array) for name, array in arrays.items()}
    parameters = {name: given.pop(name) for name in work.wrt}
    loss = LOSSES[work.program]
    step = jax.jit(jax.value_and_grad(lambda own, data: loss({**own, **data})))

    def call() -> Result:
        found: Result = jax.block_until_ready(step(parameters, given))
        return found

    return call


def plain(result: Result) -> tuple[float, Arrays]:
    return float(result[0]), {name: np.asarray(g) for name, g in result[1].items()}
