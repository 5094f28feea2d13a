"""The invariants of a Program, whatever made it. One that breaks them is a bug of ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from einsumgrad.diagnostics import InternalError
from einsumgrad.ir.affine import affine
from einsumgrad.ir.build import ZERO, power, product, total
from einsumgrad.ir.circles import ringed
from einsumgrad.ir.functions import FUNCTIONS
from einsumgrad.ir.nodes import (
    Access,
    Call,
    Expr,
    Index,
    Node,
    Normalise,
    Number,
    Position,
    Power,
    Product,
    Program,
    Reduce,
    Size,
    Statement,
    Sum,
    Tensor,
    walk,
)
from einsumgrad.ir.walk import free_indices

SHOWN = 5
ONE_INDEX = ("logsumexp", "argmax", "argmin")
Tensors = Mapping[str, Tensor]


def verify(program: Program, stage: str = "") -> Program:
    """The same program. Raises InternalError, with the stage that made it, if it is not sound."""
    found = list(problems(program))
    if found:
        head = f"the program after {stage} is not sound" if stage else "the program is not sound"
        rest = [f"… and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
        raise InternalError("\n  ".join([f"{head}:", *found[:SHOWN], *rest]))
    return program


def problems(program: Program) -> Iterator[str]:
    """Every invariant that the program breaks, in words."""
    yield from _of_indices(program)
    yield from _of_tensors(program)
    yield from _of_roles(program)
    yield from _of_order(program.statements)
    tensors = {tensor.name: tensor for tensor in program.tensors}
    for place, statement in enumerate(program.statements):
        where = f"statement {place}, of `{statement.target.tensor}`"
        yield from (f"{where}: {problem}" for problem in _of_statement(statement, tensors))


def _of_indices(program: Program) -> Iterator[str]:
    """One size for each index name, in the whole program."""
    every = {i for statement in program.statements for i in statement.every_index}
    every |= {i for t in program.tensors for i in (*t.axes, t.holds) if i is not None}
    every |= {*program.indices, *([program.batch] if program.batch else [])}
    sizes: dict[str, str] = {}
    for index in sorted(every):
        if sizes.setdefault(index.name, index.size) != index.size:
            yield f"index `{index.name}` has the sizes {sizes[index.name]} and {index.size}"
    yield from (f"index `{n}` is declared twice" for n in _twice(i.name for i in program.indices))


def _of_tensors(program: Program) -> Iterator[str]:
    """The table names each tensor once, rightly as computed or not, rightly as batched or not."""
    written = {statement.target.tensor for statement in program.statements}
    size = program.batch.size if program.batch else None
    yield from (
        f"tensor `{n}` is in the table twice" for n in _twice(t.name for t in program.tensors)
    )
    for tensor in program.tensors:
        if (tensor.kind == "computed") != (tensor.name in written):
            whether = "a" if tensor.name in written else "no"
            yield f"tensor `{tensor.name}` is {tensor.kind}, and {whether} statement writes it"
        bears = any(i is not None and i.size == size for i in tensor.axes)
        if bears and not tensor.batched:
            yield f"tensor `{tensor.name}` bears the batch index and is not batched"
        if tensor.batched and tensor.kind == "param":
            yield f"parameter `{tensor.name}` is batched"
        if tensor.holds is not None and not tensor.integer:
            yield f"tensor `{tensor.name}` holds an index and is not integer"


def _of_roles(program: Program) -> Iterator[str]:
    written = {statement.target.tensor for statement in program.statements}
    roles = (*program.outputs, *([program.loss] if program.loss else ()))
    yield from (f"nothing writes the output `{name}`" for name in roles if name not in written)
    yield from (f"output `{name}` is listed twice" for name in _twice(program.outputs))


def _of_order(statements: tuple[Statement, ...]) -> Iterator[str]:
    """Every write comes before every read, circles aside; a `=` comes first."""
    rings = ringed(statements)
    of = {name: written for written in rings.values() for name in written}
    read: set[str] = set()
    written: set[str] = set()
    defined: set[str] = set()
    for place, statement in enumerate(statements):
        name = statement.target.tensor
        own = of.get(name, frozenset())
        read.update(access.tensor for access in statement.reads if access.tensor not in own)
        if name in read:
            yield f"statement {place} writes `{name}`, which is read there or before"
        if statement.op == "=" and name in written - defined:
            yield f"statement {place} defines `{name}`, which is written before"
        written.add(name)
        defined |= {name} if statement.op == "=" and _piece(statement) else set()


def _piece(statement: Statement) -> bool:
    """Whether others may define further entries of the tensor."""
    whole = all(isinstance(at, Position) for at in statement.target.at)
    return bool(statement.where) or not whole


def _of_statement(statement: Statement, tensors: Tensors) -> Iterator[str]:
    loops = set(statement.indices)
    yield from (f"loop `{n}` is listed twice" for n in _twice(i.name for i in statement.indices))
    yield from _of_target(statement)
    for top in (statement.target, statement.value, *statement.where):
        free = free_indices(top)
        yield from (f"index `{i.name}` is free and no loop" for i in free if i not in loops)
        for node in walk(top):
            yield from _of_node(node, tensors)


def _of_target(statement: Statement) -> Iterator[str]:
    """Every loop occurs; with `=` at a place of its own in the target."""
    at = statement.target.at
    used = {i for node in statement.nodes for i in free_indices(node)}
    yield from (
        f"nothing has the loop index `{i.name}`" for i in statement.indices if i not in used
    )
    plain = [place.index for place in at if isinstance(place, Position)]
    there = {i for place in at if affine(place) is not None for i in free_indices(place)}
    once = len(plain) == len(set(plain)) and there == set(statement.indices)
    if statement.op == "=" and not once:
        yield "`=` does not define each entry once"


def _of_node(node: Node, tensors: Tensors) -> Iterator[str]:
    match node:
        case Access():
            yield from _of_access(node, tensors)
        case Sum() | Product() | Power():
            if not _normal(node):
                yield f"{node} is not in normal form"
        case Call(function, args):
            if function not in FUNCTIONS or len(args) != FUNCTIONS[function].arity:
                yield f"function `{function}` with {len(args)} arguments"
        case Reduce():
            if len(node.indices) != 1 and (node.op in ONE_INDEX or not node.indices):
                yield f"`{node.op}` binds {len(node.indices)} indices"
            yield from (
                f"`{node.op}` binds `{n}` twice" for n in _twice(i.name for i in node.indices)
            )
            yield from _of_restrictions(node, node.indices)
        case Normalise():
            yield from _of_restrictions(node, (node.index,))
        case _:
            pass


def _of_restrictions(node: Reduce | Normalise, bound: tuple[Index, ...]) -> Iterator[str]:
    """An operator's condition restricts what it binds."""
    for condition in node.where:
        if not set(bound) & set(free_indices(condition)):
            yield f"`{node.op}` has a condition that names none of its indices"


def _of_access(access: Access, tensors: Tensors) -> Iterator[str]:
    if access.tensor not in tensors:
        yield f"tensor `{access.tensor}` is not in the table"
    elif len(access.at) != len(tensors[access.tensor].axes):
        rank = len(tensors[access.tensor].axes)
        yield f"`{access.tensor}` of {rank} indices has {len(access.at)} here"
    for at in access.at:
        if not _is_place(at, tensors):
            yield f"{at} stands in an index position of `{access.tensor}`"


def _is_place(at: Expr, tensors: Tensors) -> bool:
    """An integer: an index, a gather, or an affine expression of these, numbers and sizes."""
    match at:
        case Position() | Size():
            return True
        case Number(value):
            return isinstance(value, Fraction) and value.denominator == 1
        case Access(name):
            return name in tensors and tensors[name].integer
        case Sum(parts) | Product(parts):
            return all(_is_place(part, tensors) for part in parts)
        case Power(base, Number(Fraction(denominator=1) as exponent)):
            return exponent >= 0 and _is_place(base, tensors)
        case _:
            return False


def _normal(node: Sum | Product | Power) -> bool:
    """Whether the constructors of `build` would make the same node; a product with a literal 0 and
    a power 0 keep what they read."""
    match node:
        case Sum(terms):
            return total(terms) == node
        case Product((first, *rest)) if first == ZERO:
            return bool(rest) and (len(rest) == 1 or product(*rest) == Product(tuple(rest)))
        case Product(factors):
            return product(*factors) == node
        case Power(base, exponent):
            return exponent == ZERO or power(base, exponent) == node


def _twice(names: Iterable[str]) -> list[str]:
    """The names that occur more than once."""
    return [name for name, count in Counter(names).items() if count > 1]
