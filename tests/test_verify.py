"""`einsumgrad verify`: right gradients pass, wrong ones are found, kinks are no errors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import pytest
from command_line import Shell
from hypothesis import HealthCheck, assume, given, settings
from programs import Sample, programs

import einsumgrad
from einsumgrad.ir import functions
from einsumgrad.verify.checks import check_gradient
from einsumgrad.verify.setting import gradients, make_setting, per_example
from einsumgrad.verify.verify import Row, Verification, verify

EXAMPLES = Path(__file__).parent.parent / "examples"


def checked(text: str, given: dict[str, Any] | None = None, **options: Any) -> Verification:
    return verify(einsumgrad.parse(text).ir, given, **options)


def row(found: Verification, name: str) -> Row:
    return next(r for r in found.rows if r.name == name)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.ein")), ids=lambda p: p.stem)
def test_every_example_and_its_second_derivatives(path: Path) -> None:
    program = einsumgrad.load(path)
    found = verify(program.ir)
    assert found.ok
    assert all(r.decided and not r.unclear for r in found.rows)
    second = verify(program.derive().ir)
    assert second.ok
    assert second.suffix == ".grad.grad"


SMOOTH = [
    "exp",
    "log",
    "log1p",
    "expm1",
    "sqrt",
    "sin",
    "cos",
    "tan",
    "tanh",
    "sigmoid",
    "softplus",
    "silu",
]
NOT_ANALYTIC = ["abs", "relu", "gelu", "erf", "floor", "sign"]


@pytest.mark.sentence(10, "`verify` holds every derived")
@pytest.mark.parametrize("name", [*SMOOTH, *NOT_ANALYTIC])
def test_every_function_by_the_sharpest_method_that_it_allows(name: str) -> None:
    found = checked(f"loss ℓ[b] = {name}(x[b] w) + {name} x[b]", {"x": [0.3, 0.7, 1.2], "w": 0.9})
    assert found.ok
    expected = "complex step" if name in SMOOTH else "differences"
    assert {r.method for r in found.rows} == {expected}
    assert row(found, "w").relative < (1e-13 if name in SMOOTH else 1e-8)


@pytest.mark.parametrize(
    "text",
    [
        "loss ℓ[b] = logsumexp_k (x[b,k] w[k])",
        "loss ℓ[b] = Σ_k c[k] softmax_k (x[b,k] w[k])",
        "loss ℓ[b] = Σ_k c[k] log_softmax_k (x[b,k] w[k])",
        "loss ℓ[b] = Π_k x[b,k] w[k]",
        "loss ℓ[b] = mean_k x[b,k]^3",
        "index k : 4\nloss ℓ[b] = Σ_k c[k] x[b]^k",
        "loss ℓ[b] = x[b]^w",
        "for b,t,k  h[b,k] += E[w[b,t],k] where t < n[b]",
        "index k : 4\ninput y[b] : k\nfor b,t,i  A[y[b],i] += x[b,t] c[i]",
        "m += 1/B h[b]\nloss ℓ[b] = (h[b] - m)^2",
    ],
)
def test_complex_steps_reach_rounding(text: str) -> None:
    found = checked(text)
    assert found.ok
    steps = [r for r in found.rows if r.name != "n"]
    assert {r.method for r in steps} == {"complex step"}
    assert max(r.relative for r in steps) < 1e-12


@pytest.mark.parametrize("name", ["tanh", "relu"])
@pytest.mark.parametrize("wrong", ["1 - y", "0", "2 (1 - y^2)", "1.0001 (1 - y^2) [u > 0]"])
def test_a_wrong_rule_fails(
    name: str, wrong: str, monkeypatch: pytest.MonkeyPatch, shell: Shell, tmp_path: Path
) -> None:
    rule = replace(functions.FUNCTIONS[name], derivatives=(wrong,), by_result="")
    monkeypatch.setitem(functions.FUNCTIONS, name, rule)
    text = f"h[b,j] = {name}(Σ_i W[j,i] x[b,i])\nloss ℓ[b] = Σ_j (h[b,j] - y[b,j])^2"
    (tmp_path / "wrong.ein").write_text(text, encoding="utf-8")
    done = shell("verify", tmp_path / "wrong.ein")
    assert done.code == 1
    assert done.out.count("FAILED") == 3
    assert "2 of 3 gradients FAILED" in done.out


@pytest.mark.parametrize(("size", "where"), [(5, 3), (4000, 1234)])
@pytest.mark.parametrize("factor", [1.001, 0.0, -1.0, np.nan])
def test_one_wrong_entry_is_found(size: int, where: int, factor: float) -> None:
    program = einsumgrad.parse("loss ℓ[b] = tanh(Σ_i w[i] x[b,i])").ir
    given = {"w": np.random.default_rng(0).normal(size=size) / size}
    setting = make_setting(program, given, {}, 0, None)
    right = gradients(program, ("w",), setting, None)["w"]
    rng = np.random.default_rng(0)
    assert not check_gradient(setting.forward, "w", right, 1, rng).wrong()
    wrong = right.copy()
    wrong[where] *= factor
    assert check_gradient(setting.forward, "w", wrong, 1, rng).wrong()


def test_a_missing_batch_factor_is_found() -> None:
    program = einsumgrad.parse("loss ℓ[b] = (w x[b])^2").ir
    setting = make_setting(program, {}, {}, 0, None)
    found = gradients(program, ("w", "x"), setting, None)
    rng = np.random.default_rng(0)
    for name, batched in (("w", False), ("x", True)):
        factor = per_example(program, name, found[name].shape)
        assert factor == (3 if batched else 1)
        assert not check_gradient(setting.forward, name, found[name], factor, rng).wrong()
        assert check_gradient(setting.forward, name, found[name] / 3, factor, rng).wrong()


@pytest.mark.parametrize(
    ("text", "given", "kinks"),
    [
        ("loss ℓ[b] = relu x[b]", {"x": [0.0, 1.0, 0.0]}, 2),
        ("loss ℓ[b] = abs(x[b]) w", {"x": [0.0, -1.0], "w": 2.0}, 1),
        ("loss ℓ[b] = max_k x[b,k]", {"x": [[1.0, 1.0, 0.0], [0.0, 1.0, 2.0]]}, 2),
        ("loss ℓ[b] = max(x[b], y[b])", {"x": [1.0, 2.0], "y": [1.0, 3.0]}, 1),
        ("loss ℓ[b] = relu(x[b]) - relu(-x[b])", {"x": [0.0, 1.0]}, 1),
        ("loss ℓ[b] = floor(x[b]) x[b]", {"x": [1.0, 1.5]}, 1),
        ("loss ℓ[b] = [x[b] >= 0] x[b]", {"x": [0.0, 1.5]}, 1),
        ("loss ℓ[b] = leaky_relu(x[b], 0.1)", {"x": [0.0, 1.5]}, 1),
    ],
)
def test_points_at_a_kink_are_counted_and_do_not_fail(
    text: str, given: dict[str, Any], kinks: int
) -> None:
    found = checked(text, given)
    assert found.ok
    assert row(found, "x").kinks == kinks
    assert row(found, "x").decided


@pytest.mark.parametrize("distance", [1e-2, 1e-3, 1e-4, 1e-5])
def test_near_a_kink_shorter_steps_decide(distance: float) -> None:
    found = checked("loss ℓ[b] = relu x[b]", {"x": [distance, -distance, 1.0]})
    assert found.ok
    assert row(found, "x").kinks == 0
    assert row(found, "x").absolute < 1e-6


def test_a_gradient_of_which_nothing_is_decided_is_not_called_right(
    shell: Shell, tmp_path: Path
) -> None:
    np.savez(tmp_path / "zeros.npz", x=np.zeros(3))
    done = shell("verify", "-", "--data", tmp_path / "zeros.npz", stdin="loss ℓ[b] = relu x[b]")
    assert done.code == 0
    assert "not decided, 3 at a kink" in done.out
    assert "1 of 1 gradient could not be decided" in done.out


def test_no_change_goes_through_a_stop() -> None:
    for text in (
        "loss ℓ[b] = x[b] stop(w x[b])",
        "a[b] = stop(x[b] w)\nloss ℓ[b] = (a[b] - x[b] w)^2 + relu(stop(x[b]))",
    ):
        found = checked(text)
        assert found.ok
        assert row(found, "x").kinks == 0


def test_masked_positions_may_be_outside() -> None:
    given = {"n": [1, 3, 2], "w": np.array([[0, -1, 99], [1, 2, 0], [3, 1, -1]])}
    for text in (
        "for b,t,k  h[b,k] += tanh(E[w[b,t],k]) where t < n[b]",
        "h[b,t,k] = [t < n[b]] exp(E[w[b,t],k])^2",
    ):
        assert checked(f"input n[b], w[b,t]\n{text}", given).ok


def test_many_entries_are_sampled_and_directions_checked() -> None:
    found = checked("loss ℓ[b] = tanh(Σ_i w[i] x[b,i])", {"w": np.full(1000, 1e-3)})
    w = row(found, "w")
    assert w.directions == 8
    assert 16 <= w.entries <= 24
    assert row(checked("loss ℓ[b] = (w x[b])^2"), "x").entries == 3


def test_cotangents_are_those_of_the_data() -> None:
    text = "for b,i,j  h̃[b,j] += W[j,i] x[b,i]"
    one = {"W": np.ones((1, 1)), "x": np.array([[2.0]])}
    found = checked(text, {**one, "h̃.grad": np.array([[5.0]])})
    assert found.ok
    assert found.setting.forward.here.value == 10.0
    assert found.setting.drawn_cotangents == ()
    ascii = checked(text, {**one, "h_tilde.grad": np.array([[5.0]])})
    assert ascii.setting.forward.here.value == 10.0
    with pytest.raises(einsumgrad.EinError, match=r"`\.grad` of `h̃` has the shape"):
        checked(text, {**one, "h̃.grad": np.ones(3)})


def test_nothing_to_verify() -> None:
    with pytest.raises(einsumgrad.EinError, match="no gradient to verify"):
        checked("input y[b] : k\nh[b] = [y[b] = 0]")


@settings(
    max_examples=100, deadline=None, database=None, derandomize=True,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(programs())
def test_random_programs(sample: Sample) -> None:
    """Right gradients of random programs pass, on the samples' own arrays."""
    assume(sample.wrt)
    program = einsumgrad.parse(sample.text).ir
    assume(program.loss or not all(program.tensor(n).integer for n in program.outputs))
    values = oracle.run(program, sample.arrays, sample.sizes)
    assume(all(np.all(np.isfinite(v)) for v in values.values()))
    found = verify(program, sample.arrays, wrt=sample.wrt)
    assert found.ok, found.rows


def test_what_moves_only_if_entries_move_apart_is_decided() -> None:
    """Where all entries move alike no complex number reaches relu, which has no complex step."""
    text = "μ[b] = mean_j x[b,j]\nloss ℓ[b] = Σ_j w[j] relu(x[b,j] - μ[b])"
    assert row(checked(text, {"x": np.array([[1.0, 2.0, 6.0]])}), "x").unclear == 0


@pytest.mark.parametrize(("tolerance", "code"), [("1e-9", 0), ("1e-13", 1), ("1e-30", 1)])
def test_a_tolerance_decides(tolerance: str, code: int, shell: Shell) -> None:
    """The printed relative error is what it is held against, whatever the method is off by."""
    text = "loss ℓ[b] = abs(tanh(w x[b]))"
    assert 1e-13 < max(r.relative for r in checked(text).rows) < 1e-9
    done = shell("verify", "-", "--tolerance", tolerance, stdin=text)
    assert done.code == code
    assert ("FAILED" in done.out) == bool(code)
