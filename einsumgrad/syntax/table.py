"""The grammar as a table: what Lark makes of `ein.lark`, kept beside it as `ein.table.json`.

Making it takes longer than all else in compiling a small file, so it is read instead, as long as it
is that of the grammar as it stands; a test holds the two against each other.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from einsumgrad.record import record

if TYPE_CHECKING:
    from lark import Lark


@record
class Rule:
    """The last `size` values become one of the kind `origin`, made by `method`; None: a single
    value stays as it is. `spread`: which of them are lists that are put in."""

    size: int
    origin: str
    method: str | None
    spread: tuple[int, ...]


@record
class Table:
    """`pattern` of all words; for each state and kind of word the state to go to, or -1-k for
    rule k. `check`: a checksum of the grammar."""

    check: int
    pattern: str
    start: int
    end: int
    rules: tuple[Rule, ...]
    states: tuple[Mapping[str, int], ...]


def folder() -> Path:
    """Where the grammar is: in the package, or beside it."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "grammar"
    return inside if inside.exists() else package.parent / "grammar"


def table() -> Table:
    """The table of the grammar: the one that is kept if it is of this grammar, else a new one."""
    text = (folder() / "ein.lark").read_text(encoding="utf-8")
    path = folder() / "ein.table.json"
    if path.exists():
        kept = read(path.read_text(encoding="utf-8"))
        if kept.check == checksum(text):
            return kept
    return built()


def checksum(text: str) -> int:
    return zlib.crc32(text.encode("utf-8"))


def read(text: str) -> Table:
    """The table of a file."""
    found: dict[str, Any] = json.loads(text)
    rules = tuple(Rule(size, origin, name, tuple(s)) for size, origin, name, s in found["rules"])
    return Table(**{**found, "rules": rules, "states": tuple(found["states"])})


def write(kept: Table) -> str:
    """The text of the file: a rule or a state a line."""
    found = asdict(kept)
    rules = ",\n".join(json.dumps(list(rule.values())) for rule in found.pop("rules"))
    states = ",\n".join(json.dumps(state, sort_keys=True) for state in found.pop("states"))
    head = json.dumps(found, indent=0)[:-2]
    return f'{head},\n"rules": [\n{rules}\n],\n"states": [\n{states}\n]\n}}\n'


@cache
def grammar() -> Lark:
    """Lark's parser of `ein.lark`."""
    from lark import Lark

    return Lark(
        (folder() / "ein.lark").read_text(encoding="utf-8"), parser="lalr", lexer="basic",
        start="line", keep_all_tokens=True, maybe_placeholders=False,
    )  # fmt: skip


def built() -> Table:
    """What Lark makes of the grammar, which has no empty rule. States and rules are numbered as
    they are met from the start, kinds in order of their names: Lark's own numbers differ from one
    process to the next."""
    from lark.parsers.lalr_analysis import Shift

    conf = grammar().parse_interactive("").parser_state.parse_conf
    numbers, rules, states = {conf.start_state: 0}, dict[Rule, int](), list[dict[str, int]]()
    met = [conf.start_state]
    for state in met:
        states.append({})
        for kind, (action, target) in sorted(conf.states[state].items()):
            if action is not Shift:
                states[-1][str(kind)] = -1 - rules.setdefault(_rule(target), len(rules))
                continue
            if target not in numbers:
                numbers[target] = len(met)
                met.append(target)
            states[-1][str(kind)] = numbers[target]
    text = (folder() / "ein.lark").read_text(encoding="utf-8")
    return Table(
        checksum(text), _pattern(grammar()), 0, numbers[conf.end_state], tuple(rules),
        tuple(states),
    )  # fmt: skip


def _rule(rule: Any) -> Rule:
    size = len(rule.expansion)
    assert size > 0
    stays = size == 1 and rule.options.expand1 and not rule.alias
    origin = str(rule.origin.name)
    spread = tuple(k for k, part in enumerate(rule.expansion) if part.name.startswith("__"))
    return Rule(size, origin, None if stays else str(rule.alias or origin), spread)


def _pattern(grammar: Lark) -> str:
    """All terminals of the grammar, in the order in which Lark tries them; the name of the group
    that matched is the terminal's."""
    ordered = sorted(
        grammar.terminals,
        key=lambda t: (-t.priority, -t.pattern.max_width, -len(t.pattern.value), t.name),
    )
    named = "|".join(f"(?P<{t.name}>{t.pattern.to_regexp()})" for t in ordered)
    return re.compile(named).pattern
