"""Records: classes of plain facts, as `dataclasses` makes them, that cost little to define.

The command defines three hundred of them at each start and makes instances of a third. For each the
standard library looks at its annotations one by one and compiles six functions, a tenth of the
start in all. Here `__init__` alone is compiled, when it is first called; what all records have in
common they share. A record is made with `dataclasses.field`, and works with the functions of
`dataclasses`: its fields are what they ask for then.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, FrozenInstanceError, field
from operator import attrgetter
from typing import Any, ClassVar, Generic, TypeVar, dataclass_transform, get_origin, overload

T = TypeVar("T")
S = TypeVar("S")
put = object.__setattr__


@overload
def record(cls: type[T], /) -> type[T]: ...
@overload
def record(
    *, frozen: bool = True, kw_only: bool = False, eq: bool = True
) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(
    cls: type[T] | None = None, /, *, frozen: bool = True, kw_only: bool = False, eq: bool = True
) -> type[T] | Callable[[type[T]], type[T]]:
    """The class with slots and with the methods of a dataclass.

    `frozen`: nothing is set after `__init__`, and equal records have one hash. `kw_only`: facts are
    given by name. `eq`: records of equal facts are equal; else each is equal to itself alone.
    """

    def made(cls: type[T]) -> type[T]:
        inherited = (facts(base) for base in reversed(cls.__mro__[1:]))
        known = {name: f for found in (*inherited, _own(cls, kw_only)) for name, f in found.items()}
        space = {k: v for k, v in vars(cls).items() if k not in known and k not in OLD}
        slots = frozenset(s for base in cls.__mro__[1:] for s in vars(base).get("__slots__", ()))
        space["__slots__"] = tuple(name for name in known if name not in slots)
        for name, method in _shared(known, frozen=frozen, eq=eq):
            space.setdefault(name, method)

        def first(self: object, *args: object, **named: object) -> None:
            """It is compiled now, and takes its place."""
            light.__init__ = compiled(light, frozen=frozen)
            light.__init__(self, *args, **named)

        space.setdefault("__init__", first)
        kind: Any = type(cls)
        light = kind(cls.__name__, cls.__bases__, space)
        light.__qualname__ = cls.__qualname__
        found: type[T] = light
        return found

    return made if cls is None else made(cls)


class Fact:
    """A field: its name, its annotation, and what `dataclasses.field` says of it."""

    __slots__ = ("compare", "default", "factory", "init", "kind", "kw_only", "name", "shown")

    def __init__(self, name: str, kind: Any, default: Any, kw_only: bool) -> None:
        self.name, self.kind, self.default = name, kind, default
        self.factory: Any = MISSING
        self.init = self.compare = self.shown = True
        self.kw_only = kw_only
        if isinstance(default, Field):
            self.default, self.factory = default.default, default.default_factory
            self.init, self.compare, self.shown = default.init, default.compare, default.repr
            self.kw_only = kw_only if default.kw_only is MISSING else default.kw_only
        if type(self.default).__hash__ is None:
            raise ValueError(f"all records would share the default of {name}: use default_factory")

    @property
    def field(self) -> Any:
        """The field as `dataclasses` has it."""
        made: Any = field  # with MISSING for what is not given, as its own defaults are
        return made(
            default=self.default, default_factory=self.factory, init=self.init, repr=self.shown,
            compare=self.compare, kw_only=self.kw_only,
        )  # fmt: skip


class Fields:
    """What the functions of `dataclasses` look for in a class, made when one does."""

    def __get__(self, _: object, cls: type[Any]) -> dict[str, Field[Any]]:
        listed = [(f.name, f.kind, f.field) for f in facts(cls).values()]
        made: Any = dataclasses.make_dataclass("_", listed)
        found: dict[str, Field[Any]] = made.__dataclass_fields__
        return found


OLD = ("__dict__", "__weakref__")
"""What a class without slots has."""


def facts(cls: type[Any]) -> dict[str, Fact]:
    """The facts of a record by their names, those of its bases first."""
    found: dict[str, Fact] = getattr(cls, "_record", {})
    return found


def _own(cls: type[Any], kw_only: bool) -> dict[str, Fact]:
    given = vars(cls)
    return {
        name: Fact(name, kind, given.get(name, MISSING), kw_only)
        for name, kind in cls.__annotations__.items()
        if not (kind.startswith("ClassVar") if isinstance(kind, str) else _of_class(kind))
    }


def _of_class(kind: object) -> bool:
    return kind is ClassVar or get_origin(kind) is ClassVar


def replace(whole: T, /, **changes: Any) -> T:
    """The record with some facts changed, as `dataclasses.replace` makes it of those."""
    known: Any = whole
    kept = {name: getattr(known, name) for name in known._given if name not in changes}
    return type(whole)(**kept, **changes)


class Open:
    """A base of records that keep what they find out about themselves: see `Lazy`."""

    __dict__: dict[str, Any]


class Lazy(Generic[S, T]):
    """A property that an `Open` record looks up once: `functools.cached_property` without its lock,
    which takes longer than what is asked for here. Found twice by two threads, it is the same."""

    def __init__(self, find: Callable[[S], T]) -> None:
        self.find, self.name = find, find.__name__
        self.__doc__ = find.__doc__

    def __get__(self, holder: S, _: type[S] | None = None) -> T:
        found = holder.__dict__[self.name] = self.find(holder)
        return found


def _shared(known: dict[str, Fact], *, frozen: bool, eq: bool) -> Iterator[tuple[str, object]]:
    """What all records have, but for `__init__`."""
    given = [f for f in known.values() if f.init]
    yield from (("_record", known), ("__dataclass_fields__", Fields()), ("__repr__", _repr))
    yield "_given", tuple(f.name for f in given)
    yield "__match_args__", tuple(f.name for f in given if not f.kw_only)
    if frozen:
        yield from (("__setattr__", _frozen), ("__delattr__", _frozen), ("__setstate__", _restore))
    if eq:
        names = [f.name for f in known.values() if f.compare]
        yield "_compared", attrgetter(*names) if names else type
        yield from (("__eq__", _eq), ("__hash__", _hash if frozen else None))


def compiled(cls: type[Any], *, frozen: bool) -> Callable[..., None]:
    """`__init__` as one would write it. Its text holds nothing but names of fields."""
    known: dict[str, Any] = {"_missing": MISSING}
    named, ordered, body = ["*"], ["self"], list[str]()
    given = (f for f in facts(cls).values() if f.init or f.factory is not MISSING)
    for f in given:
        value = f.name
        if f.init:
            (named if f.kw_only else ordered).append(_parameter(f, known))
        if f.factory is not MISSING:
            known[f"make_{f.name}"] = f.factory
            made = f"make_{f.name}()"
            value = f"{made} if {f.name} is _missing else {f.name}" if f.init else made
        if frozen:
            known[f"put_{f.name}"] = getattr(cls, f.name).__set__
        body.append(f"put_{f.name}(self, {value})" if frozen else f"self.{f.name} = {value}")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    listed = ", ".join(ordered + (named if len(named) > 1 else []))
    lines = "".join(f"\n    {line}" for line in body or ["pass"])
    exec(f"def __init__({listed}) -> None:{lines}", known)
    init: Callable[..., None] = known["__init__"]
    return init


def _parameter(f: Fact, known: dict[str, Any]) -> str:
    if f.default is not MISSING:
        known[f"default_{f.name}"] = f.default
        return f"{f.name}=default_{f.name}"
    return f.name if f.factory is MISSING else f"{f.name}=_missing"


def _frozen(_: object, name: str, *_value: object) -> None:
    raise FrozenInstanceError(f"cannot change field {name!r}")


def _restore(self: object, state: tuple[None, dict[str, object]]) -> None:
    """What a copy is given."""
    for name, value in state[1].items():
        put(self, name, value)


def _eq(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return self._compared(self) == self._compared(other)


def _hash(self: Any) -> int:
    return hash(self._compared(self))


def _repr(self: Any) -> str:
    known = facts(type(self)).values()
    shown = (f"{f.name}={getattr(self, f.name)!r}" for f in known if f.shown)
    return f"{type(self).__qualname__}({', '.join(shown)})"
