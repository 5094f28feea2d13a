"""Every write of a tensor comes before its reads; `=` comes first and once."""

from __future__ import annotations

from einsumgrad.check.faults import DefinedTwice, NotYet, ReadBeforeWritten, ReadsItself
from einsumgrad.diagnostics import Fault
from einsumgrad.ir.nodes import Access, Product, Statement, Sum
from einsumgrad.ir.walk import free_indices


def order_faults(statements: tuple[Statement, ...]) -> tuple[Fault, ...]:
    """The faults of the statements' order, in one pass over them."""
    faults: list[Fault] = []
    read: dict[str, Access] = {}
    written: dict[str, Statement] = {}
    for statement in statements:
        name = statement.target.tensor
        found = {access.tensor: access for access in statement.reads}
        if name in found and _later(found[name]):
            pass  # a recurrence, whose index expression is refused for now
        elif name in found:
            faults.append(ReadsItself(span=found[name].span, name=name))
        elif name in read and not _later(read[name]):
            related = (("read here", read[name].span),)
            place = statement.target.span
            faults.append(ReadBeforeWritten(span=place, related=related, name=name))
        if statement.op == "=" and name in written:
            faults.append(_second(statement, written[name]))
        written.setdefault(name, statement)
        for tensor, access in found.items():
            read.setdefault(tensor, access)
    return tuple(faults)


def _later(access: Access) -> bool:
    """Whether an entry is read at a computed place, such as `h[t-1]`."""
    return any(isinstance(at, Sum | Product) and free_indices(at) for at in access.at)


def _second(statement: Statement, first: Statement) -> Fault:
    name, place = statement.target.tensor, statement.target.span
    related = (("first here", first.target.span),)
    if statement.where or first.where:
        hint = f"one statement does it: `{place.text} = [CONDITION] … + [CONDITION] …`"
        what = f"defining `{name}` in pieces"
        return NotYet(span=place, related=related, what=what, hint=hint)
    if first.op == "=":
        return DefinedTwice(span=place, related=related, name=name)
    what, hint = "defined after it was added to", f"put the `=` first, then the `{first.op}`"
    return DefinedTwice(span=place, related=related, name=name, what=what, hint=hint)
