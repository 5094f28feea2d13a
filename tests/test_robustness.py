"""Hostile text: an answer or a clear error, never a crash, a hang or a traceback."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import einsumgrad
from einsumgrad.pipeline import backward, checked
from einsumgrad.syntax.parse import decode

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.ein"))
MEBI = 2**20
ANSWERED = {
    "a sum of 100,000 terms": "y[b] = " + " + ".join(["x[b]"] * 100_000),
    "a product of 100,000 factors": "y[b] = " + " ".join(["x[b]"] * 100_000),
    "a name of a mebibyte": f"{'x' * MEBI}[b] = x[b]",
    "a comment of a mebibyte": f"y[b] = x[b]  # {'x' * MEBI}",
    "a number of a mebibyte": f"y[b] = {'1' * MEBI} x[b]",
    "a large power": "y[b] = 2^(10^10) x[b]",
    "a number beyond floats": "y[b] = 1e400 x[b]",
    "an index of 10^18": "index i : 1000000000000000000\ny = Σ_i 1",
    "nothing": "",
    "comments": "# one\n\n# two",
    "a byte order mark and carriage returns": "\ufeffy[b] = x[b]\r\nz[b] = y[b]\r\n",
}
REFUSED = {
    "10,000 parentheses": "y[b] = " + "(" * 10_000 + "x[b]" + ")" * 10_000,
    "10,000 functions": "y[b] = " + "exp(" * 10_000 + "x[b]" + ")" * 10_000,
    "10,000 functions in a row": "y[b] = " + "exp " * 10_000 + "x[b]",
    "10,000 minus signs": "y[b] = " + "-" * 10_000 + "x[b]",
    "10,000 powers": "y[b] = " + "x[b]^" * 10_000 + "2",
    "10,000 open brackets": "y[b] = " + "[" * 10_000,
    "zero bytes": "y[b] = \0 x[b]",
    "a defs' tower": "\n".join(
        ["def f0(u) = u u", *(f"def f{k}(u) = f{k - 1}(f{k - 1}(u))" for k in range(1, 40))]
    )
    + "\ny[b] = f39(x[b])",
}


@pytest.mark.parametrize("text", ANSWERED.values(), ids=ANSWERED)
def test_long_lines_are_answered(text: str) -> None:
    einsumgrad.parse(text)


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_is_too_much_is_refused(text: str) -> None:
    with pytest.raises(einsumgrad.EinError) as raised:
        einsumgrad.parse(text)
    assert len(str(raised.value)) < 50_000


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"y[b] = \xc3\x28", bytes(range(256))])
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(einsumgrad.EinError):
        checked(decode(data, "garbage.ein"), "garbage.ein")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_damaged_examples(path: Path) -> None:
    """Bytes deleted, doubled, swapped and exchanged: an answer or an EinError."""
    whole, rng = path.read_bytes(), random.Random(0)
    answers = 0
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 3)):
            damage(data, rng)
        try:
            backward(checked(decode(bytes(data), path.name), path.name))
            answers += 1
        except einsumgrad.EinError as error:
            assert str(error)
    assert answers < 60


def damage(data: bytearray, rng: random.Random) -> None:
    at, other = rng.randrange(len(data)), rng.randrange(len(data))
    match rng.randrange(4):
        case 0:
            del data[at : at + rng.randint(1, 8)]
        case 1:
            data[at:at] = data[other : other + rng.randint(1, 12)]
        case 2:
            data[at], data[other] = data[other], data[at]
        case _:
            data[at] = rng.choice(b"()[]{},:=+-*/^_|<>~# \n.0bijB")


@pytest.mark.parametrize("count", [200, 2000])
def test_many_statements(count: int) -> None:
    """A chain of layers is derived, however long; nothing in it is recursive in their number."""
    lines = [f"h{k}[b,j] = tanh(Σ_i W{k}[j,i] h{k - 1}[b,i])" for k in range(1, count)]
    program = einsumgrad.parse("\n".join(lines)).derive()
    assert len(program.ir.statements) > 3 * count - 10
