"""The statements about θ, written out for every parameter of a program."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from einsumgrad.record import replace
from einsumgrad.syntax import tree as t
from einsumgrad.syntax.walk import Part, with_parts
from einsumgrad.train.parameters import Parameter, fresh
from einsumgrad.train.rule import THETA, Rule, base


def instantiate(rule: Rule, params: tuple[Parameter, ...]) -> tuple[t.Statement, ...]:
    """The rule's statements; those about θ once for every parameter, a block of them at a time.

    θ is the parameter's entry, `m` computed from it is `m_W[j,i]`."""
    found: list[t.Statement] = []
    copies = _copies(rule, params)
    for each, block in groupby(rule.statements, key=rule.about_each):
        statements = tuple(block)
        if not each:
            found += statements
            continue
        for param in params:
            found += (_statement(s, param, copies[param.name]) for s in statements)
    return tuple(found)


def _copies(rule: Rule, params: tuple[Parameter, ...]) -> dict[str, dict[str, str]]:
    """For each parameter, what stands for θ and for all that is computed from it."""
    taken = {p.name for p in params} | rule.scalars
    found = {p.name: {THETA: p.name} for p in params}
    for param in params:
        for name in sorted(rule.each - {THETA}):
            copy = fresh(f"{name}_{param.name}", taken)
            taken.add(copy)
            found[param.name][name] = copy
    return found


def _statement(
    statement: t.Statement, param: Parameter, names: Mapping[str, str]
) -> t.Statement:  # fmt: skip
    found = _entries(statement, param.indices, names)
    assert isinstance(found, t.Statement)
    return replace(found, indices=param.indices or None)


def _entries(node: Part, indices: tuple[str, ...], names: Mapping[str, str]) -> Part:
    """The node with the parameter's entries for the names that stand for them."""
    match node:
        case t.Name(name, span) | t.Access(name, (), span) if base(name) in names:
            own = names[base(name)] + name[len(base(name)) :]
            if not indices and isinstance(node, t.Name):
                return t.Name(own, span)
            return t.Access(own, tuple(t.Name(i, span) for i in indices), span)
        case _:
            return with_parts(node, lambda part: _entries(part, indices, names))
