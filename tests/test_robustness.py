"""Hostile text: an answer or a clear error, never a crash, a hang or a traceback."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import Shell

import einsumgrad
from einsumgrad.check.notes import notes
from einsumgrad.ir.nodes import Program
from einsumgrad.pipeline import backward, checked
from einsumgrad.reflect.reflect import reflect
from einsumgrad.syntax.parse import decode
from einsumgrad.syntax.show import show

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.ein"))
MEBI = 2**20
TWENTY_THOUSAND = range(20_000)
SPENT = 60.0
"""Seconds of processor time after which a text counts as a hang; each takes a few at most."""

ANSWERED = {
    "a sum of 5,000 terms": "y[b] = " + " + ".join(f"x{k}[b]" for k in range(5000)),
    "a sum of 100,000 numbers": "y[b] = x[b] + " + " + ".join(map(str, range(100_000))),
    "a name of a mebibyte": f"{'x' * MEBI}[b] = x[b]",
    "a comment of a mebibyte": f"y[b] = x[b]  # {'x' * MEBI}",
    "a mebibyte of spaces": f"y[b] ={' ' * MEBI}x[b]",
    "a mebibyte of empty lines": "\n" * MEBI,
    "a number of a mebibyte": f"y[b] = {'1' * MEBI} x[b]",
    "a large power": "y[b] = 2^(10^10) x[b]",
    "a tower of powers": "y[b] = 2^10^10 x[b] + 10^10^10^10",
    "a tower of 40 powers": "y[b] = " + "^".join(["x[b]"] * 40),
    "a number beyond floats": "y[b] = 1e400 x[b]",
    "a number below floats": "y[b] = 1e-400 x[b]",
    "no number": "y[b] = (∞ - ∞) x[b] + 0/0",
    "a division by zero": "y[b] = x[b]/0 + 0^-1",
    "an index of 10^18": "index i : 10^18\ny = Σ_i x[i]",
    "40 indices": "for {0}  y += x[{0}]".format(",".join(f"i{k}" for k in range(40))),
    "2,000 indices": "for {0}  y += x[{0}]".format(",".join(f"i{k}" for k in range(2000))),
    "10,000 conditions": "y[b] = x[b] where " + ", ".join(f"b > {k}" for k in range(10_000)),
    "50 minus signs": "y[b] = " + "-(" * 50 + "x[b]" + ")" * 50,
    "50 gathers": "y[b] = " + "x[" * 50 + "b" + "]" * 50,
    "defs of 100 defs": "\n".join(
        ["def f0(u) = u", *(f"def f{k}(u) = 2 u" for k in range(1, 100)), "y[b] = f99(f0(x[b]))"]
    ),
    "nothing": "",
    "comments": "# one\n\n# two",
    "a byte order mark": "\ufeffy[b] = x[b]",
    "carriage returns": "y[b] = x[b]\r\nz[b] = y[b]\r\n",
    "carriage returns alone": "y[b] = x[b]\rz[b] = y[b]\r",
    "all ends of lines": "y[b] = x[b]\vz[b] = y[b]\fu[b] = z[b]\x85v[b] = u[b]\u2028w[b] = v[b]",
    "right to left": "א[b] = ב[b] ג + Σ_ד ה[b,ד]",
    "a space that does not break": "y[b] =\u00a0x[b]",
}
REFUSED = {
    "10,000 parentheses": ("y[b] = " + "(" * 10_000 + "x[b]" + ")" * 10_000, "E106"),
    "10,000 functions": ("y[b] = " + "exp(" * 10_000 + "x[b]" + ")" * 10_000, "E106"),
    "10,000 functions in a row": ("y[b] = " + "exp " * 10_000 + "x[b]", "E106"),
    "10,000 sums in a row": ("y[b] = " + "Σ_i " * 10_000 + "x[b,i]", "E106"),
    "10,000 gathers": ("y[b] = " + "x[" * 10_000 + "b" + "]" * 10_000, "E106"),
    "10,000 minus signs": ("y[b] = " + "-" * 10_000 + "x[b]", "E101"),
    "10,000 minus signs apart": ("y[b] = " + "- " * 10_000 + "x[b]", "E101"),
    "10,000 minus signs in parentheses": ("y[b] = " + "-(" * 10_000 + ")" * 10_000, "E106"),
    "10,000 negations": ("y[b] = [" + "not " * 10_000 + "b = 1]", "E106"),
    "10,000 powers": ("y[b] = " + "x[b]^" * 10_000 + "2", "E106"),
    "10,000 open brackets": ("y[b] = " + "[" * 10_000, "E106"),
    "10,000 arguments": (f"y[b] = max({'1, ' * 10_000}1)", "E209"),
    "zero bytes": ("y[b] = \0 x[b]", "E102"),
    "a surrogate": ("y[b] = \udc80 x[b]", "E102"),
    "the commands of a terminal": ("y[b] = \x1b x[b]", "E102"),
    "letters turned around": ("y[b] = \u202e x[b]", "E102"),
    "a size of 10^30": ("index i : 10^30", "E231"),
    "a size of 10^10^10": ("index i : 10^10^10", "E231"),
    "an infinite size": ("index i : ∞", "E231"),
    "a size of many digits": (f"index i : {'9' * 100_000}", "E231"),
    "a size of many factors": (f"index i : {' '.join(['7^63'] * 10_000)}", "E231"),
    "defs of defs": (
        "\n".join(
            ["def f0(u) = u", *(f"def f{k}(u) = f{k - 1}(u)" for k in range(1, 3000))]
        )
        + "\ny[b] = f2999(x[b])",
        "E106",
    ),
    "defs that double": (
        "\n".join(
            ["def f0(u) = u", *(f"def f{k}(u) = f{k - 1}(u) + f{k - 1}(u)" for k in range(1, 20))]
        )
        + "\ny[b] = f19(x[b])",
        "E229",
    ),
    "a def that doubles its argument": (
        "def f(u) = u u\ny[b] = " + "f(" * 50 + "x[b]" + ")" * 50,
        "E229",
    ),
    "a circle of defs": (
        "\n".join(f"def f{k}(u) = f{(k + 1) % 2000}(u)" for k in range(2000)),
        "E234",
    ),
    "20,000 faulty lines": ("\n".join(f"h{k}[b] = (x[b]" for k in TWENTY_THOUSAND), "E103"),
    "5,000 faulty statements": ("\n".join(f"h{k}[b] = x[b,i]" for k in range(5000)), "E204"),
    "5,000 slips": (
        "input " + ", ".join(f"known{k}[b]" for k in range(5000)) + "\n"
        + "\n".join(f"h{k}[b] = knwon{k}[b]" for k in range(5000)),
        "E205",
    ),
}  # fmt: skip


def answer(text: str, name: str = "text") -> Program:
    """Everything that is told of a program; what is printed is read again."""
    program = checked(text, name)
    assert all(note.message for note in notes(program))
    derived = backward(program)
    checked(show(reflect(derived)))
    return derived


@pytest.mark.parametrize("text", ANSWERED.values(), ids=ANSWERED)
def test_what_is_odd_is_answered(text: str) -> None:
    started = time.process_time()
    answer(text)
    assert time.process_time() - started < SPENT


@pytest.mark.parametrize(("text", "code"), REFUSED.values(), ids=REFUSED)
def test_what_is_too_much_is_refused(text: str, code: str) -> None:
    started = time.process_time()
    with pytest.raises(einsumgrad.EinError) as raised:
        answer(text)
    assert raised.value.faults[0].code == code
    assert len(str(raised.value)) < 50_000
    assert str(raised.value).replace("\n", "").isprintable()
    assert time.process_time() - started < SPENT


@pytest.mark.parametrize("sign", [" + ", " "])
def test_a_line_of_100_000_entries_is_a_program(sign: str) -> None:
    started = time.process_time()
    assert len(checked("y[b] = " + sign.join(["x[b]"] * 100_000)).statements) == 1
    assert time.process_time() - started < SPENT


def test_a_product_of_5_000_factors_is_too_much_to_derive() -> None:
    """It is a program, but each of its derivatives would be as long."""
    program = checked("y[b] = " + " ".join(["x[b]"] * 5000))
    with pytest.raises(einsumgrad.EinError, match="E301"):
        backward(program)


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"y[b] = \xc3\x28", bytes(range(256))])
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(einsumgrad.EinError):
        checked(decode(data, "garbage.ein"), "garbage.ein")


def test_the_command_line_takes_any_bytes(shell: Shell, tmp_path: Path) -> None:
    rng, path = random.Random(0), tmp_path / "noise.ein"
    for length in (0, 1, 10, 1000, 100_000):
        path.write_bytes(rng.randbytes(length))
        for command in ("check", "compile", "explain"):
            assert shell(command, path).code == (0 if length == 0 else 1)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_damaged_examples(path: Path) -> None:
    """Bytes deleted, doubled, swapped and exchanged: an answer or an EinError."""
    whole, rng = path.read_bytes(), random.Random(0)
    answers = 0
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 3)):
            damage(data, rng)
        answers += answered(bytes(data), path.name)
    assert answers < 60


def answered(data: bytes, name: str) -> bool:
    """Whether there is an answer; otherwise there is an error that can be shown."""
    try:
        answer(decode(data, name), name)
    except einsumgrad.EinError as error:
        assert str(error)
        return False
    return True


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


WORD = re.compile(r"\s+|[^\W\d_][\w'⁰-⁹\u0300-\u036f]*|\d+|.", re.DOTALL)
FOREIGN = (
    *"()[]{},:=+-*/^_|<>~.'#πi∞BbK1", "+=", "max=", "where", "for", "index", "batch", "none", "and",
    "not", "def", "loss", "param", "noise", "Σ_i", "softmax_j", "max_k", "|i|", "1e400", "y[b]",
    "W[j,i]", "σ", "log", "[b = 0]", ".grad", "\n", "⁰", "f(", "t-1", "2p",
)  # fmt: skip


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_with_words_in_wrong_places(path: Path) -> None:
    """Words deleted, exchanged, repeated and put in: an answer or an EinError."""
    text, rng = path.read_text(encoding="utf-8"), random.Random(1)
    answers = 0
    for _ in range(60):
        words = WORD.findall(text)
        for _ in range(rng.randint(1, 2)):
            at, other = rng.randrange(len(words)), rng.randrange(len(words))
            match rng.randrange(5):
                case 0:
                    del words[at : at + rng.randint(1, 5)]
                case 1:
                    words[at:at] = [rng.choice(FOREIGN)]
                case 2:
                    words[at], words[other] = words[other], words[at]
                case 3:
                    words[at] = rng.choice(FOREIGN)
                case _:
                    words[at:at] = words[other : other + rng.randint(1, 8)]
        answers += answered("".join(words).encode(), path.name)
    assert 0 < answers < 60


def layers(count: int) -> str:
    """A perceptron of so many layers."""
    lines = ["loss ℓ[b] = Σ_j h0[b,j]^2"] if count == 0 else []
    for k in range(1, count + 1):
        before = "x" if k == 1 else f"h{k - 1}"
        lines.append(f"h{k}[b,j] = σ(Σ_i W{k}[j,i] {before}[b,i] - c{k}[j])")
    return "\n".join([*lines, f"loss ℓ[b] = Σ_j h{count}[b,j]^2"])


def test_time_grows_with_the_number_of_layers() -> None:
    """Ten times the layers take about ten times as long, not a hundred times."""
    spent: dict[int, float] = {}
    for count in (10, 100, 1000):
        tries = []
        for _ in range(3 if count < 1000 else 1):
            started = time.process_time()
            derived = answer(layers(count))
            tries.append(time.process_time() - started)
        spent[count] = min(tries)
        assert len(derived.statements) > 5 * count
    assert spent[1000] < 40 * spent[100]
    assert spent[100] < 40 * spent[10]


def test_20_000_statements(tmp_path: Path) -> None:
    """The command answers with a statement a line. How long it takes, `tests/bench/compile.py`
    measures: on a busy machine it is three times what it is on an idle one."""
    path = tmp_path / "long.ein"
    lines = (f"h{k}[b] = 2 h{k - 1}[b]" for k in range(1, 20_000))
    path.write_text("\n".join(["h0[b] = x[b]", *lines]), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "einsumgrad", "compile", str(path)],
        capture_output=True, check=False, encoding="utf-8", timeout=180,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 40_000
