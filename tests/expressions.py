"""Random expressions of the language, as text: valid by construction, tame in value.

Arguments stay in the domain of their function, denominators away from zero, and what would grow
beyond `BIG` goes through a tanh; so difference quotients and tolerances mean something.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from atoms import ATOM, FACTOR, PRODUCT, SUM, Atoms, Piece
from hypothesis import strategies as st

BIG = 40.0
BOUNDED_BY = ("tanh", "σ", "sin", "abs", "relu", "cos", "sigmoid", "erf", "gelu", "silu")
"""Functions with |f(u)| at most max(1, |u|), for any u."""


def join(
    text: str, level: int, parts: Sequence[Piece], bound: float, *, is_open: bool = False
) -> Piece:
    uses = frozenset[str]().union(*(part.uses for part in parts))
    return Piece(text, level, uses, bound, is_open)


class Maker(Atoms):
    """Draws expressions."""

    def expression(self, names: tuple[str, ...], depth: int) -> Piece:
        if depth <= 0:
            return self.atom(names)
        make = self.pick(MAKERS)
        piece = make(self, names, depth - 1)
        if piece.bound > BIG:
            return Piece(f"tanh({piece.text})", ATOM, piece.uses)
        return piece

    def total(self, names: tuple[str, ...], depth: int) -> Piece:
        terms = [self.expression(names, depth) for _ in range(self.draw(st.integers(2, 3)))]
        text = "-" + terms[0].within(PRODUCT) if self.chance(15) else terms[0].text
        for term in terms[1:]:
            text += f" {self.pick('+-−')} {term.within(PRODUCT)}"
        return join(text, SUM, terms, sum(term.bound for term in terms))

    def product(self, names: tuple[str, ...], depth: int) -> Piece:
        factors = [self.expression(names, depth) for _ in range(self.draw(st.integers(2, 3)))]
        text = ""
        for number, factor in enumerate(factors):
            last = number == len(factors) - 1
            bare = factor.open and factor.level == PRODUCT and last and self.chance(50)
            shown = factor.text if bare else factor.within(FACTOR)
            dot = self.pick((" ", " ", " * ", " · ", " × "))
            if shown[0].isdigit() and dot == " ":
                dot = " * "
            text += dot + shown if text else shown
        bound = math.prod(max(factor.bound, 1.0) for factor in factors)
        return join(text, PRODUCT, factors, bound, is_open=factors[-1].open)

    def quotient(self, names: tuple[str, ...], depth: int) -> Piece:
        above = self.expression(names, depth)
        below = self.expression(names, depth)
        kind = self.draw(st.integers(0, 3 if self.empty else 5))
        safe = (
            f"(2 + {below.within(ATOM)}^2)", f"exp(sin({below.text}))",
            f"(3 + cos({below.text}))", "2", self.size(self.range_of(self.ranges[-1].name)), "π",
        )[kind]  # fmt: skip
        parts = [above, below] if kind < 3 else [above]
        return join(f"{above.within(FACTOR)}{self.pick((' / ', '/'))}{safe}", PRODUCT, parts,
                    3 * above.bound)  # fmt: skip

    def bracketed(self, names: tuple[str, ...], depth: int) -> Piece:
        value = self.expression(names, depth)
        condition = self.condition(names)
        bracket, factor = f"[{condition.text}]", value.within(FACTOR)
        if self.chance(10):
            return Piece(bracket, ATOM, condition.uses)
        first = self.chance(50) and not factor[0].isdigit()
        text = f"{bracket} {factor}" if first else f"{factor} {bracket}"
        return join(text, PRODUCT, [value, condition], value.bound)

    def negative(self, names: tuple[str, ...], depth: int) -> Piece:
        value = self.expression(names, depth)
        return join(f"-{value.within(PRODUCT)}", SUM, [value], value.bound)

    def power(self, names: tuple[str, ...], depth: int) -> Piece:
        base = self.expression(names, depth)
        exponent = self.expression(names, depth - 1) if self.chance(25) else None
        atom, sine = base.within(ATOM), f"(2 + sin({base.text}))"
        if exponent is not None:
            raised = f"tanh({exponent.text})"
            text = f"{self.pick((sine, '2'))}^({raised})"
            parts = [base, exponent] if text[0] == "(" else [exponent]
            return join(text, FACTOR, parts, 3.0)
        options = (
            (f"{atom}^2", base.bound**2), (f"{atom}²" if atom[-1] in ")]" else f"{atom}^2",
            base.bound**2), (f"{atom}^3", base.bound**3), (f"{sine}^0.5", 2.0),
            (f"{sine}^(-1)", 1.0), (f"{sine}^(-3/2)", 1.0), (f"{atom}^1", base.bound),
        )  # fmt: skip
        text, bound = self.pick(options)
        return join(text, FACTOR, [base], bound)

    def function(self, names: tuple[str, ...], depth: int) -> Piece:
        value = self.expression(names, depth)
        name = self.pick(BOUNDED_BY)
        if value.level == ATOM and value.text[0].isalpha() and self.chance(40):
            return join(f"{name} {value.text}", FACTOR, [value], max(1.0, value.bound))
        return join(f"{name}({value.text})", ATOM, [value], max(1.0, value.bound))

    def careful_function(self, names: tuple[str, ...], depth: int) -> Piece:
        value = self.expression(names, depth)
        square = f"{value.within(ATOM)}^2"
        text = self.pick((
            f"exp(sin({value.text}))", f"exp(-{square})", f"log(1 + {square})", f"log1p({square})",
            f"expm1(cos({value.text}))", f"sqrt(1 + {square})", f"tan(sin({value.text}))",
            f"leaky_relu({value.text}, 0.1)", f"stop({value.text})", f"softplus({value.text})",
        ))  # fmt: skip
        return join(text, ATOM, [value], max(3.0, value.bound + 1.0))

    def stepped(self, names: tuple[str, ...], depth: int) -> Piece:
        """Functions with jumps, of leaves only: a rounding error may carry no value over one."""
        del depth
        value = self.new_leaf(names)
        text = self.pick((f"sign({value.text})", f"floor(3 {value.text})"))
        return join(text, ATOM, [value], 5.0)

    def two_arguments(self, names: tuple[str, ...], depth: int) -> Piece:
        left, right = self.expression(names, depth), self.expression(names, depth)
        bound = max(left.bound, right.bound)
        name = self.pick(("max", "min", "leaky_relu"))
        bound = left.bound * max(right.bound, 1.0) if name == "leaky_relu" else bound
        return join(f"{name}({left.text}, {right.text})", ATOM, [left, right], bound)

    def defined(self, names: tuple[str, ...], depth: int) -> Piece:
        if not self.defs:
            return self.function(names, depth)
        name, arity = self.pick(self.defs)
        args = [self.expression(names, depth) for _ in range(arity)]
        text = f"{name}({', '.join(arg.text for arg in args)})"
        return join(text, ATOM, args, 2.0 * math.prod(max(1.0, arg.bound) for arg in args))

    def reduction(self, names: tuple[str, ...], depth: int) -> Piece:
        op = self.pick(OVER_NOTHING if self.empty else REDUCTIONS)
        over = self.binders(names, 1 if op in {"logsumexp", "argmax", "argmin"} else 2)
        if not over:
            return self.function(names, depth)
        inner = (*(n for n in names if n not in over), *over)
        if op.startswith("arg"):
            return self.argument(op, over, inner)
        body, daring = self.entered(inner, depth, op)
        self.restrict(over, kept=op in {"max", "min", "logsumexp"})
        count = math.prod(self.range_of(name).size for name in over)
        if op in {"prod", "Π"} and max(body.bound, 1.0) ** count > BIG:
            body = Piece(f"tanh({body.text})", ATOM, body.uses)
        bound = {"sum": count * body.bound, "Σ": count * body.bound}.get(op, body.bound + 2.0)
        uses = body.uses - set(over)
        if daring or op == "logsumexp":
            text = f"{op}{self.subscript(over)}({body.text})"
            return self.saturated(text, uses) if daring else Piece(text, ATOM, uses, bound)
        bare = body.level >= PRODUCT and self.chance(50)
        shown = f" {body.text}" if bare else f"{self.pick(('', ' '))}({body.text})"
        return Piece(f"{op}{self.subscript(over)}{shown}", PRODUCT, uses, bound, open=True)

    def entered(self, names: tuple[str, ...], depth: int, op: str) -> tuple[Piece, bool]:
        """What an operator runs over, and whether it may leave out all of it."""
        if op in {"sum", "Σ", "mean", "prod", "Π"}:
            return self.expression(names, depth), False
        outer = self.entering
        daring = not self.empty and (self.chance(30) if outer is None else outer)
        self.entering = daring
        body = self.expression(names, depth)
        self.entering = outer
        return body, daring

    def saturated(self, text: str, uses: frozenset[str]) -> Piece:
        """A value that may be infinite, made finite."""
        return Piece(f"{self.pick(('tanh', 'σ', 'erf'))}({text})", ATOM, uses)

    def argument(self, op: str, over: tuple[str, ...], inner: tuple[str, ...]) -> Piece:
        """Of a leaf only: computed entries may tie but for rounding errors."""
        body = self.new_leaf(inner)
        size = self.range_of(over[0]).size
        uses = body.uses - set(over)
        return Piece(f"{op}{self.subscript(over)} {body.text}", FACTOR, uses, float(size))

    def subscript(self, over: tuple[str, ...]) -> str:
        bare = len(over) == 1 and not self.chance(30)
        return f"_{over[0]}" if bare else "_{" + ",".join(over) + "}"

    def binders(self, names: tuple[str, ...], most: int) -> tuple[str, ...]:
        """Names to bind: rarely one that is free outside, which is then shadowed."""
        shadowing = self.chance(10)
        left = [n for n in self.names() if shadowing or n not in names]
        left = [n for n in left if n not in self.restricted]
        chosen = self.some(left, most) or tuple(left[:1])
        for name in chosen:
            self.range_of(name)
        self.bound_names += chosen
        self.shadowed |= set(chosen) & set(self.free)
        return chosen

    def restrict(self, over: tuple[str, ...], *, kept: bool) -> None:
        """Sometimes a `where` of the statement for the operator that alone binds a name.

        `kept`: the condition holds at 0, for an operator that has no value over nothing."""
        name = over[0]
        if self.bound_names.count(name) > 1 or name in self.free or not self.chance(20):
            return
        size = self.range_of(name).size
        options = [f"{name} < {size}", f"{name} <= 1", f"0 <= {name} < 2"]
        uses = frozenset[str]()
        if self.free and self.chance(60):
            other = self.pick(self.free)
            self.range_of(other)
            uses = frozenset({other})
            options = [f"{name} <= {other}", f"{other} >= {name}"]
            options += [] if kept else [f"{name} != {other}", f"{other} < {name}"]
        elif not kept:
            options += [f"{name} > 0", f"not {name} = 1"]
        self.restricted.add(name)
        self.restrictions.append(Piece(self.pick(options), SUM, uses))

    def normalised(self, names: tuple[str, ...], depth: int) -> Piece:
        allowed = [name for name in names if name not in self.restricted]
        if not allowed:
            return self.function(names, depth)
        index = self.pick(allowed)
        self.range_of(index)
        self.bound_names.append(index)
        op = self.pick(("softmax", "log_softmax"))
        body, daring = self.entered(names, depth, op)
        atom = body.level == ATOM and body.text[0].isalpha() and self.chance(60)
        shown = f" {body.text}" if atom else f"({body.text})"
        bound = 1.0 if op == "softmax" else 2.0 * body.bound + 2.0
        level = FACTOR if atom else ATOM
        text = f"{op}{self.subscript((index,))}{shown}"
        uses = body.uses | {index}
        if daring and op == "log_softmax":
            return self.saturated(text, uses)
        return Piece(text, level, uses, bound)

    def condition(self, names: tuple[str, ...], depth: int = 1) -> Piece:
        kind = self.draw(st.integers(0, 9))
        if kind < 7 or depth <= 0:
            return self.comparison(names)
        if kind == 7:
            inner = self.condition(names, depth - 1)
            return Piece(f"not {inner.within(ATOM)}", PRODUCT, inner.uses)
        left, right = self.condition(names, depth - 1), self.condition(names, depth - 1)
        word = "and" if kind == 8 else "or"
        text = f"{left.within(ATOM)} {word} {right.within(ATOM)}"
        return Piece(text, SUM, left.uses | right.uses)

    def comparison(self, names: tuple[str, ...]) -> Piece:
        """Of indices, numbers and integer or random entries, never of computed ones: a rounding
        error may not decide."""
        if not names:
            first, last = self.range_of(self.ranges[0].name), self.range_of(self.ranges[-1].name)
            return Piece(f"{first.capital} {self.pick(COMPARATORS)} {last.capital}", ATOM)
        name = self.pick(names)
        found = self.range_of(name)
        uses = frozenset({name})
        kind = self.draw(st.integers(0, 3 if self.empty else 5))
        if kind == 0:
            other = self.pick(names)
            self.range_of(other)
            text = f"{name} {self.pick(COMPARATORS)} {other}"
            return Piece(text, ATOM, uses | {other})
        if kind == 1:
            number = self.draw(st.integers(0, max(0, found.size - 1)))
            return Piece(f"{name} {self.pick(COMPARATORS)} {number}", ATOM, uses)
        if kind == 2:
            return Piece(f"0 < {name} {self.pick(('<', '<=', '≤'))} {found.capital}-1", ATOM, uses)
        if kind == 3:
            entry = self.new_leaf(names)
            return Piece(f"{entry.text} {self.pick('<>')} 0.2", ATOM, entry.uses)
        entry = self.entry(self.integers(found, names), names)
        text = f"{name} {self.pick(COMPARATORS)} {entry.text}"
        return Piece(text, ATOM, uses | entry.uses)


COMPARATORS = ("<", "<=", "=", "!=", ">", ">=", "==", "≠", "≥")
REDUCTIONS = (
    "Σ", "sum", "mean", "max", "min", "logsumexp", "prod", "Π", "argmax", "argmin",
)  # fmt: skip
OVER_NOTHING = ("Σ", "sum", "mean", "prod", "Π", "argmax", "argmin")
"""Those with a finite value over an empty range."""
MAKERS: tuple[Callable[[Maker, tuple[str, ...], int], Piece], ...] = (
    Maker.product, Maker.total, Maker.function, Maker.reduction, Maker.product, Maker.quotient,
    Maker.bracketed, Maker.power, Maker.normalised, Maker.careful_function, Maker.negative,
    Maker.two_arguments, Maker.reduction, Maker.defined, Maker.stepped,
)  # fmt: skip
