"""The works over a NumPy-like module: JAX's or HIPS autograd's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

Given = Mapping[str, Any]


def mlp(np: Any, a: Given, sigmoid: Any, logsumexp: Any) -> Any:
    h = sigmoid(a["x"] @ a["W⁰"].T - a["b⁰"])
    s = sigmoid(h @ a["W¹"].T - a["b¹"])
    chosen = s[np.arange(len(a["y"])), a["y"]]
    return np.mean(logsumexp(s) - chosen)


def attention(np: Any, a: Given, softmax: Any) -> Any:
    q, k, v = (np.einsum("btd,hkd->bhtk", a["x"], a[n]) for n in ("W^Q", "W^K", "W^V"))
    features, length = a["W^Q"].shape[1], a["x"].shape[1]
    scores = np.einsum("bhtk,bhsk->bhts", q, k) / math.sqrt(features)
    causal = np.tril(np.ones((length, length), bool))
    weights = softmax(np.where(causal, scores, -np.inf))
    o = np.einsum("bhts,bhsk->bhtk", weights, v)
    z = np.einsum("dhk,bhtk->btd", a["W^O"], o)
    return 0.5 * np.mean((z - a["y"]) ** 2)


def norm(np: Any, a: Given, gelu: Any) -> Any:
    centred = a["x"] - np.mean(a["x"], axis=1, keepdims=True)
    variance = np.mean(centred**2, axis=1, keepdims=True)
    h = gelu(a["g"] * centred / np.sqrt(variance + 1e-5) + a["c"])
    return 0.5 * np.mean(h**2)


def tucker(np: Any, a: Given) -> Any:
    made = np.einsum("pqr,ip->iqr", a["G"], a["A"])
    made = np.einsum("iqr,jq->ijr", made, a["B"])
    made = np.einsum("ijr,kr->ijk", made, a["C"])
    return 0.5 * np.mean((made - a["X"]) ** 2)
