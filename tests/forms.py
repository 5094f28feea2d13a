"""Random statements of other forms than a sum: pieces, maxima and products, recurrences."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from atoms import ATOM, Piece, Tensor

if TYPE_CHECKING:
    from programs import Author

Wrap = Callable[[Piece], Piece]
SHIFTS = ("-1", "-1", "-1", "+1", "-2")


def unwrapped(value: Piece) -> Piece:
    return value


def pieces(author: Author, place: str, target: tuple[str, ...]) -> float:
    """One definition in two pieces, told apart by an index or by data."""
    name = author.pick(target)
    size = author.range_of(name).size
    at = author.pick([f"{name} < 1", f"{name} <= {size - 2}", f"{name} = {size - 1}"])
    first = at
    if author.chance(25):
        entry = author.entry(author.integers(author.range_of(name), target), target)
        first = f"{name} < {entry.text}"
    second = {"<": ">=", "<=": ">", "=": "!="}[first.split()[1]]
    words = first.split(" ", 2)
    bound = author.write(place, target, "=", where=first)
    if author.chance(80):
        other = author.write(place, target, "=", where=f"{words[0]} {second} {words[2]}")
        bound = max(bound, other)
    return bound


def reducing(author: Author, place: str, target: tuple[str, ...]) -> float:
    """`max=`, `min=` or `*=`, by one or two statements, after a definition at times."""
    op = author.pick(("max=", "min=", "*="))
    start = author.chance(25)
    bound = author.write(place, target, "=", where="") if start else 0.0
    for _ in range(author.pick((1, 1, 2))):
        if op == "*=":
            author.write(place, target, op, _tame, where=None if author.chance(30) else "")
            bound = max(bound, 1.0) * 4.0
        else:
            bound = max(bound, author.write(place, target, op, where=""))
    return bound


def _tame(value: Piece) -> Piece:
    """A factor of which even many make no large product."""
    return Piece(f"sin({value.text})", ATOM, value.uses, 1.0)


def recurrence(author: Author, name: str, target: tuple[str, ...]) -> float:
    """A tensor that reads itself at another value of one of its indices, directly or through
    another tensor."""
    read = _shifted(author, name, target)
    function = author.pick(("tanh", "sin", "σ"))
    if author.chance(50):
        author.write(
            f"{name}[{','.join(target)}]", target, "=",
            lambda value: Piece(
                f"{function}({value.text} + {read})", ATOM, value.uses | {*target}, 1.0
            ),
            where=author.pick((None, "")),
        )  # fmt: skip
        return 1.0
    inner = author.unused(but=name)
    axes = tuple(author.range_of(n) for n in target)
    bound = author.write(f"{inner}[{','.join(target)}]", target, author.pick(("=", "+=")))
    author.lines.append(f"{inner}[{','.join(target)}] += {read}")
    author.lines.append(f"{name}[{','.join(target)}] = {function}({inner}[{','.join(target)}])")
    author.tensors[inner] = Tensor(inner, axes, "computed", bound=bound + 1.0)
    return 1.0


def _shifted(author: Author, name: str, target: tuple[str, ...]) -> str:
    """The read of an earlier or later entry, with a factor."""
    along = author.pick(target)
    at = [f"{n}{author.pick(SHIFTS)}" if n == along else n for n in target]
    factor = author.pick(("", "0.5 ", "-"))
    if author.chance(30):
        at = [n if n == along or not author.chance(40) else "0" for n in at]
        at[target.index(along)] = f"{along}{author.pick(SHIFTS)}"
    shown = f"{name}[{','.join(at)}]"
    return f"({factor}{shown})" if factor == "-" else f"{factor}{shown}"
