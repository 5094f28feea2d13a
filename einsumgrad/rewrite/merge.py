"""Contributions to one gradient written as one statement where a person would write one."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from einsumgrad.ir.build import ZERO, negative, total
from einsumgrad.ir.circles import by_target
from einsumgrad.ir.nodes import Compare, Condition, Expr, Position, Program, Statement
from einsumgrad.ir.walk import accesses
from einsumgrad.record import replace
from einsumgrad.rewrite.algebra import simplify
from einsumgrad.rewrite.edit import Reason, Told, plain_target, unheard, with_statements
from einsumgrad.rewrite.factor import expand, weight
from einsumgrad.rewrite.simplify import simplify_statement
from einsumgrad.syntax.names import SUFFIXES

Key = Callable[[Statement], Hashable | None]


def merge(program: Program, told: Told = unheard) -> Program:
    """`p.grad += -y (1 - p)`, `p.grad += (1 - y) p` become `p.grad += p - y`. The sum stands where
    the last of them stood; a name that only one statement writes is defined by `=`.

    What one forward statement adds to the same entries is one statement, and so is all that is
    added to a helper's; other contributions are where terms cancel."""
    program = _complemented(program, told)
    program = _grouped(program, _together, lambda *_: True, told)
    program = _grouped(program, _entries, _cancelling, told)
    return with_statements(program, _defined(program, told))


def _complemented(program: Program, told: Told) -> Program:
    """`a[t] += g[t] where t = 0` and `a[t] += g[t] where t > 0` become `a[t] += g[t]`."""
    made: list[Statement] = []
    found: dict[Hashable, list[int]] = {}
    for statement in program.statements:
        key = (statement.indices, statement.target, statement.op, statement.value)
        places = found.setdefault(key, []) if statement.derived and statement.where else []
        other = next((k for k in places if _complement(made[k], statement)), None)
        if other is None:
            places.append(len(made))
            made.append(statement)
            continue
        whole = replace(statement, where=_shared(made[other], statement))
        words = "of two contributions one holds where the other does not"
        told(made[other], None, Reason(words))
        told(statement, whole, Reason(words))
        made[other] = whole
        places.remove(other)
    return with_statements(program, made)


def _shared(first: Statement, second: Statement) -> tuple[Condition, ...]:
    return tuple(c for c in first.where if c in second.where)


def _complement(first: Statement, second: Statement) -> bool:
    """Whether the conditions of two statements are the same but for one, and that its opposite."""
    rest = _shared(first, second)
    left = [c for c in first.where if c not in rest]
    right = [c for c in second.where if c not in rest]
    return len(left) == len(right) == 1 and _opposite(left[0], right[0])


def _opposite(left: Condition, right: Condition) -> bool:
    """`t = 0` and `t > 0`, an index being 0 or more; `a < b` and `a >= b`."""
    if not (isinstance(left, Compare) and isinstance(right, Compare)):
        return False
    if (left.left, left.right) != (right.left, right.right):
        return False
    signs = {left.op, right.op}
    first = isinstance(left.left, Position) and left.right == ZERO and signs == {"=", ">"}
    ordered = signs in ({"<", ">="}, {">", "<="}) and not any(accesses(left))  # NaN is in neither
    return first or ordered or signs == {"=", "!="}


def _entries(statement: Statement) -> Hashable | None:
    """What statements have in common whose values can be added up."""
    if not statement.derived or statement.op not in ("+=", "-="):
        return None
    return frozenset(statement.indices), statement.target, statement.where


def _together(statement: Statement) -> Hashable | None:
    """What statements have in common that a person would write as one: entry by entry."""
    entries = _entries(statement)
    if entries is None or not {Position(i) for i in statement.indices} <= {*statement.target.at}:
        return None
    helper = not statement.target.tensor.endswith(SUFFIXES)
    return entries if helper else (entries, statement.origin)


def _cancelling(group: list[Statement], added: Statement) -> bool:
    """Whether terms of different statements cancel or are alike."""
    return weight(simplify(expand(added.value))) < sum(weight(expand(s.value)) for s in group)


def _grouped(
    program: Program, key: Key, wanted: Callable[[list[Statement], Statement], bool], told: Told
) -> Program:
    """The program with the statements of each group as one, if that is wanted."""
    groups: dict[Hashable, list[int]] = {}
    for place, statement in enumerate(program.statements):
        found = key(statement)
        if found is not None:
            groups.setdefault(found, []).append(place)
    made: list[Statement | None] = list(program.statements)
    for places in groups.values():
        if len(places) < 2:
            continue
        group = [program.statements[place] for place in places]
        added = _added(group)
        if wanted(group, added):
            for place in places:
                made[place] = None
            made[places[-1]] = _told(group, added, told)
    return with_statements(program, (s for s in made if s is not None))


def _added(group: list[Statement]) -> Statement:
    """The sum in the order of the source: the sweep came upon its last term first."""
    values = (negative(s.value) if s.op == "-=" else s.value for s in reversed(group))
    value: Expr = total(values)
    return replace(group[-1], op="+=", value=value)


def _told(group: list[Statement], added: Statement, told: Told) -> Statement:
    for statement in group[:-1]:
        told(statement, None, Reason("it is added to a later contribution to {0}", (added.target,)))
    told(group[-1], added, Reason("an earlier contribution to {0} is added", (added.target,)))
    return simplify_statement(added, told)


def _defined(program: Program, told: Told) -> list[Statement]:
    """A helper that one statement writes, entry by entry, is written with `=`."""
    found = by_target(program.statements)
    return [_define(s, told) if len(found[s.target.tensor]) == 1 else s for s in program.statements]


def _define(statement: Statement, told: Told) -> Statement:
    name = statement.target.tensor
    whole = plain_target(statement.target) and len(statement.target.at) == len(statement.indices)
    if not statement.derived or name.endswith(SUFFIXES) or statement.op == "=" or not whole:
        return statement
    value = statement.value if statement.op == "+=" else negative(statement.value)
    made = replace(statement, op="=", value=value)
    told(
        statement, made, Reason("nothing else is added to {0}, so this defines it", (made.target,))
    )
    return made
