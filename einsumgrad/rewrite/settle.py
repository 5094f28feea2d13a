"""Bound indices named so that what is printed reads back: a statement's `where` restricts every
operator that binds one of the names it mentions, so names must differ where that is not meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from einsumgrad.check.check import default_outputs
from einsumgrad.derive.split import fresh_name
from einsumgrad.ir.build import rebuild
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
from einsumgrad.ir.walk import bound_by, free_indices, with_children
from einsumgrad.record import record, replace
from einsumgrad.reflect.reflect import needed_indices
from einsumgrad.rewrite.edit import Reason, Told, taken_names, unheard, with_statements
from einsumgrad.rewrite.factor import factors_of
from einsumgrad.rewrite.shapes import Form, Shapes


def settle(program: Program, told: Told = unheard) -> Program:
    """Derived statements with clashing bound names renamed, the index table completed, and outputs
    that need not be declared in the order that a reader would find."""
    program = apart(program, told)
    usual = default_outputs(program.statements, program.loss)
    outputs = usual if set(usual) == set(program.outputs) else program.outputs
    return replace(program, indices=needed_indices(program), outputs=outputs)


def apart(program: Program, told: Told = unheard) -> Program:
    """Derived statements with clashing bound names renamed. Softmaxes that clash get names before
    common parts do, to be among them."""
    return with_statements(program, _settled(program, told))


def _settled(program: Program, told: Told) -> Iterator[Statement]:
    sizes = _sizes(program)
    taken, shapes = taken_names(program), Shapes()
    names: dict[tuple[int, int], str] = {}
    for written in program.statements:
        if not written.derived:
            yield written
            continue
        own = statement = _own_names(settle_statement(written, told), sizes, told)
        while (clash := next(_unnameable(statement), None)) is not None:
            form = shapes.of(clash)
            where = _held(statement, form)
            name = names.setdefault((form.shape, len(where)), fresh_name("c", taken))
            helper, statement = _apart(statement, form, name, where, told)
            if name not in taken:
                yield settle_statement(helper, told)
            taken.add(name)
        yield statement if statement is own else settle_statement(statement, told)


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


def _apart(
    statement: Statement, form: Form, name: str, where: tuple[Condition, ...], told: Told
) -> tuple[Statement, Statement]:
    """A softmax with a statement of its own, out of reach of conditions that are not for it;
    `where`: those that are."""
    entry = Access(name, tuple(Position(i) for i in form.free))
    value = _exchanged(statement.value, form.node, entry)
    assert isinstance(value, Expr)
    made = replace(statement, value=value)
    told(statement, made, Reason("the condition is not for {0}, which gets a name", (form.node,)))
    helper = Statement(form.free, entry, "=", form.node, where=where, listed=True, derived=True)
    return helper, made


def _held(statement: Statement, form: Form) -> tuple[Condition, ...]:
    """The conditions of operators in a softmax on indices that are loops of its own statement: as
    they are printed they hold for the whole of it, and so they do where it is read."""
    kept = {*statement.where, *form.node.where} if isinstance(form.node, Normalise) else ()
    inner = dict.fromkeys(_conditions(form.node))
    return tuple(c for c in inner if c in kept and set(free_indices(c)) <= set(form.free))


def settle_statement(statement: Statement, told: Told = unheard) -> Statement:
    """The statement whose printed conditions mean what they mean here."""
    if not any(isinstance(node, Reduce | Normalise) for node in walk(statement.value)):
        return statement
    made = _closed(_named_apart(statement))
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
        clash = next((s for s in _clashes(made) if isinstance(s.node, Reduce)), None)
        if clash is None:
            return made
        taken = {i.name for i in made.every_index}
        made = replace(made, value=_renamed(made.value, _hiding(clash), taken))
    return statement


def _closed(statement: Statement) -> Statement:
    """A softmax at the index that it runs over is 0 where its conditions fail; what it is a factor
    of then is, too, so that they hold for the whole statement, as they are read."""
    softmaxes = (f for f in factors_of(statement.value) if isinstance(f, Normalise))
    loops = set(statement.indices)
    inner = (c for s in softmaxes for c in s.where if set(free_indices(c)) <= loops)
    where = tuple(dict.fromkeys((*statement.where, *inner)))
    return statement if where == statement.where else replace(statement, where=where)


def _conditions(node: Node) -> Iterator[Condition]:
    for part in walk(node):
        if isinstance(part, Reduce | Normalise):
            yield from part.where


@record
class _Scope:
    """A binder and the indices that are visible inside it."""

    node: Reduce | Normalise
    visible: frozenset[Index]


def _scopes(node: Node, visible: frozenset[Index]) -> Iterator[_Scope]:
    inner = visible
    if isinstance(node, Reduce | Normalise):
        inner = visible | set(bound_by(node))
        yield _Scope(node, inner)
    for part in children(node):
        yield from _scopes(part, inner)


def _hiding(scope: _Scope) -> Reduce:
    """A sum in this one whose index hides another, and has conditions that are not for this one;
    else this one."""
    node = scope.node
    assert isinstance(node, Reduce)
    sums = (n for n in walk(node.body) if isinstance(n, Reduce))
    inner = (n for n in sums if not scope.visible.isdisjoint(n.indices))
    return next((n for n in inner if not set(n.where) <= set(node.where)), node)


def _clashes(statement: Statement) -> Iterator[_Scope]:
    """Binders that would be given conditions that they do not have."""
    every = tuple(dict.fromkeys((*statement.where, *_conditions(statement.value))))
    loops = frozenset(statement.indices)
    shown = {i for n in (statement.value, *statement.target.at) for i in _shown(n)}
    for scope in _scopes(statement.value, loops):
        bound = set(bound_by(scope.node))
        given = {
            c for c in every
            if bound & set(free_indices(c)) and set(free_indices(c)) <= scope.visible
        }  # fmt: skip
        leaks = bound & loops and given - set(statement.where)
        clash = given != set(scope.node.where) or leaks or bound & (loops - shown)
        if clash:
            yield scope


def _unnameable(statement: Statement) -> Iterator[Normalise]:
    """Softmaxes that would be given conditions, or that give an operator around them theirs; an
    index that is that of the entry cannot be renamed."""
    if any(isinstance(node, Normalise) for node in walk(statement.value)):
        causes = (_cause(scope.node) for scope in _clashes(statement))
        yield from (node for node in causes if isinstance(node, Normalise))


def _cause(node: Reduce | Normalise) -> Reduce | Normalise:
    """A softmax in this operator, over an index of it, with conditions that this one has not."""
    inner = (n for n in walk(node.body) if isinstance(n, Normalise) and n.index in bound_by(node))
    found = next((n for n in inner if not set(n.where) <= set(node.where)), None)
    return node if found is None else _cause(found)


def _shown(node: Node) -> Iterator[Index]:
    """The free indices of what is printed left of `where`."""
    if isinstance(node, Position):
        yield node.index
    own = set(bound_by(node)) if isinstance(node, Reduce) else set()
    parts = (node.body,) if isinstance(node, Reduce | Normalise) else children(node)
    yield from (i for part in parts for i in _shown(part) if i not in own)


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
