"""The grammar: without a conflict, and as wide as the language page."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Golden
from lark import Lark

from einsumgrad.diagnostics import EinError
from einsumgrad.pipeline import checked
from einsumgrad.syntax.parse import read
from einsumgrad.syntax.show import show
from einsumgrad.syntax.table import built, folder, grammar, table, write

ROOT = Path(__file__).parent.parent
GRAMMAR = (ROOT / "grammar" / "ein.lark").read_text(encoding="utf-8")
BLOCKS = re.findall(
    r"^# (\d) (\w+)\n((?:.+\n)+)",
    (ROOT / "tests" / "cases" / "language.ein").read_text(encoding="utf-8"),
    re.MULTILINE,
)
AMBIGUOUS = 'line: line "+" line | "1"\n'


def conflicts(text: str, caplog: pytest.LogCaptureFixture) -> list[str]:
    """What Lark says of conflicts while it builds an LALR(1) table."""
    with caplog.at_level(logging.DEBUG, logger="lark"):
        Lark(text, parser="lalr", lexer="basic", start="line", debug=True)
    return [record.message for record in caplog.records if "conflict" in record.message.lower()]


def test_the_table_that_is_kept_is_that_of_the_grammar(golden: Golden) -> None:
    golden(folder() / "ein.table.json", write(built()))
    assert table() == built()


@pytest.mark.parametrize("seed", ["0", "1"])
def test_the_table_does_not_depend_on_the_order_of_sets(seed: str) -> None:
    code = "from einsumgrad.syntax.table import built, table; assert table() == built()"
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_there_is_no_conflict(caplog: pytest.LogCaptureFixture) -> None:
    assert conflicts(GRAMMAR, caplog) == []


def test_a_conflict_would_be_heard(caplog: pytest.LogCaptureFixture) -> None:
    assert conflicts(AMBIGUOUS, caplog)


def test_every_rule_and_word_is_of_use() -> None:
    """No rule, and no kind of word, that nothing refers to."""
    names = {rule.origin.name for rule in grammar().rules}
    names |= {terminal.name for terminal in grammar().terminals}
    used = {symbol.name for rule in grammar().rules for symbol in rule.expansion}
    assert names - used == {"line", *grammar().ignore_tokens}


@pytest.mark.sentence(0, "This page is normative")
@pytest.mark.parametrize(("section", "kind", "text"), BLOCKS)
def test_the_language_page(section: str, kind: str, text: str) -> None:
    """Every example reads, and prints as what reads the same; whole ones check, faulty ones
    are refused."""
    found = read(text, f"section {section}")
    assert found.faults == ()
    assert read(show(found.file)).file == found.file
    if kind == "whole":
        checked(text)
    elif kind == "faulty":
        with pytest.raises(EinError):
            checked(text)


def test_every_section_is_there() -> None:
    assert {section for section, *_ in BLOCKS} == set("12345678")
    assert {kind for _, kind, _ in BLOCKS} == {"whole", "part", "faulty"}
