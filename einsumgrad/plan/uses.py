"""Which registers an instruction reads."""

from __future__ import annotations

from einsumgrad.plan.nodes import Instruction, Kernel, Loop, Map, Pair, Strips
from einsumgrad.plan.operands import Operand

NAMES = ("operand", "source", "into", "result", "loop")
"""Fields of instructions that name a register."""


def uses(instruction: Instruction) -> tuple[int, ...]:
    """The registers that an instruction reads."""
    match instruction:
        case Map():
            return tuple(arg.register for arg in instruction.args if isinstance(arg, Operand))
        case Pair():
            return instruction.left.register, instruction.right.register
        case Loop():
            return _outside(instruction)
        case Kernel():
            scratch = () if instruction.scratch is None else (instruction.scratch,)
            return (*instruction.takes, *instruction.outs, *scratch)
        case Strips():
            return tuple(register for register, _ in (*instruction.takes, *instruction.outs))
        case _:
            return _named(instruction)


def _named(instruction: Instruction) -> tuple[int, ...]:
    """Those that are fields of an instruction, or parts of them."""
    found: list[int] = []
    for name in NAMES:
        value = getattr(instruction, name, None)
        if isinstance(value, int):
            found.append(value)
    found += [o.register for o in _operands(instruction) if o.register >= 0]
    walks = (
        *getattr(instruction, "walks", ()),
        *(w for _, w in getattr(instruction, "places", ())),
    )
    found += [register for walk in walks for register, _ in walk.moving]
    return tuple(found)


def _operands(instruction: Instruction) -> list[Operand]:
    found: list[Operand] = []
    for name in instruction.__match_args__:  # all fields, without the work of `fields`
        value = getattr(instruction, name)
        parts = value if isinstance(value, tuple) else (value,)
        for part in parts:
            place = getattr(part, "place", part)
            if isinstance(place, Operand):
                found.append(place)
    return found


def _outside(loop: Loop) -> tuple[int, ...]:
    """What the steps of a loop read that none of them writes."""
    own = {loop.variable, *(step.register for step in loop.body)}
    read = dict.fromkeys(used for step in loop.body for used in uses(step.instruction))
    return tuple(used for used in read if used not in own)
