"""Kernels compiled for this machine by LLVM."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any

from einsumgrad.emit.script import Script
from einsumgrad.fused.registers import AVX2, AVX512, Registers
from einsumgrad.record import record
from einsumgrad.steps.cache import Store, store

if TYPE_CHECKING:
    from einsumgrad.fused.entry import Written

Called = Callable[[int], None]
LOOP = re.compile(r"!LOOP(\d+)#")
"""A loop's hints, before they have a number that is theirs in the module."""
CHAINED = """
define void @chained(ptr %list) {
entry:
  br label %head
head:
  %at = phi ptr [ %list, %entry ], [ %next, %body ]
  %function = load ptr, ptr %at
  %ends = icmp eq ptr %function, null
  br i1 %ends, label %done, label %body
body:
  %place = getelementptr i8, ptr %at, i64 8
  %given = load ptr, ptr %place
  call void %function(ptr %given)
  %next = getelementptr i8, ptr %at, i64 16
  br label %head
done:
  ret void
}
"""
"""Calls functions, each with a pointer, one after the other until there is none."""
HINTS = ('!{!"llvm.loop.unroll.disable"}', '!{!"llvm.loop.interleave.count", i32 2}')
"""Long loops are not written out several times, but two turns side by side: a turn waits for one
function after the other, and what a processor looks ahead is hardly a turn."""


@record
class Kernels:
    """The kernels of a script and of its strips, by the script's id and the name of each. They are
    there as long as the library is."""

    functions: Mapping[tuple[int, str], Called] = field(default_factory=dict)
    library: Library | None = None

    def of(self, script: Script) -> dict[str, Any]:
        """What the source of one script may name."""
        own = {name: self.functions[id(script), name] for name in script.kernels}
        if self.library is None or not own:
            return {}
        return {**own, "library": self.library, "chained": self.library.called("chained")}


def linked(script: Script) -> Kernels:
    """All kernels of a script, compiled together."""
    every = list(_kernels(script))
    if not every:
        return Kernels()
    from einsumgrad.fused.functions import definitions

    used = sorted({use for _, _, written in every for use in written.used})
    library = Library(module([written for _, _, written in every], definitions(used)), store())
    found = {
        (owner, name): library.called(f"kernel{k}") for k, (owner, name, _) in enumerate(every)
    }
    return Kernels(found, library)


def module(kernels: Sequence[Written], functions: str) -> str:
    """The text of a module with `kernel0`, `kernel1` …"""
    from einsumgrad.fused.entry import NAME

    texts, hints = [functions, CHAINED], [f"!{k} = {hint}" for k, hint in enumerate(HINTS)]
    for number, written in enumerate(kernels):
        first = len(hints)
        pieces = LOOP.split(written.text)  # text and number in turns
        pieces[1::2] = (f"!{first + int(part)}" for part in pieces[1::2])
        texts.append("".join(pieces).replace(NAME, f"@kernel{number}"))
        own = (first + k for k in range(written.hints))
        hints += (f"!{k} = distinct !{{!{k}, !0, !1}}" for k in own)
    return "\n".join((*texts, *hints))


def _kernels(script: Script) -> Iterator[tuple[int, str, Written]]:
    for name, written in script.kernels.items():
        yield id(script), name, written
    for parts in script.strips.values():
        yield from _kernels(parts.part)
        if parts.rest is not None:
            yield from _kernels(parts.rest)


def registers() -> Registers:
    """This processor's."""
    return AVX512 if _wide() else AVX2


def _wide() -> bool:
    import llvmlite.binding as llvm

    return bool(llvm.get_host_cpu_features().get("avx512f"))


def _processor() -> tuple[str, str]:
    """Its name and features. Vectors are as long as they can be, where LLVM would take half of them
    for fear of a slower clock: a kernel is little but vectors."""
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features().flatten()
    return llvm.get_host_cpu_name(), f"{features},-prefer-256-bit" if _wide() else features


class Library:
    """The machine code of a module, from the store if it has it."""

    def __init__(self, text: str, kept: Store) -> None:
        import llvmlite.binding as llvm

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        cpu, features = _processor()
        machine = llvm.Target.from_default_triple().create_target_machine(
            cpu=cpu, features=features, opt=3, jit=True
        )
        module = llvm.parse_assembly(text)
        version = ".".join(map(str, llvm.llvm_version_info))
        path = kept.path((version, llvm.get_process_triple(), cpu, features, text))
        code = kept.read(path)
        if code is None:
            _optimised(module, machine)
        self.engine: Any = llvm.create_mcjit_compiler(module, machine)
        self.engine.set_object_cache(
            lambda _module, made: kept.write(path, made), lambda _module: code
        )
        self.engine.finalize_object()

    def called(self, name: str) -> Called:
        """The function of a name. ctypes lets other threads run meanwhile."""
        import ctypes

        kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
        return kind(self.engine.get_function_address(name))


def _optimised(module: Any, machine: Any) -> None:
    import llvmlite.binding as llvm

    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = options.slp_vectorization = True
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
