"""`einsumgrad run`: what it prints, saves and refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from command_line import Save, Shell

import einsumgrad
from einsumgrad.cli.data import write_arrays

Array = npt.NDArray[Any]
EXAMPLES = Path(__file__).parent.parent / "examples"
SLIDE = "for b,i,j  h̃[b,j] += W[j,i] x[b,i]"
LOSS = "param w\nloss ℓ[b] = (w x[b])^2\noutput p[b]\np[b] = w x[b]"


def saved(path: Path) -> dict[str, Array]:
    with np.load(path) as found:
        return {name: found[name] for name in found.files}


def test_short_arrays_are_printed_whole(shell: Shell, save: Save) -> None:
    data = save(W=np.eye(2), x=np.array([[1.0, 2.0], [3.0, 4.0], [0.5, 0.25]]))
    done = shell("run", "-", "--data", data, stdin=SLIDE)
    assert done.code == 0
    assert done.out == "h̃ =\n[[1.  , 2.  ],\n [3.  , 4.  ],\n [0.5 , 0.25]]\n"


def test_scalars_and_rows_stand_in_one_line(shell: Shell, save: Save) -> None:
    data = save(x=np.array([1.0, 2.0]))
    done = shell("run", "-", "--data", data, stdin="s = Σ_b x[b]\ny[b] = 2 x[b]")
    assert done.out == "s = 3.\ny = [2., 4.]\n"


def test_large_arrays_are_summarised(shell: Shell, save: Save) -> None:
    x = np.zeros((10, 30), np.float32)
    x[0, 0], x[1, 0] = 3, -1.5
    done = shell("run", "-", "--data", save(x=x), stdin="y[b,k] = 2 x[b,k]")
    assert done.out == "y: float32, 10 × 30, min -3, mean 0.01, max 6\n"
    x[2] = np.nan
    done = shell("run", "-", "--data", save(x=x), stdin="y[b,k] = 2 x[b,k]")
    assert done.out.endswith("max 6, 30 not finite\n")
    done = shell("run", "-", "--data", save(x=np.zeros((0, 3))), stdin="y[b,k] = 2 x[b,k]")
    assert done.out == "y: float64, 0 × 3, no entries\n"
    done = shell("run", "-", "--data", save(x=np.full((9, 9), np.nan)), stdin="y[b,k] = 2 x[b,k]")
    assert done.out == "y: float64, 9 × 9, 81 not finite\n"


def test_gradients_of_a_loss(shell: Shell, save: Save, tmp_path: Path) -> None:
    data = save(w=np.array(3.0), x=np.array([1.0, 2.0]))
    done = shell("run", "-", "--data", data, "--grad", "--out", tmp_path / "o.npz", stdin=LOSS)
    assert done.code == 0
    assert done.out == "J = 22.5\np = [3., 6.]\nℓ = [ 9., 36.]\nw.grad = 15.\n"
    found = saved(tmp_path / "o.npz")
    assert {name: a.tolist() for name, a in found.items()} == {
        "J": 22.5, "p": [3.0, 6.0], "ℓ": [9.0, 36.0], "w.grad": 15.0,
    }  # fmt: skip
    done = shell("run", "-", "--data", data, "--grad", "--wrt", "x", stdin=LOSS)
    assert "x.grad = [18., 36.]" in done.out
    assert "w.grad" not in done.out


def test_gradients_without_a_loss_come_from_the_data(shell: Shell, save: Save) -> None:
    arrays = {"W": np.ones((1, 2)), "x": np.ones((1, 2))}
    for name in ("h̃.grad", "h_tilde.grad"):
        done = shell("run", "-", "--data", save(**arrays, **{name: np.full((1, 1), 5.0)}),
                     "--grad", "--wrt", "x,W", stdin=SLIDE)  # fmt: skip
        assert done.code == 0
        assert done.out == "h̃ =\n[[2.]]\nx.grad =\n[[5., 5.]]\nW.grad =\n[[5., 5.]]\n"
    done = shell("run", "-", "--data", save(**arrays), "--grad", stdin=SLIDE)
    assert done.code == 1
    assert "no array gives the gradient of an output" in done.err
    assert "give `h̃.grad`" in done.err
    wrong = save(**arrays, **{"h̃.grad": np.ones((2, 1))})
    done = shell("run", "-", "--data", wrong, "--grad", stdin=SLIDE)
    assert done.code == 1
    assert "sizes disagree" in done.err


def test_results_are_those_of_the_api(shell: Shell, tmp_path: Path) -> None:
    data = EXAMPLES / "data" / "digits_test.npz"
    out = tmp_path / "o.npz"
    done = shell("run", EXAMPLES / "mlp.ein", "--data", data, "--init", "--grad", "--out", out,
                 "--seed", "3")  # fmt: skip
    assert done.code == 0
    program = einsumgrad.load(EXAMPLES / "mlp.ein")
    arrays = saved(data)
    params = program.init(3, dtype="float32", x=arrays["x"])
    value, grads = program.value_and_grad(**arrays, **params)
    found = saved(out)
    assert found["J"] == value
    for name, gradient in grads.items():
        assert found[f"{name}.grad"].dtype == np.float32
        assert np.array_equal(found[f"{name}.grad"], gradient)


def test_parameters_are_started_where_no_file_gives_them(shell: Shell, save: Save) -> None:
    data = save(x=np.ones((2, 3), np.float32), b=np.ones(4, np.float32))
    text = "h[b,j] = Σ_i W[j,i] x[b,i] + b[j]\noutput h[b,j]"
    done = shell("run", "-", "--data", data, "--init", stdin=text)
    assert done.code == 0
    same = shell("run", "-", "--data", data, "--init", stdin=text)
    other = shell("run", "-", "--data", data, "--init", "--seed", "1", stdin=text)
    assert done.out == same.out != other.out
    done = shell("run", "-", "--data", data, stdin=text)
    assert done.code == 1
    assert "no array for parameter `W`" in done.err
    assert "`--init`" in done.err
    done = shell("run", "-", "--data", save(x=np.ones((2, 3))), "--init", stdin=text)
    assert done.code == 1
    assert "nothing gives the size `J`" in done.err


def test_a_program_that_needs_no_arrays(shell: Shell) -> None:
    done = shell("run", "-", stdin="batch none\nindex i : 4\nh[i] = i^2")
    assert (done.code, done.out) == (0, "h = [0, 1, 4, 9]\n")
    done = shell("run", "-", "--init", stdin="index i : 2\nparam c[i] = 3\nh[i] = c[i] i")
    assert (done.code, done.out) == (0, "h = [0., 3.]\n")


def test_dtype(shell: Shell, save: Save, tmp_path: Path) -> None:
    data = save(w=np.array(3.0), x=np.array([1.0, 2.0]))
    for dtype in ("float16", "float32", "float64"):
        out = tmp_path / "o.npz"
        done = shell("run", "-", "--data", data, "--grad", "--dtype", dtype, "--out", out,
                     stdin=LOSS)  # fmt: skip
        assert done.code == 0
        found = saved(out)
        assert {name: str(a.dtype) for name, a in found.items()} == {
            "J": "float64", "p": dtype, "ℓ": dtype, "w.grad": dtype,
        }  # fmt: skip


def test_noise_by_the_seed(shell: Shell, save: Save) -> None:
    text = "noise ε[b] ~ normal(1)\ny[b] = x[b] + ε[b]"
    data = save(x=np.zeros(3))
    one, same = (shell("run", "-", "--data", data, "--seed", "7", stdin=text) for _ in range(2))
    other = shell("run", "-", "--data", data, "--seed", "8", stdin=text)
    assert one.out == same.out != other.out


def test_names_of_options_may_be_names_of_tensors(shell: Shell, tmp_path: Path) -> None:
    text = "y[b] = seed x[b] + memory + file + self + wrt"
    names = {"seed": 2.0, "memory": 1.0, "self": 0.0, "wrt": 0.0}
    path = tmp_path / "d.npz"
    arrays = {**names, "file": 3.0, "x": np.array([1.0])}
    write_arrays(str(path), {name: np.asarray(value) for name, value in arrays.items()})
    done = shell("run", "-", "--data", path, "--out", tmp_path / "o.npz", stdin=text)
    assert (done.code, done.out) == (0, "y = [6.]\n")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"Wt": np.ones((2, 2)), "x": np.ones((2, 2))}, "did you mean `W`?"),
        ({"W": np.ones((2, 2)), "x": np.ones((2, 2)), "h̃": np.ones((2, 2))}, "is computed by"),
        ({"W": np.ones((2, 2)), "x": np.ones((2, 3))}, "sizes disagree"),
        (
            {"W": np.ones((2, 2)), "x": np.ones(2)},
            "has the shape [2], but `x` has 2 indices, [b,i]",
        ),
        ({"W": np.ones((2, 2)), "x": np.array([["a", "b"]])}, "holds text, no real numbers"),
        ({"W": np.ones((2, 2)), "x": np.ones((2, 2), complex)}, "holds complex128"),
        ({"W": np.ones((2, 2)), "x": np.ones((1, 2)), "h̃.grad": np.ones((1, 2))}, "`h̃.grad`"),
    ],
)
def test_arrays_that_do_not_fit(
    arrays: dict[str, Array], message: str, shell: Shell, save: Save
) -> None:
    done = shell("run", "-", "--data", save(**arrays), stdin=SLIDE)
    assert done.code == 1
    assert done.out == ""
    assert message in done.err


def test_no_two_files_give_one_array(shell: Shell, save: Save) -> None:
    one, two = save("one.npz", W=np.eye(2), x=np.eye(2)), save("two.npz", x=np.eye(2))
    done = shell("run", "-", "--data", one, "--data", two, stdin=SLIDE)
    assert done.code == 1
    assert "`x` is given twice" in done.err
    assert "one.npz" in done.err
    parts = save("one.npz", W=np.eye(2)), save("two.npz", x=np.eye(2))
    done = shell("run", "-", "--data", parts[0], "--data", parts[1], stdin=SLIDE)
    assert done.code == 0


def test_too_much_memory(shell: Shell, save: Save) -> None:
    data = save(x=np.ones(1000))
    text = "index b, b' : B\ns[b,b'] = exp(x[b] x[b'])"
    done = shell("run", "-", "--data", data, "--memory", "1MB", stdin=text)
    assert done.code == 1
    assert "E501" in done.err
    assert "`s` needs" in done.err
    assert shell("run", "-", "--data", data, "--memory", "40MB", stdin=text).code == 0
    done = shell("run", "-", "--data", data, "--memory", "1KB", stdin="y[b] = x[b]")
    assert done.code == 1
    assert "unpacks to" in done.err
    big = "index i : 10000, j : 100000\nparam W[i,j]\nh[b] = Σ_{i,j} W[i,j] x[b]"
    done = shell("run", "-", "--data", data, "--init", "--memory", "1GB", stdin=big)
    assert done.code == 1
    assert "`W` needs 7.5 GiB" in done.err
