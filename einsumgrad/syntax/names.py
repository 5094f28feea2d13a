"""Names: how an index names its size, and the ASCII spelling of any name."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

from einsumgrad.ir.functions import OPERATORS  # a table without imports

GREEK = dict(
    zip(
        "αβγδεζηθικλμνξοπρςστυφχψω",
        [
            "alpha",
            "beta",
            "gamma",
            "delta",
            "epsilon",
            "zeta",
            "eta",
            "theta",
            "iota",
            "kappa",
            "lambda",
            "mu",
            "nu",
            "xi",
            "omicron",
            "pi",
            "rho",
            "varsigma",
            "sigma",
            "tau",
            "upsilon",
            "phi",
            "chi",
            "psi",
            "omega",
        ],
        strict=True,
    )
)
MARKS = {
    "\u0300": "grave", "\u0301": "acute", "\u0302": "hat", "\u0303": "tilde", "\u0304": "bar",
    "\u0305": "overline", "\u0306": "breve", "\u0307": "dot", "\u0308": "ddot", "\u030a": "ring",
    "\u030c": "check", "\u20d7": "vec",
}  # fmt: skip
LETTERLIKE = {"ℓ": "ell", "ℝ": "R", "ℕ": "N", "ℤ": "Z", "ħ": "hbar", "∂": "d", "ı": "i", "ȷ": "j"}
PRIMES = "'′"
SUFFIXES = (".grad", ".dot")
"""What a derivative's name has behind that of its tensor."""
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def size_name(index: str) -> str:
    """The name of an index's size: its capital for one letter, accents allowed; else `|name|`.

    >>> size_name("b"), size_name("ŷ"), size_name("b'"), size_name("K")
    ('B', 'Ŷ', "|b'|", '|K|')
    """
    letters = [c for c in unicodedata.normalize("NFD", index) if not unicodedata.combining(c)]
    capital = unicodedata.normalize("NFC", index.upper())
    one = len(letters) == 1 and len(letters[0].upper()) == 1
    return capital if one and capital != index else f"|{index}|"


def base_name(name: str) -> str:
    """The tensor that a derivative is of, or by; the name itself if it is no derivative's.

    >>> base_name("W.grad.dot"), base_name("h.dot"), base_name("h")
    ('W.grad', 'h', 'h')
    """
    return name.rpartition(".")[0] if name.endswith(SUFFIXES) else name


def ascii_name(name: str) -> str:
    """The ASCII spelling of a name; `.grad` and `.dot` stay.

    >>> ascii_name("h̃"), ascii_name("ŷ"), ascii_name("W⁰.grad"), ascii_name("δh"), ascii_name("b'")
    ('h_tilde', 'y_hat', 'W0.grad', 'delta_h', 'b_prime')
    """
    chars = unicodedata.normalize("NFD", name)
    spelled = [_spell(char) for char in chars]
    for place, (char, after) in enumerate(pairwise(chars)):
        if char.lower() in GREEK and after.isalpha() and after.isascii():
            spelled[place] += "_"
    words = "".join(spelled)
    operator = words.partition("_")[0] in OPERATORS and "_" in words  # `mean_hat` would be one
    return words if words[:1].isalpha() and not operator else f"x{words}"


def _spell(char: str) -> str:
    if char in PRIMES:
        return "_prime"
    if char.isascii():
        return char
    if char in MARKS:
        return f"_{MARKS[char]}"
    if unicodedata.decomposition(char).startswith("<super>") and char.isdigit():
        return unicodedata.normalize("NFKC", char)
    if unicodedata.decomposition(char).startswith("<sub>") and char.isdigit():
        return "_" + unicodedata.normalize("NFKC", char)
    if char in LETTERLIKE:
        return LETTERLIKE[char]
    if char.lower() in GREEK:
        greek = GREEK[char.lower()]
        return greek if char in GREEK else greek.capitalize()
    return f"u_{ord(char):04X}"


def distinct(names: list[str], taken: set[str]) -> dict[str, str]:
    """An injective ASCII spelling of the names; a clash gets `_2`, `_3` … in order."""
    spelled: dict[str, str] = {}
    used = set(taken)
    for name in names:
        base = plain = ascii_name(name)
        count = 2
        while plain in used:
            plain, count = f"{base}_{count}", count + 1
        spelled[name] = plain
        used.add(plain)
    return spelled
