"""Printing and reading are inverse: on the examples, on their derivatives, and on programs that
print as they stand (`cases/identity.ein`, an empty line between two)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from all_peers import PEERS
from click.testing import CliRunner
from command_line import Shell

import einsumgrad
from einsumgrad.cli.main import app
from einsumgrad.reflect.ascii import ascii_program, spelling

ROOT = Path(__file__).parent.parent
EXAMPLES = tuple(sorted((ROOT / "examples").glob("*.ein")))
IDENTITY = (ROOT / "tests" / "cases" / "identity.ein").read_text(encoding="utf-8").split("\n\n")
every_example = pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])


def compiled(path: Path, *options: str) -> str:
    done = CliRunner().invoke(app, ["compile", str(path), *options])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("text", IDENTITY, ids=range(len(IDENTITY)))
def test_programs_print_as_they_stand(text: str) -> None:
    assert str(einsumgrad.parse(text)).strip() == text.strip()


@pytest.mark.sentence(0, "**Closure.**")
@every_example
def test_examples_read_back(path: Path) -> None:
    program = einsumgrad.load(path)
    for one in (program, program.derive(), program.derive().derive()):
        text = str(one)
        assert einsumgrad.parse(text).ir == one.ir
        assert str(einsumgrad.parse(text)) == text


@pytest.mark.sentence(2, "Every name also has an ASCII")
@every_example
def test_ascii_reads_back_under_ascii_names(path: Path) -> None:
    program = einsumgrad.load(path)
    for one in (program, program.derive()):
        text = one.to_source(ascii=True)
        assert text.isascii()
        assert einsumgrad.parse(text).ir == ascii_program(one.ir)
    assert compiled(path, "--ascii") == program.derive().to_source(ascii=True)


@every_example
def test_ascii_runs_to_the_same_numbers(path: Path) -> None:
    program = einsumgrad.load(path)
    arrays = PEERS[path.stem].draw(np.random.default_rng(0))
    names = spelling(program.ir).tensors
    plain = einsumgrad.parse(program.to_source(ascii=True))
    expected = program.run(**arrays)
    found = plain.run(**{names[name]: array for name, array in arrays.items()})
    assert set(found) == {names[name] for name in expected}
    for name, array in expected.items():
        np.testing.assert_array_equal(found[names[name]], array)


@every_example
@pytest.mark.parametrize("emit", ["program", "derived", "rewritten"])
def test_json_tells_what_is_printed(path: Path, emit: str) -> None:
    found = json.loads(compiled(path, "--json", "--emit", emit))
    printed = compiled(path, "--emit", emit).splitlines()
    statements = [line.removeprefix("loss ") for line in printed if "=" in line.split("where")[0]]
    texts = [statement["text"] for statement in found["statements"]]
    assert texts == statements[len(statements) - len(texts) :]
    program = einsumgrad.load(path)
    assert found["version"] == 1
    assert found["loss"] == program.loss
    kinds = {tensor["name"]: tensor["kind"] for tensor in found["tensors"]}
    assert [n for n, kind in kinds.items() if kind == "param"] == list(program.params)
    assert {tensor for s in found["statements"] for tensor in [s["target"]["tensor"]]} == {
        name for name, kind in kinds.items() if kind == "computed"
    }


def test_json_of_several_files_is_one_list(shell: Shell) -> None:
    paths = [str(ROOT / "examples" / f"{name}.ein") for name in ("slide", "mlp")]
    found = json.loads(shell("compile", "--json", *paths).out)
    assert [one.pop("file") for one in found] == paths
    assert found == [json.loads(shell("compile", "--json", path).out) for path in paths]


@every_example
def test_ascii_json_is_ascii(path: Path) -> None:
    found = compiled(path, "--json", "--ascii")
    assert found.isascii()
    assert json.loads(found)["statements"]


@pytest.mark.sentence(1, "compiles to exactly")
def test_the_first_slide_compiles_to_the_letter() -> None:
    """LANGUAGE §1."""
    assert compiled(ROOT / "examples" / "slide.ein").splitlines()[-2:] == [
        "for b,i,j  x.grad[b,i] += h̃.grad[b,j] W[j,i]",
        "for b,i,j  W.grad[j,i] += 1/B h̃.grad[b,j] x[b,i]",
    ]


@pytest.mark.sentence(8, "What is printed is what a lecturer")
def test_the_perceptron_reads_as_on_a_slide() -> None:
    """LANGUAGE §1 and §8; with `output`, `index` and the like before it."""
    assert compiled(ROOT / "examples" / "mlp.ein").splitlines()[-9:] == [
        "for b,ŷ  s.grad[b,ŷ] += P[b,ŷ] - [ŷ = y[b]]",
        "for b,ŷ  δs[b,ŷ] = s.grad[b,ŷ] s[b,ŷ] (1 - s[b,ŷ])",
        "for b,ŷ  b¹.grad[ŷ] -= 1/B δs[b,ŷ]",
        "for b,ŷ,j  h.grad[b,j] += δs[b,ŷ] W¹[ŷ,j]",
        "for b,ŷ,j  W¹.grad[ŷ,j] += 1/B δs[b,ŷ] h[b,j]",
        "for b,j  δh[b,j] = h.grad[b,j] h[b,j] (1 - h[b,j])",
        "for b,j  b⁰.grad[j] -= 1/B δh[b,j]",
        "for b,j,i  x.grad[b,i] += δh[b,j] W⁰[j,i]",
        "for b,j,i  W⁰.grad[j,i] += 1/B δh[b,j] x[b,i]",
    ]
