"""What `verify` draws where nothing is given: sizes and arrays at which something is decided."""

from __future__ import annotations

import numpy as np
import pytest
from command_line import Shell
from test_verify import EXAMPLES, checked, row

import einsumgrad


def test_counts_lie_between_whole_numbers_where_nothing_jumps() -> None:
    found = checked("input n[b]\ny[b] += 1/n[b] x[b,t] where t < n[b]")
    assert found.ok
    assert row(found, "n").kinks == 0
    counts = found.setting.arrays["n"]
    assert np.all((counts > 0) & (counts < found.setting.sizes["T"]))


@pytest.mark.parametrize(
    ("condition", "values"),
    [
        ("t = n[b]-1", {1, 2, 3, 4}), ("t + n[b] = T", {1, 2, 3, 4}), ("t < n[b]", {0, 1, 2, 3}),
        ("2n[b]-1 <= t <= 2n[b]", {1}), ("n[b] = 2", {0, 1, 2, 3}), ("t ≠ n[b]", {0, 1, 2, 3}),
    ],
)  # fmt: skip
def test_what_conditions_compare_is_drawn_where_it_decides(
    condition: str, values: set[int]
) -> None:
    text = f"index t : 4\ninput n[b]\nloss ℓ[b] = Σ_t x[b,t]^2 [{condition}]"
    found = checked(text, sizes={"B": 40})
    assert set(np.floor(found.setting.arrays["n"])) == values
    assert found.ok
    assert not found.vacuous
    assert found.conditions == ("n",)
    assert [r.name for r in found.rows] == ["x"]


def test_what_only_conditions_read_is_not_called_right(shell: Shell) -> None:
    done = shell("verify", EXAMPLES / "ctc.ein")
    assert done.code == 0
    assert "at J = 0" not in done.out
    assert "not checked, as only conditions read them: n, m" in done.out
    assert "1 gradient, right" in done.out


def test_objective_and_gradients_of_0_are_not_called_right(shell: Shell) -> None:
    done = shell("verify", "-", stdin="loss ℓ[b] = x[b] [x[b] > 1000]")
    assert done.code == 1
    assert "ok, all 0" in done.out
    assert "the objective and 1 gradient are 0 here, so NOTHING is verified" in done.out
    assert not checked("loss ℓ[b] = relu(x[b] - 2)", {"x": [1.0, 3.0]}).vacuous


def test_labels_that_conditions_compare_are_whole() -> None:
    text = "index b, b' : B\ninput y[b]\nloss ℓ[b] = Σ_{b'} [y[b] = y[b']] (x[b] - x[b'])^2"
    found = checked(text)
    assert found.ok
    labels = found.setting.arrays["y"]
    assert np.array_equal(labels, np.round(labels))
    assert row(found, "x").absolute > 0 or row(found, "x").decided


def test_integers_are_drawn_in_range_of_all_that_they_gather_from() -> None:
    for seed in range(5):
        found = checked("h[b] = A[y[b],z[y[b]]] + c[y[b]]\ninput z[i]", seed=seed)
        assert found.ok


def test_sizes_and_arrays_as_given_else_distinct_and_by_the_seed() -> None:
    text = "for b,i,j  h[b,j] += W[j,i] x[b,i]"
    found = checked(text, sizes={"B": 7})
    assert found.setting.sizes["B"] == 7
    assert len(set(found.setting.sizes.values())) == 3
    assert found.setting.drawn == ("W", "x")
    again = checked(text, sizes={"B": 7})
    assert np.array_equal(found.setting.arrays["W"], again.setting.arrays["W"])
    other = checked(text, sizes={"B": 7}, seed=1)
    assert not np.array_equal(found.setting.arrays["W"], other.setting.arrays["W"])
    given = checked(text, {"x": np.ones((2, 9), np.float32)})
    assert given.setting.sizes["I"] == 9
    assert given.setting.drawn == ("W",)
    assert given.setting.arrays["x"].dtype == np.float64


def test_axes_read_at_constants_are_long_enough() -> None:
    found = checked("y[b] = x[b,3] + c[2] z[b,K-1] + Σ_k z[b,k]")
    assert found.setting.arrays["x"].shape[1] == 4
    assert found.setting.arrays["c"].shape == (3,)
    assert np.any(found.setting.forward.arrays["x"] != 0)
    assert found.ok


def test_the_objectives_domain_is_searched_for() -> None:
    assert checked("loss ℓ[b] = log(p[b]) + log(1 - p[b])").ok
    assert checked("loss ℓ[b] = sqrt(q[b] - 1)").ok
    with pytest.raises(einsumgrad.EinError) as error:
        checked("loss ℓ[b] = log(-1 - x[b]^2)")
    assert "not finite on random arrays" in str(error.value)
    with pytest.raises(einsumgrad.EinError) as error:
        checked("loss ℓ[b] = log(x[b])", {"x": [-1.0]})
    assert "not finite on the given arrays" in str(error.value)
