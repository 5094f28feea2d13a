"""Parts that several derived statements would compute again get a name, once.

Parts are compared up to the names of their indices. What an earlier statement defines, or its
negative, is read by that name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from heapq import heappop, heappush

from einsumgrad.ir.build import negative, rebuild
from einsumgrad.ir.circles import by_target
from einsumgrad.ir.nodes import (
    Access,
    Expr,
    Node,
    Position,
    Product,
    Program,
    Statement,
    Sum,
)
from einsumgrad.ir.substitute import substitute
from einsumgrad.ir.walk import accesses, free_indices
from einsumgrad.record import record, replace
from einsumgrad.rewrite.algebra import negate, simplify
from einsumgrad.rewrite.edit import (
    Reason,
    Told,
    plain_target,
    taken_names,
    unheard,
    with_statements,
)
from einsumgrad.rewrite.factor import factors_of
from einsumgrad.rewrite.shapes import PARTS, Form, Shapes, parts
from einsumgrad.rewrite.simplify import simplify_statement

Seen = dict[Expr, Expr]
"""Parts of an expression with what is read instead of them."""
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def share(program: Program, told: Told = unheard) -> Program:
    """Values read by the names that they have, then common parts named."""
    shapes = Shapes()
    program = with_statements(program, _reused(program, shapes, told))
    return with_statements(program, Sharer(program, shapes, told).run())


@record(frozen=False, eq=False)
class Line:
    """A statement, and the row in which it stands: with the definitions made for it before it.
    `parts`: the forms of its parts that are worth a name, once they are counted."""

    statement: Statement
    row: int
    parts: tuple[Form, ...] = ()


@record(frozen=False)
class Sharer:
    """Names the parts that derived statements repeat, in the order in which they are met and the
    larger before its own parts.

    `rows`: the statements in order, each behind the definitions that were made for it. `users`: for
    each shape, by its number, the lines that have it, and how often, parts left out that may not be
    named. `ranks`: the shapes in the order in which they were first seen, which decides among
    equals."""

    program: Program
    shapes: Shapes
    told: Told
    rows: list[list[Line]] = field(default_factory=list)
    users: dict[int, dict[int, tuple[Line, int]]] = field(default_factory=dict)
    queue: list[tuple[int, int, int, int]] = field(default_factory=list)
    ranks: dict[int, int] = field(default_factory=dict)

    def run(self) -> Iterator[Statement]:
        taken = taken_names(self.program)
        for row, statement in enumerate(self.program.statements):
            line = Line(statement, row)
            self.rows.append([line])
            if statement.derived:
                self._count(line)
        count = 1
        while self.queue:
            *_, shape = heappop(self.queue)
            if self._times(shape) > 1:
                name = f"c{count}".translate(SUBSCRIPTS)
                while name in taken:
                    name += "'"
                taken.add(name)
                self._name(shape, name)
                count += 1
        yield from (line.statement for row in self.rows for line in row)

    def _times(self, shape: int) -> int:
        return sum(times for _, times in self.users[shape].values())

    def _count(self, line: Line) -> None:
        """Takes the line's parts into account; those that are now repeated may get a name."""
        line.parts = tuple(self.shapes.candidates(line.statement.value))
        for part in line.parts:
            rank = self.ranks.setdefault(part.shape, len(self.ranks))
            users = self.users.setdefault(part.shape, {})
            _, times = users.get(id(line), (line, 0))
            barred = line.statement.where and part.gathering
            users[id(line)] = (line, times if barred else times + 1)
            if self._times(part.shape) > 1:
                first = min(user.row for user, _ in users.values())
                heappush(self.queue, (first, -part.cost, rank, part.shape))

    def _forget(self, line: Line) -> None:
        for part in line.parts:
            self.users[part.shape].pop(id(line), None)

    def _name(self, shape: int, name: str) -> None:
        """Puts a statement that defines the shape before the first that has it; all read it."""
        lines = [line for line, _ in self.users[shape].values()]
        lines.sort(key=lambda line: (line.row, self.rows[line.row].index(line)))
        first = next(part.node for part in lines[0].parts if part.shape == shape)
        for line in lines:
            self._forget(line)
        for line in lines:
            seen: Seen = {}
            value = self._reading(line.statement.value, shape, name, seen)
            assert isinstance(value, Expr)
            made = _with(line.statement, value, seen, self.told)
            if line is lines[0]:
                self._define(line, name, first)
            line.statement = made
            self._count(line)

    def _define(self, user: Line, name: str, part: Expr) -> None:
        line = Line(_definition(name, part), user.row)
        row = self.rows[user.row]
        row.insert(row.index(user), line)
        self._count(line)

    def _reading(self, node: Node, shape: int, name: str, seen: Seen) -> Node:
        """The node with parts of the shape read by name; `seen` gets those parts."""
        if isinstance(node, PARTS):
            form = self.shapes.of(node)
            if form.shape == shape:
                seen[node] = Access(name, tuple(Position(i) for i in form.free))
                return seen[node]
        below = parts(node)
        done = tuple(self._reading(part, shape, name, seen) for part in below)
        changed = any(new is not old for new, old in zip(done, below, strict=True))
        return rebuild(node, done) if changed else node


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
    return simplify_statement(Statement(free, target, "=", node, listed=True, derived=True))


@record(frozen=False)
class Names:
    """What defines a value entry by entry, by the tensors that the value reads. `forms`: those of
    the value and of its negative, found when they are first asked for."""

    shapes: Shapes
    defined: dict[frozenset[str], list[Statement]] = field(default_factory=dict)
    forms: dict[int, tuple[Form, ...]] = field(default_factory=dict)

    def add(self, statement: Statement) -> None:
        """Takes note of a statement that alone writes its target."""
        plain = plain_target(statement.target) and not statement.where
        whole = len(statement.target.at) == len(statement.indices)
        if plain and whole and any(isinstance(f, PARTS) for f in factors_of(statement.value)):
            self.defined.setdefault(_read_by(statement.value), []).append(statement)

    def of(self, node: Expr) -> Expr | None:
        """What reads the node's value by name."""
        if not self.defined:
            return None
        for statement in self.defined.get(_read_by(node), ()):
            form = self.shapes.of(node)
            for place, own in enumerate(self._forms(statement)):
                if own.shape == form.shape and set(own.free) == set(statement.indices):
                    moved = {a: Position(b) for a, b in zip(own.free, form.free, strict=True)}
                    entry = substitute(statement.target, moved)
                    assert isinstance(entry, Access)
                    return negative(entry) if place else entry
        return None

    def _forms(self, statement: Statement) -> tuple[Form, ...]:
        found = self.forms.get(id(statement))
        if found is None:
            value = negate(statement.value) if statement.op == "-=" else statement.value
            signed = [value]
            if any(isinstance(part, Sum) for part in factors_of(value)):
                signed.append(simplify(negate(value)))
            found = self.forms[id(statement)] = tuple(map(self.shapes.of, signed))
        return found


def _read_by(node: Expr) -> frozenset[str]:
    return frozenset(access.tensor for access in accesses(node))


def _reused(program: Program, shapes: Shapes, told: Told) -> Iterator[Statement]:
    """Derived statements that read a value, or its negative, by the name that it already has."""
    names = Names(shapes)
    found = by_target(program.statements)
    for written in program.statements:
        statement = written
        if written.derived:
            seen: Seen = {}
            value = _by_name(written.value, names, seen)
            assert isinstance(value, Expr)
            statement = _with(written, value, seen, told)
            statement = simplify_statement(statement, told) if seen else statement
        yield statement
        if len(found[statement.target.tensor]) == 1:
            names.add(statement)


def _by_name(node: Node, names: Names, seen: Seen) -> Node:
    """The node with parts read by their names; `seen` gets those parts."""
    if isinstance(node, (*PARTS, Product)) and (entry := names.of(node)) is not None:
        seen[node] = entry
        return entry
    below = parts(node)
    done = tuple(_by_name(part, names, seen) for part in below)
    changed = any(new is not old for new, old in zip(done, below, strict=True))
    return rebuild(node, done) if changed else node
