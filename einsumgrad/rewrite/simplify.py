"""Each derived statement as a person would write it: simplified, signed, without zeros."""

from __future__ import annotations

from collections.abc import Iterator

from einsumgrad.ir.build import ZERO, product
from einsumgrad.ir.nodes import Compare, Expr, Op, Program, Size, Statement, Sum
from einsumgrad.ir.walk import free_indices
from einsumgrad.record import replace
from einsumgrad.rewrite.algebra import is_negative, negate, simplify
from einsumgrad.rewrite.edit import Reason, Told, unheard, with_statements
from einsumgrad.rewrite.factor import expand, factored, factors_of, weight

IDLE = (
    "a loop on which nothing depends only repeats: times its size",
    "the largest of equal values is that value, where there is one",
)


def simplify_program(program: Program, told: Told = unheard) -> Program:
    """Every derived statement simplified; those that add nothing are gone."""
    made = (simplify_statement(s, told) if s.derived else s for s in program.statements)
    return drop_zeros(with_statements(program, made), told)


def drop_zeros(program: Program, told: Told = unheard) -> Program:
    """Without the derived statements that add 0, but for one where a gradient would have none."""
    return with_statements(program, _statements(program, told))


def _statements(program: Program, told: Told) -> Iterator[Statement]:
    written: set[str] = set()
    last = {s.target.tensor: place for place, s in enumerate(program.statements)}
    for place, statement in enumerate(program.statements):
        made, name = statement, statement.target.tensor
        if made.derived and made.op in ("+=", "-=") and made.value == ZERO:
            if name in written or last[name] != place:
                told(made, None, Reason("it adds 0, so it is left out"))
                continue
            made = _zero(made, told)
        written.add(name)
        yield made


def _zero(statement: Statement, told: Told) -> Statement:
    """A gradient that is 0 throughout is still an answer."""
    free = {i for at in statement.target.at for i in free_indices(at)}
    loops = tuple(i for i in statement.indices if i in free)
    made = replace(statement, indices=loops, where=())
    if made != statement:
        told(statement, made, Reason("adding 0 needs no further loop and no condition"))
    return made


def simplify_statement(statement: Statement, told: Told = unheard) -> Statement:
    """One statement: its value, its sign, and the loops that its value no longer needs."""
    why: list[str] = []
    value = simplify(statement.value, why.append)
    expanded, further = expand(value), ["it is multiplied out"]
    if expanded != value:
        flat = simplify(expanded, further.append)
        if weight(flat) < weight(value):
            value, why = flat, [*why, *further]
    common = factored(value)
    if common is not value and weight(common) <= weight(value):
        value = common
        why.append("common factors are taken out")
    kept = statement if value is statement.value else replace(statement, value=value)
    made = _without_idle_loops(kept)
    if made.indices != statement.indices:
        why.append(IDLE[made.op in ("max=", "min=")])
    if made.op in ("+=", "-=") and is_negative(made.value):
        made = _turned(made)
        why.append(
            "adding a negative is subtracting" if made.op == "-=" else "two minuses are a plus"
        )
    elif made.op == "-=" and _has_difference(made.value):
        made = _turned(made)
        why.append("the minus goes into the difference")
    if made is statement or made == statement:
        return statement
    told(statement, made, Reason("; ".join(dict.fromkeys(why))))
    return made


def _turned(statement: Statement) -> Statement:
    """`-= -a` as `+= a`, `-= a - b` as `+= b - a`."""
    op: Op = "-=" if statement.op == "+=" else "+="
    return replace(statement, op=op, value=simplify(negate(statement.value)))


def _has_difference(value: Expr) -> bool:
    return any(isinstance(f, Sum) and any(map(is_negative, f.terms)) for f in factors_of(value))


def _without_idle_loops(statement: Statement) -> Statement:
    """A loop whose index nothing names only repeats: a sum times its size. A maximum is the same
    however often it is taken, but for an empty range; a product (`*=`) keeps its loop."""
    nodes = (statement.value, *statement.target.at, *statement.where)
    used = {i for node in nodes for i in free_indices(node)}
    idle = tuple(i for i in statement.indices if i not in used)
    if not idle or statement.op == "*=":
        return statement
    loops = tuple(i for i in statement.indices if i in used)
    made = replace(statement, indices=loops)
    if statement.op in ("max=", "min="):
        kept = (Compare(">", Size(i.size), ZERO) for i in idle)
        return replace(made, where=tuple(dict.fromkeys((*statement.where, *kept))))
    return replace(made, value=product(statement.value, *(Size(i.size) for i in idle)))
