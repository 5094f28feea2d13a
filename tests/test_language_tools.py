"""Sections 9 to 11 of the language page: Python, text in and out, errors."""

from __future__ import annotations

import json
import re
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
from command_line import Shell
from meaning import close, refused
from sentences import programs

import einsumgrad as eg

PERCEPTRON = dedent(programs(1)[2])
SLIDE = dedent(programs(1)[0])
RNG = np.random.default_rng(0)
ARRAYS: dict[str, Any] = {
    "x": RNG.normal(size=(5, 3)), "y": np.array([0, 1, 1, 0, 1]), "W⁰": RNG.normal(size=(4, 3)),
    "b⁰": RNG.normal(size=4), "W¹": RNG.normal(size=(2, 4)), "b¹": RNG.normal(size=2),
}  # fmt: skip

# ---- section 9

API = "import einsumgrad as eg program"


@pytest.mark.sentence(9, API)
def test_programs_and_their_declarations(tmp_path: Path) -> None:
    (tmp_path / "mlp.ein").write_text(PERCEPTRON, encoding="utf-8")
    program = eg.load(tmp_path / "mlp.ein")
    assert eg.load(str(tmp_path / "mlp.ein")).ir == eg.parse(PERCEPTRON, filename="mlp.ein").ir
    assert (program.inputs, program.params) == (("x", "y"), ("W⁰", "b⁰", "W¹", "b¹"))
    assert (program.outputs, program.loss) == ((), "ℓ")
    with pytest.raises(eg.EinError, match=r"slide\.ein:1:"):
        eg.parse("h[b] = x[b", filename="slide.ein")


@pytest.mark.sentence(9, API)
def test_values_and_gradients() -> None:
    program = eg.parse(PERCEPTRON)
    outputs = program.run(**ARRAYS)
    J, grads = program.value_and_grad(**ARRAYS)
    assert isinstance(J, float)
    assert pytest.approx(outputs["ℓ"].mean()) == J
    assert tuple(grads) == program.params
    assert {name: g.shape for name, g in grads.items()} == {n: ARRAYS[n].shape for n in grads}
    assert set(program.value_and_grad(**ARRAYS, wrt=["x", "b¹"])[1]) == {"x", "b¹"}


@pytest.mark.sentence(9, API)
def test_vjp_and_jvp() -> None:
    program, g, V = eg.parse(SLIDE), RNG.normal(size=(5, 4)), RNG.normal(size=(4, 3))
    x, W = ARRAYS["x"], ARRAYS["W⁰"]
    found = program.vjp({"h̃": g}, x=x, W=W)
    close(found["W"], g.T @ x / 5)
    close(found["x"], g @ W)
    assert set(program.vjp({"h̃": g}, wrt=["W"], x=x, W=W)) == {"W"}
    outputs, tangents = program.jvp({"W": V}, x=x, W=W)
    close(outputs["h̃"], x @ W.T)
    close(tangents["h̃"], x @ V.T)


@pytest.mark.sentence(9, API)
def test_derived_programs() -> None:
    program = eg.parse(PERCEPTRON)
    derived = program.derive(wrt=["W¹", "x"])
    assert isinstance(derived, eg.Program)
    assert set(derived.outputs) == {"W¹.grad", "x.grad"}
    _, expected = program.value_and_grad(**ARRAYS, wrt=["W¹", "x"])
    found = derived.run(**ARRAYS)
    for name, gradient in expected.items():
        close(found[f"{name}.grad"], gradient)
    apart = program.per_example(wrt=["W¹"]).run(**ARRAYS)["W¹.grad"]
    assert apart.shape == (5, 2, 4)
    close(apart.mean(axis=0), expected["W¹"])


@pytest.mark.sentence(9, API)
def test_starts_and_text() -> None:
    """All but `to_latex`, which is not there yet."""
    program = eg.parse(PERCEPTRON)
    start = program.init(seed=1, I=3, J=4, Ŷ=2)
    assert {n: a.shape for n, a in start.items()} == {n: ARRAYS[n].shape for n in program.params}
    assert np.array_equal(start["W⁰"], program.init(seed=1, I=3, J=4, Ŷ=2)["W⁰"])
    assert not np.array_equal(start["W⁰"], program.init(seed=2, I=3, J=4, Ŷ=2)["W⁰"])
    assert eg.parse(str(program)).ir == program.ir
    assert program.to_source() == str(program)


@pytest.mark.sentence(9, "Arrays are NumPy's by default")
def test_no_call_changes_its_arguments() -> None:
    program, before = eg.parse(PERCEPTRON), {n: a.copy() for n, a in ARRAYS.items()}
    for found in (program.run(**ARRAYS), program.value_and_grad(**ARRAYS)[1]):
        assert all(isinstance(array, np.ndarray) for array in found.values())
        for array in found.values():
            array[...] = 7
    assert all(np.array_equal(ARRAYS[name], array) for name, array in before.items())


@pytest.mark.sentence(9, "The result's dtype follows")
@pytest.mark.parametrize(
    ("x", "w", "expected"),
    [("f4", "f4", "f4"), ("f4", "f8", "f8"), ("f2", "f4", "f4"), ("f8", "f8", "f8")],
)
def test_dtypes(x: str, w: str, expected: str) -> None:
    program = eg.parse("loss ℓ[b] = 1/2 (w x[b] - 0.3)^2 + 2 π")
    arrays = {"x": np.ones(3, x), "w": np.ones((), w)}
    assert program.run(**arrays)["ℓ"].dtype == np.dtype(expected)
    for gradient in program.value_and_grad(**arrays, wrt=["w", "x"])[1].values():
        assert gradient.dtype == np.dtype(expected)


# ---- section 10


@pytest.mark.sentence(10, "`explain` prints the derivation")
def test_explain(shell: Shell) -> None:
    text = "h[b,j] = σ(Σ_i W[j,i] x[b,i])"
    done = shell("explain", "-", stdin=text)
    assert (done.code, done.err) == (0, "")
    assert "h[b,j] = σ(Σ_i W[j,i] x[b,i])" in done.out
    assert "times 1/B, as h_in is batched and W is not" in done.out
    assert "σ(u) has the derivative y (1 - y), y being σ(u)" in done.out
    derived = str(eg.parse(text).derive()).splitlines()[-3:]
    assert all(line in done.out for line in derived)


@pytest.mark.sentence(10, "`verify` holds every derived")
def test_verify(shell: Shell, tmp_path: Path) -> None:
    text = "loss ℓ[b] = tanh(w x[b]) + abs c"
    np.savez(tmp_path / "d.npz", x=np.ones(3), w=0.5, c=2.0)
    for given in ((), ("--data", tmp_path / "d.npz")):
        done = shell("verify", "-", *given, stdin=text)
        assert done.code == 0
        for name in ("x", "w", "c"):
            assert re.search(rf"^\W*{name}\b.*\de[-+]\d|^\W*{name}\b.* 0\b", done.out, re.MULTILINE)
        assert "differences" in done.out
    smooth = shell("verify", "-", stdin="loss ℓ[b] = tanh(w x[b])")
    assert "complex step" in smooth.out


COMPILE = "`compile` prints the forward"


@pytest.mark.sentence(10, COMPILE)
def test_compile(shell: Shell) -> None:
    done = shell("compile", "-", stdin=PERCEPTRON)
    assert done.out == str(eg.parse(PERCEPTRON).derive())
    found = json.loads(shell("compile", "-", "--json", stdin=PERCEPTRON).out)
    texts = [statement["text"] for statement in found["statements"]]
    assert texts[-1] == done.out.splitlines()[-1]
    assert len(texts) > 9


# ---- section 11

EVERY = "Every error has a code"


@pytest.mark.sentence(11, EVERY)
def test_what_an_error_has(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "slide.ein"
    path.write_text("# one layer\nfor b,i,j  h[b,j] += W[j,i] x[b,k]\n", encoding="utf-8")
    code, place, _, line, under, fix, *_ = shell("check", path).err.splitlines()
    assert re.fullmatch(r"error\[E\d{3}\]: index `k` is not listed", code)
    assert place == f"  --> {path}:2:5"
    assert line == "2 | for b,i,j  h[b,j] += W[j,i] x[b,k]"
    assert under.rindex("^^^^^") == line.index("b,i,j")
    assert fix.startswith("  help: for b,i,j,k ")


@pytest.mark.sentence(11, EVERY)
def test_a_misspelt_name() -> None:
    told = refused("param W0[j,i]\ninput x[b,i]\nfor b,i,j  h[b,j] += Wo[j,i] x[b,i]")
    assert "no tensor `Wo`" in told
    assert "did you mean `W0`?" in told


@pytest.mark.sentence(11, "All errors of a file")
def test_all_errors_at_once(shell: Shell) -> None:
    for count, shown in ((3, 3), (20, 20), (25, 20)):
        text = "\n".join(f"h{k}[b] = σ(x[b], {k})" for k in range(count))
        assert shell("check", "-", stdin=text).err.count("error[E209]") == shown
        assert refused(text).count("error[E209]") == shown


@pytest.mark.sentence(11, "None shows a Python traceback")
@pytest.mark.parametrize(
    "command", ["check", "compile", "explain", "verify", "run", "train", "bench"]
)
@pytest.mark.parametrize("text", ["h[b] = x[b", "h[b] = σ(x[b], 2)", "h[b] = x[b,1/2]", "\0", "🙂"])
def test_no_traceback(command: str, text: str, shell: Shell, tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x=np.ones(3))
    data = ("--data", tmp_path / "d.npz") if command in ("run", "train") else ()
    done = shell(command, "-", *data, stdin=text)
    assert done.code == 1
    assert "Traceback" not in done.text


@pytest.mark.sentence(11, "Exit codes: 0 fine")
def test_exit_codes(shell: Shell, tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x=np.ones(3))
    data = ("--data", tmp_path / "d.npz")
    assert shell("check", "-", stdin="h[b] = x[b]").code == 0
    assert shell("run", "-", *data, stdin="h[b] = x[b]").code == 0
    assert shell("check", "-", stdin="h[b] = x[b").code == 1
    assert shell("run", "-", *data, stdin="h[b] = y[b]").code == 1
    for wrong in (("chekc", "-"), ("check",), ("check", "--fast", "-"), ("run", "-", "--data")):
        assert shell(*wrong).code == 2
