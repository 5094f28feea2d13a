"""Hypothesis strategies for operators inside operators that leave out what they read outside.

Softmaxes, maxima and sums of each other, two or three deep, each at shifted places of a few
tensors: what one leaves out says nothing of the next, and all of it shares few index names. The
same part stands in several places."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from atoms import DATA, Draw, T
from hypothesis import strategies as st
from programs import Sample, programs

AXES = {"x": ("b", "t"), "h": ("b", "t", "k"), "q": ("b", "k"), "R": ("k",), "u": ("t",)}
NAMES = {"t": ("t", "s"), "k": ("k", "k'")}
SCOPES = (("b", "t"), ("b", "t", "k"), ("b", "k"), ("b", "k'", "t"))
CONDITIONS = ("{0} > 0", "{0} < 2", "0 <= {0}-1", "{0} <= {1}", "{0} >= {1}", "{0} != {1}")


@st.composite
def nested(draw: Draw) -> Sample:
    """Programs with one or two tensors of nested operators, and a loss."""
    sizes = {"b": 1, "t": draw(st.integers(1, 3)), "k": draw(st.integers(1, 2))}
    nest = Nest(draw)
    scope, depth = nest.pick(SCOPES), draw(st.integers(2, 3))
    at, over = ",".join(scope), ",".join(scope[1:])
    lines = [f"g[{at}] = {nest.of(scope, depth)}{nest.where(scope)}"]
    loss = f"Σ_{{{over}}} g[{at}]^2"
    if nest.chance(40):
        lines.append(f"f[b,t] = {nest.of(('b', 't'), depth)}{nest.where(('b', 't'))}")
        loss += " + Σ_t f[b,t]"
    else:
        loss += f" + {nest.of(('b',), 2)}"
    used = [name for name in AXES if name in nest.used]
    ranges = f"index b : 1, t, s : {sizes['t']}, k, k' : {sizes['k']}"
    declared = (f"{_role(name)} {name}[{','.join(AXES[name])}]" for name in used)
    text = "\n".join((ranges, *declared, *lines, f"loss ℓ[b] = {loss}")) + "\n"
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    arrays = {n: rng.uniform(-DATA, DATA, [sizes[i] for i in AXES[n]]) for n in used}
    params = tuple(n for n in used if _role(n) == "param")
    return Sample(text, arrays, {i.upper(): n for i, n in sizes.items()}, "ℓ", tuple(used), params)


def mixed() -> st.SearchStrategy[Sample]:
    """One in twenty programs is nested, all others are any."""
    return st.integers(0, 19).flatmap(lambda kind: programs() if kind else nested())


def _role(name: str) -> str:
    return "input" if AXES[name][0] == "b" else "param"


@dataclass
class Nest:
    """Writes expressions. `used`: the tensors in them; `parts`: what is written already, with the
    indices in whose scope it stands."""

    draw: Draw
    used: set[str] = field(default_factory=set)
    parts: list[tuple[str, frozenset[str]]] = field(default_factory=list)

    def pick(self, options: tuple[T, ...]) -> T:
        chosen: T = self.draw(st.sampled_from(options))
        return chosen

    def chance(self, percent: int) -> bool:
        return bool(self.draw(st.integers(0, 99)) < percent)

    def where(self, scope: tuple[str, ...]) -> str:
        names = scope[1:]
        condition = self.pick(CONDITIONS).format(self.pick(names), self.pick(names))
        return f" where {condition}" if self.chance(25) else ""

    def entry(self, scope: tuple[str, ...]) -> str:
        """An entry of a tensor, at places that may be outside."""
        name = self.pick(tuple(AXES))
        self.used.add(name)
        return f"{name}[{','.join(self.place(axis, scope) for axis in AXES[name])}]"

    def place(self, axis: str, scope: tuple[str, ...]) -> str:
        if axis == "b":
            return "b"
        names = tuple(n for n in NAMES[axis] if n in scope)
        if not names:
            size = axis.upper()
            return self.pick(("0", f"{size}-1", f"{size}-2", "1-1", f"{size}", "0-1"))
        name, other = self.pick(names), self.pick(scope[1:])
        forms = (name, "{}-1", "{}+1", "2{}-1", "{}-2", f"{name}-{other}", "1-{}")
        return self.pick(forms).format(name)

    def body(self, scope: tuple[str, ...]) -> str:
        """What stands innermost."""
        a, b, c = (self.entry(scope) for _ in range(3))
        forms = (
            a, f"{a} {b}", f"{a} + {b}", f"{a} + tanh({b} {c})", f"tanh({a} {b})", f"({a})^2 - {b}",
        )  # fmt: skip
        return self.pick(forms)

    def of(self, scope: tuple[str, ...], depth: int) -> str:
        """An expression with so many operators inside each other, in parentheses of its own."""
        if depth == 0:
            return f"({self.body(scope)})"
        made = self.pick((self.softmax, self.softmax, self.reduced, self.several))(scope, depth - 1)
        self.parts.append((made, frozenset(scope)))
        return made

    def softmax(self, scope: tuple[str, ...], depth: int) -> str:
        if len(scope) == 1:
            return self.reduced(scope, depth)
        op = self.pick(("softmax", "softmax", "log_softmax"))
        made = f"{op}_{self.pick(scope[1:])}({self.of(scope, depth)})"
        if op == "log_softmax":
            made = f"{self.pick(('exp', 'tanh'))}({made})"
        return f"({self.entry(scope)} {made})" if self.chance(30) else made

    def reduced(self, scope: tuple[str, ...], depth: int) -> str:
        free = tuple(n for names in NAMES.values() for n in names if n not in scope)
        if not free:
            return self.softmax(scope, depth)
        index = self.pick(free)
        op = self.pick(("max", "min", "logsumexp", "Σ"))
        return f"tanh({op}_{index}({self.known(40, (*scope, index), depth)}))"

    def several(self, scope: tuple[str, ...], depth: int) -> str:
        first, op = self.known(60, scope, depth), self.pick((" + ", " - ", " "))
        return f"tanh({first}{op}{self.of(scope, depth)})"

    def known(self, percent: int, scope: tuple[str, ...], depth: int) -> str:
        """A part that is written already, or a new one."""
        parts = tuple(text for text, own in self.parts if own <= {*scope})
        return self.pick(parts) if parts and self.chance(percent) else self.of(scope, depth)
