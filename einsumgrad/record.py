"""Records: classes of plain facts, as `dataclasses` makes them, that cost little to define.

The command defines three hundred of them at each start and makes instances of a third. For each the
standard library compiles six functions, a millisecond in all. Here `__init__` alone is compiled,
when it is first called; what all records have in common they share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from typing import Any, Generic, TypeVar, dataclass_transform, overload

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
        own = frozenset(vars(cls))
        cls.__doc__ = cls.__doc__ or cls.__name__  # else `dataclass` works out a signature
        light = dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)(cls)
        methods = _shared(light, frozen=frozen, eq=eq)
        _give(light, ((name, method) for name, method in methods if name not in own))
        return light

    return made if cls is None else made(cls)


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


def _give(cls: type[Any], methods: Iterable[tuple[str, object]]) -> None:
    for name, method in methods:
        setattr(cls, name, method)


def _shared(cls: type[Any], *, frozen: bool, eq: bool) -> Iterator[tuple[str, object]]:
    """The methods of a record, the last of them still to be compiled."""
    yield "__repr__", _repr
    yield "_given", tuple(f.name for f in fields(cls) if f.init)
    if frozen:
        yield from (("__setattr__", _frozen), ("__delattr__", _frozen), ("__setstate__", _restore))
    if eq:
        names = [f.name for f in fields(cls) if f.compare]
        yield "_compared", attrgetter(*names) if names else type
        yield from (("__eq__", _eq), ("__hash__", _hash if frozen else None))

    def first(self: object, *args: object, **named: object) -> None:
        init = compiled(cls, frozen=frozen)
        _give(cls, (("__init__", init),))
        init(self, *args, **named)

    yield "__init__", first


def compiled(cls: type[Any], *, frozen: bool) -> Callable[..., None]:
    """`__init__` as one would write it. Its text holds nothing but names of fields."""
    known: dict[str, Any] = {"_missing": MISSING}
    named, ordered, body = ["*"], ["self"], list[str]()
    given = (f for f in fields(cls) if f.init or f.default_factory is not MISSING)
    for f in given:
        value = f.name
        if f.init:
            (named if f.kw_only else ordered).append(_parameter(f, known))
        if f.default_factory is not MISSING:
            known[f"make_{f.name}"] = f.default_factory
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


def _parameter(f: Field[Any], known: dict[str, Any]) -> str:
    if f.default is not MISSING:
        known[f"default_{f.name}"] = f.default
        return f"{f.name}=default_{f.name}"
    return f.name if f.default_factory is MISSING else f"{f.name}=_missing"


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
    shown = (f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"
