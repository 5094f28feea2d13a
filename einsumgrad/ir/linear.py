"""Whether linear conditions can hold together: Fourier's elimination (Fourier 1826, Motzkin 1936).

Variables are named by strings; a constraint says that a linear form is 0 or more. Rational numbers
are enough: what no rational point meets, no integer point does."""

from __future__ import annotations

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
    """Each form once, scaled so that equal ones look alike."""
    found = {}
    for form in forms:
        scale = max((abs(form[name]) for name in _variables(form)), default=Fraction(1))
        scaled = {name: value / scale for name, value in form.items() if value}
        found[tuple(sorted(scaled.items()))] = scaled
    return list(found.values())


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
