"""How an explanation begins: what is derived, and what the gradients mean (LANGUAGE §8)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from einsumgrad.check.schedule import Loop, schedule
from einsumgrad.derive.gradients import gradient_suffix
from einsumgrad.explain.explain import Explanation
from einsumgrad.explain.writer import SOLID, Writer, solid, wrapped
from einsumgrad.ir.build import ONE, product, reciprocal
from einsumgrad.ir.nodes import Access, Expr, Index, Position, Reduce, Size, Tensor

METHOD = (
    "The statements are taken from last to first. By the chain rule, every tensor that is read on "
    "the right of a statement gets the gradient of the left side, times the derivative of the left "
    "side by it, summed over the indices that it does not have; what it gets in several places is "
    f"added up. ▸{SOLID}marks the statements of the result, which stands at the end."
)


def heading(text: str, line: str = "─") -> tuple[str, str]:
    return text, line * sum(1 for char in text if not unicodedata.combining(char))


def opening(found: Explanation, pen: Writer) -> Iterator[str]:
    """The objective, the meaning of the gradients, what is asked for, and the method."""
    source = found.program.source.name
    yield from (*heading(f"The gradients of {source}, step by step", "═"), "")
    yield from wrapped(_objective(found, pen), 2)
    yield ""
    yield from _meaning(found, pen)
    yield ""
    yield from wrapped(_wanted(found, pen), 2)
    yield ""
    yield from wrapped(METHOD, 2)
    for text in recurrences(found, pen):
        yield ""
        yield from wrapped(text, 2)


def _objective(found: Explanation, pen: Writer) -> str:
    if found.seeds or found.program.loss is None:
        if not found.seeds:
            return "No output depends on what is asked for: there is nothing to derive."
        given = ", ".join(pen.name(found.given[name]) for name in found.seeds)
        outputs = ", ".join(pen.name(name) for name in found.seeds)
        why = "" if found.program.loss else "There is no loss. "
        return f"{why}J is any function of {outputs}; its derivative by that, {given}, is given."
    loss = found.program.tensor(found.program.loss)
    name = pen.name(loss.name)
    formula = _mean(loss, found.program.batch)
    shown = f": J = {solid(pen.expr(formula))}" if formula is not None else ""
    if loss.batched and found.program.batch is not None:
        return f"The objective J is the mean of {name} over the batch{shown}"
    if not loss.axes:
        return f"The objective J is {name}."
    return f"The objective J is the sum of {name}{shown}"


def starting(found: Explanation, pen: Writer) -> str:
    """The gradient of the loss itself."""
    loss = found.program.tensor(found.program.loss or "")
    axes = tuple(Position(i) for i in loss.axes if i is not None)
    name, gradient = pen.name(loss.name), Access(found.gradients[loss.name], axes)
    entry = solid(pen.expr(Access(loss.name, axes)))
    batch = found.program.batch
    if loss.batched and batch is not None:
        size = pen.expr(Size(batch.size))
        how, factor = f"the mean of {name} over the batch", f"{size} "
    else:
        how, factor = f"{'the sum of ' if loss.axes else ''}{name}", ""
    return f"J is {how}, so {solid(pen.expr(gradient))} = {factor}∂J/∂{entry} = 1."


def _mean(loss: Tensor, batch: Index | None) -> Expr | None:
    """`1/B Σ_b ℓ[b]`; None where the loss's axes have no names."""
    axes = tuple(i for i in loss.axes if i is not None)
    if len(axes) < len(loss.axes):
        return None
    entry = Access(loss.name, tuple(Position(i) for i in axes))
    whole = Reduce("sum", axes, entry) if axes else entry
    batched = loss.batched and batch is not None
    return product(reciprocal(Size(batch.size)) if batched and batch else ONE, whole)


def _meaning(found: Explanation, pen: Writer) -> Iterator[str]:
    """What `v.grad` stands for."""
    batch = found.program.batch
    varied = [t for t in found.program.tensors if t.name in found.varied]
    batched = [pen.name(t.name) for t in varied if t.batched]
    others = [pen.name(t.name) for t in varied if not t.batched]
    grad = gradient_suffix(found.program)
    v = next((c for c in "vtzuwXYZ" if c not in found.gradients), "v")
    if batch is None or not batched:
        yield from wrapped(f"{v}{grad} is ∂J/∂{v}.", 2)
        return
    size, index = pen.expr(Size(batch.size)), pen.indices((batch,))
    yield from wrapped(
        f"{v}{grad} is {size} ∂J/∂{v}, each example's own derivative, for what has the batch index "
        f"{index}: {', '.join(batched)}.", 2,
    )  # fmt: skip
    if others:
        yield from wrapped(
            f"{v}{grad} is ∂J/∂{v}, averaged over the batch, for what has not: "
            f"{', '.join(others)}.", 2,
        )  # fmt: skip
        yield from wrapped(
            f"So the chain rule brings the factor 1/{size} where it goes from a batched tensor to "
            f"one that is not, and the factor {size} where it goes the other way.", 2,
        )  # fmt: skip


def _wanted(found: Explanation, pen: Writer) -> str:
    names = [pen.name(found.gradients[name]) for name in found.wanted]
    there = {tensor.name for tensor in found.result.tensors}
    missing = [pen.name(n) for n in found.wanted if found.gradients[n] not in there]
    without = f" J does not depend on {', '.join(missing)}." if missing else ""
    return f"Asked for: {', '.join(names) or 'nothing'}.{without}"


def recurrences(found: Explanation, pen: Writer) -> Iterator[str]:
    """Which tensors depend on themselves, and which way their statements run."""
    for program, of in ((found.program, ""), (found.result, " of the derivatives")):
        items = schedule(program)[0]
        places = range(len(found.program.statements)) if of else ()
        for turns in (item for item in items if isinstance(item, Loop)):
            if turns.indices.keys() & set(places):
                continue
            names = dict.fromkeys(program.statements[p].target.tensor for p in turns.indices)
            index = pen.indices((next(iter(turns.indices.values())),))
            way = "from the first on" if turns.step > 0 else "from the last back"
            yield (
                f"{', '.join(map(pen.name, names))}: a recurrence{of}. Its statements run for one "
                f"value of {index} after the other, {way}, in the order in which they are written."
            )
