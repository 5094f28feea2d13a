"""Training runs that cannot be: each with its message."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import Golden
from trained import CASES, ROOT, Array, arrays, example

import einsumgrad
from einsumgrad.diagnostics import EinError
from einsumgrad.train.training import Options, training


def digits(**changed: Array) -> dict[str, Array]:
    return {**arrays("digits_train", 100), **changed}


def label(place: int, value: int) -> Array:
    """The labels with one of them another."""
    y = digits()["y"]
    y[place] = value
    return y


def not_a_number() -> Array:
    x = digits()["x"]
    x[40, 0] = np.nan
    return x


def program(text: str) -> einsumgrad.Program:
    return einsumgrad.parse(text, "model.ein")


RUNS: dict[str, Callable[[], dict[str, Any]]] = {
    "no_optimizer": lambda: {"options": Options(optimizer="adan")},
    "no_rate": lambda: {"options": Options(lr=0.1, optimizer=str(CASES / "no_rate.ein"))},
    "missing_rate": lambda: {"options": Options(optimizer=str(CASES / "missing_rate.ein"))},
    "missing_constant": lambda: {
        "options": Options(lr=0.1, optimizer=str(CASES / "missing_constant.ein"))
    },
    "no_loss": lambda: {"program": program("h[b] = w x[b]")},
    "no_parameters": lambda: {"program": program("loss ℓ[b] = x[b]")},
    "missing_and_extra": lambda: {"data": {"X": digits()["x"], "y": digits()["y"]}},
    "parameter_in_data": lambda: {
        "program": program("batch none\nloss ℓ = Σ_n (x[n] - m)^2"),
        "data": {"x": np.arange(3.0)},
    },
    "lengths": lambda: {"data": digits(y=digits()["y"][:99])},
    "no_examples": lambda: {"data": {key: array[:0] for key, array in digits().items()}},
    "no_test_examples": lambda: {"test": {key: array[:0] for key, array in digits().items()}},
    "label": lambda: {"data": digits(y=label(77, 10))},
    "test_label": lambda: {"test": digits(y=label(31, -1))},
    "nan": lambda: {"data": digits(x=not_a_number())},
    "not_a_parameter": lambda: {"init": {"W⁰": np.zeros((64, 64)), "x": np.zeros(3)}},
    "init_shape": lambda: {"init": {"W0": np.zeros((64, 63))}},
    "init_rank": lambda: {"init": {"W0": np.zeros(64)}},
    "axis": lambda: {
        "program": program("loss ℓ[b] = u[c[b]]^2"),
        "data": {"c": np.arange(3)},
    },
    "memory": lambda: {"options": Options(memory=100)},
}


@pytest.mark.parametrize("name", sorted(RUNS))
def test_wrong_runs(name: str, golden: Golden) -> None:
    given = {"program": example("mlp"), "data": digits(), **RUNS[name]()}
    with pytest.raises(EinError) as caught:
        list(training(**given).run())
    golden(CASES / f"run.{name}.txt", str(caught.value).replace(str(ROOT) + os.sep, "") + "\n")


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"batch": 0}, "`batch` cannot be 0: it is 1 or more"),
        ({"epochs": -1}, "`epochs` cannot be -1: it is 0 or more"),
        ({"lr": float("nan")}, "`lr` cannot be nan: it is a finite number"),
        ({"dtype": "int8"}, "`dtype` cannot be int8: it is float16, float32 or float64"),
        ({"seed": -3}, "`seed` cannot be -3: it is 0 or more"),
    ],
)
def test_wrong_options(option: dict[str, Any], words: str) -> None:
    with pytest.raises(EinError) as caught:
        Options(**option)
    assert [fault.message for fault in caught.value.faults] == [words]
