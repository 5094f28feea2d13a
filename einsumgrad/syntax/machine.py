"""Lark's LALR(1) table, run over our words.

Lark makes the table; its own loop looks every rule up by the whole rule, which takes more time
than all else in reading a long file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from einsumgrad.record import record
from einsumgrad.syntax.table import Rule, Table
from einsumgrad.syntax.words import Word


@record
class Reduction:
    """The last `size` values become one, of the kind `origin`; `build` makes it, None where a
    single value stays as it is."""

    size: int
    origin: str
    build: Callable[[list[Any]], Any] | None


class Stuck(Exception):
    """No action for a word: those read so far, it being the last, and the kinds that would do."""

    def __init__(self, words: list[Word], expected: frozenset[str]) -> None:
        self.words, self.expected = words, expected
        super().__init__(words, expected)


@record
class Machine:
    """For every state what to do at each kind of word: a state to go to, or a reduction; and where
    to go with what a reduction made, by its kind."""

    actions: Mapping[int, Mapping[str, int | Reduction]]
    following: Mapping[int, Mapping[str, int]]
    start: int
    end: int

    def run(self, words: Iterator[Word]) -> Any:
        """What the words, of which the last is `$END`, are reduced to. Raises Stuck."""
        actions, following = self.actions, self.following
        states, values, read = [self.start], list[Any](), list[Word]()
        for word in words:
            read.append(word)
            kind = word.type
            while states[-1] != self.end:
                action = actions[states[-1]].get(kind)
                if isinstance(action, int):
                    states.append(action)
                    values.append(word)
                    break
                if action is None:
                    raise Stuck(read, frozenset(actions[states[-1]]))
                build = action.build
                if build is None:
                    states[-1] = following[states[-2]][action.origin]
                    continue
                size = action.size
                values[-size:] = (build(values[-size:]),)
                states[-size:] = (following[states[-size - 1]][action.origin],)
        return values[-1]


def machine(table: Table, builder: object) -> Machine:
    """The machine of a table; the builder has a method for each rule that makes something."""
    rules = tuple(_reduction(rule, builder) for rule in table.rules)
    actions: dict[int, dict[str, int | Reduction]] = {}
    following: dict[int, dict[str, int]] = {}
    for state, row in enumerate(table.states):
        actions[state] = {
            kind: target if target >= 0 else rules[-1 - target]
            for kind, target in row.items()
            if _of_word(kind)
        }
        following[state] = {kind: target for kind, target in row.items() if not _of_word(kind)}
    return Machine(actions, following, table.start, table.end)


def _of_word(kind: str) -> bool:
    """Whether it is a kind of words: Lark writes those of what rules make in small letters."""
    return kind.isupper()


def _reduction(rule: Rule, builder: object) -> Reduction:
    """Rules that Lark makes of repetitions, `__…`, only collect."""
    if rule.method is None:
        return Reduction(rule.size, rule.origin, None)
    spread = rule.spread
    if rule.origin.startswith("__"):
        return Reduction(rule.size, rule.origin, _longer if spread[:1] == (0,) else list)
    make = getattr(builder, rule.method)

    def build(parts: list[Any]) -> Any:
        for place in reversed(spread):
            parts[place : place + 1] = parts[place]
        return make(parts)

    return Reduction(rule.size, rule.origin, build if spread else make)


def _longer(parts: list[Any]) -> list[Any]:
    """A list with one more repetition. It is the list itself: nobody else holds it, and a copy for
    each would make a long line take the square of its length."""
    known, *further = parts
    known.extend(further)
    return cast("list[Any]", known)
