"""Training: minibatches, gradients, and the update statements of an optimizer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import Any

import numpy as np
import numpy.typing as npt

from einsumgrad.api import Program
from einsumgrad.arrays import floating
from einsumgrad.check.sizes import sizes_given
from einsumgrad.data_faults import NoLoss
from einsumgrad.diagnostics import EinError
from einsumgrad.ir import nodes as ir
from einsumgrad.record import record, replace
from einsumgrad.steps.starts import fill
from einsumgrad.train.classifier import Judge, judge
from einsumgrad.train.examples import Examples, examples, take_data
from einsumgrad.train.faults import BadOption, Diverged, NotParameter
from einsumgrad.train.optimizers import read_optimizer
from einsumgrad.train.rule import GRAD
from einsumgrad.train.update import Update, make_update
from einsumgrad.wrt import aliases

Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]
SHUFFLE, NOISE = 1, 2
"""Streams of random numbers of one seed; parameters start from the seed itself."""

DTYPES = (None, "float16", "float32", "float64")


@record
class Options:
    """How to train. `lr`: the optimizer's η, None for its own. `optimizer`: sgd, momentum, adam or
    a `.ein` file. `dtype`: None for that of the data. `memory`: bytes, None for what is free.

    Raises EinError for values that mean nothing."""

    batch: int = 64
    epochs: int = 20
    lr: float | None = None
    optimizer: str = "sgd"
    seed: int = 0
    dtype: str | None = None
    memory: int | None = None

    def __post_init__(self) -> None:
        wrong = {
            "batch": (self.batch < 1, "1 or more"),
            "epochs": (self.epochs < 0, "0 or more"),
            "seed": (self.seed < 0, "0 or more"),
            "lr": (self.lr is not None and not math.isfinite(self.lr), "a finite number"),
            "dtype": (self.dtype not in DTYPES, "float16, float32 or float64"),
        }
        faults = [
            BadOption(name=name, value=getattr(self, name), wanted=wanted)
            for name, (bad, wanted) in wrong.items()
            if bad
        ]
        if faults:
            raise EinError(*faults)


@record
class Epoch:
    """Figures of an epoch, from 1. `loss`: the mean over the examples seen, each as it was before
    the step that learned from it. `test_loss` and `accuracy` are those of the test data."""

    number: int
    steps: int
    loss: float
    seconds: float
    test_loss: float | None = None
    accuracy: float | None = None


@record
class Point:
    """Where training has come to: parameters, the optimizer's own tensors, steps done."""

    params: Arrays
    states: Arrays
    step: int = 0


@record(frozen=False)
class Running:
    """Sums over an epoch that is under way."""

    number: int
    began: float
    steps: int = 0
    seen: int = 0
    total: float = 0.0

    def add(self, loss: float, count: int) -> None:
        self.steps, self.seen, self.total = self.steps + 1, self.seen + count, self.total + loss

    @property
    def loss(self) -> float:
        return self.total / self.seen if self.seen else math.nan


Watch = Callable[[Running], None]


@record(frozen=False)
class Training:
    """A training run. `point` is always one that whole steps led to, so that a run that is stopped
    anywhere keeps what it learned."""

    program: Program
    options: Options
    update: Update
    data: Examples
    test: Examples | None
    judge: Judge
    given: Arrays
    point: Point
    running: Running = field(default_factory=lambda: Running(0, time.perf_counter()))

    @property
    def params(self) -> dict[str, Array]:
        """The parameters as they are now."""
        return dict(self.point.params)

    @property
    def steps(self) -> int:
        """The steps of an epoch."""
        return -(-self.data.count // self.options.batch)

    def run(self, watch: Watch = lambda _running: None) -> Iterator[Epoch]:
        """Trains, and gives the figures of each epoch; `watch` sees every step.

        Raises EinError if the loss is not a number any more."""
        shuffle = np.random.default_rng([self.options.seed, SHUFFLE])
        noise = np.random.default_rng([self.options.seed, NOISE])
        for number in range(1, self.options.epochs + 1):
            self.running = Running(number, time.perf_counter())
            for chosen in self.data.batches(self.options.batch, shuffle):
                self._step(chosen, int(noise.integers(2**63)))
                watch(self.running)
            yield self.report()

    def report(self) -> Epoch:
        """The figures of the epoch that is under way, or has just ended."""
        now, done = self.running, time.perf_counter()
        found = Epoch(now.number, now.steps, now.loss, done - now.began)
        if self.test is None:
            return found
        options = self.options
        scores = self.judge.scores(
            self.point.params, self.test, options.batch, options.seed, options.memory
        )
        return replace(found, test_loss=scores.loss, accuracy=scores.accuracy)

    def _step(self, chosen: Array, seed: int) -> None:
        """One batch: its gradients, then the update statements."""
        params, memory = self.point.params, self.options.memory
        arrays = self.data.rows(chosen)
        try:
            loss, grads = self.program.value_and_grad(
                {**params, **arrays}, wrt=self._slopes, seed=seed, memory=memory
            )
        except EinError as error:
            raise self.data.placed(error, chosen) from None
        step = self.point.step + 1
        if math.isnan(loss):
            self._diverged(step)
        kept = self.update.after({**params, **self.point.states}, grads, self.given, step, memory)
        self.point = Point(
            {name: kept[name] for name in params},
            {name: kept[name] for name in self.point.states},
            step,
        )
        self.running.add(loss * len(chosen), len(chosen))

    @property
    def _slopes(self) -> tuple[str, ...]:
        """The parameters whose gradient the optimizer reads."""
        return tuple(n for n in self.program.params if n + GRAD in self.update.takes)

    def _diverged(self, step: int) -> None:
        raise EinError(Diverged(step=step, epoch=self.running.number))


def training(
    program: Program,
    data: Mapping[str, Any],
    test: Mapping[str, Any] | None = None,
    init: Mapping[str, Any] | None = None,
    options: Options | None = None,
) -> Training:
    """A training run, ready to start. `data` and `test`: arrays by name, examples along the batch
    axis, tensors without it given whole. `init`: parameters to start from, the others start as
    `program.init` starts them.

    Raises EinError for data that does not fit the program, and for an optimizer that is wrong."""
    options = options or Options()
    if program.loss is None:
        raise EinError(NoLoss())
    update = make_update(program.ir, read_optimizer(options.optimizer))
    arrays = take_data(program.ir, data, _parameters(program, init or {}))
    dtype = options.dtype or _dtype(arrays, program.params)
    params = _started(program, arrays, options.seed, dtype)
    rest = {name: array for name, array in arrays.items() if name not in params}
    rest |= _constants(program.ir, {**rest, **params}, options.seed)
    held = examples(program.ir, _cast(rest, dtype), params)
    tested = None if test is None else _tested(program.ir, held, test, params, dtype)
    given = update.constants(params, options.lr, dtype)
    point = Point(params, update.zeros(params, dtype))
    return Training(program, options, update, held, tested, judge(program.ir), given, point)


def _parameters(program: Program, init: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same arrays. Raises EinError for one that is no parameter."""
    spelled = aliases(program.ir)
    hint = f"parameters are {', '.join(program.params)}"
    odd = [name for name in init if spelled.get(name) not in program.params]
    if odd:
        raise EinError(*(NotParameter(name=name, hint=hint) for name in odd))
    return init


def _dtype(arrays: Arrays, params: tuple[str, ...]) -> str:
    """The floating dtype of the data; if it has none, that of given parameters."""
    data = {name: array for name, array in arrays.items() if name not in params}
    return floating(data if any(a.dtype.kind == "f" for a in data.values()) else arrays)


def _cast(arrays: Arrays, dtype: str) -> dict[str, Array]:
    """The arrays with floating numbers as that dtype."""
    return {
        name: array.astype(dtype, copy=False) if array.dtype.kind == "f" else array
        for name, array in arrays.items()
    }


def _started(program: Program, arrays: Arrays, seed: int, dtype: str) -> dict[str, Array]:
    """The parameters as given, the others as they start."""
    given = {name: arrays[name].astype(dtype) for name in program.params if name in arrays}
    if len(given) == len(program.params):
        return given
    return program.init(seed, dtype=dtype, **arrays) | given


def _constants(program: ir.Program, arrays: Arrays, seed: int) -> dict[str, Array]:
    """The constants that a declaration starts, drawn once for the whole run."""
    sizes = sizes_given(program, {}, {name: array.shape for name, array in arrays.items()})
    tensors = (t for t in program.tensors if t.kind == "const" and t.name not in arrays)
    known = tuple(t for t in tensors if all(i is not None and i.size in sizes for i in t.axes))
    return fill(replace(program, tensors=known), {}, sizes, seed, "float64")


def _tested(
    program: ir.Program, held: Examples, test: Mapping[str, Any], params: Arrays, dtype: str
) -> Examples:
    """The test data; arrays without a batch axis that it lacks are those of the training data."""
    spelled = aliases(program)
    known = {*held.axes, *(spelled.get(name) for name in test)}
    whole = {name: array for name, array in held.arrays.items() if name not in known}
    arrays = take_data(program, {**whole, **test})
    return examples(program, _cast(arrays, dtype), params, "test")


def fit(
    program: Program,
    data: Mapping[str, Any],
    *,
    test: Mapping[str, Any] | None = None,
    init: Mapping[str, Any] | None = None,
    watch: Callable[[Epoch], None] | None = None,
    **options: Any,
) -> dict[str, Array]:
    """The trained parameters. `watch` is called with the figures of each epoch, `print` for one;
    `options` are those of `Options`: batch, epochs, lr, optimizer, seed, dtype, memory.

    >>> import einsumgrad as eg
    >>> program = eg.parse("loss ℓ[b] = (w x[b] - y[b])^2")
    >>> params = fit(program, {"x": [1., 2.], "y": [2., 4.]}, epochs=50, lr=0.1)
    >>> round(float(params["w"]), 6)
    2.0
    """
    run = training(program, data, test, init, Options(**options))
    for epoch in run.run():
        if watch is not None:
            watch(epoch)
    return run.params
