"""Section 5 of the language page: statements."""

from __future__ import annotations

import numpy as np
import pytest
from command_line import Shell
from meaning import close, gradient, refused, same, value

import einsumgrad

RNG = np.random.default_rng(0)
X, Z, W = RNG.normal(size=5), RNG.normal(size=(5, 3)), RNG.normal(size=(2, 3))


@pytest.mark.sentence(5, "[for INDICES [:]] TARGET OP")
def test_the_form_of_a_statement() -> None:
    whole = "for b,i: h[b] += z[b,i]^2 where i < 2, z[b,i] > 0"
    same(whole, whole.replace(":", " "))
    same(whole, whole.replace("for b,i: ", ""))
    same(whole, whole.replace(", z", " and z"))
    close(value(whole, z=Z), np.sum(Z[:, :2] ** 2 * (Z[:, :2] > 0), 1))
    for operator in ("=", "+=", "-=", "max=", "min=", "*="):
        assert value(f"for b  h[b] {operator} x[b]", x=X).shape == (5,)


@pytest.mark.sentence(5, "`for` lists every index")
def test_for_lists_every_index_once() -> None:
    close(value("for i,b,j  h[b,j] += W[j,i] z[b,i]", W=W, z=Z), Z @ W.T)
    close(value("for b,j  h[b,j] = Σ_i W[j,i] z[b,i]", W=W, z=Z), Z @ W.T)
    assert "twice" in refused("for b,i,b  h[b] += z[b,i]")


@pytest.mark.sentence(5, "It may be left out")
@pytest.mark.parametrize(
    ("line", "corrected"),
    [
        ("for b,j  h[b,j] += W[j,i] z[b,i]", "for b,j,i  h[b,j] += W[j,i] z[b,i]"),
        ("for b,i,j,k  h[b,j] += W[j,i] z[b,i]", "for b,i,j  h[b,j] += W[j,i] z[b,i]"),
        ("for b,i,k  h[b,j] += W[j,i] z[b,i]", "for b,i,j  h[b,j] += W[j,i] z[b,i]"),
    ],
)
def test_a_wrong_list_is_corrected(line: str, corrected: str) -> None:
    told = refused(line).splitlines()
    assert f"  help: {corrected}" in told
    close(value(corrected, W=W, z=Z), Z @ W.T)
    close(value(corrected.partition("  ")[2], W=W, z=Z), Z @ W.T)


@pytest.mark.sentence(5, "`=` defines every entry once")
def test_equals_sums_nothing() -> None:
    told = refused("h[b,j] = W[j,i] x[b,i]")
    assert "h[b,j] += W[j,i] x[b,i]" in told
    assert "h[b,j] = Σ_i W[j,i] x[b,i]" in told
    refused("h[b] = x[b]\nh[b] = 2 x[b]")
    close(value("h[b,i] = z[b,i]^2", z=Z), Z**2)


PIECES = "With `where` it defines those entries only"


@pytest.mark.sentence(5, PIECES)
def test_pieces_of_a_definition() -> None:
    text = "f[t] = g[t] where t = 0\nf[t] = 2 g[t] where t > 0"
    close(value(text, g=X), np.where(np.arange(5) == 0, X, 2 * X))
    close(value(text.replace("> 0", "> 2"), g=X), [X[0], 0, 0, 2 * X[3], 2 * X[4]])
    close(value("f[t] = g[t] where t < 2", g=X), [*X[:2], 0, 0, 0])


@pytest.mark.sentence(5, PIECES)
def test_no_entry_gets_two() -> None:
    assert "f" in refused("f[t] = g[t] where t <= 0\nf[t] = 2 g[t] where t >= 0")
    assert "f" in refused("f[t] = g[t]\nf[t] = 2 g[t] where t > 0")
    on_data = "f[t] = g[t] where g[t] > 0\nf[t] = 2 g[t] where g[t] < c"
    close(value(on_data, g=X, c=0.0), np.where(X > 0, X, 2 * X))
    refused(on_data, g=np.ones(5), c=2.0)


@pytest.mark.sentence(5, PIECES)
def test_interleaved_pieces() -> None:
    """2i = 2j + 1 has no solution in whole numbers; 2i + 1 = 4j + 3 has."""
    text = "index t : 5, d : 8, i : 4\nPE[t,2i] = sin(t / 10000^(2i/D))\n"
    text += "PE[t,2i+1] = cos(t / 10000^(2i/D))"
    angles = np.arange(5)[:, None] / 10000 ** (np.arange(0, 8, 2) / 8)
    expected = np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(5, 8)
    close(value(text), expected)
    z = RNG.normal(size=(3, 5, 8))
    sum_of_both = f"{text}\ninput z[b,t,d]\ny[b,t,d] = z[b,t,d] + PE[t,d]"
    close(value(sum_of_both, z=z), z + expected)
    loss = f"{sum_of_both}\nloss ℓ[b] = Σ_{{t,d}} y[b,t,d]^2"
    close(gradient(loss, "z", z=z), 2 * (z + expected))
    close(value("D[2i+1] = v[i]\nD[2i] = u[i]", v=X[:2], u=X[2:4]), X[[2, 0, 3, 1]])
    chosen = "output h[b,i]\nindex i : 3\nn = 1\nh[b,n] = x[b]\nh[b,i] = 2 where i != n"
    close(value(chosen, x=X), np.stack([0 * X + 2, X, 0 * X + 2], axis=1))
    assert "E243" in refused("D[2i+1] = v[i]\nD[4i+3] = u[i]")


@pytest.mark.sentence(5, PIECES)
def test_no_tuples_of_one_piece_meet() -> None:
    """Where the form does not tell it, the sizes and the data do."""
    A = RNG.normal(size=(3, 3))
    close(value("d[i+j] = A[i,j] where i = j", A=A), [A[0, 0], 0, A[1, 1], 0, A[2, 2]])
    close(value("d[i+j] = A[i,j] where A[i,j] > 0", A=np.eye(3)), [1, 0, 1, 0, 1])
    assert "`d[1]` is defined twice" in refused("d[i+j] = A[i,j] where i < 2", A=A)
    text = "o[b,D h+d] = v[b,h,d] where h = 0\no[b,D h+d] = 2 v[b,h,d] where h > 0"
    close(value(text, v=np.ones((2, 2, 2))), [[1, 1, 2, 2]] * 2)


START = "`+=` and `-=` start from 0"


@pytest.mark.sentence(5, START)
def test_adding_starts_from_0_or_an_earlier_definition() -> None:
    close(value("h[b] += z[b,i]", z=Z), Z.sum(1))
    close(value("h[b] -= z[b,i]", z=Z), -Z.sum(1))
    text = "h[b] = 3 x[b]\nh[b] += z[b,i]\nh[b] -= x[b]^2"
    close(value(text, x=X, z=Z), 3 * X + Z.sum(1) - X**2)
    refused("h[b] += z[b,i]\nh[b] = 3 x[b]")


@pytest.mark.sentence(5, "A term without such an index")
def test_a_term_is_added_for_each_value(shell: Shell) -> None:
    text = "for b,i  h[b] += z[b,i] - c[b]"
    close(value(text, z=Z, c=X), Z.sum(1) - 3 * X)
    done = shell("check", "-", stdin=text)
    assert done.code == 0
    assert "note" in done.out
    assert "added once for each value of `i`" in done.out


@pytest.mark.sentence(5, "`max=`, `min=`, `*=` reduce")
def test_other_reductions() -> None:
    for operator, reduce, start in (
        ("max=", np.max, -np.inf), ("min=", np.min, np.inf), ("*=", np.prod, 1),
    ):  # fmt: skip
        text = f"for b,i  h[b] {operator} z[b,i]"
        close(value(text, z=Z), reduce(Z, axis=1))
        assert value(f"{text} where i < 0", z=Z).tolist() == [start] * 5
        assert value(text, z=np.ones((2, 0))).tolist() == [start] * 2


@pytest.mark.sentence(5, "Several statements may write")
def test_all_writes_come_first() -> None:
    text = "h[b] += x[b]\nh[b] += 2 x[b]\ny[b] = h[b]^2"
    close(value(text, x=X), 9 * X**2)
    close(value("h[b] += x[b]\ng[b] = x[b]\nh[b] += g[b]\ny[b] = h[b]", x=X), 2 * X)
    running = "f[t] = g[t] where t = 0\nf[t] = f[t-1] + g[t] where t > 0"
    close(value(running, g=X), np.cumsum(X))


@pytest.mark.sentence(5, "Otherwise: an error naming both lines")
def test_a_read_before_a_write() -> None:
    for text in ("y[b] = h[b]\nh[b] = x[b]", "h[b] = x[b]\ny[b] = h[b]\nh[b] += 1"):
        told = refused(text)
        lines = text.split("\n")
        assert all(line in told for line in lines[-2:])


@pytest.mark.sentence(5, "`where` keeps only")
def test_where_keeps_tuples() -> None:
    A = RNG.normal(size=(4, 4))
    close(value("for t,s  y[t] += A[t,s] where s <= t", A=A), np.tril(A).sum(1))
    close(value("u[t,s] = A[t,s] where s <= t", A=A), np.tril(A))
    close(value("r += A[t,s] where s <= t, A[t,s] > 0", A=A), (np.tril(A) * (A > 0)).sum())


BOUND = "It may name an index that an operator"


@pytest.mark.sentence(5, BOUND)
def test_where_restricts_an_operator() -> None:
    A = RNG.normal(size=(4, 4))
    kept = np.exp(np.tril(A)) * np.tri(4)
    found = value("α[t,s] = softmax_s a[t,s] where s <= t", a=A)
    close(found, kept / kept.sum(1, keepdims=True))
    close(value("y[t] = Σ_s a[t,s] where s <= t", a=A), np.tril(A).sum(1))
    expected = [A[t, : t + 1].max() for t in range(4)]
    close(value("y[t] = max_s a[t,s] where s <= t", a=A), expected)


@pytest.mark.sentence(5, "`mean_i` divides by the size")
def test_a_mean_divides_by_the_size() -> None:
    close(value("y[b] = mean_i z[b,i]", z=Z), Z.mean(1))
    close(value("y[b] = mean_i z[b,i] where i < 2", z=Z), Z[:, :2].sum(1) / 3)


@pytest.mark.sentence(5, "The target's index expressions")
def test_a_computed_target() -> None:
    g, w = RNG.normal(size=(5, 4)), RNG.normal(size=3)
    text = "index q : 6\noutput x.grad[b,q]\nfor b,p,k  x.grad[b,p+k] += y.grad[b,p] w[k]"
    expected = [np.convolve(row, w) for row in g]
    close(value(text, **{"y.grad": g, "w": w}), expected)
    text = "index v : 4\noutput E[v]\nfor b  E[n[b]] += x[b]"
    close(value(text, n=[3, 0, 3, 1, 3], x=X), [X[1], X[3], 0, X[0] + X[2] + X[4]])
    text = "input x[b,i], w[k]\nfor b,p,k  y[b,p] += x[b,p+k] w[k]"
    close(gradient(text, "x", x=Z, w=w[:2]), [np.convolve([1, 1], w[:2])] * 5)


@pytest.mark.sentence(5, "Repeated indices are diagonals")
def test_diagonals() -> None:
    A = RNG.normal(size=(4, 4))
    close(value("d[i] = A[i,i]", A=A), np.diag(A))
    close(value("s = Σ_i A[i,i]", A=A), np.trace(A))
    close(value("output D[i,j]\nindex i, j : 4\nfor i  D[i,i] += c[i]", c=A[0]), np.diag(A[0]))
    close(value("D[i,i] = c[i]", c=A[0]), np.diag(A[0]))
    close(value("D[b,i,i] = z[b,i]", z=Z), [np.diag(z) for z in Z])
    close(value("D[i,i,j] = A[i,j]", A=A), np.eye(4)[:, :, None] * A)
    close(value("D[i,i] = c[i]\nD[i,i+1] = 2", c=A[0]), np.diag(A[0]) + 2 * np.eye(4, k=1))
    close(gradient("D[i,i] = c[i]\nr[i,j] = D[i,j]^2", "c", c=A[0]), 2 * A[0])


@pytest.mark.sentence(5, "A write outside the tensor")
def test_a_write_outside() -> None:
    text = "index q : 4\noutput y[q]\nfor p  y[p+2] += c[p]\nfor p  y[p-1] += c[p]"
    close(value(text, c=[1.0, 2.0, 4.0]), [2, 4, 1, 2])
    gradients = einsumgrad.parse(text).vjp({"y": [1.0, 10, 100, 1000]}, c=[1.0, 2.0, 4.0])
    close(gradients["c"], [100, 1001, 10])
