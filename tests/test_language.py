"""The language page, sentence by sentence: that all have a test, its introduction, section 1.

The other sections are in `test_language_TOPIC.py`; all tests together bear the marks.
"""

from __future__ import annotations

import re
from itertools import permutations
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
from command_line import Shell
from meaning import close, derived, gradient, refused, same, value
from sentences import PAGE, Mark, marks, programs, sentences

import einsumgrad
from einsumgrad.verify.verify import verify

NO_FACT = {
    (0, "Where it is silent"): "a rule for those who write the compiler",
    (0, "Three principles decide"): "announces the three that follow",
    (1, "and the multi-layer perceptron"): "announces the block after it",
    (5, "Expressions:"): "a heading",
    (8, "Then"): "announces the block after it",
}
NOT_YET = {
    (2, "LaTeX spellings"): "no LaTeX is read yet",
    (9, "import einsumgrad as eg program"): "no `to_latex` yet; the rest has tests",
    (10, "`compile` prints the forward"): "no `--latex` and `--html` yet; the rest has tests",
    (10, "A Markdown file"): "no Markdown file is read as a program yet",
}
RNG = np.random.default_rng(0)
X, W = RNG.normal(size=(5, 3)), RNG.normal(size=(2, 3))
FORWARD, BACKWARD, PERCEPTRON = (dedent(text) for text in programs(1))

# ---- every sentence has a test


def excused(*tables: dict[tuple[int, str], str]) -> list[Mark]:
    return [Mark(*key, place="a table") for table in tables for key in table]


def test_every_sentence_has_a_test() -> None:
    found = [*marks(), *excused(NO_FACT, NOT_YET)]
    assert not [s for s in sentences() if not any(mark.names(s) for mark in found)]


def test_every_section_has_a_test() -> None:
    assert {mark.section for mark in marks()} == {s.section for s in sentences()} == {*range(12)}


def test_every_mark_names_one_sentence() -> None:
    page, found = sentences(), [*marks(), *excused(NO_FACT, NOT_YET)]
    assert not [mark for mark in found if sum(mark.names(s) for s in page) != 1]


def test_what_states_no_fact_has_no_test() -> None:
    silent = [s for s in sentences() if any(mark.names(s) for mark in excused(NO_FACT))]
    assert not [mark for mark in marks() if any(mark.names(s) for s in silent)]


def test_what_is_not_there_yet(shell: Shell, tmp_path: Path) -> None:
    """Where this fails, the page asks for tests of what is there now, and `NOT_YET` is shorter."""
    assert not hasattr(einsumgrad.Program, "to_latex")
    for option in ("--latex", "--html"):
        assert shell("compile", "-", option, stdin="h[b] = x[b]").code == 2
    refused(r"\tilde{h}[b] = \frac{1}{B} x[b]")
    (tmp_path / "lecture.md").write_text("# A sum\n\n```ein\nh[b] = x[b]\n```\n", encoding="utf-8")
    assert shell("check", tmp_path / "lecture.md").code == 1


def test_the_page_is_split_and_nothing_lost() -> None:
    page = sentences()
    assert len(set(page)) == len(page) > 100
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    text = " ".join(re.sub(r"^(- |\d\. )", "", s) for s in lines if not s.startswith("#"))
    assert " ".join(s.text for s in page) == " ".join(text.split())


# ---- what stands above section 1


@pytest.mark.sentence(0, "This page is normative")
def test_every_block_of_the_page_is_a_program() -> None:
    """But for the form of a statement, and formulas and Python in the later sections."""
    for text in (*programs(1), *programs(7)):
        einsumgrad.parse(dedent(text))
    with_writers = dedent(*programs(4)) + "ℓ[b] = x[b,0] W[0,0] c[0] M[0,0]\nP[b,ŷ] = [ŷ = y[b]]"
    einsumgrad.parse(with_writers)


@pytest.mark.sentence(0, "A `.ein` file is a list")
def test_one_statement_a_line() -> None:
    program = einsumgrad.parse("input x[b]\nparam w\n\nh[b] = w x[b]\ng[b] = h[b]^2")
    assert (program.inputs, program.params, program.outputs) == (("x",), ("w",), ("g",))
    refused("h[b] = w x[b]  g[b] = h[b]^2")
    refused("h[b] = w x[b]; g[b] = h[b]^2")


@pytest.mark.sentence(0, "It says *what*")
def test_no_order_of_loops_or_factors_changes_a_value() -> None:
    expected = X @ W.T
    for order in permutations("bij"):
        for factors in ("W[j,i] x[b,i]", "x[b,i] W[j,i]"):
            close(value(f"for {','.join(order)}  h[b,j] += {factors}", W=W, x=X), expected)


@pytest.mark.sentence(0, "**Textbook first.**")
def test_a_lecture_slide_is_valid_or_one_edit_away() -> None:
    einsumgrad.parse(PERCEPTRON)
    told = refused("h[b,j] = W[j,i] x[b,i]")
    for edit in ("h[b,j] += W[j,i] x[b,i]", "h[b,j] = Σ_i W[j,i] x[b,i]"):
        assert edit in told
        close(value(edit, W=W, x=X), X @ W.T)


@pytest.mark.sentence(0, "**Loop meaning.**")
def test_a_statement_is_its_loops() -> None:
    expected = np.zeros((5, 2))
    for b in range(5):
        for i in range(3):
            for j in range(2):
                if i <= b:
                    expected[b, j] += W[j, i] * X[b, i] ** 2 - X[b, 0]
    text = "for b,i,j  h[b,j] += W[j,i] x[b,i]^2 - x[b,0] where i <= b"
    close(value(text, W=W, x=X), expected)


@pytest.mark.sentence(0, "**Closure.**")
def test_what_is_derived_is_a_program() -> None:
    once = einsumgrad.parse("loss ℓ[b] = exp(w x[b])").derive("w")
    read = einsumgrad.parse(str(once))
    assert read.ir == once.ir
    x, w = X[:, 0], 0.5
    close(read.run(w=w, x=x)["w.grad"], np.mean(x * np.exp(w * x)))
    close(read.vjp({"w.grad": 1.0}, "w", w=w, x=x)["w"], np.mean(x**2 * np.exp(w * x)))


# ---- section 1: the two slides


@pytest.mark.sentence(1, "for b,i,j h̃[b,j]")
@pytest.mark.sentence(1, "compiles to exactly")
@pytest.mark.sentence(1, "for b,i,j x.grad[b,i]")
def test_the_first_slide(shell: Shell) -> None:
    done = shell("compile", "-", stdin=FORWARD)
    assert (done.code, done.err) == (0, "")
    assert done.out == FORWARD.strip() + "\n" + BACKWARD.strip() + "\n"
    assert derived(FORWARD) == BACKWARD.splitlines()[:2]
    g = RNG.normal(size=(5, 2))
    found = einsumgrad.parse(FORWARD + BACKWARD).run({"h̃.grad": g, "W": W, "x": X})
    close(found["h̃"], X @ W.T)
    close(found["x.grad"], g @ W)
    close(found["W.grad"], g.T @ X / 5)


def sigmoid(u: Any) -> Any:
    return 1 / (1 + np.exp(-u))


@pytest.mark.sentence(1, "input x[b,i], y[b] : ŷ param W⁰")
def test_the_perceptron() -> None:
    program = einsumgrad.parse(PERCEPTRON)
    assert program.params == ("W⁰", "b⁰", "W¹", "b¹")
    V, c, d, y = RNG.normal(size=(4, 2)), RNG.normal(size=2), RNG.normal(size=4), [0, 3, 1, 1, 2]
    s = np.exp(sigmoid(sigmoid(X @ W.T - c) @ V.T - d))
    expected = -np.log(s / s.sum(1, keepdims=True))[np.arange(5), y]
    arrays = {"x": X, "y": y, "W⁰": W, "b⁰": c, "W¹": V, "b¹": d}
    close(program.run(**arrays)["ℓ"], expected)
    assert verify(program.ir, arrays).ok


@pytest.mark.sentence(1, "`W^0[j,i]` is the same name")
def test_a_raised_name() -> None:
    same("h[b,j] = Σ_i W^0[j,i] x[b,i]", "h[b,j] = Σ_i W⁰[j,i] x[b,i]")
    same("h[b,j] = W^0.grad[j,0] x[b]", "h[b,j] = W⁰.grad[j,0] x[b]")
    program = einsumgrad.parse("h[b] = W^enc[0] x[b] + W^2[0]")
    assert len(program.params) == 2
    close(value("y[b] = w^2 x[b]", w=3.0, x=X[:, 0]), 9 * X[:, 0])
    close(gradient("loss ℓ[b] = W^1[0] x[b]", "W¹", W1=np.ones(2), x=X[:, 0]), [X[:, 0].mean(), 0])
