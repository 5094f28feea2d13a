"""Slips of the pen: which name was meant by one that nobody knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field

from einsumgrad.record import record

LONGEST = 40
"""Longer words are not looked at for slips."""


@record(frozen=False)
class Nearby:
    """Names, found by those that are one slip away: equal but for case, or one letter wrong,
    missing, too many, or swapped with the next. A look-up costs no more for more names."""

    table: dict[str, list[str]] = field(default_factory=dict)

    def add(self, name: str) -> None:
        for key in _shortened(name.casefold()):
            self.table.setdefault(key, []).append(name)

    def of(self, word: str) -> Iterator[str]:
        """The names one slip away from the word, those that differ in case only first."""
        folded = word.casefold()
        held = (name for key in _shortened(folded) for name in self.table.get(key, ()))
        found = [name for name in dict.fromkeys(held) if one_slip(folded, name.casefold())]
        yield from sorted(found, key=lambda name: name.casefold() != folded)


def nearest(word: str, names: Iterable[str]) -> str:
    """The first of the names that is one slip away from the word; empty if none is."""
    nearby = Nearby()
    for name in names:
        nearby.add(name)
    return next(nearby.of(word), "")


def resembling(word: str, names: Iterable[str], least: float = 0.6) -> str:
    """The name most like the word, by difflib's ratio; empty if none is so much like it."""
    from difflib import get_close_matches  # takes longer to import than most programs to check

    return next(iter(get_close_matches(word, list(names), 1, least)), "")


def one_slip(left: str, right: str) -> bool:
    """Whether two words are equal, or one letter apart.

    >>> one_slip("sigmod", "sigmoid"), one_slip("fro", "for"), one_slip("log", "exp")
    (True, True, False)
    """
    if abs(len(left) - len(right)) > 1:
        return False
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    a, b = left[start:], right[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[1::-1] == b[:2] and a[2:] == b[2:])


def _shortened(word: str) -> Iterator[str]:
    """The word and all that is left of it when one letter is taken out."""
    yield word
    if len(word) <= LONGEST:
        yield from {word[:k] + word[k + 1 :] for k in range(len(word))}
