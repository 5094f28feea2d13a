"""Section 2 of the language page: words."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from meaning import close, refused, same, value

import einsumgrad
from einsumgrad.reflect.ascii import ascii_program

KEYWORDS = "for where index batch input param const loss output noise def and or not"
FUNCTIONS = """exp log log1p expm1 sqrt abs sign sin cos tan tanh sigmoid relu leaky_relu softplus
gelu silu erf floor min max stop"""
X = np.array([0.5, -1.0, 2.0])


@pytest.mark.sentence(2, "UTF-8, identifiers")
def test_files_are_utf_8_and_names_nfc(tmp_path: Path) -> None:
    path = tmp_path / "é.ein"
    path.write_bytes("é[b] = ŷ[b]".encode())
    assert einsumgrad.load(path).outputs == ("é",)
    path.write_bytes("é[b] = x[b]".encode("latin-1"))
    with pytest.raises(einsumgrad.EinError, match="UTF-8"):
        einsumgrad.load(path)
    same("e\u0301[b] = y\u0302[b] + 1", "\u00e9[b] = \u0177[b] + 1")


@pytest.mark.sentence(2, "Comments run")
def test_comments() -> None:
    same("# a line\ny[b] = x[b]  # + 1 ( [\n#", "y[b] = x[b]")


@pytest.mark.sentence(2, "A statement ends")
def test_the_end_of_a_statement() -> None:
    whole = "y[b] = Σ_{i,j} (x[b,i] + 1) [i < j] + w[b]"
    same("y[\nb] = Σ_{i,\n\nj} (x[b,i]\n + 1) [i\n< # why\nj] + w[b]", whole)
    refused("y[b] = x[b] +\n1")
    close(value("y[b] = x[b]\ny[b] += 1", x=X), X + 1)


@pytest.mark.sentence(2, "A name is a letter")
@pytest.mark.parametrize(
    "name", ["x", "x2", "X_1_y", "重み", "вес", "h̃", "x⃗̂", "x'", "x''", "x′", "W⁰¹", "α₁₂", "é2'"]
)
def test_names(name: str) -> None:
    program = einsumgrad.parse(f"{name}[b] = 2 z[b]\nq[b] = {name}[b] + 1")
    close(program.run(z=X)["q"], 2 * X + 1)


@pytest.mark.sentence(2, "A name is a letter")
@pytest.mark.parametrize("name", ["2x", "_x", "⁰x", "'x", "x-y", "x.y", "x!", "🙂"])
def test_what_is_no_name(name: str) -> None:
    refused(f"{name}[b] = 2 z[b]")


@pytest.mark.sentence(2, "`NAME.grad` is the derivative")
def test_names_of_derivatives() -> None:
    first = einsumgrad.parse("loss ℓ[b] = w^3 x[b]").derive("w")
    second = first.derive("w")
    assert first.outputs == ("w.grad",)
    assert second.outputs == ("w.grad", "w.grad.grad")
    found = second.run({"w": 2.0, "x": X, "w.grad.grad.grad": 1.0})
    close(found["w.grad"], 12 * X.mean())
    close(found["w.grad.grad"], 12 * X.mean())
    close(value("h[b] = w.grad x[b]", **{"w.grad": 3.0, "x": X}), 3 * X)


ASCII = "Every name also has an ASCII spelling"


@pytest.mark.sentence(2, ASCII)
@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("h̃", "h_tilde"), ("ŷ", "y_hat"), ("σ₁", "sigma_1"), ("σ̃", "sigma_tilde"), ("W⁰", "W0"),
        ("x", "x"), ("W⁰.grad", "W0.grad"), ("重", "u_91CD"), ("b'", "b_prime"),
    ],
)  # fmt: skip
def test_names_in_ascii(name: str, plain: str) -> None:
    program = einsumgrad.parse(f"q[b,k] = {name}[b,k] + 1")
    assert program.to_source(ascii=True) == f"q[b,k] = {plain}[b,k] + 1\n"
    assert program.to_source() == f"q[b,k] = {name}[b,k] + 1\n"
    close(program.run({plain: [X]})["q"], [X + 1])


@pytest.mark.sentence(2, ASCII)
def test_the_function_sigma_in_ascii() -> None:
    """Its own name, as the page's synonyms have it; a tensor may be called `sigma`."""
    program = einsumgrad.parse("q[b] = σ(σ₁[b] x[b])")
    assert program.to_source(ascii=True) == "q[b] = sigmoid(sigma_1[b] x[b])\n"
    same("q[b] = sigmoid(x[b])", "q[b] = σ(x[b])")
    close(value("q[b] = sigma[b] x[b]", sigma=X, x=X), X * X)


@pytest.mark.sentence(2, "Keywords and the names")
@pytest.mark.parametrize("name", [*KEYWORDS.split(), *FUNCTIONS.split(), "σ"])
def test_reserved_names(name: str) -> None:
    for text in (f"{name}[b] = x[b]", f"y[b] = {name}[b] + 1", f"index {name} : 3"):
        refused(text)


@pytest.mark.sentence(2, "Tensors and indices have")
def test_name_spaces() -> None:
    h = np.arange(24.0).reshape(2, 3, 4)
    close(value("y[b,t] = Σ_h h[b,h,t]", h=h), h.sum(1))
    close(value("y[b,h] = B h[b,h] B[h]", h=h[0], B=np.ones(4)), 3 * h[0])
    for text in ("param i\ny[b] = Σ_i x[b,i]", "i = x[0]\ny[b] = x[b] Σ_i z[i]"):
        assert "index" in refused(text)
    assert "`I`" in refused("param I\ny[b] = I Σ_i x[b,i]")


@pytest.mark.sentence(2, "`π` is the number")
def test_pi() -> None:
    close(value("y[b] = π x[b]", x=X), math.pi * X)
    close(value("param π\ny[b] = π x[b]", x=X, π=2.0), 2 * X)
    close(value("y[b,k] = π[k] x[b]", x=X, π=[2.0]), 2 * X[:, None])


@pytest.mark.sentence(2, "Synonyms: `σ` sigmoid")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("σ(x[b])", "sigmoid(x[b])"), ("Σ_i z[b,i]", "sum_i z[b,i]"),
        ("Π_i z[b,i]", "prod_i z[b,i]"), ("2 · x[b]", "2 * x[b]"), ("2 × x[b]", "2 * x[b]"),
        ("2 − x[b]", "2 - x[b]"), ("−x[b]", "-x[b]"), ("[x[b] ≤ 1]", "[x[b] <= 1]"),
        ("[x[b] ≥ 1]", "[x[b] >= 1]"), ("[x[b] ≠ 1]", "[x[b] != 1]"),
        ("[x[b] < ∞]", "[x[b] < inf]"),
    ],
)  # fmt: skip
def test_synonyms(one: str, other: str) -> None:
    same(f"y[b] = {one}", f"y[b] = {other}")


@pytest.mark.sentence(2, "Synonyms: `σ` sigmoid")
def test_infinity() -> None:
    assert value("y[b] = min(∞, x[b])", x=X).tolist() == X.tolist()
    assert np.isposinf(value("y = inf"))


@pytest.mark.sentence(2, ASCII)
def test_two_names_of_a_range_in_ascii() -> None:
    text = "index ŷ, ŷ' : 3\nh[b,ŷ] = Σ_ŷ' A[ŷ,ŷ'] x[b,ŷ'] / Ŷ\n"
    plain = einsumgrad.parse(text).to_source(ascii=True)
    assert einsumgrad.parse(plain).to_source(ascii=True) == plain
    A, x = np.arange(9.0).reshape(3, 3), np.ones((1, 3))
    close(value(plain, A=A, x=x), value(text, A=A, x=x))
    assert einsumgrad.parse(plain).ir == ascii_program(einsumgrad.parse(text).ir)
