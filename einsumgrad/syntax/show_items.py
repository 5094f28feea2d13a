"""Declarations and statements to text."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from einsumgrad.syntax import tree as t

ShowNode = Callable[[t.Expr | t.Condition], str]


def show_item(item: t.Item, show: ShowNode) -> str:
    """The line of an item; `show` shows the expressions in it."""
    match item:
        case t.Statement():
            return _statement(item, show)
        case t.TensorDecl(kind, entries):
            return f"{kind} {', '.join(_declared(entry, show) for entry in entries)}"
        case t.IndexDecl(groups):
            shown = (f"{', '.join(g.names)} : {show(g.size)}" for g in groups)
            return f"index {', '.join(shown)}"
        case t.BatchDecl(name):
            return f"batch {name or 'none'}"
        case t.Def(name, params, body):
            return f"def {name}({', '.join(params)}) = {show(body)}"
        case _:
            assert_never(item)


def _statement(item: t.Statement, show: ShowNode) -> str:
    loops = f"for {','.join(item.indices)}  " if item.indices is not None else ""
    kind = f"{item.declares} " if item.declares else ""
    where = f" where {', '.join(show(c) for c in item.where)}" if item.where else ""
    return f"{kind}{loops}{show(item.target)} {item.op} {show(item.value)}{where}"


def _declared(entry: t.Declared, show: ShowNode) -> str:
    at = f"[{','.join(entry.indices)}]" if entry.indices else ""
    holds = f" : {entry.holds}" if entry.holds else ""
    match entry.start:
        case None:
            start = ""
        case t.Draw(distribution, args):
            inside = f"({', '.join(show(arg) for arg in args)})" if args else ""
            start = f" ~ {distribution}{inside}"
        case value:
            start = f" = {show(value)}"
    return f"{entry.name}{at}{holds}{start}"
