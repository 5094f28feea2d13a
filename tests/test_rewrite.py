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
from einsumgrad.diagnostics import InternalError
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.build import number
from einsumgrad.ir.nodes import walk
from einsumgrad.ir.verify import verify
from einsumgrad.reflect.expressions import expression
from einsumgrad.reflect.reflect import reflect
from einsumgrad.rewrite.edit import completed
from einsumgrad.rewrite.passes import PASSES
from einsumgrad.rewrite.settle import settle, settle_statement
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


@pytest.mark.parametrize("position", ["k-k", "2k-k", "k+1-1", "0 k", "k+k-k"])
@pytest.mark.parametrize(
    "value",
    [
        "h[i,k] += exp(softmax_k(x[i,k]) z[i])",
        "h[i] += exp(Σ_k(x[i,k]^2)) z[i]",
        "h[i] += exp(mean_k(x[i,k])^2 + max_k(x[i,k]^2)) z[i]",
        "h[i,k] += exp(x[i,k] z[i]) + Σ_j(w[j])",
    ],
)
def test_conditions_restrict_what_they_restricted(value: str, position: str) -> None:
    """A condition names the same indices in all that is derived, and no name is made in vain."""
    where = f"where i < y[{position}], {position} < 2"
    derived = einsumgrad.parse(f"index i, k : 3\nconst y[k] : i\n{value} {where}").derive()
    verify(derived.ir, "derive")
    assert einsumgrad.parse(str(derived)).ir == derived.ir
    assert "k''" not in str(derived)


@pytest.mark.parametrize("position", ["2k-k", "k+k-k", "0 j + k"])
def test_a_derived_read_names_no_further_axis(position: str) -> None:
    """`x[2k-k]` may be longer than k, as `x[k]` may not, whoever reads it."""
    value = f"Σ_{{j,k}} exp(x[i,{position}] w[j,k])"
    text = f"index i : 2, j : 1, k : 3\nfor i  h[i] = {value}\nloss l = Σ_i h[i]"
    x = np.arange(10.0).reshape(2, 5) / 10
    _, gradients = einsumgrad.parse(text).value_and_grad(x=x, w=np.ones((1, 3)))
    np.testing.assert_allclose(gradients["x"], np.exp(x) * (np.arange(5) < 3))


def test_what_no_name_settles_keeps_its_names() -> None:
    """A sum with a condition on none of its indices is a bug of ours: it is found, and renaming it
    would not end."""
    program = einsumgrad.parse("index i, k : 3\nfor i  h[i] = Σ_k x[i,k]").ir
    (statement,) = program.statements
    assert isinstance(statement.value, ir.Reduce)
    foreign = ir.Compare("<", ir.Position(statement.indices[0]), number(2))
    broken = replace(statement, derived=True, value=replace(statement.value, where=(foreign,)))
    assert settle_statement(broken) == broken
    with pytest.raises(InternalError, match="names none of its indices"):
        verify(completed(settle(replace(program, statements=(broken,)))), "settle")
