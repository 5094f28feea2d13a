"""The language page in sections and sentences, and the marks by which tests refer to them.

A test of a sentence bears `@pytest.mark.sentence(SECTION, START)`: the section's number (0 is what
stands above section 1) and the sentence's first words, enough that no other begins so. A block of
code counts as one sentence. Marks are read from the files, so that one file may be run alone.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS / "cases" / "LANGUAGE.md"
HEADING = re.compile(r"^#.*$", re.MULTILINE)
CODE = re.compile(r"((?:^    .*\n\n?)+)", re.MULTILINE)
ITEM = re.compile(r"^(?:- |\d+\. )|\n\n", re.MULTILINE)
END = re.compile(r"(?<=\.)\s+|(?<=\.\))\s+")


@dataclass(frozen=True)
class Sentence:
    section: int
    text: str


@dataclass(frozen=True)
class Mark:
    section: int
    start: str
    place: str

    def names(self, sentence: Sentence) -> bool:
        return sentence.section == self.section and sentence.text.startswith(self.start)


def sentences() -> tuple[Sentence, ...]:
    """Of the whole page, in order, each in one line."""
    return tuple(
        Sentence(section, " ".join(text.split()))
        for section, body in enumerate(bodies())
        for _, block in blocks(body)
        for text in block
        if text.strip()
    )


def programs(section: int) -> list[str]:
    """The blocks of code of a section, as they stand on the page."""
    return [text for is_code, block in blocks(bodies()[section]) for text in block if is_code]


def bodies() -> list[str]:
    """What stands above section 1, then every section without its heading."""
    return HEADING.split(PAGE.read_text(encoding="utf-8"))[1:]


def blocks(body: str) -> Iterator[tuple[bool, list[str]]]:
    """Whether it is code, and the block of code as one, or the sentences before the next."""
    for place, block in enumerate(CODE.split(body)):
        if place % 2:
            yield True, [block]
        else:
            yield False, [text for item in ITEM.split(block) for text in END.split(item)]


def marks() -> tuple[Mark, ...]:
    """Of all tests, as their files have them."""
    return tuple(mark for path in sorted(TESTS.glob("test_*.py")) for mark in marks_of(path))


def marks_of(path: Path) -> Iterator[Mark]:
    """A start that several tests share may be a constant of the file."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    constants = {
        ast.unparse(node.targets[0]): node.value
        for node in module.body
        if isinstance(node, ast.Assign)
    }
    for call in ast.walk(module):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.sentence":
            section, start = call.args
            text = constants.get(ast.unparse(start), start)
            place = f"{path.name}:{call.lineno}"
            yield Mark(ast.literal_eval(section), ast.literal_eval(text), place)
