"""What an optimizer's file says: which statements are about θ, and the names that it uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from einsumgrad.diagnostics import EinError, Fault
from einsumgrad.syntax import tree as t
from einsumgrad.syntax.walk import Part, parts, walk, with_parts
from einsumgrad.train.faults import OneEntry, OptimizerDeclares

THETA, RATE, STEP, GRAD = "θ", "η", "t", ".grad"
PLAIN = {"theta": THETA, "theta.grad": THETA + GRAD, "eta": RATE}
"""The ASCII spellings that an optimizer may use."""


@dataclass(frozen=True, slots=True)
class Rule:
    """An optimizer, its names in the program's spelling.

    `declared`: what it declares itself. `each`: the names that stand for one entry of every
    parameter, θ and what is computed from it. `scalars`: all names without indices, those of
    `each` left out. `indices`: its own indices."""

    source: t.File
    declared: tuple[t.Item, ...]
    statements: tuple[t.Statement, ...]
    each: frozenset[str]
    scalars: frozenset[str]
    indices: frozenset[str]

    def about_each(self, statement: t.Statement) -> bool:
        """Whether a statement is about θ, directly or through what is computed from it."""
        named = (statement.target.name,) if not statement.target.at else ()
        return any(base(n) in self.each for n in (*named, *(n.name for n in bare(statement))))


def read_rule(file: t.File, spelled: Mapping[str, str]) -> Rule:
    """The rule of an optimizer's file; `spelled` gives the names of the program's tensors.

    Raises EinError for declarations that an optimizer cannot have, and for statements about θ
    that name indices."""
    items = tuple(_spelled(item, spelled) for item in file.items)
    statements = tuple(item for item in items if isinstance(item, t.Statement))
    declared = tuple(item for item in items if not isinstance(item, t.Statement))
    faults: list[Fault] = [f for item in declared for f in _refused(item)]
    each = _each(statements)
    indices = frozenset(n for s in statements for n in index_names(s))
    scalars = {n.name for s in statements for n in bare(s)}
    scalars |= {s.target.name for s in statements if not s.target.at}
    rule = Rule(file, declared, statements, each, frozenset(scalars - each), indices)
    faults += [f for s in statements if rule.about_each(s) for f in _one_entry(s)]
    if faults:
        raise EinError(*faults)
    return rule


def base(name: str) -> str:
    """The tensor whose gradient a name is, or the name itself."""
    return name.removesuffix(GRAD)


def bare(statement: t.Statement) -> Iterator[t.Name]:
    """The names that a statement reads outside index positions."""
    for top in (statement.value, *statement.where):
        yield from _bare(top)


def _bare(node: Part) -> Iterator[t.Name]:
    if isinstance(node, t.Name):
        yield node
    elif not isinstance(node, t.Access):
        for part in parts(node):
            yield from _bare(part)


def index_names(statement: t.Statement) -> Iterator[str]:
    """The names that a statement can only use as indices."""
    yield from statement.indices or ()
    for node in walk(statement):
        match node:
            case t.Access(at=at):
                yield from (n.name for part in at for n in _bare(part))
            case t.Operator(indices=indices):
                yield from indices
            case t.SizeOf(index):
                yield index
            case _:
                pass


def _spelled(node: Part, spelled: Mapping[str, str]) -> t.Item:
    """The item with every name in the spelling of the program."""

    def change(part: Part) -> Part:
        part = with_parts(part, change)
        match part:
            case t.Name(name):
                return replace(part, name=_name(name, spelled, scalar=True))
            case t.Access(name, at):
                return replace(part, name=_name(name, spelled, scalar=not at))
            case t.Declared(name):
                return replace(part, name=PLAIN.get(name, name))
            case _:
                return part

    found = change(node)
    assert isinstance(found, t.Item)
    return found


def _name(name: str, spelled: Mapping[str, str], *, scalar: bool) -> str:
    if scalar and name in PLAIN:
        return PLAIN[name]
    own = base(name)
    return spelled[own] + name[len(own) :] if own in spelled else name


def _each(statements: tuple[t.Statement, ...]) -> frozenset[str]:
    """θ, and the scalars that a statement computes from it."""
    found = {THETA}
    while True:
        more = {
            base(s.target.name)
            for s in statements
            if not s.target.at and any(base(n.name) in found for n in bare(s))
        }
        if more <= found:
            return frozenset(found)
        found |= more


def _refused(item: t.Item) -> Iterator[Fault]:
    match item:
        case t.TensorDecl(kind) if kind != "const":
            yield OptimizerDeclares(span=item.span, kind=kind)
        case t.BatchDecl():
            yield OptimizerDeclares(span=item.span, kind="batch")
        case _:
            pass


def _one_entry(statement: t.Statement) -> Iterator[Fault]:
    """A statement about θ has no loops of its own."""
    example = "for j,i  W[j,i] -= η W.grad[j,i]"
    if statement.indices is not None:
        yield OneEntry(span=statement.span, what="no `for`", example=example)
    elif statement.target.at:
        yield OneEntry(span=statement.target.span, what="no indices", example=example)
    for node in walk(statement):
        if isinstance(node, t.Operator):
            example = "n = Σ_{j,i} W.grad[j,i]^2"
            what = f"no `{node.op}` over an index"
            yield OneEntry(span=node.span, what=what, example=example)
