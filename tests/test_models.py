"""Examples as they are used: trained by the command, and found from their table."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from trained import EXAMPLES, ROOT, arrays, epochs, example

TABLE = EXAMPLES / "README.md"


def trained(command: str) -> list[float]:
    """The accuracies that a command `einsumgrad train …`, run at the root, prints."""
    words = [sys.executable, "-m", *shlex.split(command)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [float(found) for found in re.findall(r"accuracy ([\d.]+) %", done.stdout)]


def test_the_cnn_learns_within_an_epoch() -> None:
    few = arrays("digits_train", 640)
    (epoch,) = epochs(example("cnn"), few, optimizer="adam", lr=0.004, batch=16, epochs=1)
    assert epoch.accuracy is not None
    assert epoch.accuracy > 0.7


@pytest.mark.slow
def test_the_cnn_reads_98_of_100_digits() -> None:
    """By the command in the table of the examples."""
    text = TABLE.read_text(encoding="utf-8")
    (command,) = re.findall(r"^einsumgrad train examples/cnn\.ein .*", text, re.MULTILINE)
    found = trained(command)
    assert len(found) == 20
    assert found[-1] >= 98


def test_a_gan_takes_turns_by_update_rules(tmp_path: Path) -> None:
    """Rules that name the generator's parameters leave the discriminator's as they are."""
    rules = tmp_path / "generator.ein"
    rules.write_text("U[i,k] -= η U.grad[i,k]\nd[i] -= η d.grad[i]\n", encoding="utf-8")
    np.savez(tmp_path / "data.npz", x=np.random.default_rng(0).uniform(size=(20, 3)))
    start, end = tmp_path / "start.npz", tmp_path / "end.npz"
    for saved, count in ((start, 0), (end, 2)):
        options = f"--optimizer {rules} --lr 0.1 --epochs {count} --save {saved}"
        trained(f"einsumgrad train examples/gan.ein --data {tmp_path}/data.npz {options}")
    with np.load(start) as before, np.load(end) as after:
        moved = {name for name in before.files if np.any(before[name] != after[name])}
    assert moved == {"U", "d"}


def test_the_table_has_every_example_once() -> None:
    listed = re.findall(r"^\| \[(\w+)\.ein\]\(\1\.ein\) \| .+ \|$", TABLE.read_text("utf-8"), re.M)
    assert sorted(listed) == sorted(path.stem for path in EXAMPLES.glob("*.ein"))
