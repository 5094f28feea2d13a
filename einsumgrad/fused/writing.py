"""Straight-line LLVM IR, written by arithmetic on values in Python."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import field

from einsumgrad.record import record


@record
class Format:
    """An IEEE format: the integer of its size, the bits of its fraction, the exponent of 1."""

    integer: str
    fraction: int
    bias: int
    suffix: str
    """Of an intrinsic's name."""

    @property
    def width(self) -> int:
        return int(self.integer[1:])


FORMATS = {"float": Format("i32", 23, 127, "f32"), "double": Format("i64", 52, 1023, "f64")}


@record(frozen=False)
class Body:
    """The instructions of one function so far, and the functions that it calls."""

    kind: str
    lines: list[str] = field(default_factory=list)
    calls: dict[str, str] = field(default_factory=dict)
    """By name, how each is declared or defined."""
    kept: list[str] = field(default_factory=list)
    """Those of them that no instruction names."""

    def emit(self, type_: str, instruction: str) -> Value:
        name = f"%v{len(self.lines)}"
        self.lines.append(f"{name} = {instruction}")
        return Value(self, type_, name)

    def constant(self, type_: str, number: float) -> Value:
        return Value(self, type_, literal(type_, number))


def literal(type_: str, number: float) -> str:
    """A float is written as the bits of the double that it equals."""
    if type_ not in FORMATS:
        return str(int(number))
    if type_ == "float":
        (number,) = struct.unpack("<f", struct.pack("<f", number))
    return f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"


@record
class Value:
    """A register or a constant. A product may be contracted with a sum that it enters; no other
    freedom is given, so that the order of the operations is the one that is written."""

    body: Body
    type: str
    text: str

    @property
    def format(self) -> Format:
        return FORMATS[self.body.kind]

    def _of(self, other: Value | float) -> Value:
        return other if isinstance(other, Value) else self.body.constant(self.type, other)

    def _two(self, real: str, whole: str, other: Value | float) -> Value:
        code = f"{real} contract" if self.type in FORMATS else whole
        return self.body.emit(self.type, f"{code} {self.type} {self.text}, {self._of(other).text}")

    def __add__(self, other: Value | float) -> Value:
        return self._two("fadd", "add", other)

    def __radd__(self, other: float) -> Value:
        return self._of(other) + self

    def __sub__(self, other: Value | float) -> Value:
        return self._two("fsub", "sub", other)

    def __rsub__(self, other: float) -> Value:
        return self._of(other) - self

    def __mul__(self, other: Value | float) -> Value:
        return self._two("fmul", "mul", other)

    def __rmul__(self, other: float) -> Value:
        return self._of(other) * self

    def __truediv__(self, other: Value | float) -> Value:
        return self._two("fdiv", "sdiv", other)

    def __rtruediv__(self, other: float) -> Value:
        return self._of(other) / self

    def __neg__(self) -> Value:
        return self.body.emit(self.type, f"fneg {self.type} {self.text}")

    def __and__(self, other: Value | int) -> Value:
        return self._two("", "and", other)

    def __or__(self, other: Value | int) -> Value:
        return self._two("", "or", other)

    def __xor__(self, other: Value | int) -> Value:
        return self._two("", "xor", other)

    def __lshift__(self, places: int) -> Value:
        return self._two("", "shl", places)

    def __rshift__(self, places: int) -> Value:
        """Zeros enter at the top: AVX2 has no other shift of 64 bits."""
        return self._two("", "lshr", places)

    def test(self, how: str, other: Value | float) -> Value:
        """`how`: LLVM's condition; with "o" false, with "u" true, where a NaN is compared."""
        line = f"fcmp {how} {self.type} {self.text}, {self._of(other).text}"
        return self.body.emit("i1", line)

    def __lt__(self, other: Value | float) -> Value:
        return self.test("olt", other)

    def __gt__(self, other: Value | float) -> Value:
        return self.test("ogt", other)

    def above(self, other: Value) -> Value:
        """Of whole numbers with a sign."""
        return self.body.emit("i1", f"icmp sgt {self.type} {self.text}, {other.text}")

    def negative(self) -> Value:
        return self.body.emit("i1", f"icmp slt {self.type} {self.text}, 0")

    def is_set(self) -> Value:
        return self.body.emit("i1", f"icmp ne {self.type} {self.text}, 0")

    def as_bits(self) -> Value:
        return self._cast("bitcast", self.format.integer)

    def as_real(self) -> Value:
        return self._cast("bitcast", self.body.kind)

    def to(self, kind: str) -> Value:
        """The value in another precision."""
        return self._cast("fpext" if kind == "double" else "fptrunc", kind)

    def _cast(self, how: str, to: str) -> Value:
        return self.body.emit(to, f"{how} {self.type} {self.text} to {to}")


def select(mask: Value, yes: Value | float, no: Value | float) -> Value:
    """One of the two is a value of the type that is meant."""
    one = yes if isinstance(yes, Value) else no
    assert isinstance(one, Value)
    a, b = one._of(yes), one._of(no)
    line = f"select i1 {mask.text}, {a.type} {a.text}, {b.type} {b.text}"
    return mask.body.emit(a.type, line)


def intrinsic(name: str, *arguments: Value) -> Value:
    """LLVM's own function of that name, in the type of its arguments."""
    first = arguments[0]
    called = f"@llvm.{name}.{FORMATS[first.type].suffix}"
    types = ", ".join(a.type for a in arguments)
    first.body.calls[called] = f"declare {first.type} {called}({types})"
    passed = ", ".join(f"{a.type} {a.text}" for a in arguments)
    return first.body.emit(first.type, f"call {first.type} {called}({passed})")


def polynomial(x: Value, coefficients: Sequence[float]) -> Value:
    """Horner's rule, the highest power first."""
    result = x * coefficients[0] + coefficients[1]
    for c in coefficients[2:]:
        result = result * x + c
    return result
