"""Forward mode: `cases/forward/NAME.ein` and what `compile --forward` prints for it, `NAME.out`;
tangents against differences, reverse mode and PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import Golden
from moving import moving
from test_numerics import EXTREMES, MASKED, PADDED, STABLE, UNTAKEN

import einsumgrad
from einsumgrad.cli.main import app
from einsumgrad.derive.forward import forward
from einsumgrad.derive.reverse import reverse
from einsumgrad.diagnostics import EinError
from einsumgrad.ir.verify import verify as sound
from einsumgrad.reflect.ascii import ascii_program
from einsumgrad.rewrite.edit import completed
from einsumgrad.rewrite.passes import PASSES, rewrite
from einsumgrad.rewrite.stable import stable

TESTS = Path(__file__).parent
CASES = tuple(sorted((TESTS / "cases" / "forward").glob("*.ein")))
DERIVED = tuple(sorted((TESTS / "cases" / "derive").glob("*.ein")))
EXAMPLES = tuple(sorted((TESTS.parent / "examples").glob("*.ein")))
F32 = np.float32


def each(paths: tuple[Path, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=[path.stem for path in paths])


def compiled(path: Path, *options: str) -> str:
    done = CliRunner().invoke(app, ["compile", "--forward", str(path), *options])
    assert done.exit_code == 0, done.output
    return done.stdout


# ---- what is printed


@each(CASES)
def test_golden(path: Path, golden: Golden) -> None:
    golden(path.with_suffix(".out"), compiled(path))


def test_every_golden_has_a_program() -> None:
    assert {path.stem for path in CASES[0].parent.glob("*.out")} == {path.stem for path in CASES}


@each((*CASES, *DERIVED, *EXAMPLES))
def test_printed_programs_read_back(path: Path) -> None:
    program = einsumgrad.load(path).derive_forward()
    text = str(program)
    assert einsumgrad.parse(text).ir == program.ir
    assert str(einsumgrad.parse(text)) == text
    plain = program.to_source(ascii=True)
    assert plain.isascii()
    assert einsumgrad.parse(plain).ir == ascii_program(program.ir)


@each((*CASES, *EXAMPLES))
def test_higher_orders_read_back(path: Path) -> None:
    """`.grad.dot`, `.dot.grad` and `.dot.dot`."""
    program = einsumgrad.load(path)
    forwards = program.derive_forward()
    for made in (program.derive().derive_forward(), forwards.derive(), forwards.derive_forward()):
        assert einsumgrad.parse(str(made)).ir == made.ir


@each((*CASES, *EXAMPLES))
def test_every_stage_is_sound(path: Path) -> None:
    start = einsumgrad.load(path).ir
    for derived in (forward(start), forward(rewrite(forward(start))), forward(reverse(start))):
        program = sound(derived, "derive")
        for name, step in PASSES:
            program = sound(completed(step(program)), name)
        sound(stable(program), "stable")


@each((*CASES, *DERIVED))
def test_rewriting_is_done_and_nothing_is_dead(path: Path) -> None:
    program = einsumgrad.load(path).derive_forward().ir
    assert rewrite(program).statements == program.statements
    read = {access.tensor for s in program.statements for access in s.reads}
    assert {s.target.tensor for s in program.statements if s.derived} <= {*read, *program.outputs}


def test_names_may_be_chosen() -> None:
    path = TESTS.parent / "examples" / "linear.ein"
    assert compiled(path, "--wrt", "w").count("c.dot") == 0
    assert "[b]  0" not in compiled(path, "--wrt", "w")
    assert compiled(path) == str(einsumgrad.load(path).derive_forward())
    for stage in ("tree", "program", "derived", "rewritten"):
        assert compiled(path, "--emit", stage)
    assert "w.dot" in compiled(path, "--emit", "plan", "--size", "b=3,i=2")


# ---- numbers


@each((*CASES, *DERIVED, *EXAMPLES))
def test_forward_and_reverse_mode_are_transposes(path: Path) -> None:
    """⟨ū, J v⟩ = ⟨Jᵀū, v⟩."""
    case = moving(einsumgrad.load(path), 0)
    expected, size = case.across()
    assert np.isfinite(expected)
    assert abs(case.along() - expected) <= 1e-10 * max(1.0, size)


@each((*CASES, *DERIVED))
def test_tangents_are_differences(path: Path) -> None:
    case = moving(einsumgrad.load(path), 3)
    outputs, tangents = case.forwards
    assert outputs.keys() == tangents.keys()
    for name, tangent in tangents.items():
        assert tangent.shape == outputs[name].shape
        found, (expected, off) = float(np.sum(case.weights[name] * tangent)), case.difference(name)
        assert off <= 1e-4 * (1 + abs(expected)), name
        assert abs(found - expected) <= 1e-6 * abs(expected) + off + 1e-8, name


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", STABLE)
def test_extreme_scores_give_finite_tangents(name: str, dtype: Any) -> None:
    program = einsumgrad.parse(STABLE[name])
    x = np.array(EXTREMES, dtype)
    arrays = {"x": x, "c": np.zeros(3, dtype), "y": np.array([0, 1, 2, 0])}
    arrays = {n: a for n, a in arrays.items() if n in {t.name for t in program.ir.tensors}}
    moved = {"x": np.ones_like(x), "c": np.arange(3, dtype=dtype)}
    with np.errstate(all="raise"):
        outputs, tangents = program.jvp(moved, **arrays)
    for array in (*outputs.values(), *tangents.values()):
        assert np.all(np.isfinite(array))
        assert array.dtype == dtype


@pytest.mark.parametrize("name", MASKED)
def test_masked_entries_make_no_nan(name: str) -> None:
    arrays: dict[str, Any] = {"x": PADDED, "n": np.array([2, 1])}
    moved = {"x": np.where(np.isfinite(PADDED), F32(1), F32(np.nan))}
    if "W[" in MASKED[name]:
        arrays["W"] = moved["W"] = np.ones((2, 3), F32)
    _, tangents = einsumgrad.parse(MASKED[name]).jvp(moved, **arrays)
    assert all(np.all(np.isfinite(array)) for array in tangents.values()), tangents


@pytest.mark.parametrize(
    "text",
    (
        *UNTAKEN, "y[b,s] = max(log x[b,s], -2)", "y[b,s] = leaky_relu(x[b,s], 1/2)",
        "a[b,s] = log x[b,s]\ny[b,s] = max(a[b,s], -2)", "y[b] = Π_s x[b,s]",
        "n[s] = s\ny[b,s] = x[b,s]^(n[s])",
    ),
)  # fmt: skip
def test_untaken_branches_make_no_nan(text: str) -> None:
    x = np.array([[1, 0, -1 if "log x" not in text or "[x" in text or "where" in text else 2]], F32)
    _, tangents = einsumgrad.parse(text).jvp({"x": np.ones_like(x)}, x=x)
    assert np.all(np.isfinite(tangents["y"])), tangents
    assert np.any(tangents["y"])


def test_ties_share_evenly_and_kinks_have_no_slope() -> None:
    moved = {"x": [[1.0, 3.0, 10.0]]}
    for text, expected in (
        ("y[b] = max_i x[b,i]", 2.0), ("y[b] = max(x[b,0], x[b,1])", 2.0),
        ("y[b] = min_i -x[b,i]", -2.0), ("y[b] = relu(x[b,0] - x[b,1])", 0.0),
        ("y[b] = abs(x[b,0] - x[b,1])", 0.0),
    ):  # fmt: skip
        _, tangents = einsumgrad.parse(text).jvp(moved, x=[[2.0, 2.0, 1.0]])
        assert tangents["y"].tolist() == [expected], text


@pytest.mark.parametrize("zeros", range(4))
def test_a_product_of_zeros(zeros: int) -> None:
    x = np.array([[3.0, 5.0, 7.0]])
    x[0, :zeros] = 0
    _, tangents = einsumgrad.parse("p[b] = Π_i x[b,i]").jvp({"x": [[1.0, 2.0, 4.0]]}, x=x)
    expected = {0: 35 + 2 * 21 + 4 * 15, 1: 35, 2: 0, 3: 0}
    assert tangents["p"].tolist() == [expected[zeros]]


def test_over_nothing() -> None:
    x, n = np.array([[1, 2, 3], [3, 1, 2]], F32), np.array([0, 2])
    for text in (
        "y[b] = logsumexp_s x[b,s] where s < n[b]", "y[b] = max_s x[b,s] where s < n[b]",
        "y[b] = Σ_s x[b,s] where s < n[b]", "y[b] = Π_s x[b,s] where s < n[b]",
        "y[b] = Σ_s softmax_s(x[b,s]) x[b,s] where s < n[b]",
        "y[b] = max_s x[b,s]^3 where s < n[b]",
    ):  # fmt: skip
        _, tangents = einsumgrad.parse(text).jvp({"x": np.ones_like(x)}, x=x, n=n)
        assert tangents["y"][0] == 0, text
        assert np.isfinite(tangents["y"][1]), text


def test_a_derivative_that_would_be_too_long_is_refused() -> None:
    long = einsumgrad.parse("p[b] = " + " ".join(f"x{k}[b]" for k in range(3000)))
    with pytest.raises(EinError, match="more than 2000000 parts"):
        long.derive_forward()
