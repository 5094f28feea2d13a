"""Small programs and what `compile` prints for them: `cases/derive/NAME.ein` and `NAME.out`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import Golden

import einsumgrad
from einsumgrad.cli.main import app
from einsumgrad.derive.reverse import reverse
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.functions import FUNCTIONS, OPERATORS
from einsumgrad.ir.nodes import walk
from einsumgrad.ir.verify import verify as sound
from einsumgrad.rewrite.edit import completed
from einsumgrad.rewrite.passes import PASSES, rewrite
from einsumgrad.rewrite.stable import stable
from einsumgrad.verify.verify import verify

CASES = tuple(sorted((Path(__file__).parent / "cases" / "derive").glob("*.ein")))
every_case = pytest.mark.parametrize("case", CASES, ids=[case.stem for case in CASES])


def compiled(case: Path) -> str:
    done = CliRunner().invoke(app, ["compile", str(case)])
    assert done.exit_code == 0, done.stdout
    return done.stdout


@every_case
def test_golden(case: Path, golden: Golden) -> None:
    golden(case.with_suffix(".out"), compiled(case))


@every_case
def test_gradients_are_right(case: Path) -> None:
    """By complex steps or differences on random arrays of random sizes. Differences of what is
    just 0 may decide nothing."""
    for seed in range(2):
        found = verify(einsumgrad.load(case).ir, seed=seed)
        assert found.ok, found.rows
        assert any(row.decided for row in found.rows)


@every_case
def test_printed_programs_read_back(case: Path) -> None:
    program = einsumgrad.load(case)
    assert einsumgrad.parse(str(program)).ir == program.ir
    assert einsumgrad.parse(compiled(case)).ir == program.derive().ir


@every_case
def test_every_stage_is_sound(case: Path) -> None:
    """First and second derivatives hold to a program's invariants after every pass."""
    program = sound(einsumgrad.load(case).ir, "check")
    for _ in range(2):
        program = sound(reverse(program), "derive")
        for name, step in PASSES:
            program = sound(completed(step(program)), name)
        sound(stable(program), "stable")


@every_case
def test_rewriting_is_done(case: Path) -> None:
    """A second round of the passes finds nothing to do."""
    program = einsumgrad.load(case).derive().ir
    assert rewrite(program).statements == program.statements


@pytest.mark.sentence(8, "Common factors get a name once")
@every_case
def test_nothing_is_dead_and_nothing_defined_twice(case: Path) -> None:
    program = einsumgrad.load(case).derive().ir
    derived = [s for s in program.statements if s.derived]
    read = {access.tensor for s in program.statements for access in s.reads}
    kept = {*program.outputs, *([program.loss] if program.loss else [])}
    assert {s.target.tensor for s in derived} <= read | kept
    written = [(s.target, s.indices, s.value, s.where) for s in derived]
    assert len(written) == len(set(written))


def nodes_of_cases() -> Iterator[ir.Expr | ir.Condition]:
    for case in CASES:
        for statement in einsumgrad.load(case).ir.statements:
            yield from walk(statement.value)


def test_every_function_and_operator_has_a_case() -> None:
    functions, operators = set(), set()
    for node in nodes_of_cases():
        match node:
            case ir.Call(function):
                functions.add(function)
            case ir.Reduce(op) | ir.Normalise(op):
                operators.add(op)
            case _:
                pass
    assert functions == set(FUNCTIONS)
    assert operators == set(OPERATORS)


def test_every_golden_has_a_program() -> None:
    outputs = {path.stem for path in CASES[0].parent.glob("*.out")}
    assert outputs == {case.stem for case in CASES}
    assert len(CASES) >= 40
