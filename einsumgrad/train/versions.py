"""Statements on tensors that are kept, as an ordinary program.

An optimizer is run statement by statement on tensors that stay from step to step. An ordinary
program defines every tensor once; so each write gives a new version of its tensor, later
statements read the newest one, and the last version is what the next step begins with:

    for j,i  W[j,i] -= η W.grad[j,i]    is    for j,i  W_new[j,i] = W[j,i] - η W.grad[j,i]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from einsumgrad.diagnostics import EinError, Fault
from einsumgrad.record import record, replace
from einsumgrad.syntax import tree as t
from einsumgrad.syntax.walk import Part, walk, with_parts
from einsumgrad.train.faults import EveryEntry
from einsumgrad.train.rule import index_names

Op = t.Op


@record
class Versions:
    """The statements with versions. `last`: each kept tensor's last version. `kept`: those tensors
    whose value of the step before is read, with an access that names their indices."""

    statements: tuple[t.Statement, ...]
    last: Mapping[str, str]
    kept: Mapping[str, t.Access]


def versions(
    statements: tuple[t.Statement, ...], leaves: Mapping[str, tuple[str, ...]]
) -> Versions:
    """Every write as a version of its own; `leaves` have a value before the first statement, and
    these indices.

    Raises EinError for writes of which some entries would have no value."""
    maker = _Maker({s.target.name: s.target for s in reversed(statements)}, leaves)
    made = tuple(new for s in statements for new in maker.statement(s))
    if maker.faults:
        raise EinError(*maker.faults)
    last = {name: new for name, new in maker.now.items() if name in maker.targets}
    return Versions(made, last, {n: maker.targets[n] for n in maker.kept if n in maker.targets})


@record(frozen=False)
class _Maker:
    """`now` is the newest version of every tensor so far."""

    targets: Mapping[str, t.Access]
    leaves: Mapping[str, tuple[str, ...]]
    now: dict[str, str] = field(default_factory=dict)
    kept: dict[str, None] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def statement(self, item: t.Statement) -> Iterator[t.Statement]:
        """The statement, or two of them, that give the next version."""
        name = item.target.name
        old = self.renamed(item)
        if item.op != "=" or item.where or name in self.now or name in self.leaves:
            before = replace(item.target, name=self.read(name))
            self.now[name] = self.version(name)
        else:
            before = None
            self.now[name] = name
        new = replace(old, target=replace(old.target, name=self.now[name]), declares=None)
        if before is None or (item.op == "=" and not item.where):
            yield from self.whole(new, item)
        elif _one_to_one(item):
            yield replace(new, op="=", value=_combined(new, before), where=())
        elif item.op == "=":
            self.refuse(item, "write `[CONDITION]` into the value instead of a `where`")
        else:
            yield from self.copied(new, before, item)

    def whole(self, new: t.Statement, item: t.Statement) -> Iterator[t.Statement]:
        if not _whole(item.target):
            self.refuse(item, "write it with `where`: `W[j,i] = … where j = 0`")
        yield new

    def copied(
        self, new: t.Statement, before: t.Access, item: t.Statement
    ) -> Iterator[t.Statement]:
        """The old value first, to which the loops then add, or from which they subtract."""
        whole = self.targets[item.target.name]
        if not _whole(whole) and whole.name in self.leaves:
            names = tuple(t.Name(name, whole.span) for name in self.leaves[whole.name])
            whole = replace(whole, at=names)
        elif not _whole(whole):
            self.refuse(item, f"write all of it first: `{whole.name}[j,i] = …`")
            return
        target = replace(whole, name=new.target.name)
        value = _value(replace(whole, name=before.name))
        yield t.Statement(None, target, "=", value, span=item.span)
        yield new

    def refuse(self, item: t.Statement, hint: str) -> None:
        target = item.target.span.text
        span, name = item.target.span, item.target.name
        self.faults.append(EveryEntry(span=span, name=name, target=target, hint=hint))

    def renamed(self, item: t.Statement) -> t.Statement:
        """The statement reading the newest versions; its target as it was."""

        def change(part: Part) -> Part:
            part = with_parts(part, change)
            if isinstance(part, t.Name | t.Access) and part.name in self.targets:
                return replace(part, name=self.read(part.name))
            return part

        value, where = change(item.value), tuple(change(c) for c in item.where)
        at = tuple(change(part) for part in item.target.at)
        target = replace(item.target, at=tuple(a for a in at if isinstance(a, t.Expr)))
        assert isinstance(value, t.Expr)
        kept = tuple(c for c in where if isinstance(c, t.Condition))
        return replace(item, target=target, value=value, where=kept)

    def read(self, name: str) -> str:
        """The newest version; a tensor that has none yet has that of the step before."""
        if name not in self.now:
            self.now[name] = name
            self.kept[name] = None
        return self.now[name]

    def version(self, name: str) -> str:
        stem = name.replace(".", "_") + "_new"
        taken = {*self.targets, *self.leaves, *self.now.values()}
        new, count = stem, 2
        while new in taken:
            new, count = f"{stem}{count}", count + 1
        return new


def plain(target: t.Access) -> tuple[str, ...]:
    """The names that an access writes its axes with, none twice; () if it is written otherwise."""
    names = tuple(at.name for at in target.at if isinstance(at, t.Name))
    return names if len(set(names)) == len(target.at) else ()


def _whole(target: t.Access) -> bool:
    """Whether a target names every entry once."""
    return len(plain(target)) == len(target.at)


def _one_to_one(item: t.Statement) -> bool:
    """Whether a statement's loops are its target's indices, so that no loop adds up."""
    own = set(plain(item.target))
    binds = any(isinstance(node, t.Operator) for node in walk(item))
    return _whole(item.target) and not binds and set(index_names(item)) <= own


def _combined(new: t.Statement, before: t.Access) -> t.Expr:
    """The new value of an entry from its old one."""
    old = _value(before)
    value = _applied(new.op, old, new.value)
    if not new.where:
        return value
    holds = new.where[0] if len(new.where) == 1 else t.And(new.where)
    kept = t.Product((t.Bracket(t.Not(holds)), old))
    return t.Sum((t.Product((t.Bracket(holds), value)), kept), new.span)


def _applied(op: Op, old: t.Expr, value: t.Expr) -> t.Expr:
    match op:
        case "+=":
            return t.Sum((old, value), value.span)
        case "-=":
            return t.Sum((old, t.Negative(value, value.span)), value.span)
        case "*=":
            return t.Product((old, value), value.span)
        case "max=" | "min=":
            return t.Call(op.removesuffix("="), (old, value), value.span)
        case "=":
            return value


def _value(access: t.Access) -> t.Expr:
    """The entry as a value: a scalar is a bare name."""
    return access if access.at else t.Name(access.name, access.span)
