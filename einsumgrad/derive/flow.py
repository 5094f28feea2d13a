"""What flows backwards: a cotangent on its way from a result down to an operand."""

from __future__ import annotations

from collections.abc import Iterable

from einsumgrad.derive.words import Rule
from einsumgrad.ir.build import conjuncts, product
from einsumgrad.ir.nodes import (
    Access,
    Condition,
    Expr,
    Index,
    Iverson,
    Position,
    Program,
    Reduce,
    Statement,
)
from einsumgrad.ir.substitute import fresh_index, replace_all, substitute
from einsumgrad.ir.walk import free_indices
from einsumgrad.record import Lazy, Open, record, replace


@record
class Flow(Open):
    """The cotangent at a sub-expression is `head · left · right`, summed over `loops` where
    `where` holds; `left` and `right` are the factors that stood left and right of it in the
    source. `names`: the index names in use, for fresh ones; `rules`: those applied so far."""

    head: Expr
    loops: tuple[Index, ...]
    where: tuple[Condition, ...]
    names: frozenset[str]
    left: tuple[Expr, ...] = ()
    right: tuple[Expr, ...] = ()
    rules: tuple[Rule, ...] = ()

    @Lazy
    def value(self) -> Expr:
        return product(self.head, *self.left, *self.right)

    def times(self, factor: Expr, rule: Rule) -> Flow:
        """The flow below a node whose derivative is the factor, which takes the node's place."""
        return replace(self, left=(*self.left, factor), rules=(*self.rules, rule))

    def beside(self, left: Iterable[Expr], right: Iterable[Expr]) -> Flow:
        """The flow into one factor of a product."""
        return replace(self, left=(*self.left, *left), right=(*right, *self.right))

    def instead(self, value: Expr, rule: Rule) -> Flow:
        """The flow whose whole value is another expression."""
        return replace(self, head=value, left=(), right=(), rules=(*self.rules, rule))

    def within(self, where: tuple[Condition, ...]) -> Flow:
        """The flow, restricted further."""
        if not where:
            return self
        return replace(self, where=conjuncts((*self.where, *where)))

    def over(self, indices: tuple[Index, ...]) -> Flow:
        """The flow, with further loops."""
        names = self.names | {i.name for i in indices}
        return replace(self, loops=(*self.loops, *indices), names=names)

    def over_all(self, index: Index, kept: tuple[Condition, ...]) -> Flow:
        """The flow over an index as a softmax has it, which only `kept` restricts: what else names
        it is a bracket, for a softmax is read where its entries are not."""
        outer = tuple(c for c in self.restricting(index) if c not in kept)
        if not outer:
            return self
        where = tuple(c for c in self.where if c not in outer)
        return replace(self, head=product(*map(Iverson, outer), self.head), where=where)

    def restricting(self, index: Index) -> tuple[Condition, ...]:
        """The conditions that name an index."""
        return tuple(c for c in self.where if index in free_indices(c))


@record
class Contribution:
    """What one read of a tensor adds to its gradient."""

    operand: Access
    flow: Flow


def start(statement: Statement, head: Expr, odd: frozenset[str] = frozenset()) -> Flow:
    """The flow that reaches a statement's whole right side; `odd`: names not to be made."""
    names = frozenset(i.name for i in statement.every_index) | odd
    return Flow(head, statement.indices, statement.where, names)


def odd_names(program: Program) -> frozenset[str]:
    """Index names that a fresh one must not be: `i'` where it has another size than `i`."""
    every = {i for statement in program.statements for i in statement.every_index}
    every |= {i for t in program.tensors for i in (*t.axes, t.holds) if i is not None}
    sizes = {index.name: index.size for index in sorted({*every, *program.indices})}
    return frozenset(
        name
        for name, size in sizes.items()
        if any(sizes.get(n, size) != size for n in _unprimed(name))
    )


def _unprimed(name: str) -> tuple[str, ...]:
    """The name with fewer primes."""
    plain = name.rstrip("'")
    return tuple(plain + "'" * count for count in range(len(name) - len(plain)))


def open_binder(node: Reduce, flow: Flow) -> tuple[Reduce, Flow]:
    """The reduction with bound names that clash with no loop, and the flow over them too."""
    taken = {i.name for i in flow.loops} | {i.name for i in free_indices(flow.value)}
    fresh: dict[Index, Index] = {}
    for index in node.indices:
        clash = index.name in taken
        fresh[index] = fresh_index(index, taken | flow.names) if clash else index
        taken = taken | {fresh[index].name}
    moved = {old: Position(new) for old, new in fresh.items() if old != new}
    body = substitute(node.body, moved)
    where = replace_all(node.where, moved)
    assert isinstance(body, Expr)
    renamed = Reduce(node.op, tuple(fresh.values()), body, where)
    return renamed, flow.over(renamed.indices).within(where)
