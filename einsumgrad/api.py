"""The Python API (LANGUAGE §9)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from einsumgrad.data_faults import BadArgument, NoLoss
from einsumgrad.derive.gradients import gradient_suffix
from einsumgrad.derive.reverse import default_wrt
from einsumgrad.diagnostics import EinError
from einsumgrad.directions import Directions
from einsumgrad.evaluate import averaged
from einsumgrad.initial import initial
from einsumgrad.pipeline import backward, checked, tangents
from einsumgrad.plan.memory import Memory
from einsumgrad.record import record
from einsumgrad.reflect.ascii import ascii_program
from einsumgrad.reflect.reflect import reflect
from einsumgrad.session import Array, Names
from einsumgrad.steps.engine import engine_of
from einsumgrad.syntax.parse import decode
from einsumgrad.syntax.read import read_bytes
from einsumgrad.syntax.show import show
from einsumgrad.wrt import aliases, parameters


def load(path: str | Path, *, engine: str = "auto", reuse_buffers: bool = False) -> Program:
    """The program of a `.ein` file. Raises EinError if it cannot be read or is wrong.

    `engine`: what runs it: "numpy", with NumPy alone; "fused", whose loops are compiled and which
    shares a batch among the cores, with the packages of `einsumgrad[fast]`; "auto", the second of
    them where it is installed. `reuse_buffers`: results are arrays that a later call overwrites;
    else each call makes new ones."""
    made = checked(decode(read_bytes(str(path)), str(path)), str(path))
    return Program(made, engine_of(engine, reuse=reuse_buffers))


def parse(
    text: str, filename: str = "<text>", *, engine: str = "auto", reuse_buffers: bool = False
) -> Program:
    """The program of a text. Raises EinError with every fault of it, up to 20 shown. `engine` and
    `reuse_buffers`: see `load`.

    >>> program = parse("for b,i,j  h[b,j] += W[j,i] x[b,i]")
    >>> program.inputs, program.params, program.outputs
    (('x',), ('W',), ('h',))
    """
    if not isinstance(text, str):
        wanted = "a text; `load` reads a file"
        raise EinError(BadArgument(name="text", value=type(text).__name__, wanted=wanted))
    return Program(checked(text, filename), engine_of(engine, reuse=reuse_buffers))


@record(eq=False)
class Program(Directions):
    """A checked program that can be run, differentiated and printed. It keeps what was derived and
    planned for the next call."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the inputs, in order."""
        return self._kind("input")

    @property
    def params(self) -> tuple[str, ...]:
        """The names of the parameters, in order."""
        return self._kind("param")

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of what a run returns besides the loss."""
        return self.ir.outputs

    @property
    def loss(self) -> str | None:
        """The name of the loss, None without one."""
        return self.ir.loss

    def __str__(self) -> str:
        return self.to_source()

    def to_source(self, *, ascii: bool = False) -> str:
        """The program as `.ein` text; `ascii`: with ASCII names only.

        >>> print(parse("s[b] = σ(x[b])").to_source(ascii=True), end="")
        s[b] = sigmoid(x[b])
        """
        if ascii:
            return show(reflect(ascii_program(self.ir)), ascii=True)
        return show(reflect(self.ir))

    def run(
        self,
        given: Mapping[str, Any] | None = None,
        /,
        *,
        seed: int = 0,
        memory: Memory = None,
        **arrays: Any,
    ) -> dict[str, Array]:
        """The outputs and the loss, by name.

        Arrays are given by the names of inputs and parameters, in Unicode or ASCII, as keywords or
        in a mapping (for a tensor named `seed`, say); their shapes give the sizes. `seed`: draws
        noise that is not given. `memory`: what may be allocated, bytes or `"2GB"`, by default all
        that is free. Raises EinError for arrays that do not fit the program.

        >>> parse("h[b] += w[i] x[b,i]").run(x=[[1., 2.]], w=[3., 4.])
        {'h': array([11.])}
        """
        wanted = tuple(dict.fromkeys((*self.outputs, *((self.loss,) if self.loss else ()))))
        return self._run(self.ir, "run", wanted, {**(given or {}), **arrays}, seed, memory)

    def value_and_grad(
        self,
        given: Mapping[str, Any] | None = None,
        /,
        *,
        wrt: Names | None = None,
        seed: int = 0,
        memory: Memory = None,
        **arrays: Any,
    ) -> tuple[float, dict[str, Array]]:
        """The objective J and the gradients by `wrt` (default: the parameters), each of its
        tensor's shape: the mean over the batch for tensors without a batch index (LANGUAGE §8).

        Raises EinError without a loss, or for names that have no derivative.

        >>> program = parse("loss ℓ[b] = (w x[b])^2")
        >>> program.value_and_grad(w=3., x=[1., 2.])
        (22.5, {'w': array(15.)})
        """
        if self.loss is None:
            raise EinError(NoLoss())
        names = parameters(self.ir) if wrt is None else self._wrt(wrt)
        sweep = self._sweep(names)
        arrays = {**(given or {}), **arrays}
        found = self._run(sweep.derived, sweep.key, sweep.wanted, arrays, seed, memory)
        value = averaged(found[self.loss], sweep.batch)
        if len(found) > len(names):
            return value, {name: found[grad] for name, grad in sweep.grads}
        return value, self._named(found, names, arrays)

    def vjp(
        self,
        cotangents: Mapping[str, Any],
        wrt: Names | None = None,
        *,
        seed: int = 0,
        memory: Memory = None,
        **arrays: Any,
    ) -> dict[str, Array]:
        """The gradients by `wrt` (default: parameters and inputs), given those of some outputs.

        Raises EinError for cotangents of what is no output.

        >>> parse("h[b] += w[i] x[b,i]").vjp({"h": [1.]}, x=[[1., 2.]], w=[3., 4.])
        {'w': array([1., 2.]), 'x': array([[3., 4.]])}
        """
        names = default_wrt(self.ir) if wrt is None else self._wrt(wrt)
        spelled = aliases(self.ir)
        seeds = tuple(spelled.get(name, name) for name in cotangents)
        self._check_seeds(seeds)
        suffix = gradient_suffix(self.ir)
        given = {s + suffix: v for s, v in zip(seeds, cotangents.values(), strict=True)}
        derived = self._derived(names, seeds)
        used = {t.name for t in derived.tensors}
        given = {name: value for name, value in given.items() if name in used}
        every = {**arrays, **given}
        wanted = tuple(n + suffix for n in names if n + suffix in derived.outputs)
        found = self._run(derived, ("vjp", names, seeds), wanted, every, seed, memory)
        return self._named(found, names, arrays)

    def derive(self, wrt: Names | None = None) -> Program:
        """The forward-and-backward program (default: by parameters and inputs), itself a Program.

        >>> print(parse("for b,i,j  h[b,j] += W[j,i] x[b,i]").derive("x"), end="")
        for b,i,j  h[b,j] += W[j,i] x[b,i]
        for b,i,j  x.grad[b,i] += h.grad[b,j] W[j,i]
        """
        return Program(backward(self.ir, None if wrt is None else self._wrt(wrt)), self.engine)

    def derive_forward(self, wrt: Names | None = None) -> Program:
        """The forward program followed by the tangents (default: by parameters and inputs), itself
        a Program: `NAME.dot` for all that depends on `wrt`, whose own `.dot` are inputs.

        >>> print(parse("for b,i,j  h[b,j] += W[j,i] x[b,i]").derive_forward("x"), end="")
        for b,i,j  h[b,j] += W[j,i] x[b,i]
        for b,i,j  h.dot[b,j] += W[j,i] x.dot[b,i]
        """
        return Program(tangents(self.ir, None if wrt is None else self._wrt(wrt)), self.engine)

    def per_example(self, wrt: Names | None = None) -> Program:
        """Likewise (default: by the parameters), with their gradients kept apart for each b.

        Raises EinError if a statement mixes examples."""
        names = parameters(self.ir) if wrt is None else self._wrt(wrt)
        return Program(backward(self.ir, names, per_example=True), self.engine)

    def init(self, seed: int = 0, *, dtype: str = "float64", **sizes: Any) -> dict[str, Array]:
        """The parameters as training starts them. `sizes`: numbers for sizes that the program does
        not give, by name (`I=784`), or arrays whose shapes give them (`x=images`).

        Raises EinError for a size that nothing gives.

        >>> parse("for b,i,j  h[b,j] += W[j,i] x[b,i]").init(I=3, J=2)["W"].shape
        (2, 3)
        """
        return initial(self.ir, sizes, seed, dtype)
