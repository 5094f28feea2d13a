"""The works of the benchmark: a program each (`works/*.ein`), its sizes, and arrays for it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FOLDER = Path(__file__).parent / "works"
Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Work:
    """`wrt`: the parameters. `shapes`: the axes of each array, by names of sizes. `classes`: for
    an array of integers the size that its values are below."""

    name: str
    about: str
    program: str
    sizes: Mapping[str, int]
    shapes: Mapping[str, str]
    wrt: tuple[str, ...]
    classes: Mapping[str, str]

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.program}.ein"

    def arrays(self, dtype: str) -> Arrays:
        """The same random numbers for every contestant."""
        rng = np.random.default_rng(0)
        made: Arrays = {}
        for name, axes in self.shapes.items():
            shape = tuple(self.sizes[axis] for axis in axes.split())
            if name in self.classes:
                made[name] = rng.integers(0, self.sizes[self.classes[name]], shape)
                continue
            inputs = math.prod(shape[1:]) if name in self.wrt and shape[1:] else 1
            made[name] = (rng.normal(size=shape) / math.sqrt(inputs)).astype(dtype)
        return made


def _mlp(name: str, **sizes: int) -> Work:
    about = "perceptron, " + " ".join(f"{k}={v}" for k, v in sizes.items())
    shapes = {"x": "B I", "y": "B", "W⁰": "J I", "b⁰": "J", "W¹": "Y J", "b¹": "Y"}
    return Work(name, about, "mlp", sizes, shapes, ("W⁰", "b⁰", "W¹", "b¹"), {"y": "Y"})


WORKS = {
    work.name: work
    for work in (
        _mlp("W1", B=32, I=64, J=32, Y=10),
        _mlp("W2", B=128, I=784, J=256, Y=10),
        _mlp("W3", B=1024, I=1024, J=1024, Y=1000),
        Work(
            "W4", "causal attention block, B=8 T=128 H=8 K=64", "attention",
            {"B": 8, "T": 128, "H": 8, "K": 64, "D": 512},
            {
                "x": "B T D", "y": "B T D", "W^Q": "H K D", "W^K": "H K D", "W^V": "H K D",
                "W^O": "D H K",
            },
            ("W^Q", "W^K", "W^V", "W^O"), {},
        ),
        Work(
            "W5", "conv 3×3, B=32 28×28 16→32, relu, 2×2 max pool", "convolution",
            {"B": 32, "C": 16, "O": 32, "M": 28, "N": 28, "U": 3},
            {"x": "B C M N", "W": "O C U U", "a": "O"}, ("W", "a"), {},
        ),
        Work(
            "W6", "layer norm + GELU, [4096, 1024]", "norm", {"B": 4096, "D": 1024},
            {"x": "B D", "g": "D", "c": "D"}, ("g", "c"), {},
        ),
        Work(
            "W7", "Tucker, 60-100 a side, squared error", "tucker",
            {"I": 100, "J": 90, "K": 80, "P": 70, "Q": 60, "R": 60},
            {"X": "I J K", "G": "P Q R", "A": "I P", "B": "J Q", "C": "K R"},
            ("G", "A", "B", "C"), {},
        ),
        Work(
            "W8", "tanh RNN, T=50 B=32 D=128", "rnn", {"B": 32, "T": 50, "D": 128},
            {"x": "B T D", "y": "B T D", "U": "D D", "W": "D D", "c": "D"}, ("U", "W", "c"), {},
        ),
    )
}  # fmt: skip


def work_of(name: str) -> Work:
    """A work; `W2/64`: the perceptron W2 with a batch of 64."""
    name, _, batch = name.partition("/")
    return _mlp("W2", B=int(batch), I=784, J=256, Y=10) if batch else WORKS[name]
