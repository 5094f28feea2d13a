"""What README shows is what happens: its Python by doctest, its commands word for word."""

from __future__ import annotations

import doctest
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONSOLE = re.findall(r"^```console\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
SHOWN = [
    (command, output)
    for block in CONSOLE
    for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
]


def test_python_examples() -> None:
    found = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert found.attempted >= 5
    assert found.failed == 0


@pytest.mark.parametrize(("command", "output"), SHOWN)
def test_shown_commands(command: str, output: str) -> None:
    words = shlex.split(command)
    line = [sys.executable, "-m", *words] if words[0] == "einsumgrad" else words
    done = subprocess.run(line, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == output


@pytest.mark.parametrize("name", ["setup", "test"])
def test_ci_runs_the_commands_that_readme_names(name: str) -> None:
    assert len(re.findall(rf"^```sh {name}$", README, re.MULTILINE)) == 1
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert f'"$(block {name})"' in script


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
