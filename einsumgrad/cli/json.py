"""Programs as JSON, trees as an outline."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from einsumgrad.diagnostics import Span
from einsumgrad.ir.nodes import Index, Program, Statement, Tensor
from einsumgrad.record import facts
from einsumgrad.reflect.expressions import condition, expression
from einsumgrad.reflect.reflect import statement as reflected
from einsumgrad.syntax import tree as t
from einsumgrad.syntax.show import show


def to_json(documents: Sequence[Mapping[str, Any]], *, ascii: bool = False) -> str:
    """The one document, or a list of several."""
    found = documents[0] if len(documents) == 1 else documents
    return json.dumps(found, ensure_ascii=ascii, indent=2) + "\n"


def document(program: Program, *, ascii: bool = False) -> dict[str, Any]:
    """Declarations and statements; every expression as `.ein` text. The schema only grows."""
    return {
        "version": 1,
        "batch": program.batch.name if program.batch else None,
        "loss": program.loss,
        "outputs": list(program.outputs),
        "sizes": {name: show(expression(value), ascii) for name, value in program.sizes},
        "tensors": [_tensor(tensor) for tensor in program.tensors],
        "statements": [_statement(item, ascii) for item in program.statements],
    }


def _tensor(tensor: Tensor) -> dict[str, Any]:
    return {
        "name": tensor.name,
        "kind": tensor.kind,
        "indices": [_index(i) for i in tensor.axes],
        "holds": _index(tensor.holds),
        "integer": tensor.integer,
        "batched": tensor.batched,
    }


def _index(index: Index | None) -> dict[str, str] | None:
    return None if index is None else {"name": index.name, "size": index.size}


def _statement(item: Statement, ascii: bool) -> dict[str, Any]:
    return {
        "text": show(reflected(item), ascii).strip(),
        "indices": [i.name for i in item.indices],
        "target": {
            "tensor": item.target.tensor,
            "at": [show(expression(at), ascii) for at in item.target.at],
        },
        "op": item.op,
        "value": show(expression(item.value), ascii),
        "where": [show(condition(c), ascii) for c in item.where],
        "derived": item.derived,
    }


def outline(file: t.File) -> str:
    """The tree, a node a line."""
    return "".join(_lines(file, 0))


def _lines(node: Any, depth: int) -> list[str]:
    own, below = [], []
    for name in facts(type(node)):
        held = getattr(node, name)
        if name in ("span", "source") or isinstance(held, Span):
            continue
        parts = held if isinstance(held, tuple) else (held,)
        nodes = [part for part in parts if facts(type(part))]
        if nodes:
            below += nodes
        elif held not in (None, ()):
            own.append(f"{name}={_plain(held)}")
    line = "  " * depth + " ".join([type(node).__name__, *own]) + "\n"
    return [line, *(text for part in below for text in _lines(part, depth + 1))]


def _plain(held: Any) -> str:
    return ",".join(map(str, held)) if isinstance(held, tuple) else str(held)
