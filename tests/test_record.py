"""Records are what dataclasses of the same fields are."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field, replace
from typing import ClassVar

import pytest

from einsumgrad.record import record


@record
class Point:
    x: int
    y: int = 2
    unit: ClassVar[str] = "m"
    tags: list[str] = field(default_factory=list, compare=False)
    where: str = field(default="here", compare=False, repr=False)


@record(kw_only=True)
class Base:
    span: int = 0


@record(kw_only=True)
class Fact(Base):
    name: str


@record(frozen=False)
class Counter:
    count: int = 0
    double: int = field(init=False)

    def __post_init__(self) -> None:
        self.double = 2 * self.count


@record(eq=False)
class Handle:
    x: int


@record
class Nothing:
    """A record of no facts."""


@dataclasses.dataclass(frozen=True, slots=True)
class Same:
    x: int
    y: int = 2
    unit: ClassVar[str] = "m"
    tags: list[str] = field(default_factory=list, compare=False)
    where: str = field(default="here", compare=False, repr=False)


def test_the_first_call_is_as_the_others() -> None:
    for _ in range(2):
        made = Point(1)
        assert (made.x, made.y, made.tags, made.where) == (1, 2, [], "here")
    assert Point(1).tags is not Point(1).tags


def test_it_is_what_a_dataclass_is() -> None:
    for args in ((1,), (1, 3), (1, 3, ["a"]), (1, 3, ["a"], "there")):
        own, usual = Point(*args), Same(*args)
        assert repr(own) == repr(usual).replace("Same", "Point")
        assert hash(own) == hash(usual)
        assert [f.name for f in dataclasses.fields(own)] == [
            f.name for f in dataclasses.fields(usual)
        ]
    assert Point.__match_args__ == Same.__match_args__
    assert Point.__slots__ == Same.__slots__


def test_facts_that_are_not_compared_do_not_count() -> None:
    assert Point(1, tags=["a"]) == Point(1, where="there")
    assert Point(1) != Point(2)
    assert Point(1) != Same(1)
    assert Nothing() == Nothing()
    assert len({Point(1), Point(1, where="there"), Point(2)}) == 2


def test_without_equality_each_is_its_own() -> None:
    one = Handle(1)
    assert one != Handle(1)
    assert len({one, one, Handle(1)}) == 2


@pytest.mark.parametrize("change", [lambda p: setattr(p, "x", 2), lambda p: delattr(p, "x")])
def test_a_frozen_record_stays(change: Callable[[Point], None]) -> None:
    with pytest.raises(FrozenInstanceError):
        change(Point(1))


def test_others_can_be_changed_and_have_no_hash() -> None:
    counter = Counter(2)
    assert counter.double == 4
    counter.count = 3
    assert (counter.count, counter.double) == (3, 4)
    with pytest.raises(TypeError):
        hash(counter)


@pytest.mark.parametrize("args", [(), (1, 2, [], "", 5)])
def test_wrong_arguments_are_refused(args: tuple[object, ...]) -> None:
    with pytest.raises(TypeError, match="__init__"):
        Point(*args)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="positional"):
        Fact("name")  # type: ignore[misc]


def test_facts_of_a_base_come_too() -> None:
    assert Fact(name="a", span=3) == replace(Fact(name="b", span=3), name="a")
    assert repr(Fact(name="a")) == "Fact(span=0, name='a')"
    assert Base() != Fact(name="a")


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_copies(copied: Callable[[Point], Point]) -> None:
    made = copied(Point(1, 5, ["a"]))
    assert made == Point(1, 5) and made.tags == ["a"]


def test_patterns_match_by_place() -> None:
    match Point(1, 5):
        case Point(x, y):
            assert (x, y) == (1, 5)
        case _:
            pytest.fail("no match")


def test_a_default_that_all_would_share_is_refused() -> None:
    with pytest.raises(ValueError, match="default_factory"):

        @record
        class Shared:
            entries: list[int] = field(default=[])
