"""How the tables of `einsumgrad/fused/coefficients.py`, and that of float32 in
`einsumgrad/tune/elementary.py`, were found: `python -m tests.minimax`.

Remez' exchange on a grid, in the arithmetic of mpmath (which torch brings): the polynomial whose
largest weighted error is least. The weight is what an error of the polynomial costs the function
relative to its value; that cost is printed with each table, after rounding to the type. The one
ratio of polynomials, for exp(x²) erfc x, is of least squares at Chebyshev's points, weighted anew
by its denominator until that stands (Sanathanan and Koerner, IEEE Trans. Autom. Control 8, 1963).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

mp = pytest.importorskip("mpmath")

Real = Any
GRID = 1500


@dataclass(frozen=True)
class Fit:
    """`value(t)` by a polynomial in `t` between two bounds; `cost`: the weight of its error."""

    name: str
    value: Callable[[Real], Real]
    cost: Callable[[Real], Real]
    low: str
    high: str
    degrees: tuple[int, ...]
    """For float, and for double where it has such a polynomial."""


def series(f: Callable[[Real], Real], t: Real, near: Real) -> Real:
    """A value that 0/0 hides at 0: taken beside it, with digits to spare."""
    return f(t if abs(t) > near else mp.mpf(near))


def of_root(f: Callable[[Real], Real]) -> Callable[[Real], Real]:
    return lambda t: series(lambda z: f(mp.sqrt(z)), t, mp.mpf(10) ** -22)


def artanh_erf(x: Real) -> Real:
    return (mp.log1p(mp.erf(x)) - mp.log(mp.erfc(x))) / 2


def steep(x: Real) -> Real:
    """What erf changes, relative to itself, with artanh(erf x)/x."""
    return x * mp.erfc(x) * (1 + mp.erf(x)) / mp.erf(x)


FITS = (
    Fit("EXP", lambda t: series(lambda r: (mp.exp(r) - 1 - r) / r**2, t, mp.mpf(10) ** -16),
        lambda r: r * r / mp.exp(r), "-0.34662", "0.34662", (4, 9)),
    Fit("LOG", of_root(lambda s: (2 * mp.atanh(s) - 2 * s) / s**3), lambda z: z / 2 + 1e-9,
        "0", "0.02945", (2, 6)),
    Fit("TANH", of_root(lambda x: (mp.tanh(x) - x) / x**3), lambda z: z + 1e-9,
        "0", "0.31", (4, 9)),
    Fit("ERF", of_root(lambda x: mp.erf(x) / x - 1), lambda _: mp.mpf(1), "0", "1", (6, 12)),
    Fit("ERF, artanh", of_root(lambda x: artanh_erf(x) / x), lambda t: steep(mp.sqrt(t + 1e-20)),
        "0", "18.5", (6,)),
    Fit("SIN", of_root(lambda x: (mp.sin(x) - x) / x**3), lambda z: z + 1e-9, "0", "0.617", (2, 5)),
    Fit("COS", of_root(lambda x: (mp.cos(x) - 1 + x**2 / 2) / x**4), lambda z: z * z / 0.7 + 1e-9,
        "0", "0.617", (2, 5)),
)  # fmt: skip


def chebyshev(low: Real, high: Real, count: int) -> list[Real]:
    middle, half = (low + high) / 2, (high - low) / 2
    return [middle - half * mp.cos(mp.pi * k / (count - 1)) for k in range(count)]


def polynomial(coefficients: list[Real], t: Real) -> Real:
    """The highest power first."""
    return mp.polyval(coefficients, t)


def alternating(points: list[int], grid: list[Real], value: list[Real], cost: list[Real]) -> Any:
    """The polynomial whose weighted error at these points alternates with one size."""
    n = len(points) - 1
    rows = [[grid[p] ** (n - 1 - k) for k in range(n)] for p in points]
    for sign, (row, p) in enumerate(zip(rows, points, strict=True)):
        row.append((-1) ** sign / cost[p])
    found = mp.lu_solve(mp.matrix(rows), mp.matrix([value[p] for p in points]))
    return list(found)[:n]


def peaks(error: list[Real], count: int) -> list[int]:
    """The largest error of each run of one sign; those `count` that reach highest."""
    found: list[int] = []
    for k, e in enumerate(error):
        if found and (e > 0) == (error[found[-1]] > 0):
            found[-1] = max(found[-1], k, key=lambda i: abs(error[i]))
        else:
            found.append(k)
    while len(found) > count:
        del found[0 if abs(error[found[0]]) < abs(error[found[-1]]) else -1]
    return found


def remez(fit: Fit, degree: int) -> list[Real]:
    grid = chebyshev(mp.mpf(fit.low), mp.mpf(fit.high), GRID)
    value, cost = [fit.value(t) for t in grid], [fit.cost(t) for t in grid]
    points = [round(k * (GRID - 1) / (degree + 1)) for k in range(degree + 2)]
    found: list[Real] = []
    for _ in range(20):
        found = alternating(points, grid, value, cost)
        error = [(polynomial(found, t) - v) * c for t, v, c in zip(grid, value, cost, strict=True)]
        better = peaks(error, degree + 2)
        if len(better) < degree + 2 or better == points:
            break
        points = better
    return found


def worst(fit: Fit, coefficients: list[Real]) -> float:
    grid = chebyshev(mp.mpf(fit.low), mp.mpf(fit.high), 700)
    return float(max(abs(polynomial(coefficients, t) - fit.value(t)) * fit.cost(t) for t in grid))


def scaled(x: Real) -> Real:
    return mp.erfc(x) * mp.exp(x * x)


def ratio(high: float, degree: int, points: int = 160) -> tuple[list[Real], list[Real]]:
    """erfc x exp x² from 0 to `high`, the degree of the denominator greater by one."""
    x = [
        3 * (1 + t) / (1 - t) for t in chebyshev(mp.mpf(-0.99999), (high - 3) / (high + 3), points)
    ]
    value = [scaled(v) for v in x]
    weight = [1 / v for v in value]
    over: list[Real] = []
    under: list[Real] = []
    for _ in range(8):
        rows = [
            [w * v**j for j in range(degree, -1, -1)]
            + [-w * f * v**j for j in range(degree + 1, 0, -1)]
            for v, f, w in zip(x, value, weight, strict=True)
        ]
        right = [w * f for f, w in zip(value, weight, strict=True)]
        found = list(mp.qr_solve(mp.matrix(rows), mp.matrix(right))[0])
        over, under = found[: degree + 1], [*found[degree + 1 :], mp.mpf(1)]
        weight = [1 / (f * polynomial(under, v)) for v, f in zip(x, value, strict=True)]
    return over, under


def show_ratio() -> None:
    for kind, high, degree in ((np.float32, 10.7, 4), (np.float64, 27.6, 10)):
        over, under = ([kind(float(c)) for c in part] for part in ratio(high, degree))
        wide = [[mp.mpf(float(c)) for c in part] for part in (over, under)]
        cost = max(
            abs(polynomial(wide[0], v) / polynomial(wide[1], v) / scaled(v) - 1)
            for v in (mp.mpf(k) / 100 for k in range(int(100 * high)))
        )
        for name, part in (("OVER", over), ("UNDER", under)):
            show(f"ERFC_{name}", kind, part, float(cost))


def show(name: str, kind: Any, rounded: list[Any], cost: float) -> None:
    digits = ", ".join(repr(float(c)) if kind is np.float64 else str(c) for c in rounded)
    in_roundings = cost / float(np.finfo(kind).epsneg)
    print(f"{name} {kind.__name__}: ({digits}),  # {in_roundings:.3f} roundings")  # noqa: T201


def main() -> None:
    mp.mp.dps = 60
    show_ratio()
    for fit in FITS:
        for kind, degree in zip((np.float32, np.float64), fit.degrees, strict=False):
            rounded = [kind(float(c)) for c in remez(fit, degree)]
            show(fit.name, kind, rounded, worst(fit, [mp.mpf(float(c)) for c in rounded]))


if __name__ == "__main__":
    main()
