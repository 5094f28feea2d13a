"""How large every index is: from declarations, from plain uses of one axis, from arrays.

Size names that one axis bears are one size (union-find); each class takes its number from a
declaration or an array, and two different numbers are a fault that names both sources.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from einsumgrad.check.size_faults import BadSize, SizeConflict, UnknownSize
from einsumgrad.diagnostics import NOWHERE, EinError, Fault, Span
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.walk import walk

LIMIT = 2**63
LONGEST = 2**14
"""No size is computed with longer numbers, in bits."""
Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Given:
    """A number that a source gives for a size."""

    name: str
    value: int
    source: str
    span: Span


@dataclass(slots=True)
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


def size_faults(program: ir.Program) -> tuple[Fault, ...]:
    """The faults of the declared sizes, before any array is seen."""
    return tuple(_classes(program).faults)


def known_sizes(program: ir.Program) -> dict[str, int]:
    """The sizes that the program itself gives."""
    return _values(_classes(program), size_names(program))


def sizes_given(program: ir.Program, given: Mapping[str, int], shapes: Shapes) -> dict[str, int]:
    """The sizes that the program, sizes given by name, and the shapes of some arrays give."""
    classes = _classes(program)
    for name, value in given.items():
        classes.give(name, Given(name, value, f"`{name}` is given as {value}", NOWHERE))
    _give_shapes(classes, program, shapes)
    if classes.faults:
        raise EinError(*dict.fromkeys(classes.faults))
    return _values(classes, size_names(program))


def unknown_size(program: ir.Program, size: str) -> Fault:
    """The fault of a size that nothing gives, at a statement that needs it."""
    return _unknown(program, size)


def bind_sizes(program: ir.Program, shapes: Shapes) -> dict[str, int]:
    """Every size of the program, given the shapes of its leaves' arrays.

    Raises EinError if two sources disagree, or if nothing gives a size."""
    classes = _classes(program)
    _give_shapes(classes, program, shapes)
    if classes.faults:
        raise EinError(*dict.fromkeys(classes.faults))
    names = size_names(program)
    found = _values(classes, names)
    missing = tuple(_unknown(program, name) for name in names if name not in found)
    if missing:
        raise EinError(*missing)
    return found


def _classes(program: ir.Program) -> Classes:
    classes = Classes()
    axes = {tensor.name: _axis_sizes(tensor) for tensor in program.tensors}
    holds = {t.name: t.holds.size for t in program.tensors if t.holds is not None}
    for access in _accesses(program):
        for place, at in enumerate(access.at):
            size = _pinned(at, holds)
            if size is None:
                continue
            known = axes[access.tensor]
            if known[place] is None:
                known[place] = size
            else:
                classes.join(known[place] or size, size, access.span)
    _give_declared(classes, program)
    return classes


def _axis_sizes(tensor: ir.Tensor) -> list[str | None]:
    return [None if index is None else index.size for index in tensor.axes]


def _accesses(program: ir.Program) -> Iterator[ir.Access]:
    for statement in program.statements:
        yield from statement.reads
        yield statement.target


def _pinned(at: ir.Expr, holds: Mapping[str, str]) -> str | None:
    """The size that an index position gives its axis."""
    match at:
        case ir.Position(index):
            return index.size
        case ir.Access(tensor) if tensor in holds:
            return holds[tensor]
        case _:
            return None


def _give_declared(classes: Classes, program: ir.Program) -> None:
    """Declared numbers, and expressions of sizes that are known by now."""
    spans = dict(program.places)
    named = {index.size: index.name for index in reversed(program.indices)}
    for name, value in program.sizes:
        number = _evaluate(value, classes)
        if number is None:
            continue
        span = spans.get(name, NOWHERE)
        if number.denominator != 1 or not 0 <= number < LIMIT:
            text = span.text.partition(":")[2].strip() or str(number)
            text = text if len(text) <= 40 else f"{text[:40]}…"
            classes.faults.append(BadSize(span=span, index=named.get(name, name), text=text))
            continue
        written = f"index {span.text}" if span.text else f"index {named.get(name, name)} : {number}"
        source = f"`{name}` is {int(number)} by `{written}`"
        classes.give(name, Given(name, int(number), source, span))


def _evaluate(value: ir.Expr, classes: Classes) -> Fraction | None:
    """The number of an expression of sizes; None if a size in it is unknown."""
    match value:
        case ir.Number(number):
            return Fraction(number) if math.isfinite(number) else Fraction(-1)
        case ir.Size(name):
            known = classes.value(name)
            return None if known is None else Fraction(known)
        case ir.Sum(terms):
            return _folded([_evaluate(term, classes) for term in terms], product=False)
        case ir.Product(factors):
            return _folded([_evaluate(factor, classes) for factor in factors], product=True)
        case ir.Power(base, ir.Number(Fraction(denominator=1) as exponent)):
            inner = _evaluate(base, classes)
            return None if inner is None else _power(inner, int(exponent))
        case _:
            return None


def _power(base: Fraction, exponent: int) -> Fraction | None:
    """The power; one that is no size anyway is not computed."""
    if base == 0 and exponent < 0:
        return None
    if abs(base) in (0, 1) or abs(exponent) < 64:
        return base ** (exponent % 2 + 2 if abs(base) == 1 else exponent)
    return Fraction(LIMIT) if exponent > 0 else Fraction(-1)


def _folded(values: list[Fraction | None], *, product: bool) -> Fraction | None:
    result = Fraction(1 if product else 0)
    for value in values:
        if value is None:
            return None
        result = result * value if product else result + value
        if max(result.numerator.bit_length(), result.denominator.bit_length()) > LONGEST:
            return Fraction(LIMIT)
    return result


def _give_shapes(classes: Classes, program: ir.Program, shapes: Shapes) -> None:
    for tensor in program.tensors:
        if tensor.name in shapes:
            _give_shape(classes, tensor, shapes[tensor.name])
    _give_declared(classes, program)


def _give_shape(classes: Classes, tensor: ir.Tensor, shape: tuple[int, ...]) -> None:
    for place, (index, length) in enumerate(zip(tensor.axes, shape, strict=False)):
        if index is not None:
            entries = "1 entry" if length == 1 else f"{length} entries"
            source = f"axis {place} of array `{tensor.name}`, `{index.name}`, has {entries}"
            classes.give(index.size, Given(index.size, length, source, tensor.span))


def size_names(program: ir.Program) -> tuple[str, ...]:
    """Every size that running the program needs, in order of first use."""
    names: dict[str, None] = {}
    for tensor in program.tensors:
        names.update((i.size, None) for i in tensor.axes if i is not None)
    for statement in program.statements:
        names.update((i.size, None) for i in sorted(statement.every_index))
        for top in statement.nodes:
            names.update((n.name, None) for n in walk(top) if isinstance(n, ir.Size))
    return tuple(names)


def _values(classes: Classes, names: tuple[str, ...]) -> dict[str, int]:
    return {name: value for name in names if (value := classes.value(name)) is not None}


def _unknown(program: ir.Program, size: str) -> Fault:
    """The fault of a size that nothing gives, at a statement that needs it."""
    for statement in program.statements:
        for index in sorted(statement.every_index):
            if index.size == size:
                of = f" of index `{index.name}`"
                return UnknownSize(span=statement.span, size=size, of=of, index=index.name)
    return UnknownSize(size=size, of="", index=size.strip("|").lower())
