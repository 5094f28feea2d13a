"""`einsumgrad compile --cost`: its numbers are the plan's, its formulas are its numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import opt_einsum
import pytest
from command_line import Shell
from hypothesis import HealthCheck, given, settings
from programs import Sample, programs

import einsumgrad
from einsumgrad.check.sizes import axis_sizes, bind_sizes
from einsumgrad.cost.cost import Amount, Cost, cost
from einsumgrad.cost.length import Length, shown
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.affine import evaluated
from einsumgrad.pipeline import backward, prepared
from einsumgrad.plan.nodes import Plan
from einsumgrad.plan.plan import make_plan
from einsumgrad.verify.sample import draw_sizes
from einsumgrad.verify.setting import fixed

ROOT = Path(__file__).parent.parent
FILES = sorted([*ROOT.glob("examples/*.ein"), *ROOT.glob("tests/bench/works/*.ein")])


def plan_of(program: ir.Program, sizes: Mapping[str, int]) -> Plan:
    """The plan of a run with arrays of these sizes."""
    found = prepared(program)
    leaves = [t for t in found.tensors if t.kind != "computed"]
    shapes = {t.name: tuple(sizes[size] for size in axis_sizes(t)) for t in leaves}
    dtypes = {t.name: np.dtype(np.int64 if t.integer else np.float64) for t in leaves}
    wanted = tuple(dict.fromkeys((*((found.loss,) if found.loss else ()), *found.outputs)))
    return make_plan(found, bind_sizes(fixed(found, sizes), shapes), shapes, dtypes, wanted)


def amounts(found: Cost) -> list[Amount]:
    rows = (*found.rows, found.total)
    return [amount for row in rows for amount in (row.flops, row.traffic, row.memory)]


def agree(program: ir.Program, sizes: Mapping[str, int]) -> None:
    found, plan = cost(program, sizes), plan_of(program, sizes)
    assert not found.assumed
    assert (found.total.flops.value, found.total.memory.value) == (plan.flops, plan.peak_bytes)
    for amount in amounts(found):
        assert amount.value == evaluated(amount.formula, found.sizes)
    for kind in ("flops", "traffic"):
        rows = [getattr(row, kind).value for row in found.rows]
        assert sum(rows) == getattr(found.total, kind).value


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_numbers_are_the_plans_and_the_formulas(path: Path) -> None:
    program = einsumgrad.load(path).ir
    for derived in (backward(program), program):
        agree(derived, draw_sizes(derived, {}, {}))


@given(programs())
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_of_random_programs_too(sample: Sample) -> None:
    program = einsumgrad.parse(sample.text).ir
    agree(program, draw_sizes(program, {}, {}))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_formulas_without_sizes(path: Path) -> None:
    """The numbers that are left out are those of what is said to be assumed."""
    found = cost(backward(einsumgrad.load(path).ir), {})
    assert not found.sizes.keys() & found.assumed.keys()
    every = {**found.sizes, **found.assumed}
    assert found.plan.flops == evaluated(found.total.flops.formula, every)
    assert (found.total.flops.value is None) == bool(found.assumed)


MATRICES = "batch none\nA[i,l] += B[i,j] C[j,k] D[k,l]"


def row(text: str, place: int = 0, **sizes: int) -> tuple[str, list[str]]:
    """The formula of a statement's operations, and its contractions."""
    found = cost(einsumgrad.parse(text).ir, sizes).rows[place]
    return shown(found.flops.formula), [c.shown() for c in found.order]


def test_the_convention() -> None:
    """2 for a multiplication and addition, 1 for a function, 1 for each entry of a sum."""
    assert row("h[b,j] += W[j,i] x[b,i]")[0] == "2 B I J"
    assert row("h[b,j] = exp x[b,j]")[0] == "B J"
    assert row("h[b] = Σ_j x[b,j]")[0] == "B J"
    assert row("h[b] = max_j x[b,j]")[0] == "B J"
    assert row("h[b,j] = E[w[b],j]")[0] == "0"


def test_a_loop_counts_in_all_its_turns() -> None:
    text = "h[b,t,j] = tanh(Σ_i W[j,i] x[b,t,i] + Σ_k U[j,k] h[b,t-1,k])\nindex j, k : J"
    products, others = "2 B I J T + 2 B J^2 T", "3 B J T"  # +, tanh, and what is put into h
    assert row(text)[0] == f"{products} + {others}"


def test_orders_go_by_the_sizes() -> None:
    flops, order = row(MATRICES, I=2, J=300, K=300, L=300)
    assert order == ["(B[i,j] C[j,k]) → [i,k]", "(D[k,l] [i,k]) → [l,i]"]
    assert flops == "2 I J K + 2 I K L"
    flops, order = row(MATRICES, I=300, J=300, K=300, L=2)
    assert order == ["(C[j,k] D[k,l]) → [j,l]", "(B[i,j] [j,l]) → [i,l]"]
    assert flops == "2 I J L + 2 J K L"


def test_factors_are_shown_as_they_are_written() -> None:
    masked = "index s, t : T\nz[b,t] = 1/T Σ_s exp(a[b,s]) (u[t] + v[s]) w[b,t] where s <= t"
    first, second, third = row(masked)[1]
    assert first == "((u[t] + v[s]) [s <= t]) → [t,s]"
    assert second == "(exp(a[b,s]) [t,s]) → [b,t]"
    assert third == "(w[b,t] [b,t]) → [b,t]"
    summed = row("y[b] += v[b,j] x[b,i] w[i]")[1]
    assert summed == ["(x[b,i] w[i]) → [b]", "((Σ_j v[b,j]) [b]) → [b]"]


def test_what_is_shared_is_counted_once() -> None:
    text = "f[b] += w[i] x[b,i]\ng[b] = 1 + Σ_i w[i] x[b,i]"
    assert [row(text, place)[0] for place in (0, 1)] == ["2 B I", "B"]


def test_lengths_are_their_formulas() -> None:
    rows, width = Length.of("B", 4), Length.of("I", 3)
    assert shown((rows * width - rows + 2).formula) == "B I - B + 2"
    assert shown((5 - rows).formula) == "-B + 5"
    assert (-rows, 2 * width, rows - 1, rows * 0.5) == (-4, 6, 3, 2.0)
    assert shown((rows - rows).formula) == "0"


# ---- the command

MLP = ROOT / "examples" / "mlp.ein"


def test_the_table(shell: Shell) -> None:
    done = shell("compile", MLP, "--cost", "--size", "b=128,i=784")
    assert (done.code, done.err) == (0, "")
    for part in ("12,861,504", "2 B I J + 2 B J + J", "(W⁰[j,i] x[b,i]) → [j,b]", "in total",
                 "with B = 128, I = 784, J = 64, Ŷ = 10", "FLOPs a byte"):  # fmt: skip
        assert part in done.out
    plan = shell("compile", MLP, "--emit", "plan", "--size", "b=128,i=784").out
    total = json.loads(shell("compile", MLP, "--cost", "--json", "--size", "b=128,i=784").out)
    assert f"{total['total']['flops']['number']:,} floating-point operations" in plan


def test_sizes_that_nothing_gives_are_told(shell: Shell) -> None:
    done = shell("compile", MLP, "--cost")
    assert "orders as for B = 127, I = 113, which nothing gives: --size" in done.out
    assert "FLOPs a byte" not in done.out
    found = shell("compile", "-", "--cost", stdin="h[b,k] = E[w[b],k]").out
    assert "E#0 is the length of axis 0 of E, which bears no index" in found


def test_json(shell: Shell) -> None:
    found = json.loads(shell("compile", MLP, "--cost", "--json", "--ascii").out)
    first = found["statements"][0]
    assert first["text"] == "h[b,j] = sigmoid(sum_i(W0[j,i] x[b,i]) - b0[j])"
    assert first["flops"] == {"formula": "2 B I J + 2 B J + J", "number": None}
    assert first["order"] == ["(W0[j,i] x[b,i]) -> [j,b]"]
    assert found["assumed"] == {"B": 127, "I": 113}
    assert found["total"]["intensity"] is None
    several = json.loads(shell("compile", MLP, MLP, "--cost", "--json").out)
    assert [entry["file"] for entry in several] == [str(MLP)] * 2


def test_wrong_use(shell: Shell) -> None:
    stage = shell("compile", MLP, "--cost", "--emit", "program")
    assert (stage.code, stage.out) == (2, "")
    assert "leave out --emit" in stage.err
    conflict = shell("compile", MLP, "--cost", "--size", "j=3")
    assert conflict.code == 1
    assert "`J` is given as 3" in conflict.err


@pytest.mark.parametrize("operands", range(2, 9))
def test_contractions_are_in_optimal_order(operands: int) -> None:
    """None costs more than opt_einsum's exhaustive search finds, forwards."""
    rng = np.random.default_rng(operands)
    for _ in range(4):
        terms = [
            "".join(rng.choice(list("ijklmnp"), rng.integers(1, 4), False)) for _ in range(operands)
        ]
        every = sorted(set("".join(terms)))
        out = [i for i in every if rng.random() < 0.3]
        sizes = {i: int(rng.integers(2, 20)) for i in every}
        factors = " ".join(f"A{k}[{','.join(term)}]" for k, term in enumerate(terms))
        text = (
            f"for {','.join(every)}  h[{','.join(out)}] += {factors}"
            if out
            else f"for {','.join(every)}  h += {factors}"
        )
        plan = plan_of(einsumgrad.parse(text).ir, {i.upper(): n for i, n in sizes.items()})
        shapes = [tuple(sizes[i] for i in term) for term in terms]
        _, best = opt_einsum.contract_path(
            f"{','.join(terms)}->{''.join(out)}", *shapes, shapes=True, optimize="optimal"
        )
        assert plan.flops <= best.opt_cost, text
