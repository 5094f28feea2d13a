"""Value and gradients by a peer's own derivatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from einsumgrad.peers.program import Function

Step = Callable[[], Any]
"""Gives the objective, and its derivatives by name, as arrays of the peer."""
Objective = Callable[[Mapping[str, Any]], Any]
Given = Mapping[str, Any]


def torch_step(
    torch: Any, function: Function, objective: Objective, given: Given, wrt: tuple[str, ...]
) -> Step:
    """PyTorch as it comes: eager, with its tape."""
    leaves = [given[name].requires_grad_() for name in wrt]
    grad = torch.autograd.grad

    def step() -> tuple[Any, dict[str, Any]]:
        value = objective(function(given))
        grads = grad(value, leaves, allow_unused=True, materialize_grads=True)
        return value.detach(), dict(zip(wrt, grads, strict=True))

    return step


def jax_step(
    jax: Any, function: Function, objective: Objective, given: Given, wrt: tuple[str, ...]
) -> Step:
    """JAX compiled; a step ends when its results are there."""

    def value(own: Given, data: Given) -> Any:
        return objective(function({**own, **data}))

    own = {name: given[name] for name in wrt}
    data = {name: array for name, array in given.items() if name not in own}
    compiled = jax.jit(jax.value_and_grad(value))
    return lambda: jax.block_until_ready(compiled(own, data))


STEPS: dict[str, Callable[..., Step]] = {"torch": torch_step, "jax": jax_step}
