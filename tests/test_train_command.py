"""`einsumgrad train`: what it reaches, prints, saves; Ctrl-C, terminals, wrong use."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from trained import EXAMPLES, ROOT, arrays, example

from einsumgrad.train.classifier import judge
from einsumgrad.train.examples import examples, take_data

MLP = str(EXAMPLES / "mlp.ein")
DIGITS = [
    "--data", str(EXAMPLES / "data" / "digits_train.npz"),
    "--test", str(EXAMPLES / "data" / "digits_test.npz"),
]  # fmt: skip
TRAIN = [sys.executable, "-m", "einsumgrad", "train"]


def command(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TRAIN, *args], capture_output=True, text=True, encoding="utf-8", check=False
    )


def test_the_perceptron_reads_digits() -> None:
    began = time.perf_counter()
    done = command(MLP, *DIGITS, "--lr", "8", "--batch", "32", "--epochs", "40")
    seconds = time.perf_counter() - began
    assert done.returncode == 0, done.stderr
    found = re.findall(
        r"^epoch +(\d+)/40   loss ([\d.]+)   test loss ([\d.]+)   accuracy ([\d.]+) %   [\d.]+ s$",
        done.stdout, re.MULTILINE,
    )  # fmt: skip
    assert [int(number) for number, *_ in found] == list(range(1, 41))
    assert float(found[-1][3]) >= 96
    assert float(found[-1][1]) < float(found[0][1])
    assert seconds < 20


def test_saving_and_going_on(tmp_path: Path) -> None:
    """Two epochs, saved, then further ones: the loss goes on from where it was."""
    saved, again = tmp_path / "p.npz", tmp_path / "q.npz"
    first = command(MLP, *DIGITS, "--lr", "4", "--epochs", "6", "--save", str(saved))
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines()[-1] == f"saved {saved}"
    with np.load(saved) as found:
        params = {name: found[name] for name in found.files}
    assert list(params) == ["W⁰", "b⁰", "W¹", "b¹"]
    assert {a.dtype.name for a in params.values()} == {"float32"}
    last = re.findall(r"   loss ([\d.]+)", first.stdout)[-1]
    second = command(
        MLP, *DIGITS, "--lr", "4", "--epochs", "1", "--init", str(saved), "--save", str(again)
    )
    (further,) = re.findall(r"   loss ([\d.]+)", second.stdout)
    assert 0.95 * float(last) < float(further) < float(last)
    kept = command(MLP, *DIGITS, "--epochs", "0", "--init", str(again), "--save", str(saved))
    assert kept.returncode == 0
    with np.load(saved) as before, np.load(again) as after:
        for name in params:
            np.testing.assert_array_equal(before[name], after[name])


def test_the_command_shows_the_updates_first(tmp_path: Path) -> None:
    rule = tmp_path / "rule.ein"
    rule.write_text("const ρ = 0.25\nW1[y_hat,j] -= ρ W1.grad[y_hat,j]\n", encoding="utf-8")
    done = command(MLP, *DIGITS, "--epochs", "1", "--optimizer", str(rule))
    assert done.returncode == 0, done.stderr
    shown = done.stdout.splitlines()
    assert shown[0].endswith("4,810 parameters in W⁰, b⁰, W¹, b¹")
    assert shown[1] == "1,438 examples, 359 to test, 23 steps an epoch; each step:"
    assert shown[2:4] == ["  W¹[y_hat,j] -= ρ W¹.grad[y_hat,j]", "  with ρ = 0.25"]
    assert shown[4].startswith("epoch 1/1   loss 2.")
    assert re.fullmatch(r"23 steps in \d+\.\d s", shown[5])
    assert len(shown) == 6


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        ([MLP], 2, "Missing option '--data'"),
        ([MLP, "--data", "nowhere.npz"], 1, "error[E117]: cannot read nowhere.npz"),
        ([MLP, *DIGITS, "--optimizer", "no.ein"], 1, "error[E117]: cannot read no.ein"),
        ([MLP, *DIGITS, "--batch", "0"], 2, "Invalid value for '--batch'"),
        ([MLP, *DIGITS, "--memory", "lots"], 2, "`lots` is no amount of memory"),
        ([MLP, *DIGITS, "--save", "no/p.npz"], 1, "error[E412]: cannot write no/p.npz"),
        ([MLP, *DIGITS, "--save", str(ROOT)], 1, "it is a folder"),
        ([MLP, *DIGITS, "--dtype", "int8"], 2, "'int8' is not one of"),
        (["no.ein", *DIGITS], 1, "error[E117]: cannot read no.ein"),
    ],
)
def test_wrong_commands(args: list[str], code: int, words: str) -> None:
    done = command(*args)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr


STOPPED = re.compile(r"stopped in epoch \d+, after \d+ of its 23 steps")


@contextmanager
def listening() -> Iterator[None]:
    """A process begun here listens to Ctrl-C, also where the tests themselves do not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_keeps_what_was_learned(tmp_path: Path) -> None:
    saved = tmp_path / "p.npz"
    args = [MLP, *DIGITS, "--lr", "4", "--epochs", "1000000", "--save", str(saved)]
    with listening(), subprocess.Popen(
        [*TRAIN, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        told = b"".join(process.stdout.readline() for _ in range(9))
        process.send_signal(signal.SIGINT)
        told += process.stdout.read()
        errors = process.stderr.read().decode()
    assert process.returncode == 130, errors
    assert errors == ""
    lines = told.decode().splitlines()
    assert sum(bool(STOPPED.fullmatch(line)) for line in lines) == 1
    assert lines[-1] == f"saved {saved}"
    data = arrays("digits_test")
    with np.load(saved) as found:
        params = {name: found[name] for name in found.files}
    program = example("mlp")
    held = examples(program.ir, take_data(program.ir, data), params)
    scores = judge(program.ir).scores(params, held, 64, 0, None)
    told_last = re.findall(r"accuracy ([\d.]+) %", told.decode())[-1]
    assert scores.accuracy is not None
    assert f"{100 * scores.accuracy:.2f}" == told_last


@pytest.mark.parametrize("settings", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_gets_a_bar(settings: dict[str, str]) -> None:
    mine, its = pty.openpty()
    env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
    env.pop("NO_COLOR", None)
    with subprocess.Popen(
        [*TRAIN, MLP, *DIGITS, "--epochs", "80"],
        stdout=its, stderr=subprocess.STDOUT, env={**env, **settings},
    ) as process:  # fmt: skip
        os.close(its)
        told = read_all(mine).decode()
    assert process.returncode == 0, told
    assert len(re.findall(r"epoch  ?\d+/80   loss [\d.]+   test loss", told)) == 80
    bar, colour = "━" in told, "\x1b[38;5;" in told
    assert (bar, colour) == ("TERM" not in settings, settings == {})
    assert re.search(r"\d:\d\d:\d\d", told) is not None or not bar


def read_all(terminal: int) -> bytes:
    """What was written to a terminal until its last user closed it."""
    told = b""
    while True:
        try:
            more = os.read(terminal, 65536)
        except OSError:
            more = b""
        if not more:
            os.close(terminal)
            return told
        told += more
