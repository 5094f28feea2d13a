"""Sizes that nothing declares or pins: the largest that keep every read in range (LANGUAGE §6).

`y[b,p] += x[b,p+k] w[k]` has P = X-K+1. Where only writes bear an axis, it is as long as they need:
`y[b,2p+k] += x[b,p] w[k]` has 2(P-1)+K entries.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction

from einsumgrad.check.size_faults import NeverInRange
from einsumgrad.diagnostics import Fault
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.affine import (
    MINUS,
    Affine,
    Polynomial,
    added,
    affine,
    is_affine,
    line,
    size_names,
    times,
)
from einsumgrad.record import record

Known = Callable[[str], int | None]
"""The number of a size, if it is known."""


@record
class Place:
    """An affine position: of which access, and the size of the axis that it stands at."""

    access: ir.Access
    form: Affine
    axis: str

    def needs(self) -> set[str]:
        """The sizes that its bounds depend on, that of the axis aside."""
        parts = [self.form.offset, *(c for _, c in self.form.terms)]
        found = {name for part in parts for name in size_names(part)}
        return found | {i.size for i in self.form.indices}


@record
class Places:
    """The affine positions of a program's reads, and of its targets by the axis."""

    reads: tuple[Place, ...]
    writes: Mapping[str, tuple[Place, ...]]


@record
class Inferred:
    """A size, and the access that it keeps in range (or has room for)."""

    size: str
    value: int
    access: ir.Access


def places(program: ir.Program, axes: Mapping[str, Sequence[str]]) -> Places:
    """`axes`: for each tensor the names of its axes' sizes."""
    reads = list[Place]()
    writes = dict[str, tuple[Place, ...]]()
    for statement in program.statements:
        for access in statement.reads:
            reads += _affine_places(access, axes)
        for place in _every_place(statement.target, axes):
            writes[place.axis] = (*writes.get(place.axis, ()), place)
    return Places(tuple(reads), writes)


def _affine_places(access: ir.Access, axes: Mapping[str, Sequence[str]]) -> Iterator[Place]:
    for at, axis in zip(access.at, axes[access.tensor], strict=False):
        form = affine(at) if is_affine(at) else None
        if form is not None:
            yield Place(access, form, axis)


def _every_place(access: ir.Access, axes: Mapping[str, Sequence[str]]) -> Iterator[Place]:
    """The positions of a target that are computed from indices and numbers, if one is."""
    for at, axis in zip(access.at, axes[access.tensor], strict=False):
        form = affine(at)
        if form is not None and not isinstance(at, ir.Position):
            yield Place(access, form, axis)


def rooms(
    program: ir.Program, axes: Mapping[str, Sequence[str]], known: Known
) -> Iterator[Inferred]:
    """The lengths of leaves' axes that neither an index nor an array gives: as far as positions,
    all of them computed from known sizes, read them."""
    reading = dict[str, list[Place | None]]()
    for access in (access for statement in program.statements for access in statement.reads):
        for at, axis in zip(access.at, axes[access.tensor], strict=False):
            form = affine(at)
            found = None if form is None else Place(access, form, axis)
            reading.setdefault(axis, []).append(found)
    leaves = (tensor.name for tensor in program.tensors if tensor.kind != "computed")
    for axis in (axis for name in leaves for axis in axes[name] if "#" in axis):
        places = [place for place in reading.get(axis, ()) if place is not None]
        bounded = len(places) == len(reading.get(axis, ())) > 0
        if bounded and known(axis) is None and all(_known(p.needs(), known) for p in places):
            yield _room(axis, tuple(places), known)


def infer(
    found: Places, known: Known, root: Callable[[str], str], pinned: frozenset[str]
) -> Iterator[Inferred | Fault]:
    """Sizes that follow from those known by now; ask again when they are. `pinned`: those that
    arrays or declarations give, known or not."""
    open_sizes: dict[str, list[Place]] = {}
    for place in found.reads:
        for size in place.needs():
            free = known(size) is None and root(size) not in pinned
            if free and root(place.axis) != root(size):
                open_sizes.setdefault(root(size), []).append(place)
    for size, bounding in open_sizes.items():
        limits = [_limits(place, size, known, root) for place in bounding]
        if None not in limits and any(limit and limit.largest is not None for limit in limits):
            yield _largest(size, bounding, [limit for limit in limits if limit], root)
            return
    for axis, writing in found.writes.items():
        free = known(axis) is None and root(axis) not in pinned
        if free and all(_known(p.needs(), known) for p in writing):
            yield _room(axis, writing, known)
            return


def _known(names: set[str], known: Known) -> bool:
    return all(known(name) is not None for name in names)


@record
class Limits:
    """The sizes that keep one position in its axis: from `least` to `largest`, None: without end.
    `never`: none does, on a side that the size has no influence on."""

    least: int
    largest: int | None
    never: bool


def _limits(place: Place, size: str, known: Known, root: Callable[[str], str]) -> Limits | None:
    """What one position says of a size; None if something else in it is unknown, or the size does
    not move its ends evenly."""
    others = {name for name in {*place.needs(), place.axis} if root(name) != size}
    ends = _ends(place.form, size, known, root) if _known(others, known) else None
    if ends is None or any(len(monomial) > 1 for end in ends for monomial in end):
        return None
    low, high = ends
    room = added({(): Fraction(known(place.axis) or 0) - 1}, times(MINUS, high))
    slopes = [(end.get((size,), Fraction(0)), end.get((), Fraction(0))) for end in (low, room)]
    least = [math.ceil(-rest / by) for by, rest in slopes if by > 0]
    largest = [math.floor(rest / -by) for by, rest in slopes if by < 0]
    never = any(rest < 0 for by, rest in slopes if not by)
    return Limits(max(least, default=0), min(largest, default=None), never)


def _ends(
    form: Affine, size: str, known: Known, root: Callable[[str], str]
) -> tuple[Polynomial, Polynomial] | None:
    """The least and the largest position, by powers of the size; None if it is open which it is."""
    low = high = _by(size, form.offset, known, root)
    for index, factor in form.terms:
        by, extent = _by(size, factor, known, root), _extent(size, index, known, root)
        if len({value > 0 for value in by.values()}) > 1:
            return None
        end = times(by, extent)
        low = added(low, end) if any(value < 0 for value in by.values()) else low
        high = added(high, end) if any(value > 0 for value in by.values()) else high
    return low, high


def _extent(size: str, index: ir.Index, known: Known, root: Callable[[str], str]) -> Polynomial:
    """The last value of an index."""
    if root(index.size) == size:
        return {(size,): Fraction(1), (): Fraction(-1)}
    return {(): Fraction(max(0, (known(index.size) or 0) - 1))}


def _by(size: str, value: Polynomial, known: Known, root: Callable[[str], str]) -> Polynomial:
    """A polynomial in sizes as one in a single size, all others being known."""
    parts: list[Polynomial] = []
    for monomial, factor in value.items():
        number = math.prod(known(name) or 0 for name in monomial if root(name) != size)
        parts.append({tuple(size for name in monomial if root(name) == size): factor * number})
    return added(*parts)


def _largest(
    size: str, bounding: list[Place], limits: list[Limits], root: Callable[[str], str]
) -> Inferred | Fault:
    """The largest size within all limits, 0 where none of 1 or more is."""
    ends = [(limit.largest, k) for k, limit in enumerate(limits) if limit.largest is not None]
    value, lowest = min(ends)
    for place, limit in zip(bounding, limits, strict=True):
        if limit.never or limit.least > max(value, 1):
            return NeverInRange(
                span=place.access.span, text=place.access.span.text, index=_index(size, place, root)
            )
    return Inferred(size, max(0, value), bounding[lowest].access)


def _index(size: str, place: Place, root: Callable[[str], str]) -> str:
    """An index of that size."""
    found = (index.name for index in place.form.indices if root(index.size) == size)
    return next(found, size.strip("|").lower())


def _room(axis: str, writing: tuple[Place, ...], known: Known) -> Inferred:
    """The length that holds every place."""
    last, access = 0, writing[0].access
    for place in writing:
        sizes = {name: known(name) or 0 for name in place.needs()}
        form = line(place.form, sizes)
        if form is not None and all(sizes[i.size] for i, _ in form.terms):
            end = form.bounds(sizes)[1] + 1
            last, access = max((last, access), (end, place.access), key=lambda pair: pair[0])
    return Inferred(axis, last, access)
