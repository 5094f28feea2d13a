"""What the API's calls share: a program with what was derived of it, and its runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any

import numpy as np
import numpy.typing as npt

from einsumgrad.arrays import floating, leaves
from einsumgrad.data_faults import BadArgument, Cotangents
from einsumgrad.derive.gradients import gradient_suffix
from einsumgrad.diagnostics import EinError
from einsumgrad.evaluate import batch_axis
from einsumgrad.ir.nodes import Program as Ir
from einsumgrad.pipeline import backward, prepared
from einsumgrad.plan.memory import Memory, limit_of
from einsumgrad.record import record
from einsumgrad.steps.engine import Engine, automatic
from einsumgrad.steps.runner import Runner
from einsumgrad.wrt import aliases, check_wrt

Array = npt.NDArray[Any]
Names = tuple[str, ...] | list[str] | str


@record
class Sweep:
    """A derived program, under which key its runs are kept and which tensors they return; each
    name's gradient; which axis of the loss is the batch."""

    derived: Ir
    key: object
    wanted: tuple[str, ...]
    grads: tuple[tuple[str, str], ...]
    batch: int | None


@record(eq=False)
class Session:
    """A program for many calls.

    `ir`: its intermediate representation. `engine`: what runs it. Kept for the next call: what was
    derived, plans for the shapes and dtypes that were seen, names that were found to have
    derivatives."""

    ir: Ir
    engine: Engine = field(default_factory=automatic)
    runners: dict[object, Runner] = field(default_factory=dict, repr=False)
    derivatives: dict[object, Ir] = field(default_factory=dict, repr=False)
    asked: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict, repr=False)
    sweeps: dict[tuple[str, ...], Sweep] = field(default_factory=dict, repr=False)

    def _kind(self, kind: str) -> tuple[str, ...]:
        return tuple(t.name for t in self.ir.tensors if t.kind == kind)

    def _wrt(self, wrt: Names) -> tuple[str, ...]:
        """The names, each that of a leaf which has a derivative."""
        known = self._known(wrt)
        if known is not None:
            return known
        names = (wrt,) if isinstance(wrt, str) else wrt
        if not isinstance(names, Iterable) or not all(isinstance(n, str) for n in names):
            wanted = "the name of a tensor, or several names"
            raise EinError(BadArgument(name="wrt", value=repr(wrt), wanted=wanted))
        asked = tuple(names)
        if asked not in self.asked:
            self.asked[asked] = check_wrt(self.ir, asked)
        return self.asked[asked]

    def _known(self, wrt: Names) -> tuple[str, ...] | None:
        """The names of a tuple that was asked for before."""
        try:
            return self.asked.get(wrt) if isinstance(wrt, tuple) else None
        except TypeError:  # something in it is no name
            return None

    def _check_seeds(self, seeds: tuple[str, ...]) -> None:
        there = (*self.ir.outputs, *((self.ir.loss,) if self.ir.loss else ()))
        for name in seeds:
            if name not in there:
                hint = f"outputs are {', '.join(f'`{n}`' for n in there)}"
                raise EinError(Cotangents(what=f"`{name}` is no output of the program", hint=hint))
        if not seeds:
            raise EinError(Cotangents(what="vjp needs the cotangent of at least one output"))

    def _derived(self, names: tuple[str, ...], seeds: tuple[str, ...] | None) -> Ir:
        key = (names, seeds)
        if key not in self.derivatives:
            self.derivatives[key] = backward(self.ir, names, seeds=seeds)
        return self.derivatives[key]

    def _wanted(self, derived: Ir, names: tuple[str, ...]) -> tuple[str, ...]:
        suffix = gradient_suffix(self.ir)
        grads = tuple(n + suffix for n in names if n + suffix in derived.outputs)
        return (*((self.ir.loss,) if self.ir.loss else ()), *grads)

    def _sweep(self, names: tuple[str, ...]) -> Sweep:
        """What a call for the loss and its gradients by these names runs."""
        held = self.sweeps.get(names)
        if held is None:
            derived = self._derived(names, ())
            suffix = gradient_suffix(self.ir)
            held = self.sweeps[names] = Sweep(
                derived, ("grad", names), self._wanted(derived, names),
                tuple((n, n + suffix) for n in names), batch_axis(self.ir),
            )  # fmt: skip
        return held

    def _named(
        self, found: Mapping[str, Array], names: tuple[str, ...], arrays: Mapping[str, Any]
    ) -> dict[str, Array]:
        """The gradients by their tensors' names; 0 for what nothing depends on."""
        suffix = gradient_suffix(self.ir)
        grads = {n: found[n + suffix] for n in names if n + suffix in found}
        if len(grads) == len(names):
            return grads
        spelled = aliases(self.ir)
        given = {spelled.get(key, key): np.asarray(value) for key, value in arrays.items()}
        dtype = floating(given)
        return {n: grads[n] if n in grads else np.zeros(given[n].shape, dtype) for n in names}

    def _run(
        self,
        program: Ir,
        key: object,
        wanted: tuple[str, ...],
        arrays: Mapping[str, Any],
        seed: int,
        memory: Memory,
    ) -> dict[str, Array]:
        memory = None if memory is None else limit_of(memory)
        runner = self.runners.get((key, memory))
        if runner is None:
            ready = prepared(program)
            runner = Runner(ready, leaves(program), memory, self.engine)
            self.runners[key, memory] = runner
        return runner.run(arrays, wanted, seed)
