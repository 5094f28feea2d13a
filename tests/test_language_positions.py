"""Sections 6 and 7 of the language page: index expressions and recurrences."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from command_line import Shell
from meaning import Array, close, gradient, refused, value
from sentences import programs

import einsumgrad
from einsumgrad.verify.verify import verify

RNG = np.random.default_rng(0)
X, Z = RNG.normal(size=5), RNG.normal(size=(5, 9))

# ---- section 6

POSITION = "An index position holds an affine expression"


@pytest.mark.sentence(6, POSITION)
def test_affine_positions() -> None:
    text = "index p : 3, k : 3\nr[b,p,k] = z[b,2p+k-1]"
    expected = [[[z[2 * p + k - 1] if 2 * p + k else 0 for k in range(3)] for p in range(3)]
                for z in Z]  # fmt: skip
    close(value(text, z=Z), expected)
    close(value("index h : 3, d : 3\nr[b,h,d] = z[b,D h + d]", z=Z), Z.reshape(5, 3, 3))
    close(value("index t : 9\ninput z[b,t]\nr[b] = z[b,T-1] + z[b,2]", z=Z), Z[:, 8] + Z[:, 2])


@pytest.mark.sentence(6, POSITION)
def test_gathered_positions() -> None:
    E, w = RNG.normal(size=(4, 2)), np.array([[0, 3, 3], [1, 0, 2]])
    close(value("h[b,t,k] = E[w[b,t], k]", E=E, w=w), E[w])
    y = np.array([8, 0, 3, 3, 1])
    close(value("r[b] = P[b, y[b]]", P=Z, y=y), Z[np.arange(5), y])
    close(value("n[b] = argmax_i P[b,i]\nr[b] = P[b, n[b]]", P=Z), Z.max(1))
    refused("input x[b]\nn[b] = x[b] / 2\nr[b] = P[b, n[b]]")


@pytest.mark.sentence(6, POSITION)
def test_whole_numbers_as_positions() -> None:
    """Sums, products, powers and maxima of whole numbers are whole; a part or a mean is not."""
    z, v = np.array([[1.0, 2, 3], [3, 4, 5]]), np.arange(65) ** 2.0
    count = (z > 2).sum(1)
    for n, expected in {
        "Σ_i [z[b,i] > 2]": count,
        "max_i (i [z[b,i] < 3])": [1, 0],
        "Π_i (1 + [z[b,i] > 2])^2": 4**count,
    }.items():
        close(value(f"n[b] = {n}\nr[b] = v[n[b]]", z=z, v=v), v[expected])
    for n in ("mean_i [z[b,i] > 2]", "1/2 Σ_i i [z[b,i] > 2]", "Σ_i z[b,i]"):
        assert "E222" in refused(f"n[b] = {n}\nr[b] = v[n[b]]", z=z, v=v)


@pytest.mark.sentence(6, "A size that nothing declares")
@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (1, 1), (9, 1), (3, 2), (4, 2), (2, 3)])
def test_an_inferred_size(kernel: int, stride: int) -> None:
    size = (9 - kernel) // stride + 1
    w = RNG.normal(size=kernel)
    expected = [[z[stride * p : stride * p + kernel] @ w for p in range(size)] for z in Z]
    close(value(f"y[b,p] += x[b,{stride}p+k] w[k]", x=Z, w=w), expected)
    assert len(expected[0]) == (9 - kernel + 1 if stride == 1 else size)


@pytest.mark.sentence(6, "A size that nothing declares")
def test_an_inferred_size_in_the_position(shell: Shell) -> None:
    """It may stand beside the index, or be a factor of another one."""
    close(value("y[b,p] = x[b,P-1-p]", x=Z), Z[:, ::-1])
    close(value("y[b,p] = x[b,2P-1-p]", x=Z), Z[:, 7:3:-1])
    close(value("y[b,p] = x[b,P-3+p]", x=Z), Z[:, 3:])
    close(value("index h : 3\ny[b,h,d] = x[b,D h+d]", x=Z), Z.reshape(5, 3, 3))
    close(value("index d : 4\ny[b,h,d] = x[b,D h+d]", x=Z), Z[:, :8].reshape(5, 2, 4))
    close(gradient("y[b,p] = x[b,P-1-p]^2", "x", x=Z), 2 * Z)
    assert "note" not in shell("check", "-", stdin="input x[b,i]\ny[b,p] = x[b,P-1-p]").text
    both = refused("y[b,h,d] = x[b,D h+d]", x=Z)
    assert both.count("E232") == 2
    assert "give an array" not in both


OUTSIDE = "A read outside a tensor is 0"


@pytest.mark.sentence(6, OUTSIDE)
def test_a_read_outside() -> None:
    text = "index p : 5, k : 3\ninput x[i]\n"
    close(value(text + "r[p,k] = x[p+k-1]", x=X)[:, 0], [0, *X[:4]])
    low = X - 10
    padded = np.array([-np.inf, *low, -np.inf])
    near = np.lib.stride_tricks.sliding_window_view(padded, 3)
    for statement in ("r[p] = max_k x[p+k-1]", "for p,k  r[p] max= x[p+k-1]"):
        close(value(text + statement, x=low), near.max(1))
    close(value(text + "r[p] = min_k x[p+k-1]", x=-low), (-near).min(1))
    weights = np.exp(near)
    close(value(text + "r[p] = logsumexp_k x[p+k-1]", x=low), np.log(weights.sum(1)))
    weights /= weights.sum(1, keepdims=True)
    close(value(text + "r[p,k] = softmax_k x[p+k-1]", x=low), weights)


@pytest.mark.sentence(6, "So a convolution is padded")
def test_padding() -> None:
    w, c = RNG.normal(size=3), RNG.normal(size=9)
    expected = np.array([np.convolve(z, w[::-1], "same") for z in Z])
    text = "for b,p,k  y[b,p] += x[b,p+k-1] w[k]"
    close(value(f"index p : 9\n{text}", x=Z, w=w), expected)
    close(value(f"{text}\nu[b,p] = y[b,p] c[p]", x=Z, w=w, c=c), expected * c)


PADDED = "index p : 28, k : 3\nfor b,p,k  y[b,p] += x[b,p+k-1] w[k]\n"


@pytest.mark.sentence(6, "`check` and `compile` note")
def test_reads_outside_are_noted(shell: Shell) -> None:
    for command in ("check", "compile"):
        done = shell(command, "-", stdin=PADDED)
        assert done.code == 0
        assert "`x[b,p+k-1]` is outside" in done.text
        strict = shell(command, "-", "--strict", stdin=PADDED)
        assert strict.code == 1
        assert "error" in strict.err
        assert "`x[b,p+k-1]`" in strict.err
        inside = shell(command, "-", "--strict", stdin=PADDED[20:].replace("-1", ""))
        assert (inside.code, "note" in inside.text) == (0, False)


@pytest.mark.sentence(6, "A gathered value outside its range")
@pytest.mark.parametrize("wrong", [4, -1, 99])
def test_a_gathered_value_outside(wrong: int, shell: Shell, tmp_path: Path) -> None:
    text, E = "u[b] = 2 c[b]\nh[b,t,k] = E[w[b,2t],k]", np.ones((4, 2))
    arrays = {"E": E, "w": np.array([[0, 0, 0], [0, 0, wrong], [3, 0, 0]]), "c": np.ones(3)}
    told = refused(text, **arrays)
    assert f"`w[1,2]` is {wrong}" in told
    assert "`E`" in told
    np.savez(tmp_path / "d.npz", **arrays)
    done = shell("run", "-", "--data", tmp_path / "d.npz", stdin=text)
    assert (done.code, done.out) == (1, "")


# ---- section 7

(NETWORK,) = map(dedent, programs(7))


def drawn(steps: int = 4) -> dict[str, Array]:
    return {
        "x": RNG.normal(size=(2, steps, 3)), "W": RNG.normal(size=(5, 3)),
        "U": RNG.normal(size=(5, 5)), "c": RNG.normal(size=5),
    }  # fmt: skip


def states(arrays: dict[str, Array], start: Array) -> Array:
    """The network of section 7, step by step."""
    h, found = start, []
    for t in range(arrays["x"].shape[1]):
        h = np.tanh(arrays["x"][:, t] @ arrays["W"].T + h @ arrays["U"].T - arrays["c"])
        found.append(h)
    return np.stack(found, axis=1)


@pytest.mark.parametrize(
    ("text", "sizes", "loaded"),
    [
        ("q[b,t,d] = Σ_e W[8t+d,e] x[b,t,e]", "b=8,e=3,d=3,t=4", "27×3 float64  load W"),
        ("y[b,p] += x[b,p+k] w[k]", "b=2,p=3,k=2", "2×4 float64  load x"),
        ("y[b] = x[b,2] + x[b,0]", "b=2", "2×3 float64  load x"),
    ],
)
def test_an_axis_without_an_index_is_as_long_as_it_is_read(
    shell: Shell, text: str, sizes: str, loaded: str
) -> None:
    done = shell("compile", "-", "--emit", "plan", "--size", sizes, stdin=text)
    assert (done.code, done.err) == (0, "")
    assert loaded in done.out
    missing = shell("compile", "-", "--emit", "plan", stdin=text)
    assert missing.code == 1
    assert "`B` of index `b`" in missing.err


def test_a_listed_plan_shows_numbers(shell: Shell) -> None:
    text = "index p : 4, k : 3, i : 8\ninput x[b,i]\ny[b,p] = 2 + 1/B max_k x[b,2p-k]"
    text += "\nz[b] = σ(x[b,0]) [x[b,3] > 7]"
    plan = shell("compile", "-", "--emit", "plan", "--size", "b=2", stdin=text).out
    for shown in ("reciprocal(2)", ", 2)", ", 7)", "pad(r0) by 0+0, 2+0 with 0", "2·a1-a2+2"):
        assert shown in plan
    assert "()" not in plan
    assert "count to 4" in plan


@pytest.mark.sentence(7, "A tensor may read itself")
def test_circles() -> None:
    """Forwards, backwards, two steps apart, and through another statement."""
    close(value("h[t] = x[t] + c h[t-1]\nindex t : 3", x=X[:3], c=2.0),
          [X[0], X[1] + 2 * X[0], X[2] + 2 * X[1] + 4 * X[0]])  # fmt: skip
    close(value("h[t] = x[t] + h[t+1]", x=X), np.cumsum(X[::-1])[::-1])
    close(value("f[t] = x[t] where t < 2\nf[t] = f[t-1] + f[t-2] where t >= 2", x=np.ones(6)),
          [1, 1, 2, 3, 5, 8])  # fmt: skip
    text = "u[t] = x[t] + v[t-1]\nv[t] = u[t]^2"
    u0 = X[0]
    u1 = X[1] + u0**2
    close(value(text, x=X[:2]), [u0**2, u1**2])


@pytest.mark.sentence(7, "Everything outside the circle")
def test_what_stands_outside_the_loop(shell: Shell) -> None:
    """One product each for W x, and for the gradients of W, U and x, over all steps at once."""
    sizes = "B=2,T=6,I=3,J=5,K=5"
    plan = shell("compile", "-", "--emit", "plan", "--size", sizes, stdin=NETWORK).out
    once = re.findall(r"\d  pair\(.*# (\S+)$", plan, re.MULTILINE)
    in_a_loop = re.findall(r"\d    pair\(.*# (\S+)$", plan, re.MULTILINE)
    assert {*once} == {"a", "W.grad", "U.grad", "x.grad"}
    assert {*in_a_loop} == {"a", "δh"}
    assert len(once + in_a_loop) == 6


@pytest.mark.sentence(7, "for b,t,i,j a[b,t,j]")
def test_a_recurrent_network() -> None:
    arrays = drawn()
    close(value(NETWORK, **arrays), states(arrays, np.zeros((2, 5))))
    assert verify(einsumgrad.parse(NETWORK).ir, arrays).ok


@pytest.mark.sentence(7, "`h[b,-1,k]` is outside")
def test_a_given_start() -> None:
    arrays, h0 = drawn(), RNG.normal(size=(2, 5))
    start = "for b,t,j,k  a[b,t,j] += U[j,k] h0[b,k] where t = 0\n"
    close(value(start + NETWORK, **arrays, h0=h0), states(arrays, h0))
    close(value(start + NETWORK, **arrays, h0=0 * h0), states(arrays, 0 * h0))


@pytest.mark.sentence(7, "Layers are recurrences")
def test_layers() -> None:
    """What the first layer sees is a piece."""
    W, x = RNG.normal(size=(3, 4, 4)), RNG.normal(size=(2, 4))

    def through(h: Array) -> list[Array]:
        return [h := 1 / (1 + np.exp(-h @ layer.T)) for layer in W]

    text = "h[l,b,j] = σ(Σ_k W[l,j,k] h[l-1,b,k])"
    first = "h[l,b,j] = σ(Σ_k W[l,j,k] x[b,k]) where l = 0\n"
    found = value(f"{first}{text} where l > 0\noutput h[l,b,j]", W=W, x=x)
    close(found, through(x))


@pytest.mark.sentence(7, "A circle that no order")
@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("h[t] = x[t] + h[t-1] + h[t+1]", ("h[t-1]", "h[t+1]")),
        ("h[t] = x[t] + g[t]\ng[t] = h[t] + g[t-1]", ("g[t]", "h[t]")),
    ],
)
def test_a_circle_that_does_not_run(text: str, reads: tuple[str, ...]) -> None:
    told = refused(text)
    assert "circle" in told
    assert all(f"`{read}`" in told for read in reads)


@pytest.mark.sentence(6, "A gathered value outside its range")
@pytest.mark.parametrize(
    ("read", "named"),
    [
        ("E[w[b,0],k]", "`w[1,0]` is 9"), ("E[w[b,b],k]", "`w[1,1]` is 7"),
        ("E[w[b,W-1],k]", "`w[1,1]` is 7"), ("E[w[n[b],0],k]", "`w[n[1],0]` is 9"),
    ],
)  # fmt: skip
def test_where_a_gathered_value_stands(read: str, named: str) -> None:
    arrays = {"E": np.ones((4, 2)), "w": np.array([[0, 0], [9, 7]])}
    arrays |= {"n": np.array([0, 1])} if "n[" in read else {}
    assert named in refused(f"input w[b,w]\nh[b,k] = {read}", **arrays)


@pytest.mark.sentence(6, "A gathered value outside its range")
def test_where_a_gathered_value_stands_in_a_recurrence() -> None:
    text = "h[t] = E[w[t,0]] + h[t-1]"
    assert "`w[1,0]` is 9" in refused(text, E=np.ones(2), w=np.array([[0], [9]]))
