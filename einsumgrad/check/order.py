"""Every write of a tensor comes before its reads; `=` comes first and once."""

from __future__ import annotations

from einsumgrad.check.faults import DefinedTwice, NotYet, ReadBeforeWritten, ReadsItself
from einsumgrad.diagnostics import Fault
from einsumgrad.ir.nodes import Access, Statement
from einsumgrad.ir.walk import reads


def order_faults(statements: tuple[Statement, ...]) -> tuple[Fault, ...]:
    """The faults of the statements' order, in one pass over them."""
    faults: list[Fault] = []
    read: dict[str, Access] = {}
    written: dict[str, Statement] = {}
    for statement in statements:
        name = statement.target.tensor
        found = {access.tensor: access for access in reads(statement)}
        if name in found:
            faults.append(ReadsItself(span=found[name].span, name=name))
        elif name in read:
            related = (("read here", read[name].span),)
            faults.append(ReadBeforeWritten(span=statement.span, related=related, name=name))
        if statement.op == "=" and name in written:
            faults.append(_second(statement, written[name]))
        written.setdefault(name, statement)
        for tensor, access in found.items():
            read.setdefault(tensor, access)
    return tuple(faults)


def _second(statement: Statement, first: Statement) -> Fault:
    related = (("first here", first.span),)
    name = statement.target.tensor
    if statement.where or first.where:
        what = f"defining `{name}` in pieces"
        return NotYet(span=statement.span, related=related, what=what, hint="sum `[…]` brackets")
    return DefinedTwice(span=statement.span, related=related, name=name)
