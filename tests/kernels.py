"""Loops over arrays around the functions of `einsumgrad/fused/functions.py`, compiled and run."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from einsumgrad.fused.functions import call, definitions, types

llvm = pytest.importorskip("llvmlite.binding")

Array = npt.NDArray[Any]
DTYPES = {
    "float": np.float32,
    "double": np.float64,
    "i1": np.uint8,
    "i32": np.int32,
    "i64": np.int64,
}


def loop(name: str, kind: str) -> str:
    """`out[i] = name(first[i], …)` for i below n; a mask is a byte in memory."""
    takes, gives = types(name, kind)
    ins = [f"ptr noalias %p{k}" for k in range(len(takes))]
    reads = [line for k, t in enumerate(takes) for line in read(t, k)]
    applied = call(name, kind, [f"%x{k}" for k in range(len(takes))])
    lines = [*reads, f"%r = {applied}", *write(gives)]
    body = "\n".join(f"  {line}" for line in lines)
    return f"""{definitions([(name, kind)])}
define void @loop(i64 %n, ptr noalias %out, {", ".join(ins)}) {{
entry:
  br label %head
head:
  %i = phi i64 [ 0, %entry ], [ %next, %head ]
{body}
  %next = add nuw nsw i64 %i, 1
  %more = icmp slt i64 %next, %n
  br i1 %more, label %head, label %done
done:
  ret void
}}
"""


def read(type_: str, k: int) -> list[str]:
    stored = "i8" if type_ == "i1" else type_
    loaded = f"%l{k}" if type_ == "i1" else f"%x{k}"
    lines = [f"%q{k} = getelementptr {stored}, ptr %p{k}, i64 %i"]
    lines.append(f"{loaded} = load {stored}, ptr %q{k}")
    return [*lines, f"%x{k} = icmp ne i8 {loaded}, 0"] if type_ == "i1" else lines


def write(type_: str) -> list[str]:
    stored = "i8" if type_ == "i1" else type_
    lines = ["%w = zext i1 %r to i8"] if type_ == "i1" else []
    value = "%w" if type_ == "i1" else "%r"
    address = f"%o = getelementptr {stored}, ptr %out, i64 %i"
    return [*lines, address, f"store {stored} {value}, ptr %o"]


@dataclass
class Kernel:
    """A compiled loop; `text`: its IR after optimisation."""

    text: str
    code: str
    engine: Any
    gives: str

    def __call__(self, *arguments: Array) -> Array:
        out = np.empty(arguments[0].shape, DTYPES[self.gives])
        self.bound(out, *arguments)()
        return out.astype(bool) if self.gives == "i1" else out

    def bound(self, out: Array, *arguments: Array) -> Callable[[], None]:
        """A call with nothing left to prepare, which keeps its arrays alive."""
        arrays = (out, *arguments)
        places = [a.ctypes.data for a in arrays]
        shape = ctypes.CFUNCTYPE(None, ctypes.c_int64, *(ctypes.c_void_p for _ in places))
        run = shape(self.engine.get_function_address("loop"))
        return lambda: run(arrays[0].size, *places)


def compiled(name: str, kind: str, *, plain: bool = False) -> Kernel:
    """`plain`: for any machine of this architecture, not with what this one has."""
    module = parsed(loop(name, kind))
    machine = target(plain=plain)
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = options.slp_vectorization = True
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    text, code = str(module), machine.emit_assembly(module)
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return Kernel(text, code, engine, types(name, kind)[1])


def parsed(text: str) -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    module = llvm.parse_assembly(text)
    module.verify()
    return module


def target(*, plain: bool) -> Any:
    features = "" if plain else llvm.get_host_cpu_features().flatten()
    cpu = "" if plain else llvm.get_host_cpu_name()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=cpu, features=features, opt=3, jit=True
    )
