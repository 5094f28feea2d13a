"""Windows that are slices, and values stored at single places of a loop's step."""

from __future__ import annotations

from collections.abc import Iterator

from einsumgrad.emit.places import Place
from einsumgrad.emit.table import UFUNCS
from einsumgrad.emit.writer import Writer
from einsumgrad.plan.nodes import OverlapAdd, Store, Window
from einsumgrad.plan.operands import Walk


def inner(place: Place, widths: tuple[tuple[int, int], ...]) -> Place:
    """The place without the room around it."""
    offset = place.offset
    shape = []
    for n, stride, (before, after) in zip(place.shape, place.strides, widths, strict=True):
        offset += before * stride
        shape.append(n - before - after)
    return Place(place.base, offset, tuple(shape), place.strides, place.dtype)


def edges(place: Place, widths: tuple[tuple[int, int], ...]) -> Iterator[Place]:
    """The room around it, in pieces."""
    for axis, (n, (before, after)) in enumerate(zip(place.shape, widths, strict=True)):
        for cut in ((0, n - before) if before else None, (n - after, 0) if after else None):
            if cut is not None:
                yield inner(place, tuple(cut if k == axis else (0, 0) for k in range(len(widths))))


def arranged(found: Place, shape: tuple[int, ...]) -> Place:
    """A place that is spread over a space, repeated along the axes that it lacks."""
    return Place(found.base, found.offset, shape, found.strides, found.dtype)


def still(made: Window, source: Place, shape: tuple[int, ...]) -> Place:
    """Where a window is in the first turn of all loops that move it."""
    strides, offset = [0] * len(shape), source.offset
    for walk, stride in zip(made.walks, source.strides, strict=True):
        offset += walk.offset * stride
        for axis, count in walk.steps:
            strides[axis] += count * stride
    return Place(source.base, offset, shape, tuple(strides), source.dtype)


def always(walk: Walk) -> bool:
    """Whether a place is inside in every turn: it is that of a loop's variable."""
    return walk.offset == 0 and len(walk.moving) == 1 and walk.moving[0][1] == 1


def sliced(
    writer: Writer, made: Window, source: Place, shape: tuple[int, ...], name: str
) -> Place | None:
    """Where a window is: for one that moves with loops, in a variable that is set here."""
    place = still(made, source, shape)
    if not any(walk.moving for walk in made.walks):
        return place
    index = [_slice(walk, shape) for walk in made.walks]
    if None in index:
        return None
    axes, strides = [walk.steps[0][0] for walk in made.walks if walk.steps], place.strides
    if not axes:
        index.append("...")  # a view of the entry, not its value
    writer.line(f"{name} = {writer.name(source)}[{', '.join(str(i) for i in index)}]")
    taken = Place(
        name, 0, tuple(shape[k] for k in axes), tuple(strides[k] for k in axes), source.dtype
    )
    writer.whole(name, taken)
    return taken.turned(tuple(axes.index(k) for k in range(len(shape))))


def spots(made: OverlapAdd, into: Place, value: Place) -> tuple[Place, Place] | None:
    """Where a value is put, and the part of it that is: what falls outside is left out. None if two
    axes walk along one, or one axis along two, or a loop moves the walk."""
    axes = [k for walk in made.walks for k, _ in walk.steps]
    plain = all(
        len(w.steps) < 2 and not w.moving and all(c > 0 for _, c in w.steps) for w in made.walks
    )
    if not plain or sorted(axes) != list(range(len(value.shape))):
        return None
    offset, start = into.offset, value.offset
    shape, strides = [0] * len(axes), [0] * len(axes)
    for k, walk in enumerate(made.walks):
        n, at = into.shape[k], walk.offset - made.widths[k][0]
        if not walk.steps and not 0 <= at < n:
            return None
        offset += at * into.strides[k]
        for axis, step in walk.steps:
            first = max(0, -(at // step))
            last = min(value.shape[axis], (n - 1 - at) // step + 1)
            offset += first * step * into.strides[k]
            start += first * value.strides[axis]
            shape[axis], strides[axis] = max(0, last - first), step * into.strides[k]
    target = Place(into.base, offset, tuple(shape), tuple(strides), into.dtype)
    return target, Place(value.base, start, tuple(shape), value.strides, value.dtype)


def _slice(walk: Walk, shape: tuple[int, ...]) -> str | None:
    """One axis of an index; None if it is walked along by several axes, or backwards."""
    start = _start(walk)
    if not walk.steps:
        return start
    if len(walk.steps) > 1 or walk.steps[0][1] < 1:
        return None
    axis, step = walk.steps[0]
    if not walk.moving and walk.offset == 0 and step == 1:
        return f":{shape[axis]}"
    return f"{start}:{start} + {step * (shape[axis] - 1) + 1}:{step}"


def _start(walk: Walk) -> str:
    parts = [
        f"{count} * i{register}" if count != 1 else f"i{register}"
        for register, count in walk.moving
    ]
    if walk.offset or not parts:
        parts.append(str(walk.offset))
    return " + ".join(parts)


def stored(writer: Writer, made: Store, into: Place, value: Place) -> None:
    """Writes a store; its single places are looked at first, as they may be outside."""
    places = dict(made.places)
    tests, index = [], []
    for axis, (n, (before, after)) in enumerate(zip(into.shape, made.widths, strict=True)):
        if axis not in places:
            index.append(f"{before}:{n - after}")
            continue
        walk = places[axis]
        if not always(walk):
            tests.append(f"0 <= {_start(walk)} < {n - before - after}")
        index.append(f"{before} + {_start(walk)}" if before else _start(walk))
    target, shown = writer.name(into), writer.name(value)

    def body() -> None:
        writer.line(f"t = {target}[{', '.join(index)}, ...]")
        if made.function == "set":
            writer.line(f"copyto(t, {shown})")
        else:
            writer.line(f"{UFUNCS[made.function]}(t, {shown}, out=t)")

    if tests:
        writer.block(f"if {' and '.join(tests)}:", body)
    else:
        body()
