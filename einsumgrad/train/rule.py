"""What an optimizer's file says: which statements are about θ, and the names that it uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from einsumgrad.diagnostics import EinError, Fault
from einsumgrad.record import record, replace
from einsumgrad.syntax import tree as t
from einsumgrad.syntax.walk import Part, parts, walk, with_parts
from einsumgrad.train.faults import OneEntry, OptimizerDeclares
from einsumgrad.train.parameters import Parameter, fresh

THETA, RATE, STEP, GRAD = "θ", "η", "t", ".grad"
PLAIN = {"theta": THETA, "eta": RATE}
"""The ASCII spellings that an optimizer may use."""


@record
class Rule:
    """An optimizer with its names told apart from those of the program.

    `declared`: what it declares itself. `each`: the names that stand for one entry of every
    parameter, θ and what is computed from it. `scalars`: all other names without indices.
    `indices`: its own indices. `rate`, `step`: what it calls η and t, empty if it does not."""

    declared: tuple[t.Item, ...]
    statements: tuple[t.Statement, ...]
    each: frozenset[str]
    scalars: frozenset[str]
    indices: frozenset[str]
    rate: str
    step: str

    def about_each(self, statement: t.Statement) -> bool:
        """Whether a statement is about θ, directly or through what is computed from it."""
        return any(base(name) in self.each for name in _scalars(statement))

    @property
    def constants(self) -> frozenset[str]:
        """The names of what it declares."""
        return frozenset(_constants(self.declared))


def read_rule(
    file: t.File, params: tuple[Parameter, ...], spelled: Mapping[str, str]
) -> Rule:  # fmt: skip
    """The rule of an optimizer's file; `spelled` gives the names of the program's tensors.

    Raises EinError for declarations that an optimizer cannot have, and for statements about θ
    that name indices."""
    names = _own_names(file, params, spelled)
    items = tuple(_renamed(item, names, spelled) for item in file.items)
    statements = tuple(item for item in items if isinstance(item, t.Statement))
    declared = tuple(item for item in items if not isinstance(item, t.Statement))
    each = _each(statements)
    scalars = frozenset(base(name) for s in statements for name in _scalars(s)) - each
    indices = frozenset(n for s in statements for n in index_names(s))
    every = {p.name for p in params}
    rate, step = (name if (name := names.get(n, "")) not in every else "" for n in (RATE, STEP))
    rule = Rule(declared, statements, each, scalars, indices, rate, step)
    faults: list[Fault] = [f for item in items for f in _refused(item)]
    faults += [f for s in statements if rule.about_each(s) for f in _one_entry(s)]
    if faults:
        raise EinError(*faults)
    return rule


def base(name: str) -> str:
    """The tensor whose gradient a name is, or the name itself."""
    return name.removesuffix(GRAD)


def _scalars(statement: t.Statement) -> Iterator[str]:
    """The names without indices that a statement writes or reads, outside index positions."""
    if not statement.target.at:
        yield statement.target.name
    for top in (statement.value, *statement.where):
        yield from _bare(top)


def _bare(node: Part) -> Iterator[str]:
    if isinstance(node, t.Name):
        yield node.name
    elif not isinstance(node, t.Access):
        for part in parts(node):
            yield from _bare(part)


def index_names(statement: t.Statement) -> Iterator[str]:
    """The names that a statement can only use as indices."""
    yield from statement.indices or ()
    for node in walk(statement):
        match node:
            case t.Access(at=at):
                yield from (name for part in at for name in _bare(part))
            case t.Operator(indices=indices):
                yield from indices
            case t.SizeOf(index):
                yield index
            case _:
                pass


def _constants(items: tuple[t.Item, ...]) -> Iterator[str]:
    for item in items:
        if isinstance(item, t.TensorDecl):
            yield from (entry.name for entry in item.entries)


def _own_names(
    file: t.File, params: tuple[Parameter, ...], spelled: Mapping[str, str]
) -> dict[str, str]:
    """A name for every scalar of the optimizer.

    A scalar parameter is called as in the program. What the optimizer declares or computes itself
    gets a prime if a parameter bears its name; so do η and t, unless the optimizer updates them."""
    statements = tuple(item for item in file.items if isinstance(item, t.Statement))
    every = {p.name for p in params}
    numbers = {p.name for p in params if not p.indices}
    mine = {PLAIN.get(name, name) for name in _constants(file.items)}
    used = [name for s in statements for name in _scalars(s)]
    updated = {s.target.name for s in statements} | {base(n) for n in used if n.endswith(GRAD)}
    mine |= {RATE, STEP} - updated
    each = _each(statements)
    names: dict[str, str] = {}
    for raw in (*map(base, used), *_constants(file.items)):
        name = PLAIN.get(raw, raw)
        if raw in each:
            names[raw] = name
        elif name not in mine and spelled.get(name) in numbers:
            names[raw] = spelled[name]
        else:
            names[raw] = fresh(name, every)
    return names


def _renamed(item: t.Item, names: Mapping[str, str], spelled: Mapping[str, str]) -> t.Item:
    """The item with scalars by their own names and other tensors by those of the program."""

    def change(part: Part) -> Part:
        part = with_parts(part, change)
        match part:
            case t.Name(name) | t.Access(name, ()) | t.Declared(name, ()):
                return replace(part, name=_with(names.get(base(name)), name))
            case t.Access(name):
                return replace(part, name=_with(spelled.get(base(name)), name))
            case _:
                return part

    found = change(item)
    assert isinstance(found, t.Item)
    return found


def _with(own: str | None, name: str) -> str:
    """The name with another base."""
    return name if own is None else own + name[len(base(name)) :]


def _each(statements: tuple[t.Statement, ...]) -> frozenset[str]:
    """θ, and the scalars that a statement computes from it."""
    found = {THETA, *(plain for plain, name in PLAIN.items() if name == THETA)}
    while True:
        more = {
            base(s.target.name)
            for s in statements
            if not s.target.at and any(base(name) in found for name in _scalars(s))
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
        case t.Statement(declares=str() as kind):
            yield OptimizerDeclares(span=item.span, kind=kind)
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
