"""The table of elementwise functions with their derivatives, and of subscripted operators.

A derivative is written in the language itself: `u` and `v` are the arguments, `y` is the result.
Sources: DLMF 4.19, 4.20, 7.10 for the elementary functions and erf; Hendrycks and Gimpel (2016)
for gelu; Elfwing et al. (2018) for silu. At a kink the derivative is the one of LANGUAGE §8:
relu'(0) = abs'(0) = 0, and ties of min and max share evenly.
"""

from __future__ import annotations

from einsumgrad.record import record


@record
class Function:
    """An elementwise function: canonical name, one derivative per argument, preferred symbol.

    `by_result`: the same derivative without `u`, for a `u` too long to write again."""

    name: str
    derivatives: tuple[str, ...]
    symbol: str = ""
    by_result: str = ""

    @property
    def arity(self) -> int:
        return len(self.derivatives)


FUNCTIONS: dict[str, Function] = {
    f.name: f
    for f in (
        Function("exp", ("y",)),
        Function("log", ("1/u",)),
        Function("log1p", ("1/(1 + u)",)),
        Function("expm1", ("exp u",), by_result="1 + y"),
        Function("sqrt", ("1/(2 y)",)),
        Function("abs", ("sign u",)),
        Function("sign", ("0",)),
        Function("sin", ("cos u",)),
        Function("cos", ("-sin u",)),
        Function("tan", ("1 + y^2",)),
        Function("tanh", ("1 - y^2",)),
        Function("sigmoid", ("y (1 - y)",), "σ"),
        Function("relu", ("[u > 0]",), by_result="[y > 0]"),
        Function("leaky_relu", ("[u > 0] + v [u <= 0]", "u [u <= 0]")),
        Function("softplus", ("σ(u)",)),
        Function("gelu", ("1/2 (1 + erf(u / sqrt(2))) + u exp(-1/2 u^2) / sqrt(2 π)",)),
        Function("silu", ("σ(u) (1 + u - y)",)),
        Function("erf", ("2 exp(-u^2) / sqrt(π)",)),
        Function("floor", ("0",)),
        Function("min", ("[u < v] + 1/2 [u = v]", "[v < u] + 1/2 [u = v]")),
        Function("max", ("[u > v] + 1/2 [u = v]", "[v > u] + 1/2 [u = v]")),
        Function("stop", ("0",)),
    )
}

SYNONYMS: dict[str, str] = {"σ": "sigmoid"}


@record
class Operator:
    """A subscripted operator. `big`: runs over the whole product after it; else takes an argument
    as a function does. `keeps`: the index stays free in the result."""

    name: str
    big: bool = False
    keeps: bool = False
    symbol: str = ""


OPERATORS: dict[str, Operator] = {
    o.name: o
    for o in (
        Operator("sum", big=True, symbol="Σ"),
        Operator("prod", big=True, symbol="Π"),
        Operator("mean", big=True),
        Operator("max", big=True),
        Operator("min", big=True),
        Operator("softmax", keeps=True),
        Operator("log_softmax", keeps=True),
        Operator("logsumexp"),
        Operator("argmax"),
        Operator("argmin"),
    )
}

OPERATOR_SYNONYMS: dict[str, str] = {"Σ": "sum", "∑": "sum", "Π": "prod", "∏": "prod"}

DISTRIBUTIONS: dict[str, tuple[int, ...]] = {"normal": (0, 1), "uniform": (0, 2), "bernoulli": (1,)}
"""Name → the allowed numbers of arguments: normal(sd), uniform (on [0,1)) or uniform(low, high)."""

KINDS = frozenset({"input", "param", "const", "noise", "loss", "output"})
"""The keywords that declare tensors."""

KEYWORDS = KINDS | {"for", "where", "and", "or", "not", "index", "batch", "none", "def"}
