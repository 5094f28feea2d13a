"""The transcendental functions, without branches or tables, each within about 2 ulp.

exp and expm1: Cody and Waite's reduction by ln 2. log and log1p: artanh of (m - 1)/(m + 1), as in
FreeBSD's msun, whose order of the last additions this is. erf: x + x P(x²) below 1, and
1 - erfc x above; erfc x = exp(-x²) N(x)/D(x), after Cody, Math. Comp. 23 (1969). Whoever changes
an order here changes an error bound: `tests/test_fused_functions.py` measures them.
"""

from __future__ import annotations

import math

from einsumgrad.fused.coefficients import ERF, ERFC_OVER, ERFC_UNDER, EXP, LN2, LOG, TANH
from einsumgrad.fused.writing import Value, intrinsic, polynomial, select

EXP_RANGE = {"float": (-176.0, 88.8), "double": (-1418.0, 709.9)}
"""At the lower end both factors of exp are 0. It is 0 long before, but for the -∞ of a mask no
product may underflow, for that takes a processor a hundred times as long. Above, it is infinite."""
RAISED_RANGE = {"float": (-87.9, 88.6), "double": (-709.0, 709.9)}
"""At the ends the exponent that is kept in bits is that of 0, and that of ∞."""
EXPM1_RANGE = {"float": (-18.0, 88.8), "double": (-38.0, 709.9)}
"""Below, expm1 is -1."""
TANH_LIMIT = {"float": 9.5, "double": 20.0}
"""From here on tanh is 1."""
ERFC_LIMIT = {"float": 11.0, "double": 28.0}
"""From here on erfc is 0."""
GELU_LIMIT = {"float": 15.0, "double": 39.0}
"""From here on the normal distribution Φ is 0 or 1."""
HALF_BITS = {"float": -(2**12), "double": -(2**27)}
"""Masks that keep a fraction whose square is exact."""
ROOT_HALF = math.sqrt(0.5)


def clamp(x: Value, low: float, high: float) -> Value:
    """NaN stays."""
    below = select(x > high, high, x)
    return select(below < low, low, below)


def _reduced(x: Value, offset: int) -> tuple[Value, Value, Value]:
    """n + offset as the low bits of an integer, r, and what r lost, where x = n ln 2 + r.

    Adding 1.5·2^fraction rounds to an integer, and leaves it in the lowest bits."""
    shift = 1.5 * 2.0**x.format.fraction + offset
    high, low = LN2[x.type]
    moved = x * (1 / math.log(2)) + shift
    n = moved - shift
    first = x - n * high
    r = first - n * low
    return moved.as_bits(), r, (first - r) - n * low


def _tail(r: Value) -> Value:
    """exp r - 1."""
    return r * r * polynomial(r, EXP[r.type]) + r


def exp(x: Value) -> Value:
    """The power of 2 is two factors, each in range where their product is not."""
    bits = x.format.fraction
    n, r, _ = _reduced(clamp(x, *EXP_RANGE[x.type]), 2 * x.format.bias)
    half = n >> 1
    first, second = (half << bits).as_real(), ((n - half) << bits).as_real()
    return (_tail(r) + 1.0) * first * second


def exp_below(x: Value, rest: Value | None = None) -> Value:
    """exp(x + rest) for x ≤ 0, with one factor: 0 already where it would be denormal."""
    low, _ = RAISED_RANGE[x.type]
    n, r, _ = _reduced(select(x < low, low, x), x.format.bias)
    return (_tail(r if rest is None else r + rest) + 1.0) * (n << x.format.fraction).as_real()


def _raised(x: Value) -> Value:
    """The same for every x: ∞ from 2^(bias + ½)."""
    _, high = RAISED_RANGE[x.type]
    return exp_below(select(x > high, high, x))


def expm1(x: Value) -> Value:
    """2ⁿ(exp r - 1) + (2ⁿ - 1), halved until the end, because 2ⁿ may overflow before its product
    with exp r does. What r loses is kept: for n = 1 the two parts cancel."""
    n, r, lost = _reduced(clamp(x, *EXPM1_RANGE[x.type]), x.format.bias - 1)
    power = (n << x.format.fraction).as_real()
    tail = r * r * polynomial(r, EXP[r.type]) + lost + r
    found = 2.0 * (power * tail + (power - 0.5))
    return intrinsic("copysign", found, x)


def sigmoid(x: Value) -> Value:
    return 1.0 / (1.0 + _raised(-x))


def tanh(x: Value) -> Value:
    """x + x³ P(x²), and beyond 0.55, as in Cephes, 1 - 2/(exp 2|x| + 1)."""
    y, limit = intrinsic("fabs", x), TANH_LIMIT[x.type]
    n, r, _ = _reduced(2.0 * select(y > limit, limit, y), x.format.bias)
    power = (n << x.format.fraction).as_real()
    far = 1.0 - 2.0 / (power * (_tail(r) + 1.0) + 1.0)
    z = y * y
    near = y * z * polynomial(z, TANH[x.type]) + y
    return intrinsic("copysign", select(y < 0.55, near, far), x)


def _parts(y: Value) -> tuple[Value, Value]:
    """The exponent of a positive normal number, as the last bits of an integer that are biased,
    and its fraction in [√½, √2)."""
    bits, one = y.format.fraction, y.format.bias << y.format.fraction
    start = int(math.sqrt(0.5) * 2 ** (bits + 1)) - (1 << bits) + one - (1 << bits)
    moved = y.as_bits() + (one - start)
    fraction = (moved & ((1 << bits) - 1)) + start
    return moved >> bits, fraction.as_real()


def _as_real(exponent: Value) -> Value:
    """A small integer without its bias: put where a float's lowest bits count ones."""
    bits, bias = exponent.format.fraction, exponent.format.bias
    ones = (bias + bits) << bits
    return (exponent | ones).as_real() - (2.0**bits + bias)


def _log(k: Value, f: Value) -> Value:
    """k ln 2 + log(1 + f)."""
    high, low = LN2[f.type]
    s = f / (f + 2.0)
    z = s * s
    half = 0.5 * f * f
    rest = s * (half + z * polynomial(z, LOG[f.type])) + k * low
    return k * high - ((half - rest) - f)


def _outside(x: Value, found: Value, pole: float) -> Value:
    """As it was found between the pole and ∞; ∞ and NaN give themselves."""
    infinite = select(x < math.inf, found, x)
    below = select(x.test("oeq", pole), -math.inf, x.body.constant(x.type, math.nan))
    return select(x.test("ugt", pole), infinite, below)


def log(x: Value) -> Value:
    bits = x.format.fraction
    small = x < 2.0 ** (1 - x.format.bias)
    exponent, m = _parts(select(small, x * 2.0 ** (bits + 1), x))
    k = _as_real(exponent) - select(small, bits + 1.0, x.body.constant(x.type, 0.0))
    return _outside(x, _log(k, m - 1.0), 0.0)


def _log_of(y: Value, lost: Value) -> Value:
    """log(y + lost), `lost` less than the last bit of y. The scale is twice what is meant, so that
    it is 0 for the largest exponent, and no NaN."""
    exponent, m = _parts(y)
    scale = (2 * y.format.bias + 1 - exponent) << y.format.fraction
    return _log(_as_real(exponent), (m - 1.0) + 0.5 * lost * scale.as_real())


def log1p(x: Value) -> Value:
    """What 1 + x loses is found as in Knuth's sum of two."""
    y = 1.0 + x
    seen = y - 1.0
    lost = (1.0 - (y - seen)) + (x - seen)
    return intrinsic("copysign", _outside(x, _log_of(y, lost), -1.0), x)


def softplus(x: Value) -> Value:
    e = exp_below(-intrinsic("fabs", x))
    y = 1.0 + e
    return select(x > 0.0, x, x.body.constant(x.type, 0.0)) + _log_of(y, e - (y - 1.0))


def _near(x: Value) -> Value:
    """erf x for |x| ≤ 1."""
    return x + x * polynomial(x * x, ERF[x.type])


def _far(y: Value, raised: Value) -> Value:
    """erfc y for y ≥ 0; `raised`: exp(-y²)."""
    return raised * polynomial(y, ERFC_OVER[y.type]) / polynomial(y, ERFC_UNDER[y.type])


def erf(x: Value) -> Value:
    y = intrinsic("fabs", x)
    limit = ERFC_LIMIT[x.type]
    far = select(y > limit, limit, y)
    found = select(y < 1.0, _near(y), 1.0 - _far(far, exp_below(-(far * far))))
    return intrinsic("copysign", found, x)


def twice_cdf(x: Value) -> Value:
    """2 Φ(x) = erfc(-x/√2). The exponential is just that of the density, written as the derivative
    of gelu has it, so that the two are computed once."""
    limit = GELU_LIMIT[x.type]
    y = intrinsic("fabs", x) * ROOT_HALF
    tail = _far(select(y > limit, limit, y), exp_below(x * x * -0.5))
    return select(x > 0.0, 2.0 - tail, tail)


def gelu(x: Value) -> Value:
    """x Φ(x), whose tail keeps its digits: x² is a sum of two, for exp makes a relative error of
    the absolute error of its argument."""
    limit = GELU_LIMIT[x.type]
    z = clamp(x, -limit, limit)
    kept = (z.as_bits() & HALF_BITS[x.type]).as_real()
    square, rest = -0.5 * kept * kept, -0.5 * (z - kept) * (z + kept)
    tail = 0.5 * _far(intrinsic("fabs", z * ROOT_HALF), exp_below(square, rest))
    return x * select(x > 0.0, 1.0 - tail, tail)


def silu(x: Value) -> Value:
    return x * sigmoid(x)
