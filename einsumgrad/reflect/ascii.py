"""A program in ASCII: every name in its ASCII spelling, no two the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from einsumgrad.ir import nodes as ir
from einsumgrad.ir.functions import FUNCTIONS, KEYWORDS, OPERATORS, SYNONYMS
from einsumgrad.ir.nodes import Node, children, walk
from einsumgrad.ir.walk import with_children
from einsumgrad.record import record, replace
from einsumgrad.syntax.names import ascii_name, distinct, size_name

RESERVED = {*FUNCTIONS, *OPERATORS, *SYNONYMS, *KEYWORDS, "inf", "pi"}


@record
class Spelling:
    """The ASCII names of tensors, indices and sizes."""

    tensors: Mapping[str, str]
    indices: Mapping[str, str]
    sizes: Mapping[str, str]

    def index(self, index: ir.Index) -> ir.Index:
        return ir.Index(self.indices[index.name], self.sizes[index.size])


def spelling(program: ir.Program) -> Spelling:
    """The ASCII spelling of all names of a program."""
    every = _indices(program)
    names = [i.name for i in every]
    indices = distinct(list(dict.fromkeys(names)), RESERVED)
    sizes = {i.size: _size(i, indices) for i in sorted(every, key=_borrowed, reverse=True)}
    for name in (*(name for name, _ in program.sizes), *_size_names(program)):
        sizes.setdefault(name, name if name.isascii() else ascii_name(name))
    taken = RESERVED | set(indices.values()) | set(sizes.values())
    stems = list(dict.fromkeys(_stem(t.name)[0] for t in program.tensors))
    spelled = _tensors(program, stems, taken)
    tensors = {t.name: spelled[_stem(t.name)[0]] + _stem(t.name)[1] for t in program.tensors}
    return Spelling(tensors, indices, sizes)


def wider(spelled: Spelling, program: ir.Program, tensors: Iterable[str] = ()) -> Spelling:
    """The spelling, with names for what only another program has and for further tensors; no two
    are the same."""
    every = dict.fromkeys((*(t.name for t in program.tensors), *tensors))
    extra = [i for i in _indices(program) if i.name not in spelled.indices]
    taken = RESERVED | set(spelled.indices.values())
    indices = {**spelled.indices, **distinct([i.name for i in extra], taken)}
    sizes = {**{i.size: _size(i, indices) for i in extra}, **spelled.sizes}
    stems = {_stem(name)[0]: _stem(plain)[0] for name, plain in spelled.tensors.items()}
    fresh = list(dict.fromkeys(_stem(name)[0] for name in every))
    taken = RESERVED | {*stems.values(), *indices.values(), *sizes.values()}
    stems = {**distinct([s for s in fresh if s not in stems], taken), **stems}
    found = {name: stems[_stem(name)[0]] + _stem(name)[1] for name in every}
    return Spelling({**found, **spelled.tensors}, indices, sizes)


def _tensors(program: ir.Program, stems: list[str], taken: set[str]) -> dict[str, str]:
    """Only scalars share their names' space with indices and sizes."""
    scalars = {_stem(t.name)[0] for t in program.tensors if not t.axes}
    first = distinct([s for s in stems if s in scalars], taken)
    others = [s for s in stems if s not in scalars]
    return first | distinct(others, RESERVED | set(first.values()))


def _indices(program: ir.Program) -> tuple[ir.Index, ...]:
    found = dict.fromkeys(program.indices)
    found.update(dict.fromkeys([program.batch] if program.batch else []))
    for tensor in program.tensors:
        found.update(dict.fromkeys(i for i in (*tensor.axes, tensor.holds) if i is not None))
    for statement in program.statements:
        found.update(dict.fromkeys(sorted(statement.every_index)))
    return tuple(found)


def _borrowed(index: ir.Index) -> bool:
    """Whether an index bears another one's size: that one then names it."""
    return size_name(index.name) != index.size


def _size(index: ir.Index, indices: Mapping[str, str]) -> str:
    if not _borrowed(index):
        return size_name(indices[index.name])
    size = index.size
    if size.startswith("|"):
        inner = size.strip("|")
        return f"|{indices.get(inner, ascii_name(inner))}|"
    return size if size.isascii() else ascii_name(size)


def _size_names(program: ir.Program) -> list[str]:
    tops = [n for s in program.statements for n in s.nodes]
    return [n.name for top in tops for n in walk(top) if isinstance(n, ir.Size)]


def _stem(name: str) -> tuple[str, str]:
    """A name and its `.grad`s."""
    stem, dot, rest = name.partition(".")
    return stem, dot + rest


def ascii_program(program: ir.Program) -> ir.Program:
    """The same program under ASCII names."""
    spelled = spelling(program)
    return replace(
        program,
        statements=tuple(ascii_statement(s, spelled) for s in program.statements),
        tensors=tuple(_tensor(t, spelled) for t in program.tensors),
        batch=spelled.index(program.batch) if program.batch else None,
        sizes=tuple((spelled.sizes[n], ascii_expr(value, spelled)) for n, value in program.sizes),
        loss=spelled.tensors[program.loss] if program.loss else None,
        outputs=tuple(spelled.tensors[name] for name in program.outputs),
        indices=tuple(spelled.index(i) for i in _declared(program, spelled)),
    )


def _declared(program: ir.Program, spelled: Spelling) -> tuple[ir.Index, ...]:
    """The declared indices, and those whose ASCII name no longer gives their size's."""
    known = set(program.indices)
    extra = (
        i
        for i in _indices(program)
        if i not in known and size_name(spelled.indices[i.name]) != spelled.sizes[i.size]
    )
    return (*program.indices, *extra)


def _tensor(tensor: ir.Tensor, spelled: Spelling) -> ir.Tensor:
    start = tensor.start
    if isinstance(start, ir.Draw):
        start = replace(start, args=tuple(ascii_expr(arg, spelled) for arg in start.args))
    elif start is not None:
        start = ascii_expr(start, spelled)
    return replace(
        tensor,
        name=spelled.tensors[tensor.name],
        axes=tuple(None if i is None else spelled.index(i) for i in tensor.axes),
        holds=spelled.index(tensor.holds) if tensor.holds else None,
        start=start,
    )


def ascii_statement(statement: ir.Statement, spelled: Spelling) -> ir.Statement:
    """The statement under other names."""
    target = _node(statement.target, spelled)
    assert isinstance(target, ir.Access)
    where = tuple(c for w in statement.where if isinstance(c := _node(w, spelled), ir.Condition))
    return replace(
        statement,
        indices=tuple(spelled.index(i) for i in statement.indices),
        target=target,
        value=ascii_expr(statement.value, spelled),
        where=where,
    )


def ascii_expr(node: ir.Expr, spelled: Spelling) -> ir.Expr:
    """The expression under other names."""
    result = _node(node, spelled)
    assert isinstance(result, ir.Expr)
    return result


def _node(node: Node, spelled: Spelling) -> Node:
    node = with_children(node, tuple(_node(part, spelled) for part in children(node)))
    match node:
        case ir.Size(name):
            return ir.Size(spelled.sizes[name])
        case ir.Position(index):
            return ir.Position(spelled.index(index))
        case ir.Access():
            return replace(node, tensor=spelled.tensors[node.tensor])
        case ir.Reduce():
            return replace(node, indices=tuple(spelled.index(i) for i in node.indices))
        case ir.Normalise():
            return replace(node, index=spelled.index(node.index))
        case _:
            return node
