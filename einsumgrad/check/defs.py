"""The `def`s of a file: each named once, with distinct parameters, calling none in a circle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from einsumgrad.check.faults import CallsItself, DeclaredTwice, ListedTwice
from einsumgrad.diagnostics import Fault, Span
from einsumgrad.ir.functions import FUNCTIONS, OPERATORS, SYNONYMS
from einsumgrad.syntax import tree as t
from einsumgrad.syntax.faults import Reserved
from einsumgrad.syntax.walk import walk


def def_faults(file: t.File) -> tuple[Fault, ...]:
    """The faults of the `def`s themselves, used or not."""
    found: dict[str, t.Def] = {}
    faults: list[Fault] = []
    for item in file.items:
        if isinstance(item, t.Def):
            faults += _own(item, found)
            found.setdefault(item.name, item)
    return (*faults, *_circles(found))


def _own(item: t.Def, found: Mapping[str, t.Def]) -> Iterator[Fault]:
    if item.name in {*FUNCTIONS, *OPERATORS, *SYNONYMS}:
        yield Reserved(span=_name(item), name=item.name, what="a function")
    if item.name in found:
        related = (("first here", _name(found[item.name])),)
        yield DeclaredTwice(span=_name(item), related=related, name=item.name)
    for place, param in enumerate(item.params):
        if param in item.params[:place]:
            corrected = f"def {item.name}({', '.join(dict.fromkeys(item.params))}) = …"
            yield ListedTwice(span=_name(item), what="parameter", index=param, corrected=corrected)


def _name(item: t.Def) -> Span:
    start = item.span.text.index(item.name, 3) + item.span.start
    return Span(item.span.source, start, start + len(item.name))


def _circles(defs: Mapping[str, t.Def]) -> Iterator[Fault]:
    """One fault for each circle of calls, at the call that closes it; without recursion."""
    done: set[str] = set()
    for first in defs:
        path: dict[str, Iterator[t.Call]] = {}
        if first not in done:
            path[first] = _calls(defs[first], defs)
        while path:
            name, calls = next(reversed(path.items()))
            call = next(calls, None)
            if call is None:
                done.add(name)
                del path[name]
            elif call.function in path:
                yield _circle(call, list(path))
            elif call.function not in done:
                path[call.function] = _calls(defs[call.function], defs)


def _circle(call: t.Call, names: list[str]) -> Fault:
    between = names[names.index(call.function) + 1 :]
    shown = ", ".join([f"`{name}`" for name in between[:3]] + ["…"] * (len(between) > 3))
    by = f" by way of {shown}" if shown else ""
    return CallsItself(span=call.span, name=call.function, by=by)


def _calls(item: t.Def, defs: Mapping[str, t.Def]) -> Iterator[t.Call]:
    return (n for n in walk(item.body) if isinstance(n, t.Call) and n.function in defs)
