"""The command line as a shell calls it, in this process."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from einsumgrad.__main__ import main

Save = Callable[..., Path]
"""Writes arrays, by name, to a file of this test: `save(x=x)`."""


@dataclass(frozen=True)
class Done:
    """How a command ended: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


class Shell:
    """Calls `einsumgrad`; no call may show a traceback."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch, self.capsys = monkeypatch, capsys

    def __call__(self, *args: object, stdin: str = "") -> Done:
        given = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
        self.monkeypatch.setattr(sys, "argv", ["einsumgrad", *map(str, args)])
        self.monkeypatch.setattr(sys, "stdin", given)
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = self.capsys.readouterr()
        assert "Traceback" not in out + err
        assert ended.value.code in (0, 1, 2), err
        return Done(int(ended.value.code), out, err)
