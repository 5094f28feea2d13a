"""Contractions as matrix products into their place, without copies where strides allow it."""

from __future__ import annotations

from collections.abc import Mapping

from einsumgrad.emit.places import Place
from einsumgrad.emit.tiled import tiled
from einsumgrad.emit.writer import Writer, plain
from einsumgrad.plan.nodes import Pair
from einsumgrad.plan.operands import Layout, Operand
from einsumgrad.record import replace


def product(writer: Writer, made: Pair, places: Mapping[int, Place], out: Place) -> None:
    """`matmul(first, second, out)`, the operand first whose own axes lie outside the other's."""
    if made.tiled and tiled(writer, made, places, out):
        return
    both, rows, columns, summed = made.parts
    space = [made.out[k] for k in out.order]
    stack, rows, columns = (_as(space, part) for part in (both, rows, columns))
    left = Side(places[made.left.register], made.left, rows)
    right = Side(places[made.right.register], made.right, columns)
    swapped = bool(rows and columns) and space.index(columns[0]) < space.index(rows[0])
    first, second = (right, left) if swapped else (left, right)
    summed = first.sorted(summed)
    if made.dots:
        _rows(writer, first, second, (stack, summed), out, made)
        return
    a = first.matrix(writer, stack, first.own, summed)
    b = second.matrix(writer, stack, summed, second.own)
    target = _merged(out, made.out, (stack, first.own, second.own))
    assert target is not None
    writer.line(f"matmul({a}, {b}, {writer.name(target)})")


def _rows(
    writer: Writer, first: Side, second: Side, parts: tuple[Layout, Layout], out: Place, made: Pair
) -> None:
    """Row by row: no matrix at all."""
    stack, summed = parts
    a = first.matrix(writer, stack, summed)
    b = second.matrix(writer, stack, summed)
    target = out.turned(tuple(made.out.index(k) for k in stack))
    writer.line(f"vecdot({a}, {b}, {writer.name(target)})")


def _as(space: list[int], part: Layout) -> Layout:
    return tuple(k for k in space if k in part)


def _merged(place: Place, axes: Layout, parts: tuple[Layout, ...]) -> Place | None:
    """The place with stack axes as they are and each further group as one axis."""
    stack, *groups = parts
    named = tuple((axes.index(k),) for k in stack)
    return place.merged((*named, *(tuple(axes.index(k) for k in g) for g in groups)))


class Side:
    """An operand; `own`: the axes that the other one lacks."""

    def __init__(self, place: Place, operand: Operand, own: Layout) -> None:
        self.place, self.layout, self.own = place, operand.layout, own
        self.register = operand.register

    def sorted(self, axes: Layout) -> Layout:
        """Axes in the order in which they lie in memory."""
        strides = dict(zip(self.layout, self.place.strides, strict=True))
        return tuple(sorted(axes, key=lambda k: (-strides[k], k)))

    def matrix(self, writer: Writer, stack: Layout, *groups: Layout) -> str:
        """A name for the operand as a stack of matrices; a copy where it is none."""
        found = _merged(self.place, self.layout, (stack, *groups))
        if found is not None and (len(groups) < 2 or found.is_matrix()):
            return writer.name(found)
        return self._copied(writer, (stack, *groups))

    def _copied(self, writer: Writer, parts: tuple[Layout, ...]) -> str:
        """One copy serves a matrix and its transpose."""
        ways = [parts] if len(parts) < 3 else [parts, (parts[0], parts[2], parts[1])]
        known = [way for way in ways if writer.known(self._key(way)) is not None]
        way = known[0] if known else max(ways, key=self._run)
        name = writer.known(self._key(way)) or self._copy(writer, way)
        turned = self.place.turned(self._order(way))
        whole = plain(name, turned.shape, turned.dtype)
        if not known:
            writer.whole(name, whole)
        merged = _merged(whole, tuple(k for part in way for k in part), way)
        assert merged is not None
        rank = len(merged.shape)
        swapped = (*range(rank - 2), rank - 1, rank - 2)
        return writer.name(merged if way == parts else merged.turned(swapped))

    def _order(self, way: tuple[Layout, ...]) -> Layout:
        return tuple(self.layout.index(k) for part in way for k in part)

    def _key(self, way: tuple[Layout, ...]) -> Place:
        """What a copy is known by."""
        return replace(self.place.turned(self._order(way)), base=f"copy of {self.register}")

    def _run(self, way: tuple[Layout, ...]) -> int:
        """How many entries in a row a copy reads."""
        inner = self.place.turned(self._order(way)[-1:])
        return inner.shape[0] if inner.shape and inner.strides[0] == inner.item else 0

    def _copy(self, writer: Writer, way: tuple[Layout, ...]) -> str:
        writer.count += 1
        name = f"m{writer.count}"
        turned = self.place.turned(self._order(way))
        writer.copy(name, turned)
        writer.scopes[-1][self._key(way)] = name
        return name
