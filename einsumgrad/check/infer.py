"""Sizes that nothing declares or pins: the largest that keep every read in range (LANGUAGE §6).

`y[b,p] += x[b,p+k] w[k]` has P = X-K+1. Where only writes bear an axis, it is as long as they need:
`y[b,2p+k] += x[b,p] w[k]` has 2(P-1)+K entries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from einsumgrad.check.size_faults import NeverInRange
from einsumgrad.diagnostics import Fault
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.affine import Affine, affine, is_affine, line, size_names

Known = Callable[[str], int | None]
"""The number of a size, if it is known."""


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Places:
    """The affine positions of a program's reads, and of its targets by the axis."""

    reads: tuple[Place, ...]
    writes: Mapping[str, tuple[Place, ...]]


@dataclass(frozen=True, slots=True)
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
        if all(_only(place, size, known, root) for place in bounding):
            yield from _largest(size, bounding, known, root)
            return
    for axis, writing in found.writes.items():
        free = known(axis) is None and root(axis) not in pinned
        if free and all(_known(p.needs(), known) for p in writing):
            yield _room(axis, writing, known)
            return


def _known(names: set[str], known: Known) -> bool:
    return all(known(name) is not None for name in names)


def _only(place: Place, size: str, known: Known, root: Callable[[str], str]) -> bool:
    """Whether all else that bounds the position is known, and the size bounds it by indices."""
    others = {name for name in {*place.needs(), place.axis} if root(name) != size}
    inner = [place.form.offset, *(c for _, c in place.form.terms)]
    linear = all(root(name) != size for part in inner for name in size_names(part))
    return _known(others, known) and linear and root(place.axis) != size


def _largest(
    size: str, bounding: list[Place], known: Known, root: Callable[[str], str]
) -> Iterator[Inferred | Fault]:
    best: Inferred | None = None
    for place in bounding:
        value = _bound(size, place, known, root)
        if value is None:
            index = next(i for i in place.form.indices if root(i.size) == size)
            text = place.access.span.text
            yield NeverInRange(span=place.access.span, text=text, index=index.name)
            return
        if best is None or value < best.value:
            best = Inferred(size, value, place.access)
    if best is not None:
        yield best


def _bound(size: str, place: Place, known: Known, root: Callable[[str], str]) -> int | None:
    """The largest size that keeps one position in its axis; None if even 1 does not, on the side
    that the size has no influence on."""
    sizes = {name: known(name) or 0 for name in {*place.needs(), place.axis}}
    form, length = line(place.form, sizes), sizes[place.axis]
    if form is None:
        return None
    own = [c for i, c in form.terms if root(i.size) == size]
    up, down = sum(c for c in own if c > 0), -sum(c for c in own if c < 0)
    rest = [c * max(0, sizes[i.size] - 1) for i, c in form.terms if root(i.size) != size]
    high = form.offset + sum(end for end in rest if end > 0)
    low = form.offset + sum(end for end in rest if end < 0)
    if (not up and high >= length) or (not down and low < 0):
        return None
    bounds = [(length - 1 - high) // up] if up else []
    bounds += [low // down] if down else []
    return max(0, min(bounds) + 1)


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
