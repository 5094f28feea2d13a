"""What the tests of training share: data, programs, runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import einsumgrad
from einsumgrad.train.training import Epoch, Options, training

Array = npt.NDArray[Any]
ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
CASES = Path(__file__).parent / "cases" / "train"


def arrays(name: str, count: int | None = None) -> dict[str, Array]:
    """The first arrays of a data file of the examples."""
    with np.load(EXAMPLES / "data" / f"{name}.npz") as found:
        return {key: found[key][:count] for key in found.files}


def example(name: str) -> einsumgrad.Program:
    return einsumgrad.load(EXAMPLES / f"{name}.ein")


def epochs(program: einsumgrad.Program, data: dict[str, Array], **options: Any) -> list[Epoch]:
    """The figures of a run that is tested on its own data."""
    return list(training(program, data, data, options=Options(**options)).run())
