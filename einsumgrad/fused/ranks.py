"""Floating numbers as whole numbers in the same order. LLVM's maximum of floating numbers keeps NaN
and the sign of zero by seven instructions that wait for each other; that of whole ones is one."""

from __future__ import annotations

from einsumgrad.fused.writing import FORMATS, Format, Value, select


def _nan(format_: Format) -> int:
    return infinity(format_) | 1 << (format_.fraction - 1)


def infinity(format_: Format) -> int:
    """The rank of ∞; that of -∞ has all bits turned."""
    return (2 * format_.bias + 1) << format_.fraction


def _ordered(bits: Value) -> Value:
    """Those of a negative number, but for the sign, turned; done twice, they are as before."""
    largest = (1 << (bits.format.width - 1)) - 1
    return select(bits.negative(), bits ^ largest, bits)


def rank(x: Value) -> Value:
    """NaN is above all."""
    return _ordered(select(x.test("uno", x), _nan(x.format), x.as_bits()))


def low_rank(x: Value) -> Value:
    """NaN is below all."""
    lowest = _nan(x.format) - (1 << (x.format.width - 1))
    return _ordered(select(x.test("uno", x), lowest, x.as_bits()))


def ranked(rank: Value) -> Value:
    """The number of a rank."""
    return _ordered(rank).as_real()


def higher(a: Value, b: Value) -> Value:
    return select(a.above(b), a, b)


def lower(a: Value, b: Value) -> Value:
    return select(a.above(b), b, a)


def lowest(kind: str) -> int:
    """What a maximum begins with."""
    return ~infinity(FORMATS[kind])


def highest(kind: str) -> int:
    """What a minimum begins with."""
    return infinity(FORMATS[kind])
