"""Parts that several derived statements would compute again get a name, once.

Parts are compared up to the names of their indices. A part that a forward statement already
names is read by that name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush

from einsumgrad.ir.build import rebuild, substitute
from einsumgrad.ir.nodes import Access, Expr, Index, Position, Program, Statement
from einsumgrad.ir.walk import Node, children, free_indices
from einsumgrad.rewrite.edit import Reason, Told, plain_target, unheard, with_statements, writers
from einsumgrad.rewrite.shapes import PARTS, Shapes

Seen = dict[Expr, Access]
"""Parts of an expression with the entries that they are read by."""
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def share(program: Program, told: Told = unheard) -> Program:
    """Forward values read by their names, then common parts named, the largest first."""
    shapes = Shapes()
    program = with_statements(program, _reused(program, shapes, told))
    return with_statements(program, Sharer(program, shapes, told).run())


@dataclass(slots=True)
class Line:
    """A statement, and the row in which it stands: with the definitions made for it before it."""

    statement: Statement
    row: int


@dataclass(slots=True)
class Sharer:
    """Names the parts that derived statements repeat, the largest first.

    `rows`: the statements in order, each behind the definitions that were made for it. `users`: for
    each shape the lines that have it, and how often, parts left out that may not be named.
    `ranks`: the shapes in the order in which they were first seen, which decides among equals."""

    program: Program
    shapes: Shapes
    told: Told
    rows: list[list[Line]] = field(default_factory=list)
    users: dict[Expr, dict[int, tuple[Line, int]]] = field(default_factory=dict)
    queue: list[tuple[int, int, Expr]] = field(default_factory=list)
    ranks: dict[Expr, int] = field(default_factory=dict)

    def run(self) -> Iterator[Statement]:
        taken = {tensor.name for tensor in self.program.tensors}
        for row, statement in enumerate(self.program.statements):
            line = Line(statement, row)
            self.rows.append([line])
            if statement.derived:
                self._count(line)
        count = 1
        while self.queue:
            _, _, shape = heappop(self.queue)
            if self._times(shape) > 1:
                name = f"c{count}".translate(SUBSCRIPTS)
                while name in taken:
                    name += "'"
                taken.add(name)
                self._name(shape, name)
                count += 1
        yield from (line.statement for row in self.rows for line in row)

    def _times(self, shape: Expr) -> int:
        return sum(times for _, times in self.users[shape].values())

    def _count(self, line: Line) -> None:
        """Takes the line's parts into account; those that are now repeated may get a name."""
        for part in self.shapes.candidates(line.statement.value):
            shape = self.shapes.of(part).shape
            self.ranks.setdefault(shape, len(self.ranks))
            users = self.users.setdefault(shape, {})
            _, times = users.get(id(line), (line, 0))
            barred = line.statement.where and self.shapes.of(part).gathering
            users[id(line)] = (line, times if barred else times + 1)
            if self._times(shape) > 1:
                heappush(self.queue, (-self.shapes.of(part).cost, self.ranks[shape], shape))

    def _forget(self, line: Line) -> None:
        for part in self.shapes.candidates(line.statement.value):
            self.users[self.shapes.of(part).shape].pop(id(line), None)

    def _name(self, shape: Expr, name: str) -> None:
        """Puts a statement that defines the shape before the first that has it; all read it."""
        lines = [line for line, _ in self.users[shape].values()]
        lines.sort(key=lambda line: (line.row, self.rows[line.row].index(line)))
        first = next(
            part
            for part in self.shapes.candidates(lines[0].statement.value)
            if self.shapes.of(part).shape == shape
        )
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

    def _reading(self, node: Node, shape: Expr, name: str, seen: Seen) -> Node:
        """The node with parts of the shape read by name; `seen` gets those parts."""
        if isinstance(node, PARTS):
            form = self.shapes.of(node)
            if form.shape == shape:
                seen[node] = Access(name, tuple(Position(i) for i in form.free))
                return seen[node]
        if isinstance(node, Access):
            return node
        parts = children(node)
        done = tuple(self._reading(part, shape, name, seen) for part in parts)
        changed = any(new is not old for new, old in zip(done, parts, strict=True))
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
    return Statement(free, target, "=", node, listed=True, derived=True)


def _reused(program: Program, shapes: Shapes, told: Told) -> Iterator[Statement]:
    """Derived statements that read a forward value by its name."""
    names: dict[Expr, tuple[Statement, tuple[Index, ...]]] = {}
    found = writers(program)
    for statement in program.statements:
        value = statement.value
        if statement.derived:
            seen: Seen = {}
            new = _by_name(value, names, shapes, seen)
            assert isinstance(new, Expr)
            yield _with(statement, new, seen, told)
            continue
        yield statement
        alone = len(found[statement.target.tensor]) == 1 and statement.op == "="
        heavy = isinstance(value, PARTS)
        if alone and heavy and plain_target(statement.target) and not statement.where:
            form = shapes.of(value)
            if set(form.free) == set(statement.indices):
                names.setdefault(form.shape, (statement, form.free))


def _by_name(
    node: Node, names: dict[Expr, tuple[Statement, tuple[Index, ...]]], shapes: Shapes, seen: Seen
) -> Node:
    """The node with parts read by their names; `seen` gets those parts."""
    if isinstance(node, PARTS) and names:
        form = shapes.of(node)
        if form.shape in names:
            statement, own = names[form.shape]
            moved = {old: Position(new) for old, new in zip(own, form.free, strict=True)}
            name = substitute(statement.target, moved)
            assert isinstance(name, Access)
            seen[node] = name
            return name
    if isinstance(node, Access):
        return node
    parts = children(node)
    done = tuple(_by_name(part, names, shapes, seen) for part in parts)
    changed = any(new is not old for new, old in zip(done, parts, strict=True))
    return rebuild(node, done) if changed else node
