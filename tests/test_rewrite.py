"""Each pass of rewriting on small programs: `cases/rewrite/NAME.ein` before, `NAME.out` after.

The first line of a program names the pass. Statements below `# derived` count as derived, and
`# 1` behind one is the number of what it derives from. Under `# from the derivation` the program
before the pass is what the earlier passes make of the derivative.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import oracle
import pytest
from conftest import Golden

import einsumgrad
from einsumgrad.check.sizes import known_sizes
from einsumgrad.derive.reverse import reverse
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.verify import verify
from einsumgrad.ir.walk import walk
from einsumgrad.reflect.expressions import expression
from einsumgrad.reflect.reflect import reflect
from einsumgrad.rewrite.edit import completed
from einsumgrad.rewrite.passes import PASSES
from einsumgrad.rewrite.stable import stable
from einsumgrad.syntax.show import show

CASES = tuple(sorted((Path(__file__).parent / "cases" / "rewrite").glob("*.ein")))
STEPS = {**dict(PASSES), "stable": stable}
every_case = pytest.mark.parametrize("case", CASES, ids=[case.stem for case in CASES])


def step_of(case: Path) -> str:
    return case.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")


def before(case: Path) -> ir.Program:
    text = case.read_text(encoding="utf-8")
    program = einsumgrad.parse(text, case.name).ir
    if "# from the derivation\n" in text:
        return derived_up_to(step_of(case), program)
    marker = text.find("# derived\n")
    statements = tuple(
        replace(s, derived=True, origin=origin(s)) if 0 <= marker < s.span.start else s
        for s in program.statements
    )
    return replace(program, statements=statements)


def derived_up_to(name: str, program: ir.Program) -> ir.Program:
    program = reverse(program)
    for other, step in PASSES:
        if other == name:
            return program
        program = completed(step(program))
    raise KeyError(name)


def origin(statement: ir.Statement) -> int | None:
    line = statement.span.source.line_at(statement.span.start)
    found = re.search(r"# (\d+)$", line)
    return int(found[1]) if found else None


def shown(program: ir.Program) -> str:
    return show(reflect(program)) + "".join(elsewhere(program))


def elsewhere(program: ir.Program) -> Iterator[str]:
    """Softmaxes that are read elsewhere than at their own index, which `.ein` cannot say."""
    for statement in program.statements:
        for node in walk(statement.value):
            if isinstance(node, ir.Normalise) and node.at != ir.Position(node.index):
                at = show(expression(node.at))
                yield f"# {statement.target.tensor}: {node.op}_{node.index.name} is read at {at}\n"


@every_case
def test_golden(case: Path, golden: Golden) -> None:
    golden(case.with_suffix(".out"), shown(completed(STEPS[step_of(case)](before(case)))))


@every_case
def test_invariants_hold(case: Path) -> None:
    verify(completed(STEPS[step_of(case)](verify(before(case), "the case"))), step_of(case))


@every_case
def test_meaning_is_kept(case: Path) -> None:
    program = before(case)
    after = completed(STEPS[step_of(case)](program))
    sizes = sizes_of(program)
    arrays = arrays_of(program, sizes)
    expected = oracle.run(program, arrays, sizes)
    found = oracle.run(after, arrays, sizes)
    for name in program.outputs:
        np.testing.assert_allclose(found[name], expected[name], 1e-12, 1e-12, err_msg=name)


def sizes_of(program: ir.Program) -> dict[str, int]:
    indices = {i for s in program.statements for i in s.every_index}
    indices |= {i for t in program.tensors for i in (*t.axes, t.holds) if i is not None}
    drawn = {i.size: 2 + place for place, i in enumerate(sorted(indices))}
    return {**drawn, **known_sizes(program)}


def arrays_of(program: ir.Program, sizes: dict[str, int]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    arrays = {}
    for tensor in program.tensors:
        shape = tuple(sizes[i.size] for i in tensor.axes if i is not None)
        if tensor.kind != "computed" and tensor.holds is not None:
            arrays[tensor.name] = rng.integers(0, sizes[tensor.holds.size], shape)
        elif tensor.kind != "computed":
            arrays[tensor.name] = rng.uniform(0.2, 1.5, shape)
    return arrays


def test_every_pass_has_a_case() -> None:
    covered = {STEPS[step_of(case)] for case in CASES}
    assert covered == {*(step for _, step in PASSES), stable}


def test_every_golden_has_a_program() -> None:
    assert {p.stem for p in CASES[0].parent.glob("*.out")} == {case.stem for case in CASES}


@every_case
def test_passes_change_only_derived_statements(case: Path) -> None:
    if step_of(case) == "stable":
        return
    program = before(case)
    after = completed(STEPS[step_of(case)](program))
    kept = [s for s in program.statements if not s.derived]
    assert [s for s in after.statements if not s.derived] == kept
