"""`ir/verify` finds every kind of broken program, and nothing in a sound one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner

import einsumgrad
from einsumgrad.cli.main import app
from einsumgrad.diagnostics import InternalError
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.build import ONE, ZERO, number
from einsumgrad.ir.verify import problems, verify

EXAMPLES = Path(__file__).parent.parent / "examples"
BATCH, IN, OUT = ir.Index("b", "B"), ir.Index("i", "I"), ir.Index("j", "J")
SOUND = einsumgrad.parse(
    "input x[b,i], n[b] : i\nparam W[j,i]\nh[b,j] = Σ_i W[j,i] x[b,i]\nloss ℓ[b] = h[b,n[b]]^2"
).ir
Broken = Callable[[ir.Program], ir.Program]


def at(*indices: ir.Index) -> tuple[ir.Expr, ...]:
    return tuple(ir.Position(index) for index in indices)


X = ir.Access("x", at(BATCH, IN))


def statement(**changes: object) -> Broken:
    """The first statement, `h[b,j] = …`, with changes."""

    def broken(program: ir.Program) -> ir.Program:
        first, *rest = program.statements
        return replace(program, statements=(replace(first, **changes), *rest))

    return broken


def tensor(name: str, **changes: object) -> Broken:
    def broken(program: ir.Program) -> ir.Program:
        table = (replace(t, **changes) if t.name == name else t for t in program.tensors)
        return replace(program, tensors=tuple(table))

    return broken


def value(made: ir.Expr) -> Broken:
    return statement(value=made, op="+=", indices=(BATCH, OUT, IN))


def program(**changes: object) -> Broken:
    return lambda sound: replace(sound, **changes)


def reordered(sound: ir.Program) -> ir.Program:
    return replace(sound, statements=sound.statements[::-1])


def doubled(sound: ir.Program) -> ir.Program:
    return replace(sound, statements=(sound.statements[0], *sound.statements))


RESTRICTED = ir.Compare("<", ir.Position(BATCH), number(3))
CASES: tuple[tuple[Broken, str], ...] = (
    (program(indices=(ir.Index("i", "K"),)), "index `i` has the sizes I and K"),
    (program(indices=(IN, IN)), "index `i` is declared twice"),
    (program(tensors=(*SOUND.tensors, SOUND.tensors[0])), "tensor `x` is in the table twice"),
    (program(tensors=SOUND.tensors[1:]), "tensor `x` is not in the table"),
    (tensor("h", kind="param"), "tensor `h` is param, and a statement writes it"),
    (tensor("W", kind="computed"), "tensor `W` is computed, and no statement writes it"),
    (tensor("x", batched=False), "tensor `x` bears the batch index and is not batched"),
    (tensor("W", batched=True), "parameter `W` is batched"),
    (tensor("n", integer=False), "tensor `n` holds an index and is not integer"),
    (tensor("n", integer=False), "stands in an index position of `h`"),
    (program(outputs=("h", "q")), "nothing writes the output `q`"),
    (program(loss="q"), "nothing writes the output `q`"),
    (program(outputs=("h", "h")), "output `h` is listed twice"),
    (reordered, "writes `h`, which is read there or before"),
    (doubled, "defines `h`, which is written before"),
    (statement(indices=(BATCH,)), "index `j` is free and no loop"),
    (statement(indices=(BATCH, OUT, BATCH)), "loop `b` is listed twice"),
    (statement(indices=(BATCH, OUT, IN)), "nothing has the loop index `i`"),
    (statement(target=ir.Access("h", at(BATCH, BATCH))), "`=` does not define each entry once"),
    (value(ir.Access("x", at(BATCH))), "`x` of 2 indices has 1 here"),
    (
        value(ir.Access("x", (ir.Position(BATCH), number(0.5)))),
        "stands in an index position of `x`",
    ),
    (value(ir.Access("x", (ir.Position(BATCH), X))), "stands in an index position of `x`"),
    (value(ir.Sum((X, ir.Sum((X, X))))), "is not in normal form"),
    (value(ir.Sum((X, ZERO))), "is not in normal form"),
    (value(ir.Sum((X,))), "is not in normal form"),
    (value(ir.Product((X, number(2)))), "is not in normal form"),
    (value(ir.Product((X, ir.Size("B")))), "is not in normal form"),
    (value(ir.Product((ONE, X))), "is not in normal form"),
    (value(ir.Product((ZERO,))), "is not in normal form"),
    (value(ir.Power(X, ONE)), "is not in normal form"),
    (value(ir.Call("exp", (X, X))), "function `exp` with 2 arguments"),
    (value(ir.Call("sinh", (X,))), "function `sinh` with 1 arguments"),
    (value(ir.Reduce("argmax", (IN, OUT), X)), "`argmax` binds 2 indices"),
    (value(ir.Reduce("sum", (), X)), "`sum` binds 0 indices"),
    (value(ir.Reduce("sum", (IN, IN), X)), "`sum` binds `i` twice"),
    (value(ir.Reduce("sum", (IN,), X, (RESTRICTED,))), "names none of its indices"),
    (
        value(ir.Normalise("softmax", IN, X, ir.Position(IN), (RESTRICTED,))),
        "names none of its indices",
    ),
)


@pytest.mark.parametrize(("broken", "words"), CASES)
def test_broken_programs_are_found(broken: Broken, words: str) -> None:
    with pytest.raises(InternalError) as caught:
        verify(broken(SOUND), "a test")
    assert words in "\n".join(problems(broken(SOUND)))
    assert str(caught.value).startswith("the program after a test is not sound:\n  ")


def test_few_of_many_problems_are_shown() -> None:
    many = replace(SOUND, outputs=tuple(f"q{k}" for k in range(9)))
    with pytest.raises(InternalError, match="the program is not sound") as caught:
        verify(many)
    assert str(caught.value).count("\n") == 6
    assert str(caught.value).endswith("… and 4 more")


def test_a_sound_program_is_given_back() -> None:
    assert verify(SOUND) is SOUND


def test_a_zero_keeps_what_it_reads() -> None:
    sound = einsumgrad.parse("h[b] = 0 x[b] + z[b]^0 + 0 (x[b] + w)").ir
    assert verify(sound) is sound


@pytest.mark.parametrize("emit", ["tree", "program", "derived", "rewritten", "plan"])
@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.ein")), ids=lambda path: path.stem)
def test_emit_verifies_what_it_shows(path: Path, emit: str) -> None:
    found = CliRunner().invoke(app, ["compile", str(path), "--emit", emit, *with_sizes(emit, path)])
    assert found.exit_code == 0, found.output
    assert found.output.strip()


def with_sizes(emit: str, path: Path) -> list[str]:
    """Sizes for all indices of an example that bear none."""
    if emit != "plan":
        return []
    program = einsumgrad.load(path).ir
    given = {name for name, _ in program.sizes}
    axes = {i for t in program.tensors for i in t.axes if i is not None}
    return ["--size", ",".join(sorted({f"{i.size}=3" for i in axes if i.size not in given}))]


def test_emit_tells_of_an_unsound_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("einsumgrad.cli.compile.read_program", lambda _: reordered(SOUND))
    found = CliRunner().invoke(app, ["compile", "x.ein", "--emit", "program"])
    assert isinstance(found.exception, InternalError)
    plain = CliRunner().invoke(app, ["compile", "x.ein"])
    assert not isinstance(plain.exception, InternalError)


def test_the_parts_of_every_kind_of_node_are_known() -> None:
    assert set(ir.PARTS) == set(get_args(ir.Node))
