"""Derived gradients held against the objective itself (LANGUAGE §10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from einsumgrad.data_faults import NothingToVerify
from einsumgrad.derive.gradients import gradient_suffix
from einsumgrad.derive.reverse import default_wrt
from einsumgrad.diagnostics import EinError
from einsumgrad.ir import nodes as ir
from einsumgrad.record import record
from einsumgrad.verify.checks import Checks, Method, check_gradient
from einsumgrad.verify.counts import decide_only
from einsumgrad.verify.setting import Setting, gradients, make_setting, per_example, seeds


@record
class Row:
    """One gradient held against complex steps or differences.

    `entries` single entries and `directions` random ones were checked; of these checks, `kinks`
    have no derivative, `unclear` ones no difference could decide, and `wrong` ones failed.
    `absolute`, `relative`: the largest errors. `zero`: all that was derived and measured is 0."""

    name: str
    indices: tuple[str, ...]
    shape: tuple[int, ...]
    method: Method
    entries: int
    directions: int
    absolute: float
    relative: float
    kinks: int
    unclear: int
    wrong: int
    zero: bool

    @property
    def ok(self) -> bool:
        return not self.wrong

    @property
    def decided(self) -> bool:
        """Whether any check decided something, or there was nothing to decide."""
        checks = self.entries + self.directions
        return not checks or checks > self.kinks + self.unclear


@record
class Verification:
    """A row for every gradient, and where they were checked. `suffix`: what a gradient's name ends
    in. `conditions`: leaves that only conditions read, by which there is nothing to check."""

    rows: tuple[Row, ...]
    setting: Setting
    suffix: str
    conditions: tuple[str, ...] = ()

    @property
    def vacuous(self) -> bool:
        """Whether the objective and all gradients are 0, so that a wrong one might be right."""
        return self.setting.forward.size == 0 and all(row.zero for row in self.rows)

    @property
    def ok(self) -> bool:
        return all(row.ok for row in self.rows)


def verify(
    program: ir.Program,
    arrays: Mapping[str, Any] | None = None,
    *,
    wrt: tuple[str, ...] | None = None,
    seed: int = 0,
    sizes: Mapping[str, int] | None = None,
    tolerance: float | None = None,
    memory: int | None = None,
) -> Verification:
    """Every gradient by `wrt` (default: parameters and inputs, but for what only conditions read)
    against complex steps, or central differences where a function does not allow those, in float64.

    `arrays`, `sizes`: what is not given is drawn by the seed. Without a loss the outputs' `.grad`
    are drawn too, unless `arrays` has them. `tolerance`: the relative error that passes; None:
    1e-6 and what the method itself may be off by.

    Raises EinError if arrays do not fit, if nothing has a derivative, or if the objective is not
    finite where it was to be checked.

    >>> from einsumgrad import parse
    >>> found = verify(parse("loss ℓ[b] = (w x[b])^2").ir)
    >>> [(row.name, row.method, row.ok) for row in found.rows]
    [('w', 'complex step', True), ('x', 'complex step', True)]
    """
    names, conditions = _checkable(program) if wrt is None else (wrt, ())
    if not names or not seeds(program):
        raise EinError(NothingToVerify())
    setting = make_setting(program, arrays or {}, sizes or {}, seed, memory)
    rng = np.random.default_rng(seed)
    rows = []
    for name, gradient in gradients(program, names, setting, memory).items():
        factor = per_example(program, name, gradient.shape)
        checks = check_gradient(setting.forward, name, gradient, factor, rng)
        rows.append(_row(program.tensor(name), gradient.shape, checks, tolerance))
    return Verification(tuple(rows), setting, gradient_suffix(program), conditions)


def _checkable(program: ir.Program) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The leaves with a derivative, and those of them that nothing but conditions reads."""
    deciding = decide_only(program)
    names = default_wrt(program)
    return (
        tuple(name for name in names if name not in deciding),
        tuple(name for name in names if name in deciding),
    )


def _row(tensor: ir.Tensor, shape: tuple[int, ...], checks: Checks, tolerance: float | None) -> Row:
    names = tuple(index.name if index else "·" for index in tensor.axes)
    directions = len(checks.every) - checks.entries
    unclear = len(checks.every) - len(checks.decided) - checks.kinks
    return Row(
        tensor.name, names, shape, checks.method, checks.entries, directions, checks.absolute,
        checks.relative, checks.kinks, unclear, checks.wrong(tolerance), checks.zero,
    )  # fmt: skip
