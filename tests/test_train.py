"""Training: against PyTorch, on real data, batch by batch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.nn import functional
from trained import Array, arrays, epochs, example

import einsumgrad
from einsumgrad.train.examples import examples, take_data
from einsumgrad.train.optimizers import NAMES
from einsumgrad.train.training import SHUFFLE, Options, training

# ---- against PyTorch

PEERS: dict[str, Callable[[list[torch.Tensor]], torch.optim.Optimizer]] = {
    "sgd": lambda weights: torch.optim.SGD(weights, lr=0.5),
    "momentum": lambda weights: torch.optim.SGD(weights, lr=0.05, momentum=0.9),
    "adam": lambda weights: torch.optim.Adam(weights, lr=0.001),
}
"""Each optimizer of the package with its own step size, as PyTorch has it."""


def torch_weights(name: str, data: dict[str, Array], start: dict[str, Array]) -> dict[str, Array]:
    """The perceptron in PyTorch, trained for ten epochs on the batches that `training` draws."""
    w = {key: torch.tensor(value, requires_grad=True) for key, value in start.items()}
    x, y = torch.tensor(data["x"]), torch.tensor(data["y"])
    optimizer = PEERS[name](list(w.values()))
    shuffle = np.random.default_rng([0, SHUFFLE])
    steps = 0
    for _ in range(10):
        for chosen in torch.tensor(shuffle.permutation(len(y))).split(64):
            h = torch.sigmoid(x[chosen] @ w["W⁰"].T - w["b⁰"])
            s = torch.sigmoid(h @ w["W¹"].T - w["b¹"])
            optimizer.zero_grad()
            functional.cross_entropy(s, y[chosen]).backward()
            optimizer.step()
            steps += 1
    assert steps == 200
    return {key: value.detach().numpy() for key, value in w.items()}


@pytest.mark.parametrize("name", NAMES)
def test_200_batches_give_pytorchs_weights(name: str) -> None:
    data = arrays("digits_train", 1280)
    data["x"] = data["x"].astype(np.float64)
    program = example("mlp")
    start = program.init(3, **data)
    expected = torch_weights(name, data, start)
    run = training(program, data, init=start, options=Options(epochs=10, optimizer=name))
    list(run.run())
    assert run.point.step == 200
    for key, weight in expected.items():
        assert np.max(np.abs(weight - start[key])) > 1e-3
        np.testing.assert_allclose(run.params[key], weight, rtol=0, atol=1e-9, err_msg=key)


# ---- real data


def test_the_letters_of_words_are_better_than_their_frequencies() -> None:
    data, held = arrays("words_train"), arrays("words_test")
    counts = np.bincount(data["y"], minlength=26) + 1
    unigram = -np.log(counts / counts.sum())[held["y"]].mean()
    most = np.mean(held["y"] == counts.argmax())
    run = training(example("embedding"), data, held, options=Options(epochs=2, batch=128))
    *_, last = run.run()
    assert last.test_loss is not None
    assert last.accuracy is not None
    assert last.test_loss < 0.6 * unigram
    assert last.accuracy > 1.5 * most


def data_for(name: str) -> dict[str, Array]:
    rng = np.random.default_rng(1)
    if name == "vae":
        return {"x": arrays("digits_train", 300)["x"]}
    if name == "word2vec":
        near = rng.integers(0, 25, 300)
        return {"c": near, "o": near + 1, "neg": rng.integers(0, 26, (300, 4))}
    if name == "attention":
        x = rng.normal(size=(200, 6, 5))
        return {"x": x, "y": x.argmax(2)}
    return {"x": rng.normal(size=(200, 6)), "z": rng.normal(size=(200, 4))}


@pytest.mark.parametrize("optimizer", NAMES)
@pytest.mark.parametrize("name", ["vae", "word2vec", "attention", "contrastive"])
def test_other_examples_learn(name: str, optimizer: str) -> None:
    """A few epochs; word2vec and attention have names that an optimizer has too: v, and index t."""
    lr = 0.01 if optimizer == "adam" else 0.001 if name == "vae" else 0.05
    found = epochs(example(name), data_for(name), epochs=4, lr=lr, optimizer=optimizer)
    assert len(found) == 4
    assert found[-1].loss < found[0].loss
    assert (found[-1].accuracy is not None) == (name == "attention")


# ---- batches


def test_every_example_is_used_once_an_epoch_and_the_last_batch_is_short() -> None:
    """With w on the examples themselves, SGD on Σ w x is the sum of what each batch averaged."""
    program = einsumgrad.parse("loss ℓ[b] = w x[b]")
    x = 2.0 ** np.arange(7)
    run = training(program, {"x": x}, options=Options(batch=3, epochs=1, lr=1.0))
    (epoch,) = run.run()
    order = np.random.default_rng([0, SHUFFLE]).permutation(7)
    assert order.tolist() != list(range(7))
    means = [x[order[k : k + 3]].mean() for k in (0, 3, 6)]
    assert epoch.steps == 3
    np.testing.assert_allclose(run.params["w"], -sum(means), rtol=1e-12)


def test_an_epochs_loss_weighs_the_short_batch_by_its_examples() -> None:
    program = einsumgrad.parse("loss ℓ[b] = x[b] + 0 w")
    (epoch,) = epochs(program, {"x": np.arange(5.0)}, batch=3, epochs=1)
    assert epoch.loss == epoch.test_loss == 2.0


def test_arrays_are_split_along_every_batch_axis_and_others_are_whole() -> None:
    program = einsumgrad.parse(
        "index b, b' : B\ninput m[b,b'], x[i,b], k[i]\nloss ℓ[b] = Σ_i w[i] k[i] x[i,b] + 0 m[b,b]"
    )
    data = {"m": np.arange(16.0).reshape(4, 4), "x": np.arange(8.0).reshape(2, 4), "k": np.ones(2)}
    taken = take_data(program.ir, data)
    found = examples(program.ir, taken, {"w": np.zeros(2)}).rows(np.array([3, 1]))
    np.testing.assert_array_equal(found["m"], data["m"][[3, 1]][:, [3, 1]])
    np.testing.assert_array_equal(found["x"], data["x"][:, [3, 1]])
    np.testing.assert_array_equal(found["k"], data["k"])


def test_a_program_without_a_batch_takes_full_steps() -> None:
    program = einsumgrad.parse("batch none\ninput x[n]\nloss ℓ = Σ_n (x[n] - m)^2")
    x = np.array([1.0, 2.0, 6.0])
    run = training(program, {"x": x}, options=Options(epochs=3, lr=0.25))
    assert run.steps == 1
    assert [e.steps for e in run.run()] == [1, 1, 1]
    expected = 0.0
    for _ in range(3):
        expected -= 0.25 * 2 * (3 * expected - x.sum())
    np.testing.assert_allclose(run.params["m"], expected, rtol=1e-12)


def test_noise_is_new_every_step_and_the_same_for_a_seed() -> None:
    program = einsumgrad.parse("noise ε[b] ~ normal(1)\nloss ℓ[b] = x[b] w ε[b]")
    data = {"x": np.ones(64)}

    def steps(seed: int) -> list[float]:
        run = training(program, data, options=Options(epochs=3, lr=1.0, seed=seed))
        values = [float(run.params["w"]) for _ in run.run()]
        return [b - a for a, b in zip([0.0, *values], values, strict=False)]

    first = steps(0)
    assert len({round(step, 9) for step in first}) == 3
    assert steps(0) == first
    assert steps(1) != first


def test_a_drawn_constant_is_drawn_once() -> None:
    program = einsumgrad.parse("const c ~ normal(1)\nloss ℓ[b] = c w x[b]")
    run = training(program, {"x": np.ones(4)}, options=Options(epochs=3, lr=1.0))
    w = [float(run.params["w"]) for _ in run.run()]
    np.testing.assert_allclose(np.diff([0.0, *w]), [w[0]] * 3, rtol=1e-12)
    assert w[0] != 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_parameters_have_the_datas_dtype(dtype: str) -> None:
    data = arrays("digits_train", 100)
    data["x"] = data["x"].astype(dtype)
    for optimizer in NAMES:
        params = einsumgrad.fit(example("mlp"), data, epochs=1, optimizer=optimizer)
        assert {array.dtype.name for array in params.values()} == {dtype}
    other = "float64" if dtype == "float32" else "float32"
    params = einsumgrad.fit(example("mlp"), data, epochs=1, dtype=other)
    assert {array.dtype.name for array in params.values()} == {other}


def test_arguments_are_left_alone() -> None:
    data = arrays("digits_train", 50)
    program = example("mlp")
    start = program.init(0, dtype="float32", **data)
    before = {key: array.copy() for key, array in {**data, **start}.items()}
    for array in (*data.values(), *start.values()):
        array.flags.writeable = False
    found = einsumgrad.fit(program, data, init=start, epochs=2)
    for key, array in {**data, **start}.items():
        np.testing.assert_array_equal(array, before[key])
    assert not any(np.shares_memory(found[key], start[key]) for key in start)


def test_the_same_seed_gives_the_same_run() -> None:
    data = arrays("digits_train", 200)
    first = einsumgrad.fit(example("mlp"), data, epochs=2, seed=5)
    again = einsumgrad.fit(example("mlp"), data, epochs=2, seed=5)
    other = einsumgrad.fit(example("mlp"), data, epochs=2, seed=6)
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
    assert np.any(first["W⁰"] != other["W⁰"])


def test_test_data_takes_the_rest_from_the_training_data() -> None:
    """Arrays without the batch index, under either spelling; those of the test data go first."""
    program = einsumgrad.parse("input x[b], κ\nloss ℓ[b] = κ x[b] + 0 w")
    data = {"x": np.ones(3), "κ": np.array(2.0)}
    for given, expected in (({}, 20.0), ({"kappa": np.array(3.0)}, 30.0)):
        test = {"x": np.full(5, 10.0), **given}
        (epoch,) = training(program, data, test, options=Options(epochs=1)).run()
        assert (epoch.loss, epoch.test_loss) == (2.0, expected)


def test_a_run_goes_on_from_its_own_parameters() -> None:
    """Any prefix of a run is the run itself: two epochs and four begin alike."""
    data = arrays("digits_train", 200)
    long = [epoch.loss for epoch in epochs(example("mlp"), data, epochs=4, seed=2)]
    short = [epoch.loss for epoch in epochs(example("mlp"), data, epochs=2, seed=2)]
    assert long[:2] == short


def test_parameters_may_bear_the_names_of_options() -> None:
    program = einsumgrad.parse("loss ℓ[b] = (seed x[b] - memory)^2")
    start = {"seed": np.array(2.0), "memory": np.array(0.5)}
    data = {"x": np.arange(3.0)}
    found = einsumgrad.fit(program, data, init=start, epochs=200, batch=3, lr=0.1)
    assert found["seed"] == pytest.approx(0.0, abs=1e-3)
