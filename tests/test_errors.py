"""Error goldens: a faulty program, and what a person is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Golden

import einsumgrad

CASES = sorted((Path(__file__).parent / "cases" / "errors").glob("*.ein"))


@pytest.mark.sentence(11, "Every error has a code")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_what_a_person_is_told(case: Path, golden: Golden) -> None:
    with pytest.raises(einsumgrad.EinError) as raised:
        einsumgrad.parse(case.read_text(encoding="utf-8"), filename=case.name)
    golden(case.with_suffix(".err"), f"{raised.value}\n")


def test_there_are_enough() -> None:
    assert len(CASES) >= 60
