"""sin, cos and tan: Cody and Waite's reduction by π/2, and libm where an argument is too large.

A branch to libm would keep a loop from becoming vectors. So the choice is a function of its own,
whose versions for vectors are named to LLVM: they look at all lanes at once, and hardly ever go on.
"""

from __future__ import annotations

import math

from einsumgrad.fused.coefficients import COS, HALF_PI, SIN
from einsumgrad.fused.writing import FORMATS, Value, intrinsic, polynomial, select

LIMIT = {"float": 2.0**16, "double": 2.0**20}
"""Below, a multiple of the parts of π/2 is exact."""
LANES = {"float": (4, 8, 16), "double": (2, 4, 8)}
"""Of the registers of NEON and SSE, AVX2, and AVX-512."""
LIBM = {"float": "f", "double": ""}


def _reduced(x: Value) -> tuple[Value, Value]:
    """n as the low bits of an integer and r, where x = n π/2 + r; a float is reduced as a double,
    because near a multiple of π/2 most of its digits cancel."""
    shift = 1.5 * 2.0**x.format.fraction
    moved = x * (2 / math.pi) + shift
    n, r = moved - shift, x
    if x.type == "float":
        n, r = n.to("double"), x.to("double")
    for part in HALF_PI[x.type]:
        r = r - n * part
    return moved.as_bits(), r.to("float") if x.type == "float" else r


def _both(r: Value) -> tuple[Value, Value]:
    """sin r and cos r for |r| ≤ π/4."""
    z = r * r
    sine = z * r * polynomial(z, SIN[r.type]) + r
    return sine, z * z * polynomial(z, COS[r.type]) - 0.5 * z + 1.0


def _signed(value: Value, n: Value) -> Value:
    """With the other sign where the second bit of n is set."""
    top = value.format.width - 1
    return (value.as_bits() ^ ((n >> 1) << top)).as_real()


def sin(x: Value) -> Value:
    n, r = _reduced(x)
    sine, cosine = _both(r)
    return _checked("sin", x, _signed(select((n & 1).is_set(), cosine, sine), n))


def cos(x: Value) -> Value:
    n, r = _reduced(x)
    sine, cosine = _both(r)
    return _checked("cos", x, _signed(select((n & 1).is_set(), sine, cosine), n + 1))


def tan(x: Value) -> Value:
    """Past an odd multiple of π/2 it is -cos r/sin r."""
    n, r = _reduced(x)
    sine, cosine = _both(r)
    odd = (n & 1).is_set()
    return _checked("tan", x, select(odd, -cosine, sine) / select(odd, sine, cosine))


def _checked(name: str, x: Value, found: Value) -> Value:
    """What was found, or libm's value beyond the limit."""
    kind, body = x.type, x.body
    libm = f"@{name}{LIBM[kind]}"
    one = f"@eg_checked_{name}_{kind}"
    body.calls[libm] = f"declare {kind} {libm}({kind})"
    intrinsic("fabs", x)
    body.calls[one] = _of_one(one, libm, kind)
    variants = []
    for lanes in LANES[kind]:
        many = f"{one}_{lanes}"
        vector, fabs = f"<{lanes} x {kind}>", f"@llvm.fabs.v{lanes}{FORMATS[kind].suffix}"
        body.calls[fabs] = f"declare {vector} {fabs}({vector})"
        body.calls[many] = _of_many(many, one, kind, lanes)
        body.kept.append(many)
        variants.append(f"_ZGV_LLVM_N{lanes}vv_{one[1:]}({many[1:]})")
    named = f'"vector-function-abi-variant"="{",".join(variants)}"'
    call = f"call {kind} {one}({kind} {x.text}, {kind} {found.text}) {PURE} {named}"
    return body.emit(kind, call)


PURE = "nounwind willreturn memory(none)"


def _of_one(one: str, libm: str, kind: str) -> str:
    """NaN counts as near: what was found for it is right."""
    fabs = f"@llvm.fabs.{FORMATS[kind].suffix}"
    return f"""define internal {kind} {one}({kind} %x, {kind} %found) noinline {PURE} {{
  %size = call {kind} {fabs}({kind} %x)
  %near = fcmp ult {kind} %size, {LIMIT[kind]:e}
  br i1 %near, label %done, label %far
done:
  ret {kind} %found
far:
  %exact = call {kind} {libm}({kind} %x)
  ret {kind} %exact
}}"""


def _of_many(many: str, one: str, kind: str, lanes: int) -> str:
    vector = f"<{lanes} x {kind}>"
    fabs = f"@llvm.fabs.v{lanes}{FORMATS[kind].suffix}"
    limits = ", ".join(f"{kind} {LIMIT[kind]:e}" for _ in range(lanes))
    each = "\n".join(_of_lane(k, one, kind, vector) for k in range(lanes))
    return f"""define internal {vector} {many}({vector} %x, {vector} %r0) noinline {PURE} {{
  %size = call {vector} {fabs}({vector} %x)
  %far = fcmp oge {vector} %size, <{limits}>
  %bits = bitcast <{lanes} x i1> %far to i{lanes}
  %none = icmp eq i{lanes} %bits, 0
  br i1 %none, label %done, label %some
done:
  ret {vector} %r0
some:
{each}
  ret {vector} %r{lanes}
}}"""


def _of_lane(k: int, one: str, kind: str, vector: str) -> str:
    return f"""  %x{k} = extractelement {vector} %x, i32 {k}
  %f{k} = extractelement {vector} %r0, i32 {k}
  %c{k} = call {kind} {one}({kind} %x{k}, {kind} %f{k})
  %r{k + 1} = insertelement {vector} %r{k}, {kind} %c{k}, i32 {k}"""
