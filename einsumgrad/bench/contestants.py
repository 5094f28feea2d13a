"""Who is timed: the program itself, and peers that run its translation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from einsumgrad.api import Program
from einsumgrad.bench.work import Array, Arrays, Work
from einsumgrad.check.sizes import axis_sizes, bind_sizes
from einsumgrad.ir import nodes as ir
from einsumgrad.peers.program import Function, translated
from einsumgrad.peers.steps import STEPS, Objective, Step
from einsumgrad.peers.table import Name, Peer, peer
from einsumgrad.pipeline import prepared
from einsumgrad.record import record
from einsumgrad.steps.engine import engine_of
from einsumgrad.verify.setting import per_example


@record
class Contestant:
    """A call that computes objective and gradients, and what it returned in NumPy: the gradients
    as LANGUAGE §8 has them, by the tensors' names."""

    name: str
    step: Step
    gradients: Callable[[Any], dict[str, Array]]


def ours(work: Work, engine: str = "auto") -> Contestant:
    """The program as its caller runs it: planned at the first call. Raises EinError if the engine
    needs what is not installed."""
    runs = engine_of(engine)
    if work.program.loss:
        program = Program(work.program, runs)
        step = partial(program.value_and_grad, work.arrays, wrt=work.wrt)
        return Contestant("einsumgrad", step, lambda found: dict(found[1]))
    run = partial(Program(work.derived, runs).run, work.given)
    return Contestant("einsumgrad", run, lambda found: _named(work, found))


def _named(work: Work, found: Mapping[str, Any]) -> dict[str, Array]:
    """The gradients among a derived program's results, 0 for what nothing depends on."""
    grads = {n: found.get(n + work.suffix) for n in work.wrt}
    return {
        n: np.zeros_like(work.arrays[n]) if g is None else np.asarray(g) for n, g in grads.items()
    }


def theirs(work: Work, name: Name) -> Contestant:
    """The program as a peer runs it, with the peer's own derivatives; NumPy, which has none, runs
    the derived program. Raises EinError if there is no such peer, or no translation."""
    found = peer(name, work.dtype)
    if name == "numpy":
        function = _translated(work, work.derived, work.given, found, work.wanted)
        step = _quiet(partial(function, work.given))
        return Contestant(name, step, lambda found: _named(work, found))
    function = _translated(work, work.program, work.arrays, found, work.outputs)
    given = {n: found.tools["array"](array) for n, array in work.arrays.items()}
    step = STEPS[name](found.module, function, _objective(work, found), given, work.wrt)
    return Contestant(name, step, lambda r: _scaled(work, r[1]))


def _translated(
    work: Work, program: ir.Program, given: Arrays, found: Peer, wanted: tuple[str, ...]
) -> Function:
    """A program of the work as a function of the peer's arrays, for the shapes of some arrays."""
    shapes = {name: array.shape for name, array in given.items()}
    sizes = bind_sizes(program, shapes)
    for tensor in (t for t in program.tensors if t.name in shapes):
        sizes |= zip(axis_sizes(tensor), shapes[tensor.name], strict=True)
    return translated(prepared(program), sizes, found, work.dtype, wanted)


def _quiet(step: Step) -> Step:
    """The step without NumPy's warnings: an entry that a mask drops may be anything."""

    def call() -> Any:
        with np.errstate(all="ignore"):
            return step()

    return call


def _objective(work: Work, found: Peer) -> Objective:
    """J of the outputs: the mean over the batch of a loss, or of outputs times cotangents."""
    if not work.cotangents:
        loss = work.outputs[0]
        return lambda results: results[loss].sum() * _part(work, loss, np.shape(results[loss]))
    weights = {
        n: found.tools["array"](a * _part(work, n, a.shape)) for n, a in work.cotangents.items()
    }
    return lambda results: sum((results[n] * w).sum() for n, w in weights.items())


def _part(work: Work, name: str, shape: tuple[int, ...]) -> float:
    return 1 / per_example(work.program, name, shape)


def _scaled(work: Work, grads: Mapping[str, Any]) -> dict[str, Array]:
    """Derivatives of J as gradients: of batched tensors, each example's own."""
    found = {name: np.asarray(grad) for name, grad in grads.items()}
    return {n: g * g.dtype.type(per_example(work.program, n, g.shape)) for n, g in found.items()}
