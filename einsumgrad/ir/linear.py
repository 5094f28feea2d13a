"""Whether linear conditions can hold together: Fourier's elimination (Fourier 1826, Motzkin 1936).

Variables are whole and named by strings; a constraint says that a linear form is 0 or more. What no
rational point meets, no integer point does; nor what is left out where constants are rounded down,
the coefficients being whole (Gomory 1958): so `2i = 2j + 1` has no solution."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction

Form = Mapping[str, Fraction]
"""Coefficients by variable; that of `""` is the constant."""
MAX_FORMS = 500


def feasible(forms: Iterable[Form]) -> bool:
    """Whether all of the forms can be 0 or more at one point; True where that takes too long."""
    left = _distinct(forms)
    while True:
        if any(form.get("", Fraction(0)) < 0 for form in left if not _variables(form)):
            return False
        names = {name for form in left for name in _variables(form)}
        if not names or len(left) > MAX_FORMS:
            return True
        left = _distinct(_without(_cheapest(names, left), left))


def _variables(form: Form) -> set[str]:
    return {name for name, value in form.items() if name and value}


def _distinct(forms: Iterable[Form]) -> list[Form]:
    """Of the forms that differ in the constant only the strictest one."""
    found: dict[tuple[tuple[str, Fraction], ...], Fraction] = {}
    for form in forms:
        scale = _scale([form[name] for name in _variables(form)])
        scaled = tuple(sorted((name, form[name] * scale) for name in _variables(form)))
        constant = Fraction(math.floor(form.get("", Fraction(0)) * scale))
        found[scaled] = min(constant, found.get(scaled, constant))
    return [{**dict(scaled), "": constant} for scaled, constant in found.items()]


def _scale(values: list[Fraction]) -> Fraction:
    """What makes the numbers whole and without a common divisor."""
    whole = math.lcm(*(value.denominator for value in values))
    common = math.gcd(*(int(value * whole) for value in values))
    return Fraction(whole, common or 1)


def _cheapest(names: set[str], forms: list[Form]) -> str:
    """The variable whose elimination makes the fewest forms."""

    def cost(name: str) -> tuple[int, str]:
        above = sum(form.get(name, 0) > 0 for form in forms)
        below = sum(form.get(name, 0) < 0 for form in forms)
        return above * below - above - below, name

    return min(names, key=cost)


def _without(name: str, forms: list[Form]) -> Iterable[Form]:
    """What the forms say of the other variables."""
    yield from (form for form in forms if not form.get(name))
    above = [form for form in forms if form.get(name, 0) > 0]
    below = [form for form in forms if form.get(name, 0) < 0]
    for up in above:
        for down in below:
            yield _combined(up, -down[name], down, up[name])


def _combined(left: Form, by: Fraction, right: Form, other: Fraction) -> Form:
    names = left.keys() | right.keys()
    return {n: by * left.get(n, Fraction(0)) + other * right.get(n, Fraction(0)) for n in names}
