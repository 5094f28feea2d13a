"""The statements about θ, written out for every parameter of a program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from einsumgrad.diagnostics import Span
from einsumgrad.ir import nodes as ir
from einsumgrad.syntax import tree as t
from einsumgrad.syntax.walk import Part, with_parts
from einsumgrad.train.rule import GRAD, THETA, Rule, base


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter, the indices that its axes are written with, and where the program names it."""

    name: str
    indices: tuple[str, ...]
    span: Span


def parameters(program: ir.Program) -> tuple[Parameter, ...]:
    """The program's parameters; an axis that it names no index for gets a fresh one."""
    taken = {i.name for tensor in program.tensors for i in tensor.axes if i is not None}
    found = []
    for tensor in program.tensors:
        if tensor.kind == "param":
            names: list[str] = []
            for index in tensor.axes:
                name = "i" if index is None else index.name
                names.append(fresh(name, (taken if index is None else set()) | set(names)))
            found.append(Parameter(tensor.name, tuple(names), tensor.span))
    return tuple(found)


def fresh(name: str, taken: set[str] | frozenset[str]) -> str:
    """The name with as many primes as it needs to be none of the taken ones."""
    while name in taken:
        name += "'"
    return name


def instantiate(rule: Rule, params: tuple[Parameter, ...]) -> tuple[t.Statement, ...]:
    """The rule's statements; those about θ once for every parameter, a block of them at a time.

    θ is the parameter's entry, `m` computed from it is `m_W[j,i]`. An index that bears the name of
    a scalar of the rule gets a prime."""
    found: list[t.Statement] = []
    for each, block in groupby(rule.statements, key=rule.about_each):
        statements = tuple(block)
        if not each:
            found += statements
            continue
        for param in params:
            own = replace(param, indices=tuple(_indices(param, rule)))
            found += (_statement(s, own, rule.each) for s in statements)
    return tuple(found)


def _indices(param: Parameter, rule: Rule) -> Iterator[str]:
    taken: set[str] = set()
    for name in param.indices:
        new = fresh(name, rule.scalars | taken)
        taken.add(new)
        yield new


def _statement(statement: t.Statement, param: Parameter, each: frozenset[str]) -> t.Statement:
    found = _entries(statement, param, each)
    assert isinstance(found, t.Statement)
    return replace(found, indices=param.indices or None)


def _entries(node: Part, param: Parameter, each: frozenset[str]) -> Part:
    """The node with the parameter's entries for the names that stand for them."""
    match node:
        case t.Name(name, span) | t.Access(name, (), span) if base(name) in each:
            own = param.name if base(name) == THETA else f"{base(name)}_{param.name}"
            whole = own + (GRAD if name.endswith(GRAD) else "")
            if not param.indices and isinstance(node, t.Name):
                return t.Name(whole, span)
            return t.Access(whole, tuple(t.Name(i, span) for i in param.indices), span)
        case _:
            return with_parts(node, lambda part: _entries(part, param, each))
