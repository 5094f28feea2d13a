"""What a program means, for the tests of the language page: its values, what it derives, what a
person is told of its faults."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import einsumgrad

Array = npt.NDArray[Any]


def value(text: str, /, **arrays: Any) -> Array:
    """The only output."""
    (found,) = einsumgrad.parse(text).run(**arrays).values()
    return found


def gradient(text: str, name: str, /, **arrays: Any) -> Array:
    """By one tensor: of the loss, or of the only output where every entry of it counts 1."""
    program = einsumgrad.parse(text)
    if program.loss:
        return program.value_and_grad(wrt=name, **arrays)[1][name]
    ones = {output: np.ones_like(array) for output, array in program.run(**arrays).items()}
    return program.vjp(ones, wrt=name, **arrays)[name]


def derived(text: str, *wrt: str) -> list[str]:
    """The derived statements as they are printed."""
    program = einsumgrad.parse(text)
    forward = set(str(program).splitlines())
    printed = str(program.derive(wrt or None)).splitlines()
    return [
        line
        for line in printed
        if line not in forward and not line.startswith(("input ", "output "))
    ]


def refused(text: str, /, **arrays: Any) -> str:
    """What a person is told of a faulty program, or of arrays that do not fit it."""
    with pytest.raises(einsumgrad.EinError) as raised:
        einsumgrad.parse(text, filename="p.ein").run(**arrays)
    return str(raised.value)


def same(one: str, other: str) -> None:
    """Two texts are one program."""
    assert einsumgrad.parse(one).ir == einsumgrad.parse(other).ir


def close(found: object, expected: object) -> None:
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), 1e-10, 1e-12)
