"""What an instruction costs: floating-point operations, and bytes that it reads and writes.

A multiplication that is added to a sum counts as 2, anything done to an entry as 1, whatever the
function; a sum, a maximum or the like as 1 for each entry that enters it. Moving and converting
numbers is no operation. A view of an array moves nothing until it is read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from einsumgrad.plan.nodes import (
    Arrange,
    Done,
    Fold,
    Gather,
    Instruction,
    Load,
    Loop,
    Map,
    OverlapAdd,
    Pair,
    Scatter,
    Step,
    Store,
    Variable,
    Window,
)
from einsumgrad.plan.operands import Operand, Register, lengths
from einsumgrad.plan.scratch import bytes_of
from einsumgrad.plan.uses import uses

Registers = Sequence[Register]
KEEPING = 4
"""Operations for each entry of a softmax: its maximum, the difference, exp, the quotient."""


def total(steps: Iterable[Step], registers: Registers) -> int:
    """The floating-point operations of some steps."""
    return sum(flops(step.instruction, registers[step.register], registers) for step in steps)


def flops(made: Instruction, own: Register, registers: Registers) -> int:
    """The floating-point operations of an instruction; of a loop, those of all its turns."""
    match made:
        case Pair():
            return 2 * multiplications(made, registers)
        case Map():
            return own.size
        case Fold(function, operand):
            each = KEEPING if function in ("softmax", "log_softmax") else 1
            return each * registers[operand.register].size
        case OverlapAdd(_, value) | Scatter(_, value) | Store(_, value):
            return registers[value.register].size
        case Loop(_, count, _, body):
            return count * total(body, registers)
        case _:
            return 0


def multiplications(made: Pair, registers: Registers) -> int:
    """Those of a contraction."""
    return _space((made.left, made.right), registers)


def _space(operands: tuple[Operand, ...], registers: Registers) -> int:
    """Over how many tuples of indices some operands range together."""
    return math.prod(lengths(operands, registers).values())


def traffic(made: Instruction, own: Register, registers: Registers) -> int:
    """The bytes that an instruction reads and writes; of a loop, in all its turns."""
    match made:
        case Window() | Arrange() | Done() | Variable():
            return 0
        case Load(copied=copied):
            return 2 * bytes_of(own) if copied else 0
        case Loop(_, count, _, body):
            inner = (traffic(s.instruction, registers[s.register], registers) for s in body)
            return count * sum(inner)
        case Store(_, value):
            return 2 * bytes_of(registers[value.register])
        case Gather(source):
            places = sum(bytes_of(registers[used]) for used in uses(made) if used != source)
            return places + 2 * bytes_of(own)
        case _:
            return sum(bytes_of(registers[used]) for used in uses(made)) + bytes_of(own)
