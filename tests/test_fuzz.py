"""Whole random programs: what runs is what the loops mean, and derivatives are differences.

`pytest --programs N` sets how many programs each property sees; `pytest -m fuzz --programs N` holds
N programs against all properties at once and shows how far it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import oracle
import pytest
from hypothesis import HealthCheck, Phase, assume, event, given, note, settings
from hypothesis import strategies as st
from nested import mixed
from programs import Sample, programs

import einsumgrad
from einsumgrad.check.sizes import bind_sizes
from einsumgrad.derive.reverse import reverse
from einsumgrad.ir import nodes as ir
from einsumgrad.ir.verify import verify
from einsumgrad.rewrite.edit import completed
from einsumgrad.rewrite.passes import PASSES

Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]


class Trial:
    """A sample with what the loops and the package make of it."""

    def __init__(self, sample: Sample) -> None:
        self.sample = sample
        self.program = einsumgrad.parse(sample.text)
        self.ir: ir.Program = self.program.ir

    def loops(self, program: ir.Program, arrays: Arrays) -> dict[str, Array]:
        """The oracle's tensors; a program whose values are not finite is drawn again."""
        values = oracle.run(program, arrays, self.sizes(program, arrays))
        assume(all(np.all(np.isfinite(values[name])) for name in returned(program)))
        return values

    def sizes(self, program: ir.Program, arrays: Arrays) -> dict[str, int]:
        """The sample's, and those of axes that only a derived program has a name for."""
        found = bind_sizes(program, {name: array.shape for name, array in arrays.items()})
        return {**found, **self.sample.sizes}

    @cached_property
    def values(self) -> dict[str, Array]:
        return self.loops(self.ir, self.sample.arrays)

    @cached_property
    def weights(self) -> dict[str, Array]:
        """The `.grad` that the sweep starts from: ones for a loss, else random ones."""
        rng = np.random.default_rng(0)
        if self.ir.loss:
            return {self.ir.loss: np.ones_like(self.values[self.ir.loss])}
        return {name: rng.normal(size=self.values[name].shape) for name in self.ir.outputs}

    @cached_property
    def backward_arrays(self) -> dict[str, Array]:
        """What a derived program takes."""
        seeds = {} if self.ir.loss else {f"{n}.grad": w for n, w in self.weights.items()}
        return {**self.sample.arrays, **seeds}

    @cached_property
    def gradients(self) -> dict[str, Array]:
        if self.ir.loss:
            found = self.program.value_and_grad(**self.sample.arrays, wrt=self.sample.wrt)[1]
        else:
            found = self.program.vjp(self.weights, wrt=self.sample.wrt, **self.sample.arrays)
        assert set(found) == set(self.sample.wrt)
        return dict(found)

    @cached_property
    def derived(self) -> einsumgrad.Program:
        found = self.program.derive(wrt=self.sample.wrt)
        verify(found.ir, "derive")
        return found

    @cached_property
    def reread(self) -> einsumgrad.Program:
        """The derived program, printed and read again."""
        note(str(self.derived))
        return einsumgrad.parse(str(self.derived))

    def per_example(self, name: str) -> int:
        """The factor between a tensor's `.grad` and the derivative of J by it (LANGUAGE §8)."""
        batched = self.ir.batch is not None and self.ir.tensor(name).batched
        return self.sample.sizes[self.ir.batch.size] if self.ir.batch and batched else 1

    def objective(self, values: Arrays) -> float:
        """J: the mean over the batch of a batched loss; without a loss, what makes each output's
        `.grad` the given one."""
        return sum(
            float(np.sum(values[name] * weight)) / self.per_example(name)
            for name, weight in self.weights.items()
        )


Property = Callable[[Trial], None]


def returned(program: ir.Program) -> tuple[str, ...]:
    return (*program.outputs, *([program.loss] if program.loss else []))


def close(found: Arrays, expected: Arrays, names: tuple[str, ...]) -> None:
    """Equal to 1e-9 of the largest entry: sums may cancel in another order."""
    for name in names:
        assert np.shape(found[name]) == expected[name].shape, name
        scale = 1e-9 * max(0.01, float(np.max(np.abs(expected[name]), initial=0.0)))
        np.testing.assert_allclose(found[name], expected[name], 1e-9, scale, err_msg=name)


def runs_as_its_loops(trial: Trial) -> None:
    names, arrays = returned(trial.ir), trial.sample.arrays
    before = {name: array.copy() for name, array in arrays.items()}
    expected = trial.values
    found = trial.program.run(**arrays)
    assert set(found) == set(names)
    close(found, expected, names)
    close(arrays, before, tuple(before))
    shapes = {name: array.shape for name, array in arrays.items()}
    assert bind_sizes(trial.ir, shapes).items() <= trial.sample.sizes.items()


def derivatives_are_differences(trial: Trial) -> None:
    """Along a random direction of each tensor, by differences of the oracle's values."""
    if not trial.sample.wrt:
        event("nothing to derive by")
    for name in trial.sample.wrt:
        array, gradient = trial.sample.arrays[name], trial.gradients[name]
        assert np.shape(gradient) == array.shape, name
        direction = np.random.default_rng(1).normal(size=array.shape)
        expected, off = difference(trial, name, direction)
        assert off <= 1e-4 * (1 + abs(expected)), f"{name}: differences are off by {off}"
        along = float(np.sum(gradient * direction))
        if abs(along - expected) > 1e-5 * abs(expected) + off + 1e-8:
            pytest.fail(f"{name}.grad is\n{gradient}, should be\n{entrywise(trial, name)}")


def difference(trial: Trial, name: str, direction: Array) -> tuple[float, float]:
    """What `.grad` should be along a direction, and how far that may be off."""
    sample, base = trial.sample, trial.values

    def moved(entries: Array) -> float:
        arrays = {**sample.arrays, name: entries}
        return trial.objective(oracle.run(trial.ir, arrays, sample.sizes, base))

    derivative, off = oracle.central_difference(moved, sample.arrays[name], direction)
    factor = trial.per_example(name)
    return factor * derivative, factor * off


def entrywise(trial: Trial, name: str) -> Array:
    """The whole `.grad` by differences, for a reader of a failure."""
    found = np.zeros(trial.sample.arrays[name].shape)
    for place in np.ndindex(found.shape):
        direction = np.zeros(found.shape)
        direction[place] = 1.0
        found[place] = difference(trial, name, direction)[0]
    return found


def prints_as_it_reads(trial: Trial) -> None:
    assert einsumgrad.parse(str(trial.program)).ir == trial.ir
    if trial.sample.wrt:
        assert trial.reread.ir == trial.derived.ir


def derived_program_runs_as_printed(trial: Trial) -> None:
    if not trial.sample.wrt:
        return
    derived, reread = trial.derived, trial.reread
    found = {f"{name}.grad": gradient for name, gradient in trial.gradients.items()}
    names = returned(derived.ir)
    assert found.keys() <= set(names)
    takes = {tensor.name for tensor in derived.ir.tensors}
    arrays = {name: array for name, array in trial.backward_arrays.items() if name in takes}
    assert trial.sample.arrays.keys() <= arrays.keys()
    expected = trial.loops(derived.ir, arrays)
    close(found, expected, tuple(found))
    close(derived.run(**arrays), expected, names)
    close(reread.run(**arrays), expected, names)


def passes_keep_the_meaning(trial: Trial) -> None:
    if not trial.sample.wrt:
        return
    derived = reverse(trial.ir, trial.sample.wrt)
    expected = trial.loops(derived, trial.backward_arrays)
    for name, rewrite in PASSES:
        before, derived = derived, completed(rewrite(derived))
        if derived.statements == before.statements:
            continue
        note(f"after {name}")
        sizes = trial.sizes(derived, trial.backward_arrays)
        found = oracle.run(derived, trial.backward_arrays, sizes)
        close(found, expected, returned(derived))


def tangents_are_transposed_gradients(trial: Trial) -> None:
    """⟨ū, J v⟩ = ⟨Jᵀū, v⟩, of which the right side is held against differences."""
    if not trial.sample.wrt:
        return
    rng = np.random.default_rng(2)
    moved = {n: rng.normal(size=trial.sample.arrays[n].shape) for n in trial.sample.wrt}
    outputs, tangents = trial.program.jvp(moved, **trial.sample.arrays)
    close(outputs, trial.values, returned(trial.ir))
    assert {n: a.shape for n, a in tangents.items()} == {n: a.shape for n, a in outputs.items()}
    terms = [trial.gradients[n] * v / trial.per_example(n) for n, v in moved.items()]
    size = sum(float(np.sum(np.abs(term))) for term in terms)
    expected = sum(float(np.sum(term)) for term in terms)
    assert abs(trial.objective(tangents) - expected) <= 1e-9 * max(0.01, size)


def forward_program_runs_as_printed(trial: Trial) -> None:
    if not trial.sample.wrt:
        return
    derived = trial.program.derive_forward(wrt=trial.sample.wrt)
    note(str(derived))
    reread = einsumgrad.parse(str(derived))
    assert reread.ir == derived.ir
    takes = {tensor.name for tensor in derived.ir.tensors}
    rng = np.random.default_rng(3)
    moved = {f"{n}.dot": rng.normal(size=trial.sample.arrays[n].shape) for n in trial.sample.wrt}
    arrays = {n: a for n, a in {**trial.sample.arrays, **moved}.items() if n in takes}
    expected = trial.loops(derived.ir, arrays)
    close(reread.run(**arrays), expected, returned(derived.ir))


PROPERTIES: dict[str, Property] = {
    "run": runs_as_its_loops,
    "differences": derivatives_are_differences,
    "printing": prints_as_it_reads,
    "derived": derived_program_runs_as_printed,
    "passes": passes_keep_the_meaning,
    "tangents": tangents_are_transposed_gradients,
    "forward": forward_program_runs_as_printed,
}
SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)


def hold(
    properties: Mapping[str, Property],
    samples: st.SearchStrategy[Sample],
    count: int,
    watch: Callable[[], None] | None = None,
) -> None:
    """All the properties on `count` samples: the same ones in each run of the tests, so that a
    change is judged by itself, but drawn anew where somebody watches."""

    @settings(
        max_examples=count, deadline=None, database=None, suppress_health_check=SLOW,
        phases=(Phase.generate, Phase.shrink), derandomize=watch is None,
    )  # fmt: skip
    @given(samples)
    def holds(sample: Sample) -> None:
        if watch is not None:
            watch()
        trial = Trial(sample)
        for name, check in properties.items():
            note(f"property: {name}")
            check(trial)

    holds()


def wanted(config: pytest.Config) -> int:
    return int(config.getoption("--programs"))


@pytest.mark.sentence(0, "**Loop meaning.**")
@pytest.mark.parametrize("name", PROPERTIES)
def test_random_programs(name: str, pytestconfig: pytest.Config) -> None:
    hold({name: PROPERTIES[name]}, programs(), wanted(pytestconfig))


def test_programs_over_empty_ranges_run(pytestconfig: pytest.Config) -> None:
    hold({"run": runs_as_its_loops}, programs(empty=True), wanted(pytestconfig))


@pytest.mark.fuzz
def test_as_many_programs_as_asked_for(pytestconfig: pytest.Config) -> None:
    count, done = wanted(pytestconfig), 0
    reporter = pytestconfig.pluginmanager.get_plugin("terminalreporter")

    def watch() -> None:
        nonlocal done
        done += 1
        if done % 100 == 0 and reporter is not None:
            reporter.write_line(f"{done} of {count} programs")

    hold(PROPERTIES, mixed(), count, watch)
