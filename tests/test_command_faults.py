"""Goldens of what commands say of files that cannot be read or written, and of wrong use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command_line import Shell
from conftest import Golden

GOLDENS = Path(__file__).parent / "cases" / "commands"
LINEAR = "input x[b,i], y[b]\nparam w[i]\nloss ℓ[b] = (y[b] - Σ_i w[i] x[b,i])^2\n"
FILES = {
    "unnamed.ein": "index p : 4, k : 3\nh[b,2p] = x[b,p]\ny[b,p] = max_k h[b,p+k-1]\n",
    "padded.ein": "index p : 4, k : 3\ny[b,p] += x[b,p+k-1] w[k]\n",
    "linear.ein": LINEAR,
    "sum.ein": "h[b] = 2 x[b]\n",
    "whole.ein": "input n[b] : k\nh[b] = n[b] + 1\n",
    "infinite.ein": "h[b] = exp(exp(1000 + x[b]))\n",
    "scattered.ein": "for b  h[0] += x[b]\n",
    "loop.ein": "index t : 3\nu[b,t] = w x[b,t]\nh[b,t] = u[b,t] + h[b,t-1]^2\n",
    "text.npz": "no archive",
}
CASES: dict[str, str] = {
    "no_such_file": "compile nowhere.ein",
    "a_folder": "compile folder",
    "not_utf_8": "compile latin.ein",
    "no_such_data": "run linear.ein --data nowhere.npz",
    "data_is_no_archive": "run linear.ein --data text.npz",
    "data_of_objects": "run linear.ein --data objects.npz",
    "data_larger_than_memory": "run linear.ein --data data.npz --memory 10",
    "data_missing": "run linear.ein --data x.npz",
    "unwritable": "run sum.ein --data x.npz --out nowhere/out.npz",
    "by_unknown_tensor": "compile linear.ein --wrt v",
    "axes_without_names": "compile scattered.ein",
    "inside_has_no_words": "compile unnamed.ein",
    "strict_check": "check padded.ein --strict",
    "strict_compile": "compile padded.ein --strict",
    "nothing_to_verify": "verify whole.ein",
    "not_finite": "verify infinite.ein",
    "nothing_to_time": "bench whole.ein",
    "not_translated": "bench loop.ein --vs numpy",
}
WRONG_USE: dict[str, str] = {
    "compil linear.ein": "No such command `compil`. Did you mean `compile`?",
    "compile --latx linear.ein": "--latx",
    "compile --emit three linear.ein": "three",
    "compile": "FILE",
    "compile - -": "standard input, `-`, can be read once only",
    "check - linear.ein -": "standard input, `-`, can be read once only",
    "compile linear.ein --wrt ,": "it names no tensor",
    "verify linear.ein --wrt ,": "it names no tensor",
    "run linear.ein --data x.npz --memory much": "`much` is no amount of memory, such as 2GB",
    "compile --emit plan --size I=many linear.ein": "`I=many` is no NAME=NUMBER",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of good and bad files, in which commands run."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "latin.ein").write_bytes("h[b] = x[b]\n# für b\n".encode("latin-1"))
    (tmp_path / "folder").mkdir()
    np.savez(tmp_path / "x.npz", x=np.ones(4))
    np.savez(tmp_path / "data.npz", x=np.ones((4, 2)), y=np.ones(4))
    np.savez(tmp_path / "objects.npz", x=np.array([None, {}], dtype=object))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("name", CASES)
def test_command(name: str, shell: Shell, golden: Golden) -> None:
    done = shell(*CASES[name].split())
    assert done.code == 1
    golden(GOLDENS / f"{name}.err", done.err)


@pytest.mark.sentence(11, "Exit codes: 0 fine")
@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("line", WRONG_USE)
def test_wrong_use(line: str, shell: Shell) -> None:
    done = shell(*line.split())
    assert (done.code, done.out) == (2, "")
    assert WRONG_USE[line] in done.err


@pytest.mark.usefixtures("folder")
def test_unreadable_for_lack_of_rights(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    done = shell("check", "sum.ein")
    assert (done.code, done.out) == (1, "")
    assert "cannot read sum.ein: Permission denied" in done.err
