"""Optimizers: `.ein` files of update statements, three of them in the package."""

from __future__ import annotations

from pathlib import Path

from einsumgrad.diagnostics import EinError
from einsumgrad.syntax import tree as t
from einsumgrad.syntax.near import nearest
from einsumgrad.syntax.parse import decode, parse
from einsumgrad.syntax.read import read_bytes
from einsumgrad.train.faults import NoOptimizer

NAMES = ("sgd", "momentum", "adam")
FOLDER = Path(__file__).resolve().parent.parent / "optimizers"


def read_optimizer(name: str) -> t.File:
    """The statements of `sgd`, `momentum`, `adam`, or of a `.ein` file.

    Raises EinError if there is no such optimizer, or if the file cannot be read or parsed.

    >>> [type(item).__name__ for item in read_optimizer("sgd").items]
    ['TensorDecl', 'Statement']
    """
    if name in NAMES:
        return _read(str(FOLDER / f"{name}.ein"), f"{name}.ein")
    if not name.endswith(".ein") and not Path(name).is_file():
        near = nearest(name, NAMES)
        meant = f"did you mean `{near}`? " if near else ""
        hint = f"{meant}there are {', '.join(NAMES)}, or a file of your own, `NAME.ein`"
        raise EinError(NoOptimizer(name=name, hint=hint))
    return _read(name, name)


def _read(path: str, name: str) -> t.File:
    return parse(decode(read_bytes(path), name), name)
