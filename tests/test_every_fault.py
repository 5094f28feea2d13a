"""Every fault and note is shown by some golden, and every correction that one offers is right."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import einsumgrad
from einsumgrad.diagnostics import Fault
from einsumgrad.pipeline import checked

CASES = Path(__file__).parent / "cases"
LABEL = re.compile(r"^(?:error|note)\[(\w+)\]:", re.MULTILINE)
LISTED = re.compile(r"^error\[E20[1-3]\]: ind.*\n(?:.*\n)*?  help: (.+)$", re.MULTILINE)
QUOTED = re.compile(r"^  help: to sum over it write (.+)$", re.MULTILINE)


def faults() -> Iterator[type[Fault]]:
    """Every class of fault of the package."""
    for module in pkgutil.walk_packages(einsumgrad.__path__, "einsumgrad."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    classes = list(Fault.__subclasses__())
    for found in classes:
        classes += found.__subclasses__()
    return (found for found in classes if found.code)


def goldens() -> str:
    paths = sorted(p for p in CASES.rglob("*") if p.suffix in (".err", ".txt"))
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def test_every_fault_has_a_golden() -> None:
    shown = set(LABEL.findall(goldens()))
    unseen = {f"{fault.code} {fault.__name__}" for fault in faults() if fault.code not in shown}
    assert not unseen


def test_codes_are_distinct() -> None:
    names: dict[str, set[str]] = {}
    for fault in faults():
        names.setdefault(fault.code, set()).add(f"{fault.__module__}.{fault.__name__}")
    assert not {code: found for code, found in names.items() if len(found) > 1}


def corrections() -> list[str]:
    """The corrected statements in the goldens, those that are shown whole."""
    text = goldens()
    found = LISTED.findall(text)
    for line in QUOTED.findall(text):
        found += re.findall(r"`([^`]+=[^`]+)`", line)
    return sorted({line for line in found if "…" not in line})


@pytest.mark.sentence(11, "Every error has a code")
@pytest.mark.parametrize("line", corrections())
def test_corrections_are_valid(line: str) -> None:
    """What is offered in place of a faulty line has no such fault itself."""
    checked(line)


def test_there_are_corrections() -> None:
    assert len(corrections()) >= 12
