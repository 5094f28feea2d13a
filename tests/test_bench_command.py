"""`einsumgrad bench`: what peers run is the program, and what is printed is what was timed."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from command_line import Save, Shell
from conftest import Golden

import einsumgrad
from einsumgrad.bench.contest import Timing, compare, contest
from einsumgrad.bench.contestants import Contestant, ours, theirs
from einsumgrad.bench.work import Work, make_work
from einsumgrad.diagnostics import EinError
from einsumgrad.ir.functions import FUNCTIONS
from einsumgrad.peers.faults import NotTranslated
from einsumgrad.peers.table import ELEMENTWISE, Name, peer

ROOT = Path(__file__).parent.parent
GOLDENS = ROOT / "tests" / "cases" / "commands"
FILES = sorted([*ROOT.glob("examples/*.ein"), *ROOT.glob("tests/bench/works/*.ein")])
LOOPS = {
    "cpc",
    "crf",
    "ctc",
    "gpt",
    "gru",
    "hmm",
    "kalman",
    "lstm",
    "rnn",
    "state_space",
    "viterbi",
}
JAX = pytest.param("jax", marks=pytest.mark.skipif(not find_spec("jax"), reason="no jax"))
NAMES = ("torch", JAX, "numpy")


def work_of(program: einsumgrad.Program, seed: int = 0, **given: object) -> Work:
    return make_work(program.ir, given, sizes={}, seed=seed, dtype="float64", wrt=None)


def agree(work: Work, name: Name) -> None:
    mine, other = ours(work), theirs(work, name)
    expected, found = (c.gradients(c.step()) for c in (mine, other))
    assert set(expected) == set(found) == set(work.wrt)
    compare(name, expected, found, 1e-9)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_example_in_a_peer(path: Path, name: Name) -> None:
    """All but recurrences are translated, and the peer's own derivatives are ours."""
    work = work_of(einsumgrad.load(path))
    if path.stem not in LOOPS:
        agree(work, name)
        return
    with pytest.raises(EinError) as refused:
        theirs(work, name)
    (fault,) = refused.value.faults
    assert isinstance(fault, NotTranslated)
    assert "recurrence over" in fault.message
    assert fault.span.text


TEXTS = {
    "values of indices": "y[b,t] = x[b,t] sin(t / 10000^(2/T)) + b",
    "masks": "y[b,t] = Σ_s x[b,s] w[t,s] where s <= t\nindex s, t : T",
    "a masked factor": "y[b] = Σ_s log(x[b,s]) [x[b,s] > 1]",
    "or, not, chains": "y[b,s] = x[b,s] [s = 0 or not 1 <= s < 3] [x[b,s] != 0]",
    "softmax under a mask": "y[b,t] = Σ_s v[b,s] softmax_s (x[b,t] k[b,s]) where s <= t\n"
    "index s, t : T",
    "outside is left out": "y[b,p] = max_k x[b,p+k-1] w[p]\nindex p : 4, k : 3",
    "outside is 0": "y[b,p] += x[b,2p+k-1] w[k]\nindex p : 4, k : 3",
    "outside of a product": "y[b,p] = Π_k x[b,p-k]\nindex p : 4, k : 2",
    "a convolution's own write": "y[b,p+k] += x[b,p] w[k]",
    "diagonals": "y[b,i] = A[i,i] x[b,i] + A[0,i]",
    "constants": "y[b] = x[b,2] w[0] + x[b,0]",
    "entries put somewhere": "y[b,0] = w x[b]\ny[b,2] = x[b]^2\nindex i : 3\noutput y[b,i]",
    "gathers": "input c[b,t] : k\ny[b,t] = E[c[b,t],0] + E[2,c[b,t]] x[b]\nindex k : 5",
    "scatters": "input c[b] : k\nfor b  y[c[b]] += w x[b]\noutput y[k]\nindex k : 3",
    "several operators": "m[b] max= w[i] x[b,i]\nq[b] *= x[b,i]\nr[b] -= x[b,i] w[i]\n"
    "y[b] = m[b] q[b] r[b]\ny[b] += x[b,i]",
    "a maximum of two": "y[b,i] = max(x[b,i], w[i]) min(x[b,i], 0.5) leaky_relu(x[b,i], 0.1)",
    "argmax": "a[b] = argmax_i x[b,i]\ny[b] = E[a[b],a[b]] x[b,0]\nindex i : 3",
    "terms without the index": "y[b] = Σ_i (3 + w[i] x[b]) + mean_i 2\nindex i : 4",
    "powers": "y[b] = w^x[b] + x[b]^3 + 2^x[b] + 1/x[b] + x[b]^0.5",
    "no batch": "batch none\ninput x[i]\ny = logsumexp_i (w x[i])",
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_is_translated(text: str, name: Name) -> None:
    agree(work_of(einsumgrad.parse(text)), name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("function", [f.name for f in FUNCTIONS.values() if f.arity == 1])
def test_every_function(function: str, name: Name) -> None:
    agree(work_of(einsumgrad.parse(f"y[b] = x[b] + w {function}(w x[b])")), name)


def test_the_table_has_every_function() -> None:
    assert FUNCTIONS.keys() == ELEMENTWISE.keys() | {"leaky_relu"}


def test_given_arrays_and_cotangents() -> None:
    program = einsumgrad.parse("h[b] = w x[b]\ng[b] = w^2 x[b]")
    given = {"x": np.array([1.0, 2.0]), "w": np.array(3.0), "h.grad": np.array([1.0, -1.0])}
    work = make_work(program.ir, given, sizes={}, seed=0, dtype=None, wrt=("w", "x"))
    assert (work.dtype, work.drawn, tuple(work.cotangents)) == ("float64", (), ("h",))
    expected = program.vjp({"h": given["h.grad"]}, ("w", "x"), x=given["x"], w=3.0)
    for name in ("torch", "numpy"):
        compare(name, expected, theirs(work, name).gradients(theirs(work, name).step()), 1e-12)


def test_a_peer_that_is_off_is_told(golden: Golden) -> None:
    expected = {"W": np.ones(3), "c": np.full(2, 1e-9)}
    compare("torch", expected, {"W": np.ones(3), "c": np.zeros(2)}, 1e-3)
    with pytest.raises(EinError) as differing:
        compare("torch", expected, {"W": np.array([1, 1, 1.1]), "c": np.zeros(2)}, 1e-3)
    golden(GOLDENS / "peers_differ.err", f"{differing.value}\n")
    nan = {"W": np.array([np.nan, 1.0])}
    compare("jax", nan, nan, 1e-3)
    with pytest.raises(EinError):
        compare("jax", {"W": np.ones(2)}, nan, 1e-3)


def test_a_peer_that_is_not_there(golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(EinError) as missing:
        peer("jax", "float32")
    text = str(missing.value).replace("import of jax halted; None in sys.modules", "No module")
    golden(GOLDENS / "no_peer.err", f"{text}\n")


def test_contestants_take_turns() -> None:
    called: list[str] = []

    def contestant(name: str) -> Contestant:
        return Contestant(name, lambda: called.append(name), lambda _: {})

    found = contest([contestant("a"), contestant("b")], "float64", 20)
    assert [len(timing.steps) for timing in found] == [20, 20]
    assert called[:2] == ["a", "b"]
    assert "".join(called[2:]) == "aaabbbbbbaaa" * 5  # one to come to rest, two timed
    assert Timing("a", 1.0, (3.0, 1.0, 2.0)).median == 2.0


# ---- the command


def test_the_command(shell: Shell) -> None:
    done = shell("bench", ROOT / "examples" / "mlp.ein", "--repeat", 3, "--vs", "torch,numpy")
    assert (done.code, done.err) == (0, "")
    for part in ("the objective and the gradients by W⁰, b⁰, W¹, b¹", "in float32, B = 3, I = 2",
                 "drawn with seed 0: x, y, W⁰", "first call", "× einsumgrad", "GFLOP/s",
                 "gradients agree"):  # fmt: skip
        assert part in done.out
    alone = shell("bench", "-", "--repeat", 2, stdin="h[b] = w x[b]").out
    assert "-: h and the gradients by w" in alone
    assert "× einsumgrad" not in alone


@pytest.mark.parametrize("engine", ["numpy", "fused"])
def test_the_engine_may_be_named(shell: Shell, engine: str) -> None:
    if engine == "fused":
        pytest.importorskip("llvmlite")
    done = shell("bench", ROOT / "examples" / "mlp.ein", "--repeat", 2, "--engine", engine)
    assert (done.code, done.err) == (0, "")


def test_json(shell: Shell, save: Save) -> None:
    data = save(x=np.ones((6, 3)), **{"h.grad": np.ones(6)})
    text = "h[b] += w[i] x[b,i]"
    done = shell("bench", "-", "--data", data, "--json", "--repeat", 4, "--vs", "torch", stdin=text)
    found = json.loads(done.out)
    assert (found["dtype"], found["sizes"], found["drawn"]) == ("float64", {"B": 6, "I": 3}, ["w"])
    mine, torch = found["contestants"]
    assert (mine["name"], mine["steps"], mine["ratio"]) == ("einsumgrad", 4, 1.0)
    assert torch["ratio"] == pytest.approx(torch["median_ms"] / mine["median_ms"])
    assert mine["gflops"] == pytest.approx(found["flops"] / mine["median_ms"] / 1e6)
    sized = shell("bench", "-", "--size", "b=7,i=2", "--json", "--repeat", 1, stdin=text).out
    assert json.loads(sized)["sizes"] == {"B": 7, "I": 2}


def test_wrong_use(shell: Shell) -> None:
    done = shell("bench", "-", "--vs", "torch,theano", stdin="h[b] = w x[b]")
    assert (done.code, done.out) == (2, "")
    assert "`theano` is none of torch, jax, numpy" in done.err
