"""Which names a file uses, and what each of them is: index, size, tensor or function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from einsumgrad.check.faults import BatchTwice, DeclaredTwice, NameClash, NotConstant, RangeTwice
from einsumgrad.diagnostics import Fault, Span
from einsumgrad.ir.functions import OPERATORS
from einsumgrad.ir.nodes import Index
from einsumgrad.record import record
from einsumgrad.syntax import tree as t
from einsumgrad.syntax.faults import Reserved
from einsumgrad.syntax.names import size_name
from einsumgrad.syntax.walk import Part, walk

NUMBERS = ("inf", "π")


@record(frozen=False)
class Names:
    """The name table of one file; `faults` are those found while it was filled. `batched`: where
    the batch index is declared. `unused`: indices of which there is nothing but `|i|`. `roles`:
    declarations of outputs and of the loss."""

    batch: str | None = "b"
    batched: Span | None = None
    ranges: dict[str, tuple[str, Span]] = field(default_factory=dict)
    indices: set[str] = field(default_factory=set)
    unused: frozenset[str] = frozenset()
    declared: dict[str, tuple[t.Kind, t.Declared]] = field(default_factory=dict)
    roles: dict[str, t.Declared] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    defs: dict[str, t.Def] = field(default_factory=dict)
    sizes: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    known: dict[str, Index] = field(default_factory=dict)

    def index(self, name: str) -> Index:
        """The index of that name with its size, once all ranges are known: the same object each
        time, which compares sooner."""
        found = self.known.get(name)
        if found is None:
            size = self.ranges[name][0] if name in self.ranges else size_name(name)
            found = self.known[name] = Index(name, size)
        return found

    def is_scalar(self, name: str) -> bool:
        """Whether a scalar tensor of that name is declared or written."""
        if name in self.declared:
            return not self.declared[name][1].indices
        return self.written.get(name) == 0


def collect(file: t.File) -> Names:
    """The name table of a file."""
    names = Names()
    for item in file.items:
        _declare(names, item)
    strong, weak, sized = _index_names(file, names)
    capitals = {size_name(index) for index in strong | weak}
    capitals |= {size for size, _ in names.ranges.values()}
    used = strong | {n for n in weak if n not in capitals}
    names.indices = used | ({names.batch} if names.batch else set())
    names.indices |= sized
    names.unused = frozenset(sized - used - ({names.batch} if names.batch else set()))
    names.sizes = {names.index(n).size: names.index(n).size for n in sorted(names.indices)}
    for index in sorted(names.indices):
        names.sizes.setdefault(size_name(index), names.index(index).size)
    sizes = {size: i for i in sorted(used) for size in (size_name(i), names.index(i).size)}
    names.faults += _clashes(file, used, sizes)
    names.faults += _capitals(file, strong, {size_name(i): i for i in sorted(used)})
    names.faults += _borrowed(file, names)
    names.faults += _operators(file, used - set(names.ranges))
    return names


def _declare(names: Names, item: t.Item) -> None:
    match item:
        case t.BatchDecl():
            _declare_batch(names, item)
        case t.IndexDecl(groups):
            for group in groups:
                _declare_group(names, group)
        case t.TensorDecl("loss" | "output", entries):
            names.roles |= {entry.name: entry for entry in entries}
        case t.TensorDecl(kind, entries):
            for entry in entries:
                _declare_tensor(names, kind, entry)
        case t.Def(name):
            names.defs.setdefault(name, item)
        case t.Statement(target=target):
            _refuse_reserved(names, target.name, target.span)
            names.written.setdefault(target.name, len(target.at))


def _declare_batch(names: Names, item: t.BatchDecl) -> None:
    if names.batched is None:
        names.batch, names.batched = item.name, item.span
        return
    related = (("first declared here", names.batched),)
    given = [name for name in (names.batch, item.name) if name]
    listed, size = ", ".join(given or ["b"]), size_name((given or ["b"])[0])
    names.faults.append(BatchTwice(span=item.span, related=related, names=listed, size=size))


def _refuse_reserved(names: Names, name: str, span: Span) -> None:
    """The names that the grammar itself would take for a tensor or an index."""
    stem = name.partition(".")[0]
    what = "the number ∞" if name == "inf" else "a function" if stem in OPERATORS else ""
    if what:
        names.faults.append(Reserved(span=span, name=stem, what=what))


def _clashes(file: t.File, indices: set[str], sizes: Mapping[str, str]) -> Iterator[Fault]:
    """Scalar tensors that bear the name of an index, or of the size of one."""
    seen: set[str] = set()
    for item in file.items:
        for name, span in _scalars(item):
            if name in seen or (name not in indices and name not in sizes):
                continue
            seen.add(name)
            what = "an index" if name in indices else f"the size of index `{sizes[name]}`"
            yield NameClash(span=span, name=name, what=what)


def _capitals(file: t.File, indices: set[str], sizes: Mapping[str, str]) -> Iterator[Fault]:
    """Indices that bear the name of another index's size."""
    wrong = {name for name in indices if sizes.get(name, name) != name}
    for item in file.items if wrong else ():
        for name in sorted(wrong & {n for node in walk(item) for n in _listed(node)}):
            wrong.discard(name)
            what = f"the size of index `{sizes[name]}`"
            yield NameClash(span=item.span, kind="index", name=name, what=what)


def _operators(file: t.File, indices: set[str]) -> Iterator[Fault]:
    """Indices without a declaration that bear the name of an operator."""
    wrong = indices & OPERATORS.keys()
    for item in file.items if wrong else ():
        every = walk(item)
        bare = (n for node in every if isinstance(node, t.Access) for n in _in_position(node))
        for name in sorted(wrong & {*bare, *(n for node in every for n in _listed(node))}):
            wrong.discard(name)
            yield Reserved(span=item.span, name=name, what="a function")


def _listed(node: Part) -> tuple[str, ...]:
    """Names that a node itself uses as nothing but indices."""
    match node:
        case t.Statement(indices=indices):
            return indices or ()
        case t.Declared(indices=indices, holds=holds):
            return (*indices, *((holds,) if holds else ()))
        case t.Operator(indices=indices) | t.IndexGroup(names=indices):
            return indices
        case _:
            return ()


def _borrowed(file: t.File, names: Names) -> Iterator[Fault]:
    """Ranges as large as an index, where the size of that index is meant."""
    groups = (g for item in file.items if isinstance(item, t.IndexDecl) for g in item.groups)
    for group in groups:
        if isinstance(group.size, t.Name) and group.size.name in names.indices:
            index = group.size.name
            hint = f"the size of index `{index}` is `{size_name(index)}`"
            place = group.size.span
            yield NotConstant(span=place, where="a size", text=index, hint=hint)


def _scalars(item: t.Item) -> Iterator[tuple[str, Span]]:
    """The scalar tensors that an item declares or writes, and where."""
    match item:
        case t.TensorDecl(kind, entries) if kind not in ("loss", "output"):
            yield from ((e.name, e.span) for e in entries if not e.indices)
        case t.Statement(target=target) if not target.at:
            yield target.name, target.span
        case _:
            pass


def _declare_group(names: Names, group: t.IndexGroup) -> None:
    """All names of a group are names of one range."""
    match group.size:
        case t.Name(size) if is_size(group.size):
            pass
        case t.SizeOf(index):
            size = names.index(index).size
        case _:
            size = size_name(group.names[0])
    for name in group.names:
        _refuse_reserved(names, name, group.span)
        if name in names.ranges:
            first = names.ranges[name][1]
            related = (("first given here", first),) if first != group.span else ()
            names.faults.append(RangeTwice(span=group.span, related=related, index=name))
        names.ranges.setdefault(name, (size, group.span))


def is_size(size: t.Expr) -> bool:
    """Whether a range bears the size of another name, so that it is given no number."""
    return isinstance(size, t.SizeOf) or (isinstance(size, t.Name) and size.name not in NUMBERS)


def _declare_tensor(names: Names, kind: t.Kind, entry: t.Declared) -> None:
    """What a leaf is; `loss` and `output` name a role only."""
    _refuse_reserved(names, entry.name, entry.span)
    if entry.name in names.declared:
        related = (("first declared here", names.declared[entry.name][1].span),)
        names.faults.append(DeclaredTwice(span=entry.span, related=related, name=entry.name))
    names.declared.setdefault(entry.name, (kind, entry))


def _index_names(file: t.File, names: Names) -> tuple[set[str], set[str], set[str]]:
    """Names that can only be indices, those that stand bare in an index position, and those whose
    size is asked for."""
    strong = set(names.ranges)
    weak: set[str] = set()
    sized: set[str] = set()
    for item in file.items:
        bare: set[str] = set()
        for node in walk(item):
            match node:
                case t.Access():
                    bare.update(_in_position(node))
                case t.SizeOf(index):
                    sized.add(index)
                case _:
                    strong.update(_listed(node))
        scalar = set(filter(names.is_scalar, bare))
        weak |= bare - scalar
        if scalar:
            strong |= scalar & _copied(item)
    return strong, weak - set(NUMBERS), sized


def _copied(item: t.Item) -> set[str]:
    """Names that are positions on both sides of a `=`: indices, though a scalar be called so."""
    if not isinstance(item, t.Statement) or item.op != "=":
        return set()
    read = (part for node in walk(item.value) if isinstance(node, t.Access) for part in node.at)
    named = ({p.name for p in at if isinstance(p, t.Name)} for at in (item.target.at, read))
    return set.intersection(*named)


def _in_position(access: t.Access) -> Iterator[str]:
    return (name for part in access.at for name in _bare(part))


def _bare(part: Part) -> Iterator[str]:
    """The bare names of an index expression, not those inside a gather."""
    match part:
        case t.Name(name):
            yield name
        case t.Negative(value):
            yield from _bare(value)
        case t.Sum(items) | t.Product(items):
            for item in items:
                yield from _bare(item)
        case _:
            pass
