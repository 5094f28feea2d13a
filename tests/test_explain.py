"""`explain` tells every statement of the result, and every change on the way to it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from conftest import Golden
from hypothesis import HealthCheck, given, settings
from programs import Sample, programs

import einsumgrad
from einsumgrad.cli.main import app
from einsumgrad.explain.explain import every_story, explain
from einsumgrad.explain.json import to_json
from einsumgrad.explain.render import render
from einsumgrad.ir import nodes as ir
from einsumgrad.reflect.reflect import statement as reflected
from einsumgrad.syntax.show import show

ROOT = Path(__file__).parent.parent
CASES = Path(__file__).parent / "cases" / "explain"
EXAMPLES = sorted((ROOT / "examples").glob("*.ein"))
SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)


def example(name: str) -> einsumgrad.Program:
    text = (ROOT / "examples" / f"{name}.ein").read_text(encoding="utf-8")
    return einsumgrad.parse(text, f"{name}.ein")


def told(text: str, wrt: tuple[str, ...] | None = None) -> str:
    return render(explain(einsumgrad.parse(text).ir, wrt))


@pytest.mark.parametrize("name", ["slide", "mlp", "attention", "layernorm", "rnn", "cnn"])
def test_golden(name: str, golden: Golden) -> None:
    golden(CASES / f"{name}.txt", render(explain(example(name).ir)))


def line(statement: ir.Statement) -> str:
    return show(reflected(statement))


def holds(program: einsumgrad.Program, wrt: tuple[str, ...] | None) -> None:
    """No statement of the result is left out or invented, no change is skipped, and the text ends
    with what `compile` prints."""
    found = explain(program.ir, wrt)
    derived = program.derive(wrt)
    every = list(every_story(found))
    for story in every:
        now: ir.Statement | None = story.first
        for change in story.changes:
            assert now is not None
            assert line(change.before) == line(now)
            now = change.after
    printed = Counter(line(s) for s in derived.ir.statements if s.derived)
    assert Counter(line(s.last) for s in every if s.last is not None) == printed
    text = render(found)
    marked = [row.split("▸")[1].strip() for row in text.split("\n") if row.startswith("    ▸ ")]
    assert Counter(marked) == printed
    assert text.endswith("\n\n" + str(derived))
    plain = render(found, ascii=True)
    assert plain.isascii()
    assert plain.endswith("\n\n" + derived.to_source(ascii=True))
    assert json.loads(to_json(found))["result"] == str(derived)
    assert to_json(found, ascii=True).isascii()


@pytest.mark.sentence(10, "`explain` prints the derivation")
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example(path: Path) -> None:
    holds(einsumgrad.load(path), None)


@pytest.mark.parametrize("name", ["slide", "mlp", "attention", "contrastive"])
def test_second_derivatives(name: str) -> None:
    holds(example(name).derive(), None)


def test_random_programs(pytestconfig: pytest.Config) -> None:
    count = int(pytestconfig.getoption("--programs"))

    @settings(
        max_examples=min(count, 100), deadline=None, database=None, derandomize=True,
        suppress_health_check=SLOW,
    )  # fmt: skip
    @given(programs())
    def every(sample: Sample) -> None:
        program = einsumgrad.parse(sample.text)
        holds(program, None)
        holds(program, sample.wrt[:1])

    every()


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("h[b] += w x[b]", "times 1/B, as h is batched and w is not"),
        ("r = Σ_b x[b]^2", "times B, as x is batched and r is not\n"),
        ("r += 1/B x[b]", "times B, as x is batched and r is not; together 1\n"),
        ("h[b] += W[j,i] x[b,i]", "∂h[b]/∂x[b,i] = Σ_j W[j,i]\n"),
        ("h[b] += W[j,i] x[b,i]", "summed over j, which x[b,i] does not have\n"),
        ("for b,i  h[b] += x[b] + 0 w[i]", "∂h[b]/∂x[b] = I\n"),
        ("h[b] -= w x[b] where x[b] > 0", "∂h[b]/∂w = -x[b] where x[b] > 0\n"),
        ("p = Π_i a[i]", "∂p/∂a[i] = Π_i' a[i'] where i' != i\n"),
        ("h[b] = E[w[b]]", "added to the entry that was read"),
        ("h[b] = a[b] / (1 + a[b])", "one of 2 reads of a here; they add up"),
        ("h[b] = a[b]\nh[b] += 2 a[b]", "2 statements write h: h.grad goes into each of them."),
        ("h[b] = a[b] floor(w)", "J does not depend on w."),
        ("loss ℓ[b] = w x[b]", "J = 1/B Σ_b ℓ[b]\n"),
        ("loss ℓ[b] = w x[b]", "so ℓ.grad[b] = B ∂J/∂ℓ[b] = 1."),
        ("loss ℓ = w^2", "The objective J is ℓ.\n"),
        ("batch none\nloss ℓ[i] = w[i]^2", "The objective J is the sum of ℓ: J = Σ_i ℓ[i]\n"),
        ("h[b] = w x[b]", "There is no loss. J is any function of h;"),
        ("f = floor(w)\nh = f w", "Nothing that it reads has a gradient here: nothing to do."),
        ("f = w^2\nloss ℓ = w^3", "No gradient arrives at f: nothing to do."),
        ("h[b] = w x[b]\noutput h[b], g[b]\ng[b] = h[b]^2", "▸   for b  δh[b] = 2 g.grad[b] h[b]"),
    ],
)  # fmt: skip
def test_words(program: str, words: str) -> None:
    assert words in told(program)


def test_zero_gradients_that_were_asked_for() -> None:
    text = told("loss ℓ[b] = w x[b]\nf = v^2", ("w", "v"))
    assert "What J does not depend on\n" in text
    assert "    ▸   v.grad = 0\n" in text


def test_sum_of_two_contributions_is_told_where_it_stands() -> None:
    text = render(explain(example("logistic").ir))
    first = text.index("it is added to a later contribution to δp[b].")
    second = text.index("an earlier contribution to δp[b] is added:")
    total = text.index("for b  δp[b] += y[b] (p[b] - 1) + (1 - y[b]) p[b]")
    assert first < second < total < text.index("▸   for b  δp[b] = p[b] - y[b]")


def test_common_part_is_named_before_it_is_read() -> None:
    text = render(explain(example("layernorm").ir))
    named = text.index("▸   for b  c₁[b] = sqrt(v[b] + 1e-5)")
    assert text.index("/ sqrt(v[b] + 1e-5)^3") < named < text.index("/ c₁[b]^3")


# ---- the command


def run(*args: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, ["explain", *args], input=stdin)


def test_command_prints_the_explanation_of_a_file() -> None:
    path = ROOT / "examples" / "mlp.ein"
    found = run(str(path))
    assert found.exit_code == 0
    assert found.output == render(explain(einsumgrad.load(path).ir))


def test_command_reads_standard_input() -> None:
    found = run("-", stdin="h[b] += w[i] x[b,i]")
    assert found.exit_code == 0
    assert found.output.startswith("The gradients of <stdin>, step by step\n")


def test_command_derives_by_what_is_asked_for() -> None:
    found = run("-", "--wrt", "w_tilde", stdin="h[b] += w̃[i] x[b,i]")
    assert "by w̃[i]\n" in found.output
    assert "by x[b,i]" not in found.output


def test_command_prints_ascii_and_json() -> None:
    path = str(ROOT / "examples" / "mlp.ein")
    plain = run(path, "--ascii").output
    assert plain.isascii()
    assert "    >   for b,y_hat  s.grad[b,y_hat] += P[b,y_hat] - [y_hat = y[b]]\n" in plain
    found = json.loads(run(path, "--json").output)
    assert found["steps"][0]["statement"] == "ℓ[b] = -log P[b,y[b]]"
    (operand,) = found["steps"][0]["pieces"][0]["operands"]
    assert operand["derived"]["printed"] == "for b,ŷ  s.grad[b,ŷ] += P[b,ŷ] - [ŷ = y[b]]"


def test_command_reports_faults() -> None:
    found = run("-", "--wrt", "v", stdin="h[b] += w[i] x[b,i]")
    assert isinstance(found.exception, einsumgrad.EinError)
    assert "v" in str(found.exception)


def test_help_shows_an_example() -> None:
    assert "einsumgrad explain examples/mlp.ein" in run("--help").output
