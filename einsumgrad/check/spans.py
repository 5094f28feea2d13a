"""Where the source speaks of a tensor."""

from __future__ import annotations

from einsumgrad.diagnostics import NOWHERE, Span
from einsumgrad.ir import nodes as ir
from einsumgrad.syntax.names import base_name


def place_of(program: ir.Program, name: str) -> Span:
    """Where a tensor is written first, else declared or read first; of a derivative that the source
    does not have, where its tensor is."""
    tensors = {tensor.name: tensor for tensor in program.tensors}
    while True:
        spans = [s.target.span for s in program.statements if s.target.tensor == name]
        spans += [tensors[name].span] if name in tensors else []
        found = next((span for span in spans if span is not NOWHERE), None)
        if found is not None or base_name(name) == name:
            return found or NOWHERE
        name = base_name(name)
