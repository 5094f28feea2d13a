"""A plan as text: what is computed, in which order, how large, for which tensor."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from einsumgrad.plan.memory import readable
from einsumgrad.plan.nodes import (
    Count,
    Fill,
    Fold,
    Gather,
    Instruction,
    Load,
    Loop,
    Map,
    OverlapAdd,
    Pad,
    Plan,
    Scatter,
    Step,
    Store,
    Window,
)
from einsumgrad.plan.operands import Arg, Constant, Walk
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
        case Count(size):
            return f"count to {size}"
        case Map(function, operands):
            return f"{function}({', '.join(map(_arg, operands))})"
        case Pad(source, widths, value):
            return f"pad(r{source}) by {_widths(widths)} with {value:g}"
        case Window(source, walks):
            return f"window(r{source}) at [{', '.join(map(_walk, walks))}]"
        case OverlapAdd(into, value, walks, function=function):
            return f"{function}(r{value.register}) into r{into} at [{', '.join(map(_walk, walks))}]"
        case Fold(function):
            return f"{function} over axes {','.join(map(str, made.axes))} of {args}"
        case Loop(variable, count, upward):
            return f"for r{variable} = {f'0 … {count - 1}' if upward else f'{count - 1} … 0'}"
        case Store(function=function):
            return f"{function} into {args}"
        case Gather(at=at) | Scatter(at=at):
            fixed = [
                f" axis {k} at {a.place}" for k, a in enumerate(at) if isinstance(a.place, int)
            ]
            return f"{type(made).__name__.lower()} {args}{','.join(fixed)}"
        case _:
            return f"{type(made).__name__.lower()}({args})"


def _arg(arg: Arg) -> str:
    return f"{arg.value:g}" if isinstance(arg, Constant) else f"r{arg.register}"


def _widths(widths: tuple[tuple[int, int], ...]) -> str:
    return ", ".join(f"{before}+{after}" for before, after in widths)


def _walk(walk: Walk) -> str:
    """A position in the axes of the space: `2·a0+a1-1`."""
    terms = [(step, f"a{axis}") for axis, step in walk.steps]
    terms += [(step, f"r{register}") for register, step in walk.moving]
    signs = {1: "", -1: "-"}
    shown = "+".join(signs.get(step, f"{step}·") + name for step, name in terms)
    offset = f"{walk.offset:+d}" if walk.offset else ""
    return f"{shown}{offset}".replace("+-", "-").removeprefix("+") or "0"
