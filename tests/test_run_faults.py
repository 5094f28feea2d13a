"""What `run` and `verify` refuse: damaged files, wrong options, wrong names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command_line import Save, Shell

import einsumgrad
from einsumgrad.cli.data import read_arrays

EXAMPLES = Path(__file__).parent.parent / "examples"
SLIDE = "for b,i,j  h̃[b,j] += W[j,i] x[b,i]"


def broken(kind: str, path: Path) -> None:
    """A file that is no archive of arrays."""
    import zipfile

    if kind == "text":
        path.write_text("no archive", encoding="utf-8")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "cut":
        np.savez(path, x=np.ones(1000))
        path.write_bytes(path.read_bytes()[:300])
    elif kind == "flipped":
        np.savez_compressed(path, x=np.arange(1000.0))
        found = bytearray(path.read_bytes())
        found[200:260] = bytes(60)
        path.write_bytes(bytes(found))
    elif kind == "pickle":
        np.savez(path, x=np.array([{}, None], dtype=object))
    elif kind == "foreign":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("readme.txt", "hello")
    elif kind == "folder":
        path.mkdir()
    elif kind == "npy":
        with path.open("wb") as file:
            np.save(file, np.ones(3))


@pytest.mark.parametrize(
    "kind", ["text", "empty", "cut", "flipped", "pickle", "foreign", "folder", "npy", "missing"]
)
@pytest.mark.parametrize("command", ["run", "verify"])
def test_files_that_are_no_archives(command: str, kind: str, shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "broken.npz"
    broken(kind, path)
    done = shell(command, EXAMPLES / "slide.ein", "--data", path)
    assert done.code == 1
    assert "broken.npz" in done.err


def test_damaged_archives_are_read_or_refused(tmp_path: Path) -> None:
    path, rng = tmp_path / "damaged.npz", np.random.default_rng(0)
    for save_arrays in (np.savez, np.savez_compressed):
        save_arrays(path, x=np.arange(100.0), y=np.arange(7))
        whole = path.read_bytes()
        for _ in range(150):
            found = np.frombuffer(whole, np.uint8).copy()
            found[rng.integers(0, found.size, 3)] = rng.integers(0, 256, 3)
            path.write_bytes(found.tobytes())
            try:
                assert all(isinstance(a, np.ndarray) for a in read_arrays(str(path)).values())
            except einsumgrad.EinError as error:
                assert "damaged.npz" in str(error)


def test_files_that_cannot_be_written(shell: Shell, save: Save, tmp_path: Path) -> None:
    data = save(W=np.eye(2), x=np.eye(2))
    for out in (tmp_path / "no" / "o.npz", tmp_path):
        done = shell("run", "-", "--data", data, "--out", out, stdin=SLIDE)
        assert done.code == 1
        assert "cannot write" in done.err


@pytest.mark.parametrize(
    "options",
    [
        ["--memory", "much"], ["--memory", "-5"], ["--seed", "-1"], ["--seed", "x"],
        ["--dtype", "int8"], ["--wrt", "W"], ["--unknown"],
    ],
)  # fmt: skip
def test_wrong_use_is_2(options: list[str], shell: Shell) -> None:
    assert shell("run", EXAMPLES / "slide.ein", *options).code == 2
    assert shell("run").code == 2


@pytest.mark.parametrize(
    "options",
    [
        ["--memory", "much"], ["--seed", "-1"], ["--size", "b"], ["--size", "q=3"],
        ["--size", "b=-1"], ["--tolerance", "0"], ["--tolerance", "x"], ["--unknown"],
    ],
)  # fmt: skip
def test_wrong_use_of_verify_is_2(options: list[str], shell: Shell) -> None:
    assert shell("verify", EXAMPLES / "slide.ein", *options).code == 2
    assert shell("verify").code == 2


@pytest.mark.parametrize("command", ["run", "verify"])
def test_wrong_programs_and_names_are_1(command: str, shell: Shell, save: Save) -> None:
    done = shell(command, "-", stdin="h[b = x")
    assert (done.code, done.out) == (1, "")
    assert shell(command, "nowhere.ein").code == 1
    grad = ["--grad"] if command == "run" else []
    done = shell(command, EXAMPLES / "slide.ein", *grad, "--wrt", "q")
    assert done.code == 1
    assert "no derivative by `q`" in done.err
    data = save(W=np.eye(2), x=np.eye(2), y=np.eye(2))
    assert shell(command, EXAMPLES / "slide.ein", "--data", data).code == 1


@pytest.mark.parametrize("command", ["run", "verify"])
def test_help_shows_an_example(command: str, shell: Shell) -> None:
    done = shell(command, "--help")
    assert done.code == 0
    assert f"einsumgrad {command} examples/mlp.ein" in done.out


def test_verify_keeps_to_its_memory(shell: Shell, save: Save) -> None:
    data = save(x=np.ones((300, 300)))
    text = "y[b,i] = tanh(x[b,i])"
    done = shell("verify", "-", "--data", data, "--memory", "1MB", stdin=text)
    assert done.code == 1
    assert "`y` needs" in done.err
    for memory, method in (("2.5MB", "differences"), ("1GB", "complex step")):
        done = shell("verify", "-", "--data", data, "--memory", memory, stdin=text)
        assert done.code == 0
        assert method in done.out
        assert "24 entries, 8 directions" in done.out
