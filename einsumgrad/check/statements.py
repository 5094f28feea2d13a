"""Tree statements to IR statements: loop indices, `for` lists, `=` that would sum."""

from __future__ import annotations

from einsumgrad.check.corrected import added, list_span, relisted, summed
from einsumgrad.check.faults import (
    ListedTwice,
    Unlisted,
    Unused,
    WouldSum,
    WriteIndex,
)
from einsumgrad.check.lower import MAX_DEPTH, MAX_PARTS, Budget, Scope, lower, lower_condition
from einsumgrad.check.names import Names
from einsumgrad.check.scope import bound_names, free, links
from einsumgrad.diagnostics import EinError, Fault, Span
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.build import ZERO, conjuncts, product, total
from einsumgrad.ir.nodes import Node, children
from einsumgrad.ir.walk import free_indices
from einsumgrad.record import record, replace
from einsumgrad.syntax import tree as t
from einsumgrad.syntax.faults import TooDeep
from einsumgrad.syntax.walk import walk


@record
class Lowered:
    """A statement's IR and the faults found in it; a faulty one is not used further."""

    statement: ir.Statement
    faults: tuple[Fault, ...]


def lower_statement(item: t.Statement, names: Names, budget: Budget) -> Lowered:
    """The IR of a statement, with its faults. Raises EinError where `def`s make it too long."""
    loops = _loop_names(item, names)
    budget.left = MAX_PARTS
    conditions = tuple(link for c in item.where for link in links(c))
    scope = Scope(names, frozenset(loops), conditions, budget=budget)
    scope.faults.extend(_list_faults(item, loops))
    target = lower(item.target, scope)
    assert isinstance(target, ir.Access)
    value = _kept(lower(item.value, scope))
    if budget.left < MAX_PARTS and _deep(value):
        raise EinError(TooDeep(span=item.value.span, limit=MAX_DEPTH))
    own = [c for c in conditions if set(free((c,), names)) <= set(loops)]
    bare = replace(scope, where=()) if own else scope
    where = conjuncts(tuple(lower_condition(c, bare) for c in own))
    scope.faults.extend(_sum_faults(item, target, loops, names))
    indices = tuple(names.index(name) for name in loops)
    if item.indices is None:
        indices = _as_read(indices, (target, value, *where))
    statement = ir.Statement(
        indices, target, item.op, value, where, listed=item.indices is not None, span=item.span
    )
    return Lowered(statement, tuple(scope.faults))


def _as_read(indices: tuple[ir.Index, ...], nodes: tuple[ir.Node, ...]) -> tuple[ir.Index, ...]:
    """Loops that no list orders, as they appear in the normal form: the order of factors as they
    were written is not in it."""
    if len(indices) < 2:
        return indices
    found = dict.fromkeys(i for node in nodes for i in free_indices(node))
    return tuple(dict.fromkeys((*(i for i in found if i in indices), *indices)))


def _deep(value: ir.Expr) -> bool:
    """Whether the value is nested too deep, as `def`s of `def`s may be."""
    level: list[Node] = [value]
    for _ in range(MAX_DEPTH):
        level = [part for node in level for part in children(node)]
    return bool(level)


def _kept(value: ir.Expr) -> ir.Expr:
    """The value in normal form at its root too."""
    match value:
        case ir.Sum(terms):
            return total(terms)
        case ir.Product(factors) if factors[0] != ZERO:
            return product(*factors)
        case _:
            return value


def _loop_names(item: t.Statement, names: Names) -> tuple[str, ...]:
    """The free indices: as listed, else the target's, then the others as they appear."""
    found = free((item.target, item.value), names)
    if item.where:
        bound = bound_names(item.value)
        extra = (n for n in free(item.where, names) if n not in bound)
        found = tuple(dict.fromkeys((*found, *extra)))
    if item.indices is None:
        return found
    listed = tuple(dict.fromkeys(n for n in item.indices if n in found))
    return listed + tuple(n for n in found if n not in listed)


def _list_faults(item: t.Statement, loops: tuple[str, ...]) -> list[Fault]:
    """The faults of a `for` list, each with the corrected line."""
    if item.indices is None or item.indices == loops:
        return []
    bound = bound_names(item.value)
    used = [n for n in dict.fromkeys(item.indices) if n in loops]
    corrected = relisted(item, [*used, *(n for n in loops if n not in used)])
    span = list_span(item)
    faults: list[Fault] = []
    for place, name in enumerate(item.indices):
        if name in item.indices[:place]:
            faults.append(ListedTwice(span=span, index=name, corrected=corrected))
        elif name not in loops and name not in bound:
            faults.append(Unused(span=span, index=name, corrected=corrected))
        elif name not in loops and item.op != "=":
            why = "an operator binds it, so the loop over it would only repeat"
            faults.append(Unused(span=span, index=name, corrected=corrected, why=why))
    missing = [n for n in loops if n not in item.indices]
    if missing:
        faults.append(Unlisted(span=span, indices=_counted(missing), corrected=corrected))
    return faults


def _counted(names: list[str]) -> str:
    """`index `i` is`, `indices `i`, `j` are`"""
    listed = ", ".join(f"`{name}`" for name in names)
    return f"index {listed} is" if len(names) == 1 else f"indices {listed} are"


def _sum_faults(
    item: t.Statement, target: ir.Access, loops: tuple[str, ...], names: Names
) -> list[Fault]:
    """`=` must define every entry once: its target bears all loop indices, none in a gather.
    A scalar in a position is one place of it."""
    if item.op != "=":
        return []
    there = {i.name for at in target.at for i in free_indices(at)}
    missing = [n for n in loops if n not in there]
    if missing:
        corrected = summed(item, missing, names)
        place = _first(item, missing)
        return [WouldSum(span=place, indices=_counted(missing), corrected=corrected)]
    if any(isinstance(at, ir.Access) and at.at for at in target.at):
        place = item.target.span
        return [WriteIndex(span=place, target=place.text, corrected=added(item))]
    return []


def _first(item: t.Statement, missing: list[str]) -> Span:
    """Where the first of the indices occurs."""
    nodes = (node for part in (item.value, *item.where) for node in walk(part))
    found = (n.span for n in nodes if isinstance(n, t.Name) and n.name in missing)
    return next(found, item.span)
