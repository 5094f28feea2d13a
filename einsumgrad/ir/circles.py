"""Circles: what depends on itself through statements (recurrences, LANGUAGE §7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from typing import TypeVar

from einsumgrad.ir.nodes import Statement
from einsumgrad.record import record

Graph = Mapping[int, Iterable[int]]
T = TypeVar("T", str, int)


def by_target(statements: Iterable[Statement]) -> dict[str, list[Statement]]:
    """The statements that write each tensor."""
    found: dict[str, list[Statement]] = {}
    for statement in statements:
        found.setdefault(statement.target.tensor, []).append(statement)
    return found


def needs(statements: tuple[Statement, ...]) -> dict[int, list[int]]:
    """For the place of each statement those of the statements that write what it reads."""
    writers: dict[str, list[int]] = {}
    for place, statement in enumerate(statements):
        writers.setdefault(statement.target.tensor, []).append(place)
    return {
        place: [w for name in _read(statement) for w in writers.get(name, ())]
        for place, statement in enumerate(statements)
    }


def _read(statement: Statement) -> dict[str, None]:
    return dict.fromkeys(access.tensor for access in statement.reads)


def circles(statements: tuple[Statement, ...]) -> tuple[frozenset[int], ...]:
    """The places of statements that depend on each other, of every circle."""
    if _in_order(statements):
        return ()
    graph = needs(statements)
    return tuple(part for part in components(graph) if is_circle(part, graph))


def _in_order(statements: tuple[Statement, ...]) -> bool:
    """Whether nothing is read that the same statement or a later one writes."""
    ahead: set[str] = set()
    for statement in reversed(statements):
        ahead.add(statement.target.tensor)
        if not ahead.isdisjoint(access.tensor for access in statement.reads):
            return False
    return True


def ringed(statements: tuple[Statement, ...]) -> dict[int, frozenset[str]]:
    """For the place of each statement in a circle the tensors that the circle writes."""
    found: dict[int, frozenset[str]] = {}
    for part in circles(statements):
        written = frozenset(statements[place].target.tensor for place in part)
        found |= dict.fromkeys(part, written)
    return found


def is_circle(part: frozenset[int], graph: Graph) -> bool:
    """Whether a component is more than one statement that does not need itself."""
    return len(part) > 1 or next(iter(part)) in graph.get(next(iter(part)), ())


@record(frozen=False)
class _Tarjan:
    """Strongly connected components (Tarjan 1972), with a stack of our own: chains are long."""

    graph: Graph
    number: dict[int, int] = field(default_factory=dict)
    low: dict[int, int] = field(default_factory=dict)
    waiting: dict[int, None] = field(default_factory=dict)
    found: list[frozenset[int]] = field(default_factory=list)

    def visit(self, root: int) -> None:
        stack = [(root, iter(self._enter(root)))]
        while stack:
            name, left = stack[-1]
            following = next(left, None)
            if following is None:
                stack.pop()
                self._leave(name, stack[-1][0] if stack else None)
            elif following not in self.number:
                stack.append((following, iter(self._enter(following))))
            elif following in self.waiting:
                self.low[name] = min(self.low[name], self.number[following])

    def _enter(self, name: int) -> Iterable[int]:
        self.number[name] = self.low[name] = len(self.number)
        self.waiting[name] = None
        return self.graph.get(name, ())

    def _leave(self, name: int, above: int | None) -> None:
        if above is not None:
            self.low[above] = min(self.low[above], self.low[name])
        if self.low[name] == self.number[name]:
            part: list[int] = []
            while not part or part[-1] != name:
                part.append(self.waiting.popitem()[0])
            self.found.append(frozenset(part))


def components(graph: Graph) -> tuple[frozenset[int], ...]:
    """The strongly connected components, each after those that it needs."""
    search = _Tarjan(graph)
    for name in graph:
        if name not in search.number:
            search.visit(name)
    return tuple(search.found)


def needed(statements: tuple[Statement, ...], wanted: Iterable[str]) -> set[str]:
    """The tensors that some tensors are computed from, themselves among them."""
    reads: dict[str, set[str]] = {}
    for statement in statements:
        read = reads.setdefault(statement.target.tensor, set())
        read.update(access.tensor for access in statement.reads)
    return reachable(lambda name: reads.get(name, ()), wanted)


def reachable(following: Callable[[T], Iterable[T]], roots: Iterable[T]) -> set[T]:
    """The roots and all that follows from them."""
    found = set(roots)
    left = list(found)
    while left:
        new = set(following(left.pop())) - found
        found |= new
        left += new
    return found
