"""Every elementwise function as a function of LLVM IR that is inlined always.

`definitions` gives their text, `call` the instruction that applies one. A mask is an i1. The values
are NumPy's: `min` and `max` keep NaN, and a comparison with NaN is false but for `!=`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

from einsumgrad.fused import circular, ranks
from einsumgrad.fused import formulas as f
from einsumgrad.fused.writing import FORMATS, Body, Value, intrinsic, select
from einsumgrad.record import record

KINDS = ("float", "double")


@record
class Function:
    """`write` is given values of the types of `takes`, a letter each: "x" a number, "m" a mask, "r"
    a rank."""

    write: Callable[..., Value]
    takes: str = "x"
    gives: str = "x"


def extremum(how: str) -> Callable[[Value, Value], Value]:
    """The machine's own gives the second where one is NaN, so that only the first is looked at."""

    def write(a: Value, b: Value) -> Value:
        return select(a.test("uno", a), a, select(a.test(how, b), a, b))

    return write


def comparison(how: str) -> Function:
    return Function(lambda a, b: a.test(how, b), "xx", "m")


def sign(x: Value) -> Value:
    return select(x > 0.0, 1.0, select(x < 0.0, -1.0, x))


def to_half(x: Value) -> Value:
    """√x as the power gives it: 0 at -0 and ∞ at -∞."""
    return select(x.test("oeq", -math.inf), math.inf, intrinsic("sqrt", x) + 0.0)


def fourth(x: Value) -> Value:
    square = x * x
    return square * square


def inverse_square(x: Value) -> Value:
    """In this order it overflows, and vanishes, no earlier than its value."""
    inverse = 1.0 / x
    return inverse * inverse


POWERS: dict[float, Function] = {
    -2.0: Function(inverse_square),
    -1.5: Function(lambda x: 1.0 / (intrinsic("fabs", x) * to_half(x))),
    -1.0: Function(lambda x: 1.0 / x),
    -0.5: Function(lambda x: 1.0 / to_half(x)),
    0.5: Function(to_half),
    1.0: Function(lambda x: x),
    1.5: Function(lambda x: intrinsic("fabs", x) * to_half(x)),
    2.0: Function(lambda x: x * x),
    3.0: Function(lambda x: x * x * x),
    4.0: Function(fourth),
}
"""x to a constant power, within 2.5 ulp."""

FUNCTIONS: dict[str, Function] = {
    "add": Function(lambda a, b: a + b, "xx"),
    "subtract": Function(lambda a, b: a - b, "xx"),
    "multiply": Function(lambda a, b: a * b, "xx"),
    "divide": Function(lambda a, b: a / b, "xx"),
    "negative": Function(lambda x: -x),
    "square": Function(lambda x: x * x),
    "reciprocal": Function(lambda x: 1.0 / x),
    "power": Function(lambda a, b: intrinsic("pow", a, b), "xx"),
    "abs": Function(lambda x: intrinsic("fabs", x)),
    "sign": Function(sign),
    "sqrt": Function(lambda x: intrinsic("sqrt", x)),
    "floor": Function(lambda x: intrinsic("floor", x)),
    "min": Function(extremum("olt"), "xx"),
    "max": Function(extremum("ogt"), "xx"),
    "fold max": Function(lambda a, b: intrinsic("maximum", a, b), "xx"),
    "fold min": Function(lambda a, b: intrinsic("minimum", a, b), "xx"),
    "rank": Function(ranks.rank, "x", "r"),
    "low rank": Function(ranks.low_rank, "x", "r"),
    "ranked": Function(ranks.ranked, "r"),
    "higher": Function(ranks.higher, "rr", "r"),
    "lower": Function(ranks.lower, "rr", "r"),
    "relu": Function(lambda x: select(x < 0.0, 0.0, x)),
    "leaky_relu": Function(lambda x, slope: select(x > 0.0, x, slope * x), "xx"),
    "stop": Function(lambda x: x),
    "exp": Function(f.exp),
    "exp below": Function(f.exp_below),
    "expm1": Function(f.expm1),
    "log": Function(f.log),
    "log1p": Function(f.log1p),
    "tanh": Function(f.tanh),
    "sigmoid": Function(f.sigmoid),
    "silu": Function(f.silu),
    "softplus": Function(f.softplus),
    "erf": Function(f.erf),
    "gelu": Function(f.gelu),
    "twice cdf": Function(f.twice_cdf),
    "sin": Function(circular.sin),
    "cos": Function(circular.cos),
    "tan": Function(circular.tan),
    "=": comparison("oeq"),
    "!=": comparison("une"),
    "<": comparison("olt"),
    "<=": comparison("ole"),
    ">": comparison("ogt"),
    ">=": comparison("oge"),
    "and": Function(lambda a, b: a & b, "mm", "m"),
    "or": Function(lambda a, b: a | b, "mm", "m"),
    "not": Function(lambda a: a ^ 1, "m", "m"),
    "select": Function(select, "mxx"),
    **{f"power {exponent:g}": function for exponent, function in POWERS.items()},
}

SPELLED = {"=": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


def power_by(exponent: float) -> str | None:
    """The function of one argument that raises to a constant power, where there is one."""
    name = f"power {exponent:g}"
    return name if exponent in POWERS else None


def symbol(name: str, kind: str) -> str:
    plain = SPELLED.get(name, name).translate({ord(" "): "_", ord("."): "_", ord("-"): "m"})
    return f"@eg_{plain}_{kind}"


def types(name: str, kind: str) -> tuple[tuple[str, ...], str]:
    """The types of a function's arguments and of its result."""
    of = {"x": kind, "m": "i1", "r": FORMATS[kind].integer if kind in FORMATS else kind}
    function = FUNCTIONS[name]
    return tuple(of[letter] for letter in function.takes), of[function.gives]


def call(name: str, kind: str, arguments: Sequence[str]) -> str:
    """`call float @eg_exp_float(float %a)`: what stands after `%r =`."""
    takes, gives = types(name, kind)
    passed = ", ".join(f"{t} {a}" for t, a in zip(takes, arguments, strict=True))
    return f"call {gives} {symbol(name, kind)}({passed})"


def definitions(used: Iterable[tuple[str, str]]) -> str:
    """The text of these functions, once each, before them what they call."""
    called: dict[str, str] = {}
    kept: list[str] = []
    texts = []
    for name, kind in dict.fromkeys(used):
        body = Body(kind)
        texts.append(_definition(name, kind, body))
        called |= body.calls
        kept += body.kept
    return "\n".join((*called.values(), *_kept(kept), *texts, ""))


def _kept(names: Sequence[str]) -> Iterator[str]:
    """LLVM would drop what no instruction names before it makes vectors."""
    if names:
        array = f"[{len(names)} x ptr] [{', '.join(f'ptr {name}' for name in names)}]"
        yield f'@llvm.compiler.used = appending global {array}, section "llvm.metadata"'


def _definition(name: str, kind: str, body: Body) -> str:
    takes, gives = types(name, kind)
    arguments = [Value(body, t, f"%a{k}") for k, t in enumerate(takes)]
    result = FUNCTIONS[name].write(*arguments)
    heads = ", ".join(f"{a.type} {a.text}" for a in arguments)
    lines = "".join(f"  {line}\n" for line in body.lines)
    head = f"define private {gives} {symbol(name, kind)}({heads}) alwaysinline nounwind"
    return f"{head} {{\n{lines}  ret {gives} {result.text}\n}}"


def literal(kind: str, number: float) -> str:
    """A constant as an argument is written."""
    return Body(kind).constant(kind, number).text
