"""Programs run on arrays, for the tests of what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

import einsumgrad

Array = npt.NDArray[Any]


def everything(
    text: str, wrt: tuple[str, ...], /, **arrays: Any
) -> tuple[dict[str, Array], dict[str, Array]]:
    """The outputs of a program, and its gradients for a loss or outputs' cotangents of one."""
    program = einsumgrad.parse(text)
    outputs = program.run(**arrays)
    if program.loss:
        value, gradients = program.value_and_grad(wrt=wrt, **arrays)
        assert np.isfinite(value) == np.all(np.isfinite(outputs[program.loss]))
        return outputs, gradients
    ones = {name: np.ones_like(array) for name, array in outputs.items()}
    return outputs, program.vjp(ones, wrt=wrt, **arrays)


def finite(*found: Mapping[str, Array]) -> None:
    for name, array in ((name, a) for arrays in found for name, a in arrays.items()):
        assert np.all(np.isfinite(array)), f"{name} is {array}"
