"""The oracle on cases computed by hand, and the gradient checker on right and wrong rules."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from oracle import Array, GatherError, central_difference, run

from einsumgrad.ir import nodes as ir

B, IX, J = ir.Index("b", "B"), ir.Index("i", "I"), ir.Index("j", "J")
SIZES = {"B": 2, "I": 3, "J": 2}


def num(value: float) -> ir.Number:
    return ir.Number(Fraction(value))


def at(name: str, *positions: ir.Index | ir.Expr) -> ir.Access:
    exprs = (ir.Position(p) if isinstance(p, ir.Index) else p for p in positions)
    return ir.Access(name, tuple(exprs))


def less(left: ir.Index, right: ir.Index | int) -> ir.Compare:
    other = num(right) if isinstance(right, int) else ir.Position(right)
    return ir.Compare("<", ir.Position(left), other)


def entry(
    value: ir.Expr,
    over: tuple[ir.Index, ...] = (),
    op: ir.Op = "=",
    *,
    where: tuple[ir.Condition, ...] = (),
    target: ir.Access | None = None,
    axes: tuple[ir.Index, ...] | None = None,
) -> ir.Program:
    """A program of one statement, by default `out[over] = value`."""
    statement = ir.Statement(over, target or at("out", *over), op, value, where)
    tensor = ir.Tensor("out", "computed", over if axes is None else axes)
    return ir.Program((statement,), (tensor,), B)


def out(program: ir.Program, **arrays: npt.ArrayLike) -> object:
    return run(program, {n: np.asarray(a) for n, a in arrays.items()}, SIZES)["out"].tolist()


def over_i(
    op: ir.ReduceOp, body: ir.Expr | None = None, where: tuple[ir.Condition, ...] = ()
) -> ir.Reduce:
    return ir.Reduce(op, (IX,), body or at("a", IX), where)


def test_a_contraction_is_its_loops() -> None:
    product = ir.Product((at("W", J, IX), at("x", B, IX)))
    program = entry(product, (B, IX, J), "+=", target=at("out", B, J), axes=(B, J))
    x, w = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [[1.0, 0.0, 2.0], [0.0, -1.0, 1.0]]
    assert out(program, x=x, W=w) == [[7.0, 1.0], [16.0, 1.0]]


def test_a_term_without_a_summed_index_is_added_for_each_of_its_values() -> None:
    value = ir.Sum((at("a", IX), num(10)))
    assert out(entry(value, (IX,), "+=", target=at("out"), axes=()), a=[1.0, 2.0, 3.0]) == 36.0


def test_subtraction_starts_from_zero() -> None:
    program = entry(at("a", IX), (IX,), "-=", target=at("out"), axes=())
    assert out(program, a=[1.0, 2.0, 3.0]) == -6.0


@pytest.mark.parametrize(("op", "expected"), [("max=", 3.0), ("min=", -1.0), ("*=", -6.0)])
def test_reducing_statements(op: ir.Op, expected: float) -> None:
    program = entry(at("a", IX), (IX,), op, target=at("out"), axes=())
    assert out(program, a=[-1.0, 2.0, 3.0]) == expected


def test_where_leaves_the_other_entries_zero() -> None:
    program = entry(at("a", IX), (IX,), where=(less(IX, 2),))
    assert out(program, a=[1.0, 2.0, math.nan]) == [1.0, 2.0, 0.0]


def test_a_later_statement_adds_to_an_earlier_one() -> None:
    first, second = entry(at("a", IX), (IX,)), entry(num(1), (IX,), "+=")
    both = ir.Program((*first.statements, *second.statements), first.tensors, B)
    assert out(both, a=[1.0, 2.0, 3.0]) == [2.0, 3.0, 4.0]


@pytest.mark.parametrize(
    ("op", "expected", "kept", "empty"),
    [
        ("sum", 6.0, 5.0, 0.0),
        ("prod", 4.0, 4.0, 1.0),
        ("mean", 2.0, 5 / 3, 0.0),
        ("max", 4.0, 4.0, -math.inf),
        ("min", 1.0, 1.0, math.inf),
        ("argmax", 0.0, 0.0, 0.0),
        ("argmin", 1.0, 1.0, 0.0),
        (
            "logsumexp",
            math.log(math.exp(4) + 2 * math.e),
            math.log(math.exp(4) + math.e),
            -math.inf,
        ),
    ],
)
def test_reductions(op: ir.ReduceOp, expected: float, kept: float, empty: float) -> None:
    a = [4.0, 1.0, 1.0]
    assert out(entry(over_i(op)), a=a) == pytest.approx(expected)
    assert out(entry(over_i(op, where=(less(IX, 2),))), a=a) == pytest.approx(kept)
    assert out(entry(over_i(op, where=(less(IX, 0),))), a=a) == pytest.approx(empty)


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        ("sum", -5.0),
        ("max", -2.0),
        ("min", -3.0),
        ("logsumexp", math.log(math.exp(-2) + math.exp(-3))),
    ],
)
def test_a_read_outside_is_zero_and_enters_no_maximum(op: ir.ReduceOp, expected: float) -> None:
    shifted = at("a", ir.Sum((ir.Position(IX), num(1))))
    assert out(entry(over_i(op, shifted)), a=[-1.0, -2.0, -3.0]) == pytest.approx(expected)
    assert out(entry(shifted, (IX,)), a=[-1.0, -2.0, -3.0]) == [-2.0, -3.0, 0.0]


def test_a_write_outside_is_skipped() -> None:
    target = at("out", ir.Sum((ir.Position(IX), num(1))))
    assert out(entry(at("a", IX), (IX,), "+=", target=target, axes=(IX,)), a=[1, 2, 3]) == [0, 1, 2]


def test_softmax_and_its_logarithm() -> None:
    body, kept = at("a", IX), (less(IX, 2),)
    a = [0.0, math.log(3.0), 1000.0]
    soft = ir.Normalise("softmax", IX, body, ir.Position(IX), kept)
    log = ir.Normalise("log_softmax", IX, body, ir.Position(IX), kept)
    assert out(entry(soft, (IX,)), a=a) == pytest.approx([0.25, 0.75, 0.0])
    assert out(entry(log, (IX,)), a=a) == pytest.approx([math.log(0.25), math.log(0.75), -math.inf])
    nothing = ir.Normalise("softmax", IX, body, num(1), (less(IX, 0),))
    assert out(entry(nothing), a=a) == 0.0


def test_softmax_read_elsewhere() -> None:
    soft = ir.Normalise("softmax", IX, at("a", IX), at("y", B))
    assert out(entry(soft, (B,)), a=[0.0, 0.0, math.log(2)], y=[2, 0]) == pytest.approx([0.5, 0.25])
    with pytest.raises(GatherError):
        out(entry(soft, (B,)), a=[0.0, 0.0, 0.0], y=[3, 0])


def test_a_bound_index_shadows_an_outer_one() -> None:
    value = ir.Product((at("a", IX), over_i("sum")))
    assert out(entry(value, (IX,)), a=[1.0, 2.0, 3.0]) == [6.0, 12.0, 18.0]


def test_a_bracket_of_zero_hides_what_is_not_finite_and_what_is_out_of_range() -> None:
    bracket = ir.Iverson(less(IX, 1))
    assert out(entry(ir.Product((at("a", IX), bracket)), (IX,)), a=[2, math.nan, math.inf]) == [
        2,
        0,
        0,
    ]
    gather = ir.Product((at("a", at("y", IX)), bracket))
    assert out(entry(gather, (IX,)), a=[5.0], y=[0, 7, -1]) == [5.0, 0.0, 0.0]


@pytest.mark.parametrize("value", [3, -1, 0.5])
def test_a_gather_outside_or_between_raises(value: float) -> None:
    with pytest.raises(GatherError):
        out(entry(at("a", at("y"))), a=[1.0, 2.0, 3.0], y=value)
    with pytest.raises(GatherError):
        out(entry(num(1), (), "+=", target=at("out", at("y")), axes=(IX,)), y=value)


def test_gathers_diagonals_and_constants() -> None:
    matrix = [[1.0, 2.0], [3.0, 4.0]]
    assert out(entry(at("a", B, at("y", B)), (B,)), a=matrix, y=[1, 0]) == [2.0, 3.0]
    assert out(entry(at("a", B, B), (B,)), a=matrix) == [1.0, 4.0]
    last = ir.Sum((ir.Size("J"), num(-1)))
    assert out(entry(at("a", B, last), (B,)), a=matrix) == [2.0, 4.0]
    diagonal = entry(num(7), (B,), "+=", target=at("out", B, B), axes=(B, B))
    assert out(diagonal) == [[7.0, 0.0], [0.0, 7.0]]


def test_conditions() -> None:
    first, odd = less(IX, 1), ir.Compare("=", ir.Position(IX), num(1))
    either = ir.Iverson(ir.Or((first, odd)))
    neither = ir.Iverson(ir.Not(ir.Or((first, odd))))
    both = ir.Iverson(ir.And((less(IX, 2), odd)))
    assert out(entry(either, (IX,))) == [1, 1, 0]
    assert out(entry(neither, (IX,))) == [0, 0, 1]
    assert out(entry(both, (IX,))) == [0, 1, 0]


@pytest.mark.parametrize(
    ("name", "args", "expected"),
    [
        ("gelu", (1.0,), 0.8413447460685429),
        ("silu", (-2.0,), -2 / (1 + math.exp(2))),
        ("softplus", (-1000.0,), 0.0),
        ("sigmoid", (-1000.0,), 0.0),
        ("leaky_relu", (-2.0, 0.1), -0.2),
        ("sign", (-2.0,), -1.0),
        ("log", (0.0,), -math.inf),
        ("exp", (1000.0,), math.inf),
        ("log1p", (0.5,), math.log(1.5)),
        ("floor", (-0.5,), -1.0),
        ("max", (2.0, 3.0), 3.0),
        ("relu", (-1.0,), 0.0),
    ],
)
def test_functions(name: str, args: tuple[float, ...], expected: float) -> None:
    value = ir.Call(name, tuple(ir.Number(arg) for arg in args))
    assert out(entry(value)) == pytest.approx(expected, rel=1e-14)


def test_a_constant_takes_its_declared_value() -> None:
    program = ir.Program(
        entry(at("c", IX), (IX,)).statements,
        (ir.Tensor("out", "computed", (IX,)), ir.Tensor("c", "const", (IX,), start=num(2))),
        B,
    )
    assert out(program) == [2.0, 2.0, 2.0]
    assert out(program, c=[1.0, 2.0, 3.0]) == [1.0, 2.0, 3.0]


def test_stop_reads_the_frozen_tensors() -> None:
    program = entry(ir.Product((at("a"), ir.Call("stop", (at("a"),)))))
    base = run(program, {"a": np.array(3.0)}, SIZES)
    assert run(program, {"a": np.array(5.0)}, SIZES, base)["out"] == 15.0
    assert run(program, {"a": np.array(5.0)}, SIZES)["out"] == 25.0


def agrees(f: Callable[[Array], float], rule: Callable[[Array], Array], x: Array) -> bool:
    """The gradient check of the fuzz tests: along random directions, within 1e-5."""
    v = np.random.default_rng(0).normal(size=x.shape)
    found, off = central_difference(f, x, v)
    return abs(float(np.sum(rule(x) * v)) - found) <= 1e-5 * abs(found) + off


POINT = np.array([0.3, -0.7, 1.1])
RULES: dict[str, tuple[Callable[[Array], float], Callable[[Array], Array]]] = {
    "square": (lambda x: float(np.sum(x**2)), lambda x: 2 * x),
    "tanh": (lambda x: float(np.sum(np.tanh(x))), lambda x: 1 - np.tanh(x) ** 2),
    "relu": (lambda x: float(np.sum(np.maximum(x, 0))), lambda x: (x > 0).astype(float)),
    "steep": (lambda x: float(np.sum(np.exp(9 * x))), lambda x: 9 * np.exp(9 * x)),
    "maximum": (lambda x: float(np.max(x)), lambda x: (x == np.max(x)).astype(float)),
}


@pytest.mark.parametrize("name", RULES)
def test_the_gradient_check_passes_right_rules(name: str) -> None:
    f, rule = RULES[name]
    assert agrees(f, rule, POINT)


@pytest.mark.parametrize("wrong", [1.0001, 0.0, -1.0, 2.0])
@pytest.mark.parametrize("name", RULES)
def test_the_gradient_check_catches_wrong_rules(name: str, wrong: float) -> None:
    f, rule = RULES[name]
    assert not agrees(f, lambda x: wrong * rule(x), POINT)
    one_entry = np.array([0, 1e-3 * np.max(np.abs(rule(POINT))), 0])
    assert not agrees(f, lambda x: rule(x) + one_entry, POINT)


@pytest.mark.parametrize("distance", [1e-2, 1e-3, 1e-4, 3e-6, 4e-8])
def test_the_difference_steps_over_no_kink_nearby(distance: float) -> None:
    f, rule = RULES["relu"]
    assert agrees(f, rule, np.array([distance, -distance]))


def test_the_reported_error_is_small_and_honest() -> None:
    f, rule = RULES["steep"]
    found, off = central_difference(f, POINT, np.ones(3))
    exact = float(np.sum(rule(POINT)))
    assert abs(found - exact) <= off <= 1e-5 * abs(exact)
