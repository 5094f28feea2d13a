"""Kernels compiled for this machine by LLVM."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from einsumgrad.emit.script import Script
from einsumgrad.fused.functions import definitions
from einsumgrad.fused.kernel import Written

Called = Callable[[int], None]
LOOP = re.compile(r"!LOOP(\d+)#")
"""A loop's hints, before they have a number that is theirs in the module."""


@dataclass(frozen=True, slots=True)
class Kernels:
    """The kernels of a script and of its strips, by the script's id and the name of each. They are
    there as long as the library is."""

    functions: Mapping[tuple[int, str], Called] = field(default_factory=dict)
    library: Library | None = None

    def of(self, script: Script) -> dict[str, Any]:
        """What the source of one script may name."""
        own = {name: self.functions[id(script), name] for name in script.kernels}
        return {**own, "library": self.library} if own else {}


def linked(script: Script) -> Kernels:
    """All kernels of a script, compiled together."""
    every = list(_kernels(script))
    if not every:
        return Kernels()
    used = sorted({use for _, _, written in every for use in written.used})
    library = Library(module([written for _, _, written in every], definitions(used)))
    found = {(owner, name): library.called(k) for k, (owner, name, _) in enumerate(every)}
    return Kernels(found, library)


def module(kernels: Sequence[Written], functions: str) -> str:
    """The text of a module with `kernel0`, `kernel1` …"""
    texts, hints = [functions], ['!0 = !{!"llvm.loop.unroll.disable"}']
    for number, written in enumerate(kernels):
        first = len(hints)
        pieces = LOOP.split(written.text)  # text and number in turns
        pieces[1::2] = (f"!{first + int(part)}" for part in pieces[1::2])
        texts.append("".join(pieces).replace("@KERNEL", f"@kernel{number}"))
        hints += (f"!{first + k} = distinct !{{!{first + k}, !0}}" for k in range(written.hints))
    return "\n".join((*texts, *hints))


def _kernels(script: Script) -> Iterator[tuple[int, str, Written]]:
    for name, written in script.kernels.items():
        yield id(script), name, written
    for parts in script.strips.values():
        yield from _kernels(parts.part)
        if parts.rest is not None:
            yield from _kernels(parts.rest)


class Library:
    """The machine code of a module."""

    def __init__(self, text: str) -> None:
        import llvmlite.binding as llvm

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        machine = llvm.Target.from_default_triple().create_target_machine(
            cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(),
            opt=3, jit=True,
        )  # fmt: skip
        module = llvm.parse_assembly(text)
        module.verify()
        options = llvm.create_pipeline_tuning_options(speed_level=3)
        options.loop_vectorization = options.slp_vectorization = True
        builder = llvm.create_pass_builder(machine, options)
        builder.getModulePassManager().run(module, builder)
        self.engine: Any = llvm.create_mcjit_compiler(module, machine)
        self.engine.finalize_object()

    def called(self, number: int) -> Called:
        """The function of a number. ctypes lets other threads run meanwhile."""
        kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
        return kind(self.engine.get_function_address(f"kernel{number}"))
