"""The engines: how a plan becomes a step."""

from __future__ import annotations

from dataclasses import field
from importlib.util import find_spec

from einsumgrad.data_faults import BadArgument, MissingExtra
from einsumgrad.diagnostics import EinError
from einsumgrad.emit.script import script
from einsumgrad.plan.nodes import Plan
from einsumgrad.record import record
from einsumgrad.steps.blas import blas
from einsumgrad.steps.compiled import compiled
from einsumgrad.steps.memory import Compiled
from einsumgrad.steps.native import registers
from einsumgrad.steps.workers import Workers, cores
from einsumgrad.tune.elementary import elementary
from einsumgrad.tune.loops import readied
from einsumgrad.tune.tune import tuned
from einsumgrad.tune.worth import Cores, in_strips

ENGINES = ("auto", "fused", "numpy")
WORTH = 1e-4
"""Seconds of a step from which on it is worth being compiled, which takes some thousand times that,
once."""
NEEDED = ("llvmlite", "platformdirs")
"""Packages of the extra `fast`."""


@record
class Engine:
    """`numpy`: NumPy's functions over parts that fit the cache. `fused`: elementwise steps and
    reductions compiled to loops, the batch shared by the workers. `auto`: that of them which is
    sooner done with a plan that runs a few hundred times. `reuse`: results lie in the memory that a
    later call works in."""

    name: str = "numpy"
    workers: Workers = field(default_factory=lambda: Workers(cores(), blas()))
    reuse: bool = False

    def compiled(self, plan: Plan) -> Compiled:
        """The step of a plan."""
        made = tuned(plan)
        if self.name == "numpy":
            return self._numpys(made)
        from einsumgrad.fused.groups import fused
        from einsumgrad.fused.rules import ruled
        from einsumgrad.fused.worth import costs, shared

        if self.name == "auto" and costs(made, made.steps, compiled=False).alone(1) < WORTH:
            return self._numpys(made)
        found = fused(shared(ruled(made), self.workers.count))
        cores = self.workers.count
        made_for = script(found, reuse=self.reuse, registers=registers(), cores=cores)
        return compiled(made_for, self.workers)

    def _numpys(self, plan: Plan) -> Compiled:
        """The step by NumPy's functions alone."""
        cores = Cores(self.workers.count, self.workers.blas is not None)
        found = in_strips(readied(elementary(plan)), cores)
        return compiled(script(found, reuse=self.reuse), self.workers)


def engine_of(name: str, *, reuse: bool = False) -> Engine:
    """The engine of a name; `auto`: `fused` where that gains, if what it needs is installed. Raises
    EinError if there is none of that name, or if it needs what is not installed."""
    if name not in ENGINES:
        wanted = "one of " + ", ".join(f'"{engine}"' for engine in ENGINES)
        raise EinError(BadArgument(name="engine", value=repr(name), wanted=wanted))
    if name == "numpy":
        return Engine(reuse=reuse)
    missing = [package for package in NEEDED if find_spec(package) is None]
    if missing and name == "auto":
        return Engine(reuse=reuse)
    if missing:
        what = 'engine="fused"'
        raise EinError(MissingExtra(what=what, package=missing[0], extra="fast"))
    return Engine(name, reuse=reuse)


def automatic() -> Engine:
    """The engine where nobody asks for one."""
    return engine_of("auto")
