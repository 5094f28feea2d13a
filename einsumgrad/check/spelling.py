"""Undeclared names that look like slips: did you mean another one?

An undeclared leaf is legal, so a slip must be told from a name, and declaring a name always keeps
it. What betrays a slip: a scalar that stands like a function or an operator and is spelt almost
like one; a tensor spelt like a known one but for o and 0, or l and 1; one letter away from a
declared tensor that nothing reads, or, in a long word, from any known tensor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field

from einsumgrad.check.faults import BareOperator, UnknownTensor
from einsumgrad.diagnostics import Fault, Span
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.functions import OPERATOR_SYNONYMS, OPERATORS
from einsumgrad.ir.nodes import Node, walk
from einsumgrad.ir.walk import accesses
from einsumgrad.record import record
from einsumgrad.syntax.faults import UnknownFunction, UnknownWord
from einsumgrad.syntax.meant import ELSEWHERE, meant_function, meant_operator
from einsumgrad.syntax.names import SUFFIXES, ascii_name
from einsumgrad.syntax.near import Nearby, nearest

LOOKALIKE = str.maketrans("OolI|", "00111")
LOGIC = ("and", "or", "not")
ALIASES = ELSEWHERE.keys() - {"sigma"}
LONG = 5
"""Words of so many letters are rarely one slip apart by chance."""


def word_faults(program: ir.Program) -> tuple[Fault, ...]:
    """A fault for every undeclared scalar that looks like a function, operator or keyword, and
    for every entry of a tensor that bears the name of an operator."""
    scalars = [leaf for leaf in _leaves(program) if not leaf.axes or leaf.name in OPERATORS]
    tested = _in_conditions(program) if scalars else set()
    found = (_operator(x, program) or _function(x) or _keyword(x, tested) for x in scalars)
    return tuple(fault for fault in found if fault is not None)


def tensor_faults(program: ir.Program) -> tuple[Fault, ...]:
    """A fault for every undeclared leaf that looks like another tensor of as many indices."""
    known = [x for x in program.tensors if x.declared or x.kind == "computed"]
    leaves = (x for x in known if x.declared and x.kind in ("param", "input", "const"))
    if all(x.name.endswith(SUFFIXES) for x in leaves):  # a derivation declares derivatives
        return ()
    read = {access.tensor for s in program.statements for access in s.reads}
    book = _Book({x.name for x in known if x.declared and x.name not in read})
    for tensor in known:
        book.add(tensor)
    found = ((leaf, book.meant(leaf)) for leaf in _leaves(program))
    return tuple(
        UnknownTensor(
            span=leaf.span, name=leaf.name, near=near, declared=f"{leaf.kind} {leaf.span.text}"
        )
        for leaf, near in found
        if near
    )


def _leaves(program: ir.Program) -> Iterator[ir.Tensor]:
    for tensor in program.tensors:
        leaf = not tensor.declared and tensor.kind in ("param", "input")
        if leaf and not tensor.name.endswith(SUFFIXES):
            yield tensor


def _operator(leaf: ir.Tensor, program: ir.Program) -> Fault | None:
    """`softmax x[i]` lacks its index, `smu_i x[i]` is misspelt."""
    named = leaf.name in OPERATORS
    stem, mark, index = (leaf.name, "", "") if named else leaf.name.partition("_")
    op = OPERATOR_SYNONYMS.get(stem, stem)
    if op in OPERATORS and not index:
        return BareOperator(span=leaf.span, op=leaf.name, stem=stem)
    near = meant_operator(stem) if mark else ""
    names = {i.name for s in program.statements for i in _all(s)} if near else set()
    if not near or index not in names:
        return None
    hint = f"did you mean `{near}_{index}`?"
    return UnknownFunction(span=leaf.span, name=leaf.name, hint=hint)


def _all(statement: ir.Statement) -> Iterator[ir.Index]:
    yield from statement.indices
    for node in walk(statement.value):
        yield from node.indices if isinstance(node, ir.Reduce) else ()
        yield from (node.index,) if isinstance(node, ir.Normalise) else ()


def _function(leaf: ir.Tensor) -> Fault | None:
    """`sigmod(x)`, `ln x[b]`; a name that is short or no word only directly before a parenthesis.
    But for that, where it stands does not matter: what is printed is no more refused."""
    name, near = leaf.name, meant_function(leaf.name)
    same = near.casefold() == name.casefold()
    word = name.isalpha() and len(near) >= LONG
    if not near or not (same or word or name in ALIASES or _called(leaf.span)):
        return None
    kept = "" if same else f" If not, declare it: `param {name}`"
    return UnknownFunction(span=leaf.span, name=name, hint=f"did you mean `{near}`?{kept}")


def _called(span: Span) -> bool:
    """Whether a parenthesis follows at once."""
    return span.source.text[span.end : span.end + 1] == "("


def _keyword(leaf: ir.Tensor, tested: set[str]) -> Fault | None:
    """`s < t AND t < 3`"""
    near = nearest(leaf.name, LOGIC) if leaf.name in tested else ""
    swapped = sorted(leaf.name.casefold()) == sorted(near)
    return UnknownWord(span=leaf.span, word=leaf.name, near=near) if near and swapped else None


def _in_conditions(program: ir.Program) -> set[str]:
    """The tensors that conditions read."""
    nodes = (n for s in program.statements for top in s.nodes for n in _conditions(top))
    return {access.tensor for node in nodes for access in accesses(node)}


def _conditions(top: Node) -> Iterator[Node]:
    yield from (n for n in walk(top) if isinstance(n, ir.Condition))


@record(frozen=False)
class _Book:
    """The known tensors, to be found by what may be written for them. `idle`: those declared that
    nothing reads. Names are compared apart from what numbers them, digits, primes and marks."""

    idle: set[str]
    lookalikes: dict[tuple[str, int], str] = field(default_factory=dict)
    names: dict[tuple[str, str, int], str] = field(default_factory=dict)
    letters: dict[tuple[str, int], Nearby] = field(default_factory=dict)

    def add(self, tensor: ir.Tensor) -> None:
        rank = len(tensor.axes)
        if len(tensor.name) > 1:
            self.lookalikes.setdefault((_plain(tensor.name), rank), tensor.name)
        letters, number = _apart(tensor.name)
        if (letters, number, rank) not in self.names:
            self.names[letters, number, rank] = tensor.name
            self.letters.setdefault((number, rank), Nearby()).add(letters)

    def meant(self, leaf: ir.Tensor) -> str:
        """The tensor that was meant; empty if the leaf may well be one of its own."""
        rank = len(leaf.axes)
        alike = self.lookalikes.get((_plain(leaf.name), rank))
        if alike is not None:
            return alike
        letters, number = _apart(leaf.name)
        near = self.letters.get((number, rank), Nearby()).of(letters)
        names = (self.names[other, number, rank] for other in near if other != letters)
        return next((name for name in names if self._slip(leaf.name, name)), "")

    def _slip(self, name: str, other: str) -> bool:
        """Whether a known name one letter away is meant."""
        if other in self.idle:
            return len(name) > 2 or name.casefold() == other.casefold()
        long = min(len(name), len(other)) >= LONG and name.isalpha() and other.isalpha()
        return long and name not in other and other not in name


def _apart(name: str) -> tuple[str, str]:
    """A name's letters, and all else in it."""
    plain = ascii_name(name)
    letters = "".join(char for char in plain if char.isalpha())
    return letters, "".join(char for char in plain if not char.isalpha())


def _plain(name: str) -> str:
    return ascii_name(name).translate(LOOKALIKE)
