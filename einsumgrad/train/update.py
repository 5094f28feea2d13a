"""An optimizer made for one program: an ordinary program that gives the next parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from einsumgrad.api import Program
from einsumgrad.check.check import check
from einsumgrad.check.sizes import sizes_given
from einsumgrad.diagnostics import NOWHERE, EinError, Fault
from einsumgrad.ir import nodes as ir
from einsumgrad.record import record
from einsumgrad.steps.starts import shape_of, start
from einsumgrad.syntax import tree as t
from einsumgrad.syntax.near import nearest
from einsumgrad.syntax.show import show
from einsumgrad.syntax.walk import walk
from einsumgrad.train.faults import NeverRead, NoRate, NothingToTrain, NoUpdate, UnknownHere
from einsumgrad.train.instantiate import instantiate
from einsumgrad.train.parameters import Parameter, parameters, told_apart
from einsumgrad.train.rule import GRAD, Rule, base, read_rule
from einsumgrad.train.versions import Versions, plain, versions
from einsumgrad.wrt import aliases

Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]


@record
class Update:
    """The update statements of one program.

    `statements`: as a reader sees them, written out for every parameter. `program`: the same with
    a version for each write, `W_new[j,i] = W[j,i] - …`. `takes`: the arrays that it reads. `last`:
    the output that holds a written tensor after a step. `states`: those that are no parameters and
    are kept from step to step. `rate`, `step`: the names of η and t."""

    statements: tuple[t.Statement, ...]
    program: Program
    takes: frozenset[str]
    last: Mapping[str, str]
    states: tuple[str, ...]
    rate: str
    step: str

    @property
    def lines(self) -> tuple[str, ...]:
        """The update statements as text."""
        return tuple(show(statement).strip() for statement in self.statements)

    def constants(self, params: Arrays, lr: float | None, dtype: str) -> dict[str, Array]:
        """The optimizer's constants, the step size η among them.

        Raises EinError if there is no η that could be `lr`, or none although it is read."""
        sizes = self._sizes(params)
        found = {}
        for tensor in self.program.ir.tensors:
            if tensor.kind == "const" and tensor.start is not None:
                value = start(tensor, self.program.ir, sizes, np.random.default_rng(0))
                found[tensor.name] = value.astype(dtype)
        if lr is not None:
            if self.rate not in self.takes:
                hint = "write `const η = 0.1` into it, or leave the step size out"
                raise EinError(NoRate(what=f"the optimizer has no `η` to be {lr:g}", hint=hint))
            found[self.rate] = np.asarray(lr, dtype)
        elif self.rate in self.takes - found.keys():
            hint = "give it with `--lr 0.1`, or write `const η = 0.1` into the optimizer"
            raise EinError(NoRate(what="nothing gives the step size `η`", hint=hint))
        return found

    def zeros(self, params: Arrays, dtype: str) -> dict[str, Array]:
        """The kept tensors before the first step."""
        sizes = self._sizes(params)
        tensors = (self.program.ir.tensor(name) for name in self.states)
        return {tensor.name: np.zeros(shape_of(tensor, sizes), dtype) for tensor in tensors}

    def _sizes(self, params: Arrays) -> dict[str, int]:
        shapes = {name: a.shape for name, a in params.items() if name in self.takes}
        return sizes_given(self.program.ir, {}, shapes)

    def after(
        self, kept: Arrays, grads: Arrays, given: Arrays, step: int, memory: int | None = None
    ) -> dict[str, Array]:
        """The kept tensors, parameters and states, after the step of that number, from 1."""
        slopes = {name + GRAD: grad for name, grad in grads.items()}
        known: dict[str, Any] = {self.step: step, **kept, **slopes, **given}
        taken = {name: array for name, array in known.items() if name in self.takes}
        found = self.program.run(taken, memory=memory)
        return {name: found[self.last[name]] if name in self.last else kept[name] for name in kept}


def make_update(program: ir.Program, optimizer: t.File) -> Update:
    """The update statements of an optimizer for a program.

    Raises EinError with places in the optimizer's file."""
    params = parameters(program)
    if not params:
        raise EinError(NothingToTrain())
    rule = read_rule(optimizer, params, aliases(program))
    params = told_apart(params, rule.scalars)
    statements = instantiate(rule, params)
    own = {name: p.indices for p in params for name in (p.name, p.name + GRAD)}
    made = versions(statements, own)
    _check_updates(optimizer, rule, made, params)
    states = tuple(name for name in made.kept if name not in own)
    results = {n: made.last[n] for n in (*(p.name for p in params), *states) if n in made.last}
    file = t.File(tuple(_items(rule, made, params, results)), optimizer.source)
    checked = check(file)
    _check_known(checked, program)
    takes = frozenset(x.name for x in checked.tensors if x.kind != "computed")
    return Update(statements, Program(checked), takes, results, states, rule.rate, rule.step)


def _items(
    rule: Rule, made: Versions, params: tuple[Parameter, ...], results: Mapping[str, str]
) -> Iterator[t.Item]:
    """Declarations and statements of the update program."""
    yield t.BatchDecl(None)
    yield from rule.declared
    inputs = tuple(_inputs(rule, made, params))
    if inputs:
        yield t.TensorDecl("input", inputs)
    yield t.TensorDecl("output", tuple(t.Declared(name, ()) for name in results.values()))
    yield from made.statements


def _inputs(rule: Rule, made: Versions, params: tuple[Parameter, ...]) -> Iterator[t.Declared]:
    """Everything that has a value before a step, with the indices that its first use names."""
    seen = _first_uses(made.statements)
    for param in params:
        for name in (param.name, param.name + GRAD):
            if name in seen:
                fits = len(seen[name]) == len(param.indices)
                yield t.Declared(name, seen[name] if fits else param.indices, span=param.span)
    own = {name for p in params for name in (p.name, p.name + GRAD)}
    for name, target in made.kept.items():
        if name not in own:
            yield t.Declared(name, plain(target), span=target.span)
    written = {s.target.name for s in made.statements}
    for name in (rule.rate, rule.step):
        if name in rule.scalars - rule.indices - rule.constants - written - own:
            yield t.Declared(name, ())


def _first_uses(statements: tuple[t.Statement, ...]) -> dict[str, tuple[str, ...]]:
    """For each tensor that is read, the indices of its first access that names all of them."""
    found: dict[str, tuple[str, ...]] = {}
    for node in (n for s in statements for n in walk(s)):
        match node:
            case t.Access(name, at) if len(plain(node)) == len(at) or name not in found:
                if len(found.get(name, ())) < len(plain(node)) or name not in found:
                    found[name] = plain(node)
            case t.Name(name):
                found.setdefault(name, ())
            case _:
                pass
    return found


def _check_updates(
    optimizer: t.File, rule: Rule, made: Versions, params: tuple[Parameter, ...]
) -> None:
    """Raises EinError if no statement writes a parameter, or if one writes what looks like a slip
    of a parameter's name."""
    names = [p.name for p in params]
    slips = [_slip(s.target, rule, names) for s in rule.statements]
    faults = [fault for fault in slips if fault is not None]
    if faults:
        raise EinError(*faults)
    if not any(name in made.last for name in names):
        span = rule.statements[0].span if rule.statements else NOWHERE
        hint = f"write `θ -= …`, or `{params[0].entry} -= …`"
        raise EinError(NoUpdate(span=span, file=optimizer.source.name, hint=hint))


def _slip(target: t.Access, rule: Rule, names: list[str]) -> Fault | None:
    """The fault of a write that nothing reads, to a name that is nearly a parameter's."""
    name = base(target.name)
    near = nearest(name, [n for n in names if n != name])
    read = {n for s in rule.statements if s.target.name != name for n in _read(s)}
    if name in {*names, *rule.each, *read} or not near:
        return None
    return NeverRead(span=target.span, name=name, near=near)


def _read(statement: t.Statement) -> Iterator[str]:
    for part in (statement.value, *statement.where):
        yield from (base(n.name) for n in walk(part) if isinstance(n, t.Name | t.Access))


def _check_known(update: ir.Program, program: ir.Program) -> None:
    """Raises EinError for every tensor that neither the program nor the optimizer gives."""
    unknown = [x for x in update.tensors if not x.declared and x.kind != "computed"]
    faults: list[Fault] = [_unknown(tensor, program) for tensor in unknown]
    if faults:
        raise EinError(*faults)


def _unknown(tensor: ir.Tensor, program: ir.Program) -> Fault:
    own, kinds = base(tensor.name), {x.name: x.kind for x in program.tensors}
    params = [name for name, kind in kinds.items() if kind == "param"]
    if own in params or GRAD in own:
        why = "it is given first derivatives only"
    elif own in kinds:
        what = {"input": "an input", "const": "a constant", "noise": "noise"}
        why = f"`{own}` is {what.get(kinds[own], 'computed')} in the program, no parameter"
    else:
        why = "it is no parameter of the program, and no statement gives it"
    near = nearest(own, params)
    hint = f"did you mean `{near}`?" if near else f"parameters are {', '.join(params)}"
    return UnknownHere(span=tensor.span, name=tensor.name, why=why, hint=hint)
