"""Derivatives along directions (LANGUAGE §9): tangents, Hessian-vector products, Hessians."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from einsumgrad.arrays import floating, leaves
from einsumgrad.data_faults import GivenTwice, HessianTooLarge, NoLoss, NoTangent, TangentShape
from einsumgrad.derive.forward import tangent_suffix
from einsumgrad.derive.gradients import gradient_suffix
from einsumgrad.diagnostics import EinError, Fault
from einsumgrad.ir import nodes as ir
from einsumgrad.pipeline import backward, tangents
from einsumgrad.plan.memory import Memory, free_memory, limit_of, readable
from einsumgrad.record import record, replace
from einsumgrad.session import Names, Session
from einsumgrad.wrt import aliases, parameters

Array = npt.NDArray[Any]
Blocks = dict[tuple[str, str], Array]


@record(eq=False)
class Directions(Session):
    """The calls that differentiate forwards."""

    def jvp(
        self,
        tangents: Mapping[str, Any],
        *,
        seed: int = 0,
        memory: Memory = None,
        **arrays: Any,
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """The outputs and the loss, and the tangents of each: their derivatives along the direction
        in which parameters and inputs move. `tangents`: that direction, for each name an array of
        its tensor's shape; what is not named stays. Every entry counts as it is: there is no mean.

        Raises EinError for tangents that fit no input and no parameter.

        >>> from einsumgrad import parse
        >>> parse("h[b] = w x[b]^2").jvp({"w": 1., "x": [0., 1.]}, w=3., x=[1., 2.])
        ({'h': array([ 3., 12.])}, {'h': array([ 1., 16.])})
        """
        names = self._wrt(tuple(tangents))
        given = _direction(self.ir, "jvp", "tangent", tangents, arrays)
        derived = self._tangents((), names)
        suffix = tangent_suffix(self.ir)
        primal = tuple(
            dict.fromkeys((*self.ir.outputs, *((self.ir.loss,) if self.ir.loss else ())))
        )
        dots = {name: name + suffix for name in primal if name + suffix in derived.outputs}
        every = {**arrays, **_read(derived, given, suffix)}
        found = self._run(derived, ("jvp", names), (*primal, *dots.values()), every, seed, memory)
        return {n: found[n] for n in primal}, {n: _moved(found, n, dots.get(n)) for n in primal}

    def hvp(
        self,
        vectors: Mapping[str, Any],
        wrt: Names | None = None,
        *,
        seed: int = 0,
        memory: Memory = None,
        **arrays: Any,
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """The gradients of the objective by `wrt` (default: the parameters), as `value_and_grad`
        gives them, and their derivatives along the vectors: for parameters, the Hessian times the
        vectors. `vectors`: for each name an array of its tensor's shape; what is not named stays.

        Raises EinError without a loss, or for vectors that fit no input and no parameter.

        >>> from einsumgrad import parse
        >>> parse("loss ℓ[b] = (w x[b])^2").hvp({"w": 1.}, w=3., x=[1., 2.])
        ({'w': array(15.)}, {'w': array(5.)})
        """
        along = self._wrt(tuple(vectors))
        names = parameters(self.ir) if wrt is None else self._wrt(wrt)
        given = _direction(self.ir, "hvp", "vector", vectors, arrays)
        derived = self._tangents(names, along)
        grads = {n: n + gradient_suffix(self.ir) for n in names}
        suffix = tangent_suffix(self.ir)
        dots = {n: g + suffix for n, g in grads.items() if g + suffix in derived.outputs}
        every = {**arrays, **_read(derived, given, suffix)}
        wanted = (*grads.values(), *dots.values())
        found = self._run(derived, ("hvp", names, along), wanted, every, seed, memory)
        moved = {n: _moved(found, g, dots.get(n)) for n, g in grads.items()}
        return {n: found[g] for n, g in grads.items()}, moved

    def hessian(
        self,
        wrt: Names | None = None,
        *,
        seed: int = 0,
        memory: Memory = None,
        **arrays: Any,
    ) -> Blocks:
        """The second derivatives of the objective by `wrt` (default: the parameters): for each pair
        (a, b) of names an array of the shape of a, then that of b; a run for each entry of b.

        What is batched has each example's own derivatives (LANGUAGE §8): a block with a batched
        tensor is B times the second derivative of J. So [a, b] is the derivative of `a.grad` by b,
        but for a parameter a and a batched b; and [b, a] is [a, b] with its axes exchanged.

        Raises EinError without a loss, or if the arrays do not fit `memory`, by default what is
        free.

        >>> from einsumgrad import parse
        >>> parse("loss ℓ[b] = (w x[b])^2").hessian(w=3., x=[1., 2.])
        {('w', 'w'): array(5.)}
        """
        names = parameters(self.ir) if wrt is None else self._wrt(wrt)
        held = leaves(self.ir).take(arrays)
        self._loss()
        dtype = np.dtype(floating(held))
        _check_fits({n: held[n] for n in names}, dtype, memory)
        blocks = {
            (a, b): np.zeros(held[a].shape + held[b].shape, dtype) for a in names for b in names
        }
        for b in names:
            for place in np.ndindex(held[b].shape):
                moved = self._column(names, b, place, held, seed, memory)
                for a, array in moved.items():
                    blocks[a, b][(..., *place)] = array * _examples(self.ir, a, b, held)
        return blocks

    # ---- behind the scenes

    def _loss(self) -> str:
        if self.ir.loss is None:
            raise EinError(NoLoss())
        return self.ir.loss

    def _tangents(self, grads: tuple[str, ...], along: tuple[str, ...]) -> ir.Program:
        """The program with tangents: of the gradients of the loss, or of the outputs and the loss,
        if none are asked for."""
        key = ("tangents", grads, along)
        if key not in self.derivatives:
            self.derivatives[key] = (
                self._of_gradients(grads, along) if grads else tangents(self.ir, along)
            )
        return self.derivatives[key]

    def _of_gradients(self, names: tuple[str, ...], along: tuple[str, ...]) -> ir.Program:
        self._loss()
        grads = tuple(name + gradient_suffix(self.ir) for name in names)
        derived = backward(self.ir, names, seeds=())
        return tangents(replace(derived, outputs=grads), along, of=grads)

    def _column(
        self,
        names: tuple[str, ...],
        along: str,
        place: tuple[int, ...],
        held: Mapping[str, Array],
        seed: int,
        memory: Memory,
    ) -> dict[str, Array]:
        """The derivatives of the gradients by one entry, of those that depend on it."""
        derived = self._tangents(names, (along,))
        suffix = tangent_suffix(self.ir)
        dots = {n: n + gradient_suffix(self.ir) + suffix for n in names}
        dots = {n: dot for n, dot in dots.items() if dot in derived.outputs}
        unit = np.zeros(held[along].shape, floating(held))
        unit[place] = 1
        every = {**held, **_read(derived, {along: unit}, suffix)}
        wanted = tuple(dots.values())
        found = self._run(derived, ("hessian", names, along), wanted, every, seed, memory)
        return {n: found[dot] for n, dot in dots.items()}


def _direction(
    program: ir.Program, call: str, what: str, given: Mapping[str, Any], arrays: Mapping[str, Any]
) -> dict[str, Any]:
    """The arrays of a direction by the tensors' own names. Raises EinError if there are none, one
    is there twice, or one has not the shape of its tensor's array."""
    spelled = aliases(program)
    there = {spelled.get(key, key): value for key, value in arrays.items()}
    found: dict[str, Any] = {}
    faults: list[Fault] = [] if given else [NoTangent(call=call, what=what)]
    for key, value in given.items():
        name = spelled[key]
        if name in found:
            faults.append(GivenTwice(name=name, how="once in ASCII"))
        found[name] = value
        shape, wanted = _shape(value), _shape(there.get(name))
        if name in there and shape and wanted and shape != wanted:
            faults.append(TangentShape(what=what, name=key, shape=shape, wanted=wanted))
    if faults:
        raise EinError(*faults)
    return found


def _shape(value: Any) -> str:
    """The shape of an array; empty for what is none."""
    try:
        return str(list(np.shape(value)))
    except ValueError:
        return ""


def _read(derived: ir.Program, given: Mapping[str, Any], suffix: str) -> dict[str, Any]:
    """The tangents that the program reads, by their names there."""
    known = {tensor.name for tensor in derived.tensors}
    return {name + suffix: v for name, v in given.items() if name + suffix in known}


def _moved(found: Mapping[str, Array], name: str, dot: str | None) -> Array:
    """The tangent of what was computed; 0 where nothing moves it."""
    return np.zeros(found[name].shape, floating(found)) if dot is None else found[dot]


def _check_fits(held: Mapping[str, Array], dtype: np.dtype[Any], memory: Memory) -> None:
    """Raises EinError if the blocks of a Hessian need more bytes than may be used."""
    count = sum(math.prod(array.shape) for array in held.values())
    allowed = limit_of(memory)
    limit = free_memory() if allowed is None else allowed
    if count**2 * dtype.itemsize > limit:
        names = ", ".join(f"`{name}`" for name in held)
        needed, most = readable(count**2 * dtype.itemsize), readable(limit)
        raise EinError(HessianTooLarge(names=names, count=count, needed=needed, limit=most))


def _examples(program: ir.Program, of: str, by: str, held: Mapping[str, Array]) -> int:
    """B for the derivative of an unbatched tensor's gradient by a batched tensor, else 1."""
    tensor = program.tensor(by)
    if program.batch is None or program.tensor(of).batched or not tensor.batched:
        return 1
    place = next(k for k, i in enumerate(tensor.axes) if i and i.size == program.batch.size)
    return int(held[by].shape[place])
