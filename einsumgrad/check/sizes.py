"""How large every index is: from declarations, from plain uses of one axis, from arrays.

Size names that one axis bears are one size (union-find); each class takes its number from a
declaration or an array, and two different numbers are a fault that names both sources.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction

from einsumgrad.check.classes import Classes, Given
from einsumgrad.check.infer import Inferred, infer, places, rooms
from einsumgrad.check.size_faults import BadSize, UnknownLength, UnknownSize
from einsumgrad.check.spans import place_of
from einsumgrad.diagnostics import NOWHERE, EinError, Fault
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.nodes import walk
from einsumgrad.syntax.names import base_name

LIMIT = 2**63
LONGEST = 2**14
"""No size is computed with longer numbers, in bits."""
Shapes = Mapping[str, tuple[int, ...]]


def size_faults(program: ir.Program) -> tuple[Fault, ...]:
    """The faults of the declared sizes, before any array is seen."""
    return tuple(_classes(program, {}).faults)


def known_sizes(program: ir.Program) -> dict[str, int]:
    """The sizes that the program itself gives."""
    return _values(_classes(program, {}), size_names(program))


def size_classes(program: ir.Program) -> dict[str, str]:
    """For every size one name for all that are one size."""
    classes, axes = _joined(program)
    names = {*size_names(program), *(size for sizes in axes.values() for size in sizes)}
    return {name: classes.root(name) for name in names}


def pinned_sizes(program: ir.Program) -> frozenset[str]:
    """The classes whose size declarations or arrays give; the others are inferred from reads."""
    return _pinned_roots(program, *_joined(program))


def _pinned_roots(
    program: ir.Program, classes: Classes, axes: Mapping[str, list[str]]
) -> frozenset[str]:
    given = [name for name, _ in program.sizes]
    given += (size for t in program.tensors if t.kind != "computed" for size in axes[t.name])
    return frozenset(map(classes.root, given))


def sizes_given(program: ir.Program, given: Mapping[str, int], shapes: Shapes) -> dict[str, int]:
    """The sizes that the program, sizes given by name, and the shapes of some arrays give; an axis
    without an index that no array gives is as long as it is read."""
    classes = _classes(program, shapes, given)
    axes = {tensor.name: axis_sizes(tensor) for tensor in program.tensors}
    for item in rooms(program, axes, classes.value):
        _give_inferred(classes, item)
    if classes.faults:
        raise EinError(*dict.fromkeys(classes.faults))
    own = (size for sizes in axes.values() for size in sizes if "#" in size)
    return _values(classes, (*size_names(program), *own))


def unknown_size(program: ir.Program, size: str) -> Fault:
    """The fault of a size that nothing gives, at a statement that needs it."""
    return _unknown(program, size, ", or give an array that has this axis")


def bind_sizes(program: ir.Program, shapes: Shapes) -> dict[str, int]:
    """Every size of the program, given the shapes of its leaves' arrays.

    Raises EinError if two sources disagree, or if nothing gives a size."""
    classes = _classes(program, shapes)
    if classes.faults:
        raise EinError(*dict.fromkeys(classes.faults))
    names = size_names(program)
    found = _values(classes, names)
    missing = tuple(_unknown(program, name, otherwise="") for name in names if name not in found)
    if missing:
        raise EinError(*missing)
    return found


def _classes(
    program: ir.Program, shapes: Shapes, given: Mapping[str, int] | None = None
) -> Classes:
    """All that is known of the sizes, given some by name and the shapes of some arrays."""
    classes, axes = _joined(program)
    _give_declared(classes, program)
    for name, value in (given or {}).items():
        classes.give(name, Given(name, value, f"`{name}` is given as {value}", NOWHERE))
    for tensor in program.tensors:
        if tensor.name in shapes:
            _give_shape(classes, tensor, axes[tensor.name], shapes[tensor.name])
    _give_declared(classes, program)
    _infer(classes, program, axes)
    return classes


def _joined(program: ir.Program) -> tuple[Classes, dict[str, list[str]]]:
    """The size names that axes share, and those of every tensor's axes."""
    classes = Classes()
    axes = {tensor.name: axis_sizes(tensor) for tensor in program.tensors}
    holds = {t.name: t.holds.size for t in program.tensors if t.holds is not None}
    for tensor in program.tensors:
        own, of = axes[tensor.name], axes.get(_derived_of(tensor.name, axes), [])
        extra = len(own) - len(of)  # a derivative that is kept apart for each example has one more
        for mine, other in zip(own[extra:], of, strict=True) if extra in (0, 1) else ():
            if mine != other and "#" in mine:
                classes.join(other, mine, tensor.span)
    for access in _accesses(program):
        for place, at in enumerate(access.at):
            size = _pinned(at, holds)
            if size is not None:
                classes.join(axes[access.tensor][place], size, access.span)
    return classes, axes


def _derived_of(name: str, known: Mapping[str, object]) -> str:
    """The tensor whose derivative a tensor is, as far as the program has it."""
    own = base_name(name)
    while own not in known and base_name(own) != own:
        own = base_name(own)
    return own


def _infer(classes: Classes, program: ir.Program, axes: Mapping[str, list[str]]) -> None:
    """The sizes that only computed positions bound, one after the other."""
    found, pinned = places(program, axes), _pinned_roots(program, classes, axes)
    asked = bool(found.reads or found.writes)
    while asked and not classes.faults:
        asked = False
        for item in infer(found, classes.value, classes.root, pinned):
            if isinstance(item, Fault):
                classes.faults.append(item)
                return
            _give_inferred(classes, item)
            _give_declared(classes, program)
            asked = True


def _give_inferred(classes: Classes, item: Inferred) -> None:
    source = f"`{item.access.span.text}` needs it to be {item.value}"
    classes.give(item.size, Given(item.size, item.value, source, item.access.span))


def axis_sizes(tensor: ir.Tensor) -> list[str]:
    """The name of each axis's size; an axis without an index has one of its own."""
    return [
        axis_name(tensor.name, place) if index is None else index.size
        for place, index in enumerate(tensor.axes)
    ]


def axis_name(tensor: str, axis: int) -> str:
    """The name of the size of an axis that bears no index: none that a program can write."""
    return f"{tensor}#{axis}"


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


def _give_shape(
    classes: Classes, tensor: ir.Tensor, sizes: list[str], shape: tuple[int, ...]
) -> None:
    for place, (index, size, length) in enumerate(zip(tensor.axes, sizes, shape, strict=False)):
        named = f", `{index.name}`," if index is not None else ""
        entries = "1 entry" if length == 1 else f"{length} entries"
        source = f"axis {place} of array `{tensor.name}`{named} has {entries}"
        classes.give(size, Given(size, length, source, tensor.span))


def size_names(program: ir.Program) -> tuple[str, ...]:
    """Every size that running the program needs, in order of first use."""
    names: dict[str, None] = {}
    for tensor in program.tensors:
        names.update((i.size, None) for i in tensor.axes if i is not None)
        if tensor.kind == "computed" and None in tensor.axes:
            own = zip(axis_sizes(tensor), tensor.axes, strict=True)
            names.update((size, None) for size, index in own if index is None)
    for statement in program.statements:
        names.update((i.size, None) for i in sorted(statement.every_index))
        for top in statement.nodes:
            names.update((n.name, None) for n in walk(top) if isinstance(n, ir.Size))
    return tuple(names)


def _values(classes: Classes, names: tuple[str, ...]) -> dict[str, int]:
    return {name: value for name in names if (value := classes.value(name)) is not None}


def _unknown(program: ir.Program, size: str, otherwise: str) -> Fault:
    """The fault of a size that nothing gives, at a statement that needs it. `otherwise`: what can
    be done besides declaring it."""
    if "#" in size:
        return _unknown_length(program, size)
    for statement in program.statements:
        for index in sorted(statement.every_index):
            if index.size == size:
                of, place = f" of index `{index.name}`", statement.span
                return UnknownSize(
                    span=place, size=size, of=of, index=index.name, otherwise=otherwise
                )
    return UnknownSize(size=size, index=size.strip("|").lower(), otherwise=otherwise)


def _unknown_length(program: ir.Program, size: str) -> Fault:
    """The fault of an axis without an index: of a derivative, that of the tensor as written."""
    name, _, axis = size.partition("#")
    known = {tensor.name: tensor for tensor in program.tensors}
    own = known.get(_derived_of(name, known), known[name])
    own = own if len(own.axes) == len(known[name].axes) else known[name]
    kind = "output" if own.kind == "computed" else own.kind
    span = place_of(program, own.name)
    return UnknownLength(span=span, tensor=own.name, axis=int(axis), kind=kind)
