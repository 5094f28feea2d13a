"""Bound indices named so that what is printed reads back: a statement's `where` restricts every
operator that binds one of the names it mentions, so names must differ where that is not meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from einsumgrad.check.check import default_outputs
from einsumgrad.check.ranges import Ranges, ranges
from einsumgrad.derive.split import fresh_name
from einsumgrad.ir.build import conjuncts, rebuild
from einsumgrad.ir.inside import without_nothing
from einsumgrad.ir.nodes import (
    Access,
    Condition,
    Expr,
    Index,
    Node,
    Normalise,
    Position,
    Program,
    Reduce,
    Statement,
    children,
    walk,
)
from einsumgrad.ir.substitute import fresh_index, replace_all, substitute
from einsumgrad.ir.walk import free_indices, with_children
from einsumgrad.record import Lazy, Open, record, replace
from einsumgrad.reflect.reflect import needed_indices
from einsumgrad.rewrite.clashes import clashes, conditions, hiding, unnameable
from einsumgrad.rewrite.edit import (
    Reason,
    Told,
    completed,
    taken_names,
    unheard,
    with_statements,
)
from einsumgrad.rewrite.factor import factors_of
from einsumgrad.rewrite.once import as_read, said_once
from einsumgrad.rewrite.shapes import Form, Shapes


def settle(program: Program, told: Told = unheard) -> Program:
    """Derived statements with clashing bound names renamed, the index table completed, and outputs
    that need not be declared in the order that a reader would find."""
    program = with_statements(program, _settled(program, told, final=True))
    usual = default_outputs(program.statements, program.loss)
    outputs = usual if set(usual) == set(program.outputs) else program.outputs
    return replace(program, indices=needed_indices(program), outputs=outputs)


def apart(program: Program, told: Told = unheard) -> Program:
    """Derived statements with clashing bound names renamed. Softmaxes that clash get names before
    common parts do, to be among them."""
    return with_statements(program, _settled(program, told, final=False))


def _settled(program: Program, told: Told, *, final: bool) -> Iterator[Statement]:
    apart = _Apart(program, told, final)
    for statement in program.statements:
        yield from apart.settled(statement) if statement.derived else (statement,)


@record(frozen=False)
class _Apart(Open):
    """Gives softmaxes that clash statements of their own. `names`: those by the shape of what they
    name and the number of its conditions. `final`: whether nothing will be named after it, so that
    conditions that reads imply may go."""

    program: Program
    told: Told
    final: bool
    shapes: Shapes = field(default_factory=Shapes)
    names: dict[tuple[int, int], str] = field(default_factory=dict)

    @Lazy
    def taken(self) -> set[str]:
        return taken_names(self.program)

    @Lazy
    def known(self) -> Ranges:
        return ranges(completed(self.program))

    @Lazy
    def sizes(self) -> dict[str, str]:
        return _sizes(self.program)

    def settled(self, statement: Statement) -> Iterator[Statement]:
        """The statement behind those made for it."""
        short = as_read(statement, lambda: self.known)
        whole = short is statement
        made = self._settle(short, self.told if whole or self.final else unheard)
        stuck = next(unnameable(made), None) is not None
        if not whole and (stuck or not self.final):
            made = self._settle(statement, self.told)
        if not stuck:
            yield made
            return
        while (clash := self._clash(made)) is not None:
            form = self.shapes.of(clash)
            key = (form.shape, len(_held(made, form)))
            name = self.names.setdefault(key, fresh_name("c", self.taken))
            definition, made = self._apart(made, name, form)
            if name not in self.taken:
                self.taken.add(name)
                yield from self.settled(said_once(definition))
        yield self._settle(made, self.told)

    def _settle(self, statement: Statement, told: Told) -> Statement:
        return _own_names(settle_statement(statement, told), self.sizes, told)

    def _clash(self, statement: Statement) -> Expr | None:
        """What clashes, but for what alone is the statement already."""
        found = unnameable(statement)
        return next((node for node in found if not self._alone(statement, node)), None)

    def _alone(self, statement: Statement, node: Expr) -> bool:
        if node is not statement.value:
            return False
        form = self.shapes.of(node)
        where = conjuncts(tuple(map(without_nothing, _held(statement, form))))
        return set(where) == set(statement.where) and set(form.free) == set(statement.indices)

    def _apart(self, statement: Statement, name: str, form: Form) -> tuple[Statement, Statement]:
        """A softmax with a statement of its own, out of reach of conditions that are not for it."""
        node, entry = form.node, Access(name, tuple(Position(i) for i in form.free))
        value = _exchanged(statement.value, node, entry)
        assert isinstance(value, Expr)
        made = replace(statement, value=value)
        reason = Reason("the condition is not for {0}, which gets a name", (node,))
        self.told(statement, made, reason)
        where = _held(statement, form)
        helper = Statement(form.free, entry, "=", node, where=where, listed=True, derived=True)
        return helper, made


def _sizes(program: Program) -> dict[str, str]:
    """The size of each index name that the program had before it was derived."""
    found = {i for s in program.statements if not s.derived for i in s.every_index}
    found |= {i for t in program.tensors if t.declared for i in (*t.axes, t.holds) if i is not None}
    return {index.name: index.size for index in sorted({*found, *program.indices})}


def _own_names(statement: Statement, sizes: dict[str, str], told: Told) -> Statement:
    """The statement without index names that the program has for other sizes."""
    foreign = [i for i in statement.every_index if sizes.get(i.name, i.size) != i.size]
    if not foreign:
        return statement
    foreign.sort()
    taken = {i.name for i in statement.every_index} | sizes.keys()
    names = {i: fresh_index(i, taken) for i in foreign}
    target, value = _reindexed(statement.target, names), _reindexed(statement.value, names)
    assert isinstance(target, Access)
    assert isinstance(value, Expr)
    found = (_reindexed(condition, names) for condition in statement.where)
    where = tuple(c for c in found if isinstance(c, Condition))
    loops = tuple(names.get(i, i) for i in statement.indices)
    made = replace(statement, indices=loops, target=target, value=value, where=where)
    told(statement, made, Reason("the program has another index of that name"))
    return made


def _reindexed(node: Node, names: Mapping[Index, Index]) -> Node:
    """The node with indices under other names, free and bound ones alike."""
    node = with_children(node, tuple(_reindexed(part, names) for part in children(node)))
    match node:
        case Position(index):
            return Position(names.get(index, index))
        case Reduce():
            return Reduce(
                node.op, tuple(names.get(i, i) for i in node.indices), node.body, node.where
            )
        case Normalise():
            index = names.get(node.index, node.index)
            return Normalise(node.op, index, node.body, node.at, node.where)
        case _:
            return node


def _held(statement: Statement, form: Form) -> tuple[Condition, ...]:
    """The conditions of operators in a softmax on indices that are loops of its own statement: as
    they are printed they hold for the whole of it, and so they do where it is read."""
    kept = {*statement.where, *form.node.where} if isinstance(form.node, Normalise) else ()
    inner = dict.fromkeys(conditions(form.node))
    return tuple(c for c in inner if c in kept and set(free_indices(c)) <= set(form.free))


def settle_statement(statement: Statement, told: Told = unheard) -> Statement:
    """The statement whose printed conditions mean what they mean here."""
    if not any(isinstance(node, Reduce | Normalise) for node in walk(statement.value)):
        return statement
    closed = _closed(_named_apart(said_once(statement)))
    short = said_once(closed)
    made = closed if short is closed or any(clashes(short)) else short
    if made != statement:
        words = "bound indices are named apart, so that it reads back the same"
        told(statement, made, Reason(words))
    return made


def _named_apart(statement: Statement) -> Statement:
    """The statement with every sum that clashes under a name of its own, where it meets what names
    that index only: one renaming each. A sum that clashes still has a condition that names none of
    its indices, which `ir.verify` finds; no name would help, so that all keep theirs."""
    made = statement
    for _ in range(1 + sum(isinstance(node, Reduce) for node in walk(statement.value))):
        clash = next((s for s in clashes(made) if isinstance(s.node, Reduce)), None)
        if clash is None:
            return made
        taken = {i.name for i in made.every_index}
        made = replace(made, value=_renamed(made.value, hiding(clash), taken))
    return statement


def _closed(statement: Statement) -> Statement:
    """A softmax at the index that it runs over is 0 where its conditions fail; what it is a factor
    of then is, too, so that they hold for the whole statement, as they are read."""
    softmaxes = (f for f in factors_of(statement.value) if isinstance(f, Normalise))
    loops = set(statement.indices)
    every = (c for s in softmaxes for c in s.where if set(free_indices(c)) <= loops)
    where = conjuncts((*statement.where, *map(without_nothing, every)))
    return statement if where == statement.where else replace(statement, where=where)


def _renamed(value: Expr, node: Reduce, taken: set[str]) -> Expr:
    fresh: dict[Index, Index] = {}
    for index in node.indices:
        fresh[index] = fresh_index(index, taken)
        taken = taken | {fresh[index].name}
    moved = {old: Position(new) for old, new in fresh.items()}
    body = substitute(node.body, moved)
    where = replace_all(node.where, moved)
    assert isinstance(body, Expr)
    result = _exchanged(value, node, Reduce(node.op, tuple(fresh.values()), body, where))
    assert isinstance(result, Expr)
    return result


def _exchanged(node: Node, old: Node, new: Node) -> Node:
    if node is old:
        return new
    parts = children(node)
    done = tuple(_exchanged(part, old, new) for part in parts)
    changed = any(a is not b for a, b in zip(done, parts, strict=True))
    return rebuild(node, done) if changed else node
