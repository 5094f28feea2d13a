"""einsumgrad, by engine."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from works import Arrays, Work

import einsumgrad

Result = tuple[Any, dict[str, Any]]


def prepare(work: Work, arrays: Arrays, engine: str) -> Callable[[], Result]:
    program = einsumgrad.load(work.path, engine=engine)
    return partial(program.value_and_grad, arrays, wrt=work.wrt)


def plain(result: Result) -> tuple[float, Arrays]:
    """The mean of the examples' losses, and the gradients."""
    return float(np.mean(result[0])), result[1]
