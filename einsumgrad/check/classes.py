"""Size names grouped into classes that are one size, each with the number that a source gives."""

from __future__ import annotations

from dataclasses import field

from einsumgrad.check.size_faults import SizeConflict
from einsumgrad.diagnostics import NOWHERE, Fault, Span
from einsumgrad.record import record


@record
class Given:
    """A number that a source gives for a size."""

    name: str
    value: int
    source: str
    span: Span


@record(frozen=False)
class Classes:
    """Size names grouped by the axes that they share; `given` is kept at each group's root.

    `joins`: for each name those that it was found to be one with, and where."""

    parent: dict[str, str] = field(default_factory=dict)
    joins: dict[str, list[tuple[str, Span]]] = field(default_factory=dict)
    given: dict[str, Given] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def root(self, name: str) -> str:
        self.parent.setdefault(name, name)
        while self.parent[name] != name:
            self.parent[name] = self.parent[self.parent[name]]
            name = self.parent[name]
        return name

    def join(self, left: str, right: str, span: Span) -> None:
        a, b = self.root(left), self.root(right)
        if a == b:
            return
        self.joins.setdefault(left, []).append((right, span))
        self.joins.setdefault(right, []).append((left, span))
        self.parent[b] = a
        if b in self.given:
            self.give(a, self.given.pop(b))

    def give(self, name: str, given: Given) -> None:
        first = self.given.setdefault(self.root(name), given)
        if first.value != given.value:
            related = (("the other source", first.span),) if first.span is not NOWHERE else ()
            joined = tuple(("they are one size here", s) for s in self._path(first.name, name)[:2])
            self.faults.append(
                SizeConflict(
                    span=given.span, related=(*related, *joined), left=first.source,
                    right=given.source,
                )
            )  # fmt: skip

    def _path(self, left: str, right: str) -> list[Span]:
        """Where the names on the way from one size to another were found to be one."""
        came: dict[str, tuple[str, Span]] = {left: (left, NOWHERE)}
        queue = [left]
        for name in queue:
            for other, span in self.joins.get(name, ()):
                if other not in came:
                    came[other] = (name, span)
                    queue.append(other)
        spans: list[Span] = []
        while right in came and right != left:
            right, span = came[right]
            spans.append(span)
        return spans

    def value(self, name: str) -> int | None:
        found = self.given.get(self.root(name))
        return None if found is None else found.value
