"""What a source calls: a function of one table of pointers, which looks them up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from einsumgrad.fused.text import Memory, Text
from einsumgrad.record import record

NAME = "@KERNEL"
"""The function of a kernel, before it has a name that is its own in a module."""
LOOPS = f"{NAME}_loops"
"""What it calls when it has looked up its pointers."""


DATA = object.__basicsize__
"""Where in an array object the pointer to its memory is: at once after what all objects begin with.
NumPy's `PyArrayObject`, which its C interface has had from the first, and extensions rely on."""


@record
class Written:
    """The text of a kernel, the functions that it calls, and how many of its loops have hints."""

    text: str
    used: frozenset[tuple[str, str]]
    hints: int


@record
class Inner:
    """A function of pointers to arrays, `%pN` to the one of number N, then to parts of a scratch:
    their names in the order of its arguments. `hints`: how many loops have had hints by its end."""

    name: str
    pointers: tuple[str, ...]
    text: str
    used: frozenset[tuple[str, str]]
    hints: int


def function(name: str, pointers: Iterable[str], text: Text) -> str:
    """A function of pointers to memory that does not overlap, of which LLVM knows no other way."""
    body = "\n".join([*text.first, *text.lines])
    arguments = ", ".join(f"ptr noalias {pointer}" for pointer in pointers)
    head = f"define private void {name}({arguments}) noinline nounwind"
    return f"{head} {{\nentry:\n{body}\n  ret void\n}}\n"


def entry(found: Inner, arrays: Sequence[Memory], apart: Mapping[str, int]) -> Written:
    """A function, and the one of a table, which looks up its pointers: those to arrays, then one to
    a scratch, of which `apart` says where parts begin."""
    lines, count = looked_up(arrays), len(arrays)
    lines += _pointer(count, None) if apart else ()
    for pointer, offset in apart.items():
        lines.append(f"  {pointer} = getelementptr inbounds i8, ptr %p{count}, i64 {offset}")
    passed = ", ".join(f"ptr {pointer}" for pointer in found.pointers)
    lines.append(f"  call void {LOOPS}({passed})")
    return Written(found.text + outer(lines), found.used, found.hints)


def outer(lines: Sequence[str]) -> str:
    """The function of a table, of these lines."""
    body = "\n".join(lines)
    return f"define void {NAME}(ptr %table) nounwind {{\nentry:\n{body}\n  ret void\n}}\n"


def looked_up(arrays: Iterable[Memory]) -> list[str]:
    """The lines that look up arrays, each with its own pointer."""
    own = {memory.pointer: memory for memory in arrays}
    return [line for p, memory in own.items() for line in _pointer(int(p[2:]), memory.within)]


def _pointer(place: int, within: int | None) -> tuple[str, ...]:
    """An entry of the table, or the memory of the array object that it points to."""
    name = f"%p{place}" if within is None else f"%o{place}"
    found = (
        f"  %a{place} = getelementptr i64, ptr %table, i64 {place}",
        f"  {name} = load ptr, ptr %a{place}",
    )
    if within is None:
        return found
    return (
        *found,
        f"  %d{place} = getelementptr i8, ptr {name}, i64 {DATA}",
        f"  %s{place} = load ptr, ptr %d{place}",
        f"  %p{place} = getelementptr i8, ptr %s{place}, i64 {within}",
    )
