"""A plan as text: what is computed, in which order, how large, for which tensor."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from einsumgrad.plan.memory import readable
from einsumgrad.plan.nodes import (
    Fill,
    Fold,
    Gather,
    Instruction,
    Load,
    Loop,
    Map,
    Plan,
    Scatter,
    Step,
    Store,
)
from einsumgrad.plan.uses import uses


def listing(plan: Plan) -> str:
    """One line an instruction: register, shape, dtype, what it does, and the tensor it serves."""
    lines = list(_listed(plan.steps, plan, ""))
    lines += (f"return {name} = r{result}" for name, result in plan.results)
    lines.append(f"{plan.flops:,} floating-point operations, at most {readable(plan.peak_bytes)}")
    return "\n".join(lines) + "\n"


def _listed(steps: tuple[Step, ...], plan: Plan, margin: str) -> Iterator[str]:
    """The lines of some steps; those of a loop stand under it, moved in."""
    for step in steps:
        register = plan.registers[step.register]
        shape = "×".join(map(str, register.shape)) or "1"
        dtype = np.dtype(register.dtype).name
        what = margin + _what(step.instruction)
        yield f"r{step.register:<4} {shape:>14} {dtype:<8} {what:<34} # {register.owner}"
        if isinstance(step.instruction, Loop):
            yield from _listed(step.instruction.body, plan, margin + "  ")


def _what(made: Instruction) -> str:
    """The instruction in words."""
    args = ", ".join(f"r{r}" for r in uses(made))
    match made:
        case Load(tensor):
            return f"load {tensor}"
        case Fill(value):
            return f"fill {value:g}"
        case Map(function):
            return f"{function}({args})"
        case Fold(function):
            return f"{function} over axes {','.join(map(str, made.axes))} of {args}"
        case Loop(variable, count, upward):
            return f"for r{variable} = {f'0 … {count - 1}' if upward else f'{count - 1} … 0'}"
        case Store(function=function):
            return f"{function} into {args}"
        case Gather() | Scatter():
            return f"{type(made).__name__.lower()} {args}"
        case _:
            return f"{type(made).__name__.lower()}({args})"
