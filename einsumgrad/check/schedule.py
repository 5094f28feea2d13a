"""The order in which statements run: circles as loops, all else once (LANGUAGE §7).

Of a circle only those statements run in its loop that depend on each other; others that write its
tensors have the whole of what they need before it begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from einsumgrad.check.ranges import Ranges, ranges
from einsumgrad.check.steps import Active, Axes, Distances, loop_axes
from einsumgrad.ir.circles import Graph, circles, components, is_circle, needs
from einsumgrad.ir.nodes import Access, Index, Program, Statement
from einsumgrad.ir.walk import bound_reads
from einsumgrad.record import record


@record
class Loop:
    """Statements run for each value of one index in turn.

    `indices`: what each of them calls it, by its place. `step`: 1 upwards, -1 downwards. `active`:
    the reads that need an entry of the loop. `body`: the places of statements, and inner loops."""

    size: str
    step: int
    indices: Mapping[int, Index]
    active: frozenset[Access]
    body: tuple[Item, ...]


Item = int | Loop
Late = tuple[tuple[int, int], ...]


@record
class Stuck:
    """Statements that cannot run, by their places. `late`: the pairs of one that reads and one
    below that writes in the same step, where nothing else is in the way."""

    places: tuple[int, ...]
    late: Late


@record(frozen=False)
class Scheduler:
    """Schedules statements by their places; `stuck`: the circles that no order can run."""

    statements: tuple[Statement, ...]
    known: Ranges
    stuck: list[Stuck] = field(default_factory=list)

    def order(self, graph: Graph, active: Active, used: Axes) -> tuple[Item, ...]:
        """The items of the statements of a graph. `active`: the reads of each that its edges stand
        for. `used`: the axes that loops around run along."""
        parts = components(graph)
        if not any(is_circle(part, graph) for part in parts):
            return self._in_text_order(graph)
        return tuple(item for part in parts for item in self._items(part, graph, active, used))

    def _items(
        self, part: frozenset[int], graph: Graph, active: Active, used: Axes
    ) -> Iterator[Item]:
        if not is_circle(part, graph):
            yield from part
            return
        places = tuple(sorted(part))
        written = {self.statements[place].target.tensor for place in places}
        own = {p: tuple(a for a in active[p] if a.tensor in written) for p in places}
        found = self._loop(places, own, used)
        if isinstance(found, Stuck):
            self.stuck.append(found)
        else:
            yield found

    def _loop(self, places: tuple[int, ...], active: Active, used: Axes) -> Loop | Stuck:
        """The outermost loop of a circle: along the first index that can be run along."""
        statements = {place: self.statements[place] for place in places}
        late: Late = ()
        for axes in loop_axes(statements, active, used):
            distances = Distances(statements, axes, active, self.known)
            step = distances.direction()
            if step is None or any(self._hidden(p, distances.index(p), active[p]) for p in places):
                continue
            inner = Scheduler(self.statements, self.known)
            taken = {**used, **{n: (*used.get(n, ()), axis) for n, axis in axes.items()}}
            body = inner.order(distances.graph(), distances.same_step, taken)
            if not inner.stuck:
                indices = {place: distances.index(place) for place in places}
                every = frozenset(a for found in active.values() for a in found)
                return Loop(indices[places[0]].size, step, indices, every, body)
            if all(part.late for part in inner.stuck):
                late = late or tuple(pair for part in inner.stuck for pair in part.late)
        return Stuck(places, late)

    def _hidden(self, place: int, index: Index, active: tuple[Access, ...]) -> bool:
        """Whether an operator that binds the index itself reads what counts: all of it at once."""
        found = bound_reads(self.statements[place].value)
        return any(index in bound and access in active for access, bound in found)

    def _in_text_order(self, graph: Graph) -> tuple[int, ...]:
        """Statements that run as they stand: what is read has been written."""
        places = tuple(sorted(graph))
        late = tuple((p, writer) for p in places for writer in graph[p] if writer > p)
        self.stuck += [Stuck(places, late)] if late else []
        return places


def schedule(program: Program) -> tuple[tuple[Item, ...], tuple[Stuck, ...]]:
    """The items in an order that runs, and the circles that have none."""
    statements = program.statements
    if not circles(statements):
        return tuple(range(len(statements))), ()
    found = Scheduler(statements, ranges(program))
    active = {place: statement.reads for place, statement in enumerate(statements)}
    items = found.order(needs(statements), active, {})
    return items, tuple(found.stuck)
