"""Parts that several derived statements would compute again get a name, once.

Parts are compared up to the names of their indices. A part that a forward statement already
names is read by that name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from einsumgrad.ir.build import is_reciprocal, rebuild, substitute
from einsumgrad.ir.nodes import (
    Access,
    Call,
    Expr,
    Index,
    Normalise,
    Position,
    Power,
    Program,
    Reduce,
    Statement,
    Sum,
)
from einsumgrad.ir.walk import Node, accesses, children, free_indices, walk
from einsumgrad.rewrite.algebra import cost
from einsumgrad.rewrite.edit import Reason, Told, plain_target, unheard, with_statements, writers

MIN_COST = 4
Seen = dict[Expr, Access]
"""Parts of an expression with the entries that they are read by."""
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(frozen=True, slots=True)
class Place:
    """A part with its free indices, in the order in which its shape numbers them."""

    node: Expr
    free: tuple[Index, ...]


def share(program: Program, told: Told = unheard) -> Program:
    """Forward values read by their names, then common parts named, the largest first."""
    program = with_statements(program, _reused(program, told))
    for count in range(1, 1 + len(program.statements)):
        shape = _largest_repeated(program)
        if shape is None:
            return program
        program = _name(program, shape, f"c{count}".translate(SUBSCRIPTS), told)
    return program


def shape_of(node: Expr) -> tuple[Expr, tuple[Index, ...]]:
    """The node with its free indices numbered, and those indices."""
    free = free_indices(node)
    numbered = {i: Position(Index(f"#{place}", i.size)) for place, i in enumerate(free)}
    shape = substitute(_bound_numbered(node, 0), numbered)
    assert isinstance(shape, Expr)
    return shape, free


def _bound_numbered(node: Node, depth: int) -> Node:
    """The node with bound indices named by their depth."""
    if isinstance(node, Reduce | Normalise):
        bound = node.indices if isinstance(node, Reduce) else (node.index,)
        fresh = {i: Index(f"@{depth}.{k}", i.size) for k, i in enumerate(bound)}
        moved = {old: Position(new) for old, new in fresh.items()}
        body = substitute(node.body, moved)
        where = tuple(substitute(c, moved) for c in node.where)
        if isinstance(node, Reduce):
            node = replace(node, indices=tuple(fresh.values()))
            parts: tuple[Node, ...] = (body, *where)
        else:
            node = replace(node, index=fresh[node.index])
            parts = (body, node.at, *where)
        depth += 1
    else:
        parts = children(node)
    return rebuild(node, tuple(_bound_numbered(part, depth) for part in parts))


def _candidates(node: Node, top: bool = False) -> Iterator[Expr]:
    """The parts that are worth a name: a function, an operator, a fraction of more than entries."""
    if isinstance(node, Call | Reduce | Normalise | Power | Sum) and not top:
        heavy = any(isinstance(p, Call | Reduce | Normalise | Power) for p in walk(node))
        if (
            heavy
            and not is_reciprocal(node)
            and cost(node) >= MIN_COST
            and any(True for _ in accesses(node))
        ):
            yield node
    if not isinstance(node, Access):
        for part in children(node):
            yield from _candidates(part)


def _gathering(node: Expr) -> bool:
    return any(not isinstance(at, Position) for access in accesses(node) for at in access.at)


def _largest_repeated(program: Program) -> Expr | None:
    counts: dict[Expr, int] = {}
    for statement in program.statements:
        if statement.derived:
            for part in _candidates(statement.value):
                if not (_gathering(part) and statement.where):
                    shape, _ = shape_of(part)
                    counts[shape] = counts.get(shape, 0) + 1
    repeated = [shape for shape, count in counts.items() if count > 1]
    return max(repeated, key=cost, default=None)


def _name(program: Program, shape: Expr, name: str, told: Told) -> Program:
    """The program with a statement that defines the shape, and reads of it everywhere."""
    made: list[Statement] = []
    taken = {tensor.name for tensor in program.tensors}
    while name in taken:
        name += "'"
    defined = False
    for statement in program.statements:
        if not statement.derived:
            made.append(statement)
            continue
        seen: Seen = {}
        value = _reading(statement.value, {shape: name}, seen)
        if value is not statement.value and not defined:
            first = next(p for p in _candidates(statement.value) if shape_of(p)[0] == shape)
            made.append(_definition(name, first))
            defined = True
        assert isinstance(value, Expr)
        made.append(_with(statement, value, seen, told))
    return with_statements(program, made)


def _with(statement: Statement, value: Expr, seen: Seen, told: Told) -> Statement:
    """The statement with a value that reads parts of it by their names."""
    if value is statement.value:
        return statement
    made = replace(statement, value=value)
    parts = tuple(part for pair in seen.items() for part in pair)
    pairs = (f"{{{place}}} is {{{place + 1}}}" for place in range(0, len(parts), 2))
    told(statement, made, Reason(", ".join(pairs), parts))
    return made


def _definition(name: str, node: Expr) -> Statement:
    free = free_indices(node)
    target = Access(name, tuple(Position(i) for i in free))
    return Statement(free, target, "=", node, listed=True, derived=True)


def _reading(node: Node, names: dict[Expr, str], seen: Seen) -> Node:
    """The node with parts of the named shapes read by name; `seen` gets those parts."""
    if isinstance(node, Call | Reduce | Normalise | Power | Sum):
        shape, free = shape_of(node)
        if shape in names:
            seen[node] = Access(names[shape], tuple(Position(i) for i in free))
            return seen[node]
    if isinstance(node, Access):
        return node
    parts = children(node)
    done = tuple(_reading(part, names, seen) for part in parts)
    changed = any(new is not old for new, old in zip(done, parts, strict=True))
    return rebuild(node, done) if changed else node


def _reused(program: Program, told: Told) -> Iterator[Statement]:
    """Derived statements that read a forward value by its name."""
    names: dict[Expr, tuple[Statement, tuple[Index, ...]]] = {}
    found = writers(program)
    for statement in program.statements:
        value = statement.value
        if statement.derived:
            seen: Seen = {}
            new = _by_name(value, names, seen)
            assert isinstance(new, Expr)
            yield _with(statement, new, seen, told)
            continue
        yield statement
        alone = len(found[statement.target.tensor]) == 1 and statement.op == "="
        heavy = isinstance(value, Call | Reduce | Normalise | Power | Sum)
        if alone and heavy and plain_target(statement.target) and not statement.where:
            shape, free = shape_of(value)
            if set(free) == set(statement.indices):
                names.setdefault(shape, (statement, free))


def _by_name(
    node: Node, names: dict[Expr, tuple[Statement, tuple[Index, ...]]], seen: Seen
) -> Node:
    """The node with parts read by their names; `seen` gets those parts."""
    if isinstance(node, Call | Reduce | Normalise | Power | Sum) and names:
        shape, free = shape_of(node)
        if shape in names:
            statement, own = names[shape]
            moved = {old: Position(new) for old, new in zip(own, free, strict=True)}
            name = substitute(statement.target, moved)
            assert isinstance(name, Access)
            seen[node] = name
            return name
    if isinstance(node, Access):
        return node
    parts = children(node)
    done = tuple(_by_name(part, names, seen) for part in parts)
    changed = any(new is not old for new, old in zip(done, parts, strict=True))
    return rebuild(node, done) if changed else node
