"""`einsumgrad check`: goldens of its reports, its exit codes, its colours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from command_line import Shell
from conftest import Golden

GOLDENS = Path(__file__).parent / "cases" / "check"
CASES = sorted(path.stem for path in GOLDENS.glob("*.ein"))
EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.ein"))


@pytest.fixture(autouse=True)
def _beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports name files as they were given."""
    monkeypatch.chdir(GOLDENS)


@pytest.mark.sentence(5, "A term without such an index")
@pytest.mark.parametrize("name", CASES)
def test_report(name: str, shell: Shell, golden: Golden) -> None:
    done = shell("check", f"{name}.ein")
    assert done.code == (1 if name == "faulty" else 0)
    golden(GOLDENS / f"{name}.txt", done.text)


def test_several_files(shell: Shell, golden: Golden) -> None:
    """A faulty file between two others hides neither."""
    done = shell("check", "nothing.ein", "faulty.ein", "missing.ein", "no_batch.ein")
    assert done.code == 1
    golden(GOLDENS / "several.txt", f"{done.out}--- standard error\n{done.err}")


def test_standard_input(shell: Shell) -> None:
    done = shell("check", "-", stdin="h[b] = 2 x[b]")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("<stdin>: 1 statement, no error\n")


@pytest.mark.parametrize("args", [("check",), ("check", "--strickt", "nothing.ein")])
def test_wrong_use(args: tuple[str, ...], shell: Shell) -> None:
    assert shell(*args).code == 2


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_have_no_notes(path: Path, shell: Shell) -> None:
    """But for padding and for the entry before the first of a recurrence."""
    done = shell("check", path)
    assert (done.code, done.err) == (0, "")
    assert set(re.findall(r"note\[(\w+)\]", done.out)) <= {"N304"}


def test_colours(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain in a pipe; coloured where it is forced; NO_COLOR has the last word."""
    plain = shell("check", "faulty.ein").err
    assert "\x1b" not in plain
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = shell("check", "faulty.ein").err
    assert "\x1b[1;31merror[E103]:\x1b[0m" in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    assert "31m" not in shell("check", "faulty.ein").err


def test_a_name_that_is_no_text(shell: Shell) -> None:
    done = shell("check", "no\udce9.ein")
    assert done.code == 1
    assert "cannot read" in done.err
