"""The meaning of the language: nested Python loops over the indices, entry by entry.

Slow on purpose and free of cleverness; the only thing shared with the package is the node types.
Statements run one after the other, each over all its tuples. Where one reads what it or a later
one writes, they run again and again, each time on the values found before, until nothing changes:
whatever the order in which entries depend on each other, they then are what the statements say.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, assert_never

import numpy as np
import numpy.typing as npt

from einsumgrad.ir import nodes as ir
from einsumgrad.ir.walk import free_indices

Array = npt.NDArray[Any]
Env = dict[str, int]
Entered = list[tuple[int, float]]
"""Of each tuple that counts, the value of the first index and the entry."""


class GatherError(Exception):
    """A gathered position that is outside its tensor, or no integer."""


class CircleError(Exception):
    """Entries that depend on themselves."""


def run(
    program: ir.Program,
    arrays: Mapping[str, Array],
    sizes: dict[str, int],
    frozen: dict[str, Array] | None = None,
) -> dict[str, Array]:
    """Every tensor of the program. With `frozen`, the tensors of an earlier run, `stop` reads
    those: what a difference quotient needs, so that no change goes through a `stop`."""
    loops = Loops({name: np.asarray(array) for name, array in arrays.items()}, sizes, frozen)
    for tensor in program.tensors:
        if tensor.kind == "const" and isinstance(tensor.start, ir.Expr):
            value = loops.value(tensor.start, {})
            loops.tensors.setdefault(tensor.name, np.full(loops.shape(tensor), float(value)))
    loops.program(program)
    return loops.tensors


@dataclass
class Loops:
    tensors: dict[str, Array]
    sizes: dict[str, int]
    frozen: dict[str, Array] | None

    def shape(self, tensor: ir.Tensor) -> tuple[int, ...]:
        """By its axes; one without an index has a size of its own, or that of what it derives."""
        by = self.tensors.get(tensor.name.removesuffix(".grad").removesuffix(".dot"))
        own = [i.size if i else f"{tensor.name}#{k}" for k, i in enumerate(tensor.axes)]
        apart = [i is None and by is not None for i in tensor.axes]
        return tuple(by.shape[k] if apart[k] else self.sizes[own[k]] for k in range(len(own)))

    def program(self, program: ir.Program) -> None:
        last = {s.target.tensor: place for place, s in enumerate(program.statements)}
        early = any(
            last.get(read.tensor, -1) >= place
            for place, s in enumerate(program.statements)
            for read in s.reads
        )
        for tensor in program.tensors:
            if early and tensor.name in last:
                self.tensors[tensor.name] = np.zeros(self.shape(tensor))
        changed = self.once(program, last)
        for _ in range(2 + sum(self.tensors[name].size for name in last)):
            changed = early and changed and self.once(program, last)
        if changed and early:
            raise CircleError

    def once(self, program: ir.Program, last: dict[str, int]) -> bool:
        """Every statement once; what is written last is read anew. Whether any value changed."""
        known, fresh, changed = {t.name: t for t in program.tensors}, dict[str, Array](), False
        for place, statement in enumerate(program.statements):
            name = statement.target.tensor
            start = STATEMENTS[statement.op][0]
            array = fresh.setdefault(name, np.full(self.shape(known[name]), start))
            self.execute(statement, array)
            if last[name] == place:
                before = self.tensors.get(name)
                changed |= before is None or not np.array_equal(before, array, equal_nan=True)
                self.tensors[name] = array
        return changed

    def tuples(
        self, indices: tuple[ir.Index, ...], where: tuple[ir.Condition, ...], env: Env
    ) -> Iterator[Env]:
        for values in itertools.product(*(range(self.sizes[i.size]) for i in indices)):
            inner = env | dict(zip((i.name for i in indices), values, strict=True))
            if all(self.holds(condition, inner) for condition in where):
                yield inner

    def execute(self, statement: ir.Statement, array: Array) -> None:
        _, update = STATEMENTS[statement.op]
        for env in self.tuples(statement.indices, statement.where, {}):
            place = self.place(statement.target, env, array.shape)
            if place is not None and (statement.op in SUMS or self.enters(statement.value, env)):
                array[place] = update(array[place].item(), self.value(statement.value, env))

    def place(
        self, access: ir.Access, env: Env, shape: tuple[int, ...] | None = None
    ) -> tuple[int, ...] | None:
        """The entry's position, None if it is outside; a gather has to be inside."""
        shape = self.tensors[access.tensor].shape if shape is None else shape
        values = [self.value(at, env) for at in access.at]
        for at, value, size in zip(access.at, values, shape, strict=True):
            if value != int(value) or (gathers(at) and not 0 <= value < size):
                raise GatherError(f"{access.tensor}: {value} of {size}")
        inside = all(0 <= value < size for value, size in zip(values, shape, strict=True))
        return tuple(int(value) for value in values) if inside else None

    def enters(self, node: ir.Expr | ir.Condition, env: Env) -> bool:
        """Whether nothing is read outside, but for entries over which an operator inside runs: only
        then does a tuple enter a maximum, a softmax or the like."""
        match node:
            case ir.Access():
                free = all(i.name in env for i in free_indices(node))
                return not free or self.place(node, env) is not None
            case ir.Iverson():
                return True
            case ir.Normalise(index=index):
                inner = {name: value for name, value in env.items() if name != index.name}
                return self.enters(node.body, inner)
            case ir.Reduce():
                bound = {i.name for i in node.indices}
                inner = {name: value for name, value in env.items() if name not in bound}
                return self.enters(node.body, inner)
            case _:
                return all(self.enters(part, env) for part in ir.children(node))

    def value(self, expr: ir.Expr, env: Env) -> float:
        match expr:
            case ir.Number(Fraction(denominator=1) as whole):
                return int(whole)
            case ir.Number(number):
                return float(number)
            case ir.Size(name):
                return self.sizes[name]
            case ir.Position(index):
                return env[index.name]
            case ir.Access(tensor):
                place = self.place(expr, env)
                return 0 if place is None else float(self.tensors[tensor][place].item())
            case ir.Iverson(condition):
                return int(self.holds(condition, env))
            case _:
                return self.compound(expr, env)

    def compound(
        self,
        expr: ir.Sum | ir.Product | ir.Power | ir.Call | ir.Reduce | ir.Normalise,
        env: Env,
    ) -> float:
        match expr:
            case ir.Sum(terms):
                return sum(self.value(term, env) for term in terms)
            case ir.Product(factors):
                brackets = [f.condition for f in factors if isinstance(f, ir.Iverson)]
                kept = all(self.holds(condition, env) for condition in brackets)
                rest = (f for f in factors if not isinstance(f, ir.Iverson))
                return math.prod(self.value(factor, env) for factor in rest) if kept else 0
            case ir.Power(base, exponent):
                return ieee(pow, self.value(base, env), self.value(exponent, env))
            case ir.Call("stop", (arg,)) if self.frozen is not None:
                return Loops(self.frozen, self.sizes, None).value(arg, env)
            case ir.Call(function, args):
                return ieee(FUNCTIONS[function], *(self.value(arg, env) for arg in args))
            case ir.Reduce(op, indices):
                if op == "mean":
                    count = math.prod(self.sizes[i.size] for i in indices)
                    return REDUCTIONS["sum"](self.entered(expr, indices, env)) / max(count, 1)
                return REDUCTIONS[op](self.entered(expr, indices, env))
            case ir.Normalise():
                return self.normalise(expr, env)
            case _:
                assert_never(expr)

    def entered(
        self, expr: ir.Reduce | ir.Normalise, indices: tuple[ir.Index, ...], env: Env
    ) -> Entered:
        return [
            (inner[indices[0].name], self.value(expr.body, inner))
            for inner in self.tuples(indices, expr.where, env)
            if (isinstance(expr, ir.Reduce) and expr.op in SUMS) or self.enters(expr.body, inner)
        ]

    def normalise(self, expr: ir.Normalise, env: Env) -> float:
        entered = self.entered(expr, (expr.index,), env)
        at, size = self.value(expr.at, env), self.sizes[expr.index.size]
        if at != int(at) or (gathers(expr.at) and not 0 <= at < size):
            raise GatherError(f"{expr.index.name}: {at} of {size}")
        log = dict(entered).get(int(at), -math.inf) - logsumexp(entered) if entered else -math.inf
        return log if expr.op == "log_softmax" else math.exp(log)

    def holds(self, condition: ir.Condition, env: Env) -> bool:
        match condition:
            case ir.Compare(op, left, right):
                return bool(COMPARE[op](self.value(left, env), self.value(right, env)))
            case ir.And(items):
                return all(self.holds(item, env) for item in items)
            case ir.Or(items):
                return any(self.holds(item, env) for item in items)
            case ir.Not(item):
                return not self.holds(item, env)
            case _:
                assert_never(condition)


def gathers(at: ir.Expr) -> bool:
    """Whether a position depends on an entry of a tensor."""
    match at:
        case ir.Number() | ir.Size() | ir.Position():
            return False
        case ir.Sum(parts) | ir.Product(parts):
            return any(gathers(part) for part in parts)
        case _:
            return True


def logsumexp(entered: Entered) -> float:
    top = max((value for _, value in entered), default=-math.inf)
    if not math.isfinite(top):
        return top
    return top + math.log(sum(math.exp(value - top) for _, value in entered))


def sigmoid(u: float) -> float:
    return 1 / (1 + math.exp(-u)) if u >= 0 else math.exp(u) / (1 + math.exp(u))


def ieee(function: Callable[..., float], *args: float) -> float:
    """IEEE's answer where Python's `math` raises."""
    try:
        return math.nan if any(map(math.isnan, args)) else float(function(*map(float, args)))
    except (OverflowError, ZeroDivisionError):
        return math.inf
    except (ValueError, TypeError):
        return -math.inf if function in (math.log, math.log1p) and args[0] in (0, -1) else math.nan


SUMS = {"sum", "mean", "prod", "=", "+=", "-=", "*="}
"""What takes an entry outside as the 0 that it reads as."""
COMPARE: dict[ir.Comparator, Callable[[float, float], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt,
    "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
STATEMENTS: dict[ir.Op, tuple[float, Callable[[float, float], float]]] = {
    "=": (0.0, lambda _, new: new), "+=": (0.0, operator.add), "-=": (0.0, operator.sub),
    "max=": (-math.inf, max), "min=": (math.inf, min), "*=": (1.0, operator.mul),
}  # fmt: skip
REDUCTIONS: dict[str, Callable[[Entered], float]] = {
    "sum": lambda entered: sum(value for _, value in entered),
    "prod": lambda entered: math.prod(value for _, value in entered),
    "max": lambda entered: max((value for _, value in entered), default=-math.inf),
    "min": lambda entered: min((value for _, value in entered), default=math.inf),
    "logsumexp": logsumexp,
    "argmax": lambda entered: max(entered, key=lambda pair: pair[1], default=(0, 0.0))[0],
    "argmin": lambda entered: min(entered, key=lambda pair: pair[1], default=(0, 0.0))[0],
}
FUNCTIONS: dict[str, Callable[..., float]] = {
    "exp": math.exp, "log": math.log, "log1p": math.log1p, "expm1": math.expm1,
    "sqrt": math.sqrt, "abs": abs, "sign": lambda u: (u > 0) - (u < 0),
    "sin": math.sin, "cos": math.cos, "tan": math.tan, "tanh": math.tanh, "sigmoid": sigmoid,
    "relu": lambda u: max(u, 0), "leaky_relu": lambda u, slope: u if u > 0 else slope * u,
    "softplus": lambda u: max(u, 0) + math.log1p(math.exp(-abs(u))),
    "gelu": lambda u: u * math.erfc(-u / math.sqrt(2)) / 2, "silu": lambda u: u * sigmoid(u),
    "erf": math.erf, "floor": math.floor, "min": min, "max": max, "stop": lambda u: u,
}  # fmt: skip


def central_difference(f: Callable[[Array], float], x: Array, v: Array) -> tuple[float, float]:
    """The derivative of f at x along v, and how far it may be off.

    Central differences of two steps, extrapolated (Richardson 1911). Where the two disagree,
    a kink or too much curvature is near, and shorter steps are tried; the best pair counts.
    """
    best = (math.nan, math.inf)
    rounding = 1e-15 * max(1.0, abs(f(x)))
    for step in (1e-3, 1e-4, 1e-5, 1e-6):
        wide, narrow = ((f(x + h * v) - f(x - h * v)) / (2 * h) for h in (step, step / 2))
        derivative, off = (4 * narrow - wide) / 3, abs(narrow - wide) + rounding / step
        best = min(best, (derivative, off), key=lambda pair: pair[1])
        if off <= 1e-6 * abs(derivative):
            break
    return best
