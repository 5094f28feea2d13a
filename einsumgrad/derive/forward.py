"""Forward mode: Program → the Program that also computes tangents (LANGUAGE §8).

Each statement gets one for its tangent, `h.dot` for `h`, with the same loops, operator and
conditions. A tangent is the plain derivative along the direction that the `.dot` of what is derived
by give: no batch factor belongs in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from einsumgrad.check.tensors import complete
from einsumgrad.derive.explicit import explicit, worded
from einsumgrad.derive.flow import odd_names
from einsumgrad.derive.others import others
from einsumgrad.derive.reducing import as_operators
from einsumgrad.derive.reverse import default_wrt, model_of
from einsumgrad.derive.split import logged_tensors
from einsumgrad.derive.tangent import Tangents
from einsumgrad.ir.build import ZERO, product
from einsumgrad.ir.nodes import Access, Expr, Op, Program, Statement, Tensor
from einsumgrad.record import replace

DOT = ".dot"


def forward(
    program: Program, wrt: tuple[str, ...] | None = None, of: tuple[str, ...] | None = None
) -> Program:
    """The program followed by the statements that compute the tangents of all tensors that depend
    on `wrt` (default: all parameters and all inputs but integers), whose own are inputs.

    `of`: what the tangents are returned of; default: the outputs and the loss. Raises EinError
    where the derivative would be too long to write."""
    program = worded(program)
    wanted = default_wrt(program) if wrt is None else wrt
    suffix = tangent_suffix(program)
    dots = {name: name + suffix for name in wanted}
    made = tuple(_statements(program, wanted, dots, suffix))
    loss = (program.loss,) if program.loss else ()
    returned = (*program.outputs, *loss) if of is None else of
    outputs = (*program.outputs, *(dots[name] for name in returned if name in dots))
    statements = (*(replace(s, derived=False) for s in program.statements), *made)
    leaves = _leaves(program, {name: dots[name] for name in wanted}, made)
    declared = (*(t for t in program.tensors if t.declared), *leaves)
    tensors = complete(declared, statements, program.batch)
    outputs = tuple(dict.fromkeys(outputs))
    return replace(program, statements=statements, tensors=tensors, outputs=outputs)


def tangent_suffix(program: Program) -> str:
    """`.dot`, once more than any name of the program bears it."""
    return DOT * (1 + max((t.name.count(DOT) for t in program.tensors), default=0))


def _statements(
    program: Program, wrt: tuple[str, ...], dots: dict[str, str], suffix: str
) -> Iterator[Statement]:
    """The tangents' statements, each behind what it names; `dots` gets the tangents' names."""
    taken = {tensor.name for tensor in program.tensors}
    taken |= {name + suffix for name in taken}
    program, helpers = as_operators(explicit(program), taken)
    model, odd = model_of(program, wrt), odd_names(program)
    dots |= {name: name + suffix for name in _early(program) & model.varied}
    integer = {tensor.name for tensor in program.tensors if tensor.integer}
    logged = logged_tensors(program.statements) & model.definitions.keys()
    multiplied = {s.target.tensor for s in program.statements if s.op == "*="}
    arguments: dict[str, Expr] = {}
    for origin, statement in enumerate(program.statements):
        name = statement.target.tensor
        if name in integer:
            continue
        yield from helpers.get(origin, ())
        tangents = Tangents(statement, model, dots, suffix, arguments, logged, taken)
        value = tangents.of_statement(odd)
        if value != ZERO:
            dots[name] = name + suffix
            yield from tangents.made.values()
            if name in multiplied:
                value = product(others(statement, program.statements), value)
            yield _tangent(statement, dots[name], value, origin)


def _tangent(statement: Statement, name: str, value: Expr, origin: int) -> Statement:
    """A statement's tangent. In what a `*=` gives, every entry has one term."""
    op: Op = "+=" if statement.op == "*=" else statement.op
    listed, target = statement.listed or op != "=", Access(name, statement.target.at)
    return replace(
        statement, target=target, op=op, value=value, listed=listed, derived=True, origin=origin
    )


def _early(program: Program) -> frozenset[str]:
    """The tensors of recurrences that a statement reads before another writes them."""
    last = {s.target.tensor: place for place, s in enumerate(program.statements)}
    return frozenset(
        read.tensor
        for place, statement in enumerate(program.statements)
        for read in statement.reads
        if last.get(read.tensor, -1) >= place
    )


def _leaves(
    program: Program, dots: Mapping[str, str], made: tuple[Statement, ...]
) -> Iterator[Tensor]:
    """The tangents that are given and would be taken for parameters, having no batch index. One
    with an axis that no index names cannot be declared."""
    read = {access.tensor for statement in made for access in statement.reads}
    tensors = {tensor.name: tensor for tensor in program.tensors}
    for name, dot in dots.items():
        axes = tuple(i for i in tensors[name].axes if i is not None)
        whole = len(axes) == len(tensors[name].axes)
        if dot in read and whole and not tensors[name].batched:
            yield Tensor(dot, "input", axes, declared=True)
