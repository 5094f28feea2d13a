"""What can be said of positions before any array is seen: surely inside, sometimes outside.

Every size is at least 1 where a read happens at all, so a polynomial in the sizes is not negative
if its coefficients are not, written in the sizes less one. Sizes that reads infer keep those in
range.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from fractions import Fraction

from einsumgrad.check.faults import NoDerivative
from einsumgrad.check.sizes import axis_sizes, known_sizes, pinned_sizes, size_classes
from einsumgrad.diagnostics import EinError
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.affine import (
    MINUS,
    Affine,
    Monomial,
    Polynomial,
    added,
    affine,
    size_names,
    times,
)
from einsumgrad.ir.inside import within
from einsumgrad.ir.walk import free_indices
from einsumgrad.record import record


@record
class Ranges:
    """`axes`: the sizes of every tensor's axes. `classes`: one name for all that are one size.
    `numbers`: what is known of them. `pinned`: those that are given, not inferred from reads."""

    axes: Mapping[str, tuple[str, ...]]
    classes: Mapping[str, str]
    numbers: Mapping[str, int]
    pinned: frozenset[str]

    def leaving(self, access: ir.Access) -> tuple[ir.Condition, ...]:
        """What holds where the entry is inside its tensor, but for what surely holds. `x[1]` is
        taken for inside."""
        found: list[ir.Condition] = []
        for at, axis in zip(access.at, self.axes[access.tensor], strict=True):
            if isinstance(at, ir.Number):
                continue
            below, above = self.room(at, axis)
            if all(room is None or self.natural(room) for room in (below, above)):
                continue
            low, high = within(at, self._printable(access, axis))
            found += [low] if below is not None and not self.natural(below) else []
            found += [high] if above is not None and not self.natural(above) else []
        return tuple(found)

    def fixed(self, access: ir.Access) -> bool:
        """Whether a position that no index moves is surely outside."""
        return self._surely_outside(access, lambda at: not free_indices(at))

    def _printable(self, access: ir.Access, axis: str) -> str:
        """A name of the size that a program can write. Raises EinError if there is none."""
        root = self.classes.get(axis, axis)
        named = (name for name, of in self.classes.items() if of == root and "#" not in name)
        found = axis if "#" not in axis else next(named, None)
        if found is None:
            what = f"where `{access.span.text}` is inside has no words: an axis has no index name"
            hint = f"declare `{access.tensor}` with an index for each of its axes"
            raise EinError(NoDerivative(span=access.span, what=what, hint=hint))
        return found

    def leaves(self, access: ir.Access) -> bool:
        """Whether some position is surely outside for some values of its indices."""
        return self._surely_outside(access, lambda _: True)

    def _surely_outside(self, access: ir.Access, asked: Callable[[ir.Expr], bool]) -> bool:
        """Of the positions that are asked for."""
        pairs = zip(access.at, self.axes[access.tensor], strict=True)
        rooms = (room for at, axis in pairs if asked(at) for room in self.room(at, axis))
        return any(r is not None and self.natural(added(times(MINUS, r), MINUS)) for r in rooms)

    def room(self, at: ir.Expr, axis: str) -> tuple[Polynomial | None, Polynomial | None]:
        """How far the position stays from either end of its axis at least; None where it is no
        question: a plain index, a gather, an end that an inferred size keeps away from."""
        form = None if isinstance(at, ir.Position) else affine(at)
        if form is None:
            return None, None
        low, high = self.bounds(form)
        last = added(self.named({(axis,): Fraction(1)}), MINUS)
        return low, None if high is None else added(last, times(MINUS, high))

    def bounds(self, form: Affine) -> tuple[Polynomial | None, Polynomial | None]:
        """The least and the largest value; None where an inferred size moves that end."""
        low = high = self.named(form.offset)
        for index, by in form.terms:
            extent = added(self.named({(index.size,): Fraction(1)}), MINUS)
            end = times(self.named(by), extent)
            low, high = (low, added(high, end)) if _rises(by) else (added(low, end), high)
        kept_low, kept_high = self._inferred(form, rising=False), self._inferred(form, rising=True)
        return None if kept_low else low, None if kept_high else high

    def _inferred(self, form: Affine, rising: bool) -> bool:
        """Whether a size that is inferred moves the largest value, or the least one."""
        moving = [name for m, value in form.offset.items() if (value > 0) == rising for name in m]
        for index, by in form.terms:
            moving += (index.size, *size_names(by)) if _rises(by) == rising else ()
        return any(self.classes.get(name, name) not in self.pinned for name in moving)

    def named(self, value: Polynomial) -> Polynomial:
        """The polynomial with one name for each size, and numbers where they are known."""
        parts: list[Polynomial] = []
        for monomial, factor in value.items():
            names, number = [], factor
            for name in monomial:
                if name in self.numbers:
                    number = number * self.numbers[name]
                else:
                    names.append(self.classes.get(name, name))
            parts.append({tuple(sorted(names)): number})
        return added(*parts)

    def outside(self, access: ir.Access) -> ir.Condition:
        """That some affine position of an access is outside."""
        pairs = zip(access.at, self.axes[access.tensor], strict=True)
        inside = (c for at, axis in pairs if affine(at) is not None for c in within(at, axis))
        return ir.Not(ir.And(tuple(inside)))

    def natural(self, value: Polynomial) -> bool:
        """Whether the value is surely 0 or more."""
        return all(c >= 0 for c in added(*map(_less_one, value.items())).values())


def _rises(by: Polynomial) -> bool:
    """Whether a position grows with an index that it has so many times."""
    return any(value > 0 for value in by.values())


def _less_one(term: tuple[Monomial, Fraction]) -> Polynomial:
    """A term in sizes less one: S = 1 + s."""
    monomial, factor = term
    every = itertools.product((False, True), repeat=len(monomial))
    chosen = (tuple(n for n, kept in zip(monomial, keep, strict=True) if kept) for keep in every)
    return added(*({names: factor} for names in chosen))


def ranges(program: ir.Program) -> Ranges:
    """What the program says of its sizes."""
    axes = {tensor.name: tuple(axis_sizes(tensor)) for tensor in program.tensors}
    return Ranges(axes, size_classes(program), known_sizes(program), pinned_sizes(program))
