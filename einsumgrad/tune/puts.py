"""Values that a loop puts into a buffer of zeros, each entry once: they are set, not added, and the
zeros need not be there.

A recurrence writes `h[b,t]` in turn t, and reads what earlier turns wrote: no entry is read before
it is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from einsumgrad.plan.nodes import Buffer, Loop, Plan, Step, Store, Window
from einsumgrad.plan.operands import Walk
from einsumgrad.plan.uses import uses
from einsumgrad.record import replace
from einsumgrad.tune.orders import flat


def set_once(plan: Plan) -> Plan:
    """The plan with such buffers bare."""
    buffers = {s.register: s.instruction for s in plan.steps if isinstance(s.instruction, Buffer)}
    zero = {r for r, made in buffers.items() if made.source is None and made.value == 0}
    found = dict(_once(plan, zero))
    steps = tuple(_changed(step, found) for step in plan.steps)
    return replace(plan, steps=steps) if found else plan


def _once(plan: Plan, zero: set[int]) -> Iterator[tuple[int, int]]:
    """Buffers, and the step's number in its loop that sets each."""
    read = Counter[int]()
    for step in plan.steps:
        made = step.instruction
        if isinstance(made, Loop):
            for k, inner in enumerate(made.body):
                store = inner.instruction
                if not isinstance(store, Store) or store.into not in zero or read[store.into]:
                    continue
                if _covers(plan, made, store) and _later(made, store.into, k):
                    yield store.into, k
        read.update(r for s, _ in flat((step,)) for r in uses(s.instruction))


def _covers(plan: Plan, loop: Loop, store: Store) -> bool:
    """Whether each turn puts something into entries of its own, and all turns into all of them."""
    if store.function != "add" or len(store.places) != 1:
        return False
    ((axis, walk),) = store.places
    length = plan.registers[store.into].shape[axis] - sum(store.widths[axis])
    return _turns(walk, loop) == 0 and length == loop.count


def _turns(walk: Walk, loop: Loop) -> int | None:
    """How far it is ahead of the loop's variable, if that is all it depends on."""
    alone = not walk.steps and walk.moving == ((loop.variable, 1),)
    return walk.offset if alone else None


def _later(loop: Loop, buffer: int, number: int) -> bool:
    """Whether nothing in the loop reads an entry before step `number` has set it."""
    store = loop.body[number].instruction
    assert isinstance(store, Store)
    ((axis, _),) = store.places
    for k, step in enumerate(loop.body):
        inner = [s.instruction for s, _ in flat((step,)) if buffer in uses(s.instruction)]
        if k == number or not inner:
            continue
        made = step.instruction
        ahead = _turns(made.walks[axis], loop) if isinstance(made, Window) else None
        if ahead is None:
            return False
        ahead = (ahead - store.widths[axis][0]) * (1 if loop.upward else -1)
        if ahead > 0 or (ahead == 0 and k < number):
            return False
    return True


def _changed(step: Step, found: dict[int, int]) -> Step:
    made = step.instruction
    match made:
        case Buffer() if step.register in found:
            return replace(step, instruction=replace(made, bare=True))
        case Loop(body=body):
            inner = tuple(_set(k, s, found) for k, s in enumerate(body))
            return replace(step, instruction=replace(made, body=inner))
        case _:
            return step


def _set(number: int, step: Step, found: dict[int, int]) -> Step:
    made = step.instruction
    if isinstance(made, Store) and found.get(made.into) == number:
        return replace(step, instruction=replace(made, function="set"))
    return step
