"""The functions of the language as those of its peers: one line each.

`torch` and `jax` are named by paths, so that neither is imported before it is asked for. A fold
takes an array and an axis, or a tuple of axes where it is not one of `SINGLE`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any, Literal

import numpy as np

from einsumgrad.diagnostics import EinError
from einsumgrad.engines.functions import FOLDS, FUNCTIONS
from einsumgrad.peers.faults import NoPeer
from einsumgrad.record import record

Call = Callable[..., Any]
Name = Literal["torch", "jax", "numpy"]

ELEMENTWISE = {
    "exp": ("torch.exp", "jax.numpy.exp"),
    "log": ("torch.log", "jax.numpy.log"),
    "log1p": ("torch.log1p", "jax.numpy.log1p"),
    "expm1": ("torch.expm1", "jax.numpy.expm1"),
    "sqrt": ("torch.sqrt", "jax.numpy.sqrt"),
    "abs": ("torch.abs", "jax.numpy.abs"),
    "sign": ("torch.sign", "jax.numpy.sign"),
    "sin": ("torch.sin", "jax.numpy.sin"),
    "cos": ("torch.cos", "jax.numpy.cos"),
    "tan": ("torch.tan", "jax.numpy.tan"),
    "tanh": ("torch.tanh", "jax.numpy.tanh"),
    "sigmoid": ("torch.sigmoid", "jax.nn.sigmoid"),
    "relu": ("torch.relu", "jax.nn.relu"),
    "softplus": ("torch.nn.functional.softplus", "jax.nn.softplus"),
    "gelu": ("torch.nn.functional.gelu", "jax.nn.gelu"),
    "silu": ("torch.nn.functional.silu", "jax.nn.silu"),
    "erf": ("torch.erf", "jax.scipy.special.erf"),
    "floor": ("torch.floor", "jax.numpy.floor"),
    "min": ("torch.minimum", "jax.numpy.minimum"),
    "max": ("torch.maximum", "jax.numpy.maximum"),
    "stop": ("torch.Tensor.detach", "jax.lax.stop_gradient"),
}
REDUCING = {
    "sum": ("torch.sum", "jax.numpy.sum"),
    "prod": ("torch.prod", "jax.numpy.prod"),
    "max": ("torch.amax", "jax.numpy.max"),
    "min": ("torch.amin", "jax.numpy.min"),
    "logsumexp": ("torch.logsumexp", "jax.scipy.special.logsumexp"),
    "argmax": ("torch.argmax", "jax.numpy.argmax"),
    "argmin": ("torch.argmin", "jax.numpy.argmin"),
    "softmax": ("torch.softmax", "jax.nn.softmax"),
    "log_softmax": ("torch.log_softmax", "jax.nn.log_softmax"),
}
TOOLS = {
    "array": ("torch.as_tensor", "jax.numpy.asarray", "numpy.asarray"),
    "einsum": ("torch.einsum", "jax.numpy.einsum", "numpy.einsum"),
    "where": ("torch.where", "jax.numpy.where", "numpy.where"),
    "order": ("torch.permute", "jax.numpy.transpose", "numpy.transpose"),
    "spread": ("torch.broadcast_to", "jax.numpy.broadcast_to", "numpy.broadcast_to"),
}
SINGLE = frozenset({"prod", "argmax", "argmin", "softmax", "log_softmax"})
NEUTRAL = {name: start for name, (_, start) in FOLDS.items()}
"""What an entry that is left out counts as."""


@record
class Peer:
    """What a program is translated into. `module`: the peer itself. `tools`: functions on whole
    arrays. `cast`: an array as another dtype, by NumPy's name of it. `put`: an array with values
    added at index arrays."""

    name: Name
    module: Any
    functions: Mapping[str, Call]
    folds: Mapping[str, Call]
    tools: Mapping[str, Call]
    cast: Call
    put: Call


def peer(name: Name, dtype: str) -> Peer:
    """The peer for floats of this dtype. Raises EinError if it is not installed."""
    if name == "numpy":
        return _numpy()
    try:
        module: Any = import_module(name)
        column = ("torch", "jax").index(name)
        functions, folds, tools = (
            {key: _named(paths[column]) for key, paths in table.items()}
            for table in (ELEMENTWISE, REDUCING, TOOLS)
        )
    except ImportError as error:
        raise EinError(NoPeer(peer=name, reason=str(error))) from None
    if name == "torch":
        cast = partial(_as_torch, module)
        return Peer(name, module, functions, folds, tools, cast, _put_torch)
    if dtype == "float64":  # JAX has one setting for the whole process
        module.config.update("jax_enable_x64", True)
    functions["gelu"] = partial(functions["gelu"], approximate=False)
    return Peer(name, module, functions, folds, tools, _as, _put_jax)


def _named(path: str) -> Call:
    """What a dotted path names: a function in a module, or in a class of one."""
    parts = path.split(".")
    found: Any = import_module(parts[0])
    for place, part in enumerate(parts[1:], 2):
        if not hasattr(found, part):
            import_module(".".join(parts[:place]))
        found = getattr(found, part)
    made: Call = found
    return made


def _numpy() -> Peer:
    def folding(fold: Call) -> Call:
        return lambda a, axes: fold(a, axes if isinstance(axes, tuple) else (axes,))

    folds = {name: folding(fold) for name, (fold, _) in FOLDS.items()}
    tools = {name: _named(paths[2]) for name, paths in TOOLS.items()}
    tools["einsum"] = partial(np.einsum, optimize=True)
    return Peer("numpy", np, FUNCTIONS, folds, tools, _as, _put_numpy)


def _as(array: Any, dtype: str) -> Any:
    return array.astype(dtype)


def _as_torch(torch: Any, array: Any, dtype: str) -> Any:
    return array.to(getattr(torch, dtype))


def _put_torch(array: Any, at: tuple[Any, ...], values: Any) -> Any:
    return array.index_put(at, values, accumulate=True)


def _put_jax(array: Any, at: tuple[Any, ...], values: Any) -> Any:
    return array.at[at].add(values)


def _put_numpy(array: Any, at: tuple[Any, ...], values: Any) -> Any:
    made = np.array(array)
    np.add.at(made, at, values)
    return made
