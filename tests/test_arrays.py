"""Arrays that do not fit a program, and names that they may bear."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import einsumgrad
from einsumgrad.verify.verify import verify


@pytest.mark.sentence(6, "A gathered value outside its range")
@pytest.mark.parametrize("value", [4, -1, 99])
@pytest.mark.parametrize(
    "text",
    ["for b,k  h[b,k] += E[w[b],k]", "index v : 4\noutput E[v,k]\nfor b,k  E[w[b],k] += z[k]"],
)
def test_a_gather_out_of_range_names_tensor_position_and_value(text: str, value: int) -> None:
    program = einsumgrad.parse(text)
    given = {"w": np.array([0, 1, value, 2]), "E": np.ones((4, 2)), "z": np.ones(2)}
    kept = {name: a for name, a in given.items() if name in (*program.inputs, *program.params)}
    with pytest.raises(einsumgrad.EinError) as error:
        program.run(**kept)
    assert f"`w[2]` is {value}, but that axis of `E` has the positions 0..3" in str(error.value)


def test_positions_of_two_axes_are_named() -> None:
    program = einsumgrad.parse("for t,b,k  h[k,b] += E[k,w[b,t]]")
    w = np.zeros((2, 3), int)
    w[1, 2] = -7
    with pytest.raises(einsumgrad.EinError, match=r"`w\[1,2\]` is -7"):
        program.run(E=np.ones((2, 4)), w=w)


@pytest.mark.parametrize("read", ["E[w[b],k]", "(E[w[b],k])^2"])
def test_a_position_that_no_entry_needs_may_be_outside(read: str) -> None:
    """The condition has an index, `t`, that the position has not: any of its values may keep it."""
    program = einsumgrad.parse(f"for b,t,k  h[b,k] += {read} where t < n[b]\nindex t : 3")
    found = program.run(E=np.ones((4, 2)), w=np.array([9, 1, -1]), n=np.array([0, 2, 0]))
    np.testing.assert_array_equal(found["h"], [[0, 0], [2, 2], [0, 0]])


def fault(program: str, **arrays: Any) -> str:
    with pytest.raises(einsumgrad.EinError) as error:
        einsumgrad.parse(program).run(**arrays)
    return str(error.value)


def test_all_faults_of_the_arrays_are_reported_at_once() -> None:
    found = fault("y[b] = Σ_i w[i] x[b,i] + c", x=np.ones(3), W=np.ones(2), c="no")
    for part in (
        "E401", "no array for parameter `w`", "E402", "no input or parameter `W`", "E404",
        "array `x` has the shape [3], but `x` has 2 indices, [b,i]", "E405", "array `c` holds text",
    ):  # fmt: skip
        assert part in found


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.ones(2, complex), "holds complex128"), (["a", "b"], "holds text"),
        ([[1], [2, 3]], "ragged lists"), (None, "holds Python objects"),
        ([None, 1.0], "holds Python objects"),
        (np.array([1, 2], "m8[s]"), "timedelta64"), ([10**40, 1], "holds Python objects"),
        (np.ones((2, 1)), "shape [2, 1]"), (1.0, "shape []"), ({"a": 1}, "holds Python objects"),
    ],
)  # fmt: skip
def test_arrays_that_are_none(value: Any, message: str) -> None:
    assert message in fault("y[b] = 2 x[b]", x=value)


@pytest.mark.parametrize("value", [[0.5, 1.0], [0.0, 1.0], np.array([0.0, 1.0]), (1.0, 0.0)])
def test_positions_are_integers(value: Any) -> None:
    assert "its values are indices: integers" in fault("y[b] = E[w[b]]", w=value, E=np.ones(3))


@pytest.mark.parametrize("value", [[True, False], np.array([1, 0], np.uint8), [1, 0], (1, 0)])
def test_all_integers_are_positions(value: Any) -> None:
    found = einsumgrad.parse("y[b] = E[w[b]]").run(w=value, E=np.array([3.0, 5.0]))
    assert found["y"].tolist() == [5.0, 3.0]


@pytest.mark.sentence(3, "A conflict is an error")
def test_sizes_that_disagree_name_both_sources() -> None:
    found = fault("y[b] = Σ_i w[i] x[b,i]", w=np.ones(2), x=np.ones((4, 3)))
    assert "axis 0 of array `w`, `i`, has 2 entries" in found
    assert "axis 1 of array `x`, `i`, has 3 entries" in found
    found = fault("index i : 5\ny[b] = Σ_i x[b,i]", x=np.ones((4, 3)))
    assert "`I` is 5 by `index i : 5`" in found
    assert "E230" in fault("y[b] = x[b] z[b]", x=np.ones(1), z=np.ones(3))


def test_computed_tensors_take_no_arrays() -> None:
    assert "`h` is computed by the program" in fault("h[b] = x[b]\ny[b] = h[b]", x=[1.0], h=[1.0])


def test_names_in_unicode_and_in_ascii() -> None:
    program = einsumgrad.parse("loss ℓ[b] = Σ_ŷ (W⁰[ŷ] - x̃[b,ŷ])^2")
    one = {"W⁰": np.ones(2), "x̃": np.zeros((1, 2))}
    two = {"W0": np.ones(2), "x_tilde": np.zeros((1, 2))}
    assert program.run(**one)["ℓ"] == program.run(**two)["ℓ"] == 2
    value, gradients = program.value_and_grad(**two, wrt=("W0", "x̃"))
    assert value == 2
    assert set(gradients) == {"W⁰", "x̃"}
    assert "given twice" in fault("y[b] = W⁰ x[b]", **{"W⁰": 1.0, "W0": 2.0, "x": [1.0]})


OPENED = (
    "index v : 4\noutput E[v,k]\nfor b,k  E[w[b],k] += x[b] z[k]",
    "index k : 3\noutput h[k]\nh[0] += x[b]\nh[2] -= x[b]^2",
)


@pytest.mark.parametrize("text", OPENED)
def test_a_declared_output_gives_axes_that_no_target_names(text: str) -> None:
    program = einsumgrad.parse(text)
    derived = program.derive()
    for one in (program, derived):
        assert einsumgrad.parse(str(one)).ir == one.ir
        assert verify(one.ir).ok
    assert "output E[v,k]" in str(program) or "output h[k]" in str(program)
