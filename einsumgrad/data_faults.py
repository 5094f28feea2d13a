"""What can be wrong with the data of a run. Codes E4xx."""

from __future__ import annotations

from typing import ClassVar

from einsumgrad.diagnostics import Fault
from einsumgrad.record import record


@record(kw_only=True)
class MissingArray(Fault):
    code: ClassVar[str] = "E401"
    words: ClassVar[str] = "no array for {kind} `{name}`"
    help: ClassVar[str] = "{hint}"
    name: str
    kind: str
    hint: str = ""


@record(kw_only=True)
class ExtraArray(Fault):
    code: ClassVar[str] = "E402"
    words: ClassVar[str] = "the program has no input or parameter `{name}`"
    help: ClassVar[str] = "{hint}"
    name: str
    hint: str = ""


@record(kw_only=True)
class ComputedArray(Fault):
    code: ClassVar[str] = "E403"
    words: ClassVar[str] = "`{name}` is computed by the program, so no array can give it"
    name: str


@record(kw_only=True)
class ArrayRank(Fault):
    code: ClassVar[str] = "E404"
    words: ClassVar[str] = "array `{name}` has the shape {shape}, but `{name}` has {wanted}"
    name: str
    shape: str
    wanted: str


@record(kw_only=True)
class ArrayType(Fault):
    code: ClassVar[str] = "E405"
    words: ClassVar[str] = "array `{name}` holds {dtype}, no real numbers"
    name: str
    dtype: str


@record(kw_only=True)
class NotIntegers(Fault):
    code: ClassVar[str] = "E406"
    words: ClassVar[str] = "array `{name}` holds {dtype}, but its values are indices: integers"
    help: ClassVar[str] = "convert it: `{name}.astype(int)`"
    name: str
    dtype: str


@record(kw_only=True)
class NotDifferentiable(Fault):
    code: ClassVar[str] = "E408"
    words: ClassVar[str] = "there is no derivative by `{name}`: {why}"
    help: ClassVar[str] = "{hint}"
    name: str
    why: str
    hint: str = ""


@record(kw_only=True)
class NoLoss(Fault):
    code: ClassVar[str] = "E409"
    words: ClassVar[str] = "the program has no loss"
    help: ClassVar[str] = "declare what is minimised, `loss ℓ[b] = …`, or call `vjp`"


@record(kw_only=True)
class Cotangents(Fault):
    code: ClassVar[str] = "E410"
    words: ClassVar[str] = "{what}"
    help: ClassVar[str] = "{hint}"
    what: str
    hint: str = ""


@record(kw_only=True)
class BadArchive(Fault):
    code: ClassVar[str] = "E411"
    words: ClassVar[str] = "cannot take arrays from {file}: {reason}"
    help: ClassVar[str] = "{hint}"
    file: str
    reason: str
    hint: str = "`numpy.savez(file, x=x, y=y)` writes such a file"


@record(kw_only=True)
class Unwritable(Fault):
    code: ClassVar[str] = "E412"
    words: ClassVar[str] = "cannot write {file}: {reason}"
    file: str
    reason: str


@record(kw_only=True)
class GivenTwice(Fault):
    code: ClassVar[str] = "E413"
    words: ClassVar[str] = "`{name}` is given twice, {how}"
    name: str
    how: str


@record(kw_only=True)
class NotFinite(Fault):
    code: ClassVar[str] = "E414"
    words: ClassVar[str] = "the objective is not finite on {where}, so no gradient can be verified"
    help: ClassVar[str] = "give arrays on which it is finite, with `--data`"
    where: str


@record(kw_only=True)
class NothingToVerify(Fault):
    code: ClassVar[str] = "E415"
    words: ClassVar[str] = "there is no gradient to verify: no parameter and no input has one"


@record(kw_only=True)
class BadLength(Fault):
    code: ClassVar[str] = "E417"
    words: ClassVar[str] = "the size `{name}` cannot be {value}: it is a whole number, 0 or more"
    name: str
    value: str


@record(kw_only=True)
class TangentShape(Fault):
    code: ClassVar[str] = "E418"
    words: ClassVar[str] = "the {what} of `{name}` has the shape {shape}, but `{name}` has {wanted}"
    what: str
    name: str
    shape: str
    wanted: str


@record(kw_only=True)
class NoTangent(Fault):
    code: ClassVar[str] = "E419"
    words: ClassVar[str] = "{call} needs the {what} of at least one input or parameter"
    call: str
    what: str


@record(kw_only=True)
class HessianTooLarge(Fault):
    code: ClassVar[str] = "E420"
    words: ClassVar[str] = (
        "the Hessian by {names} has {count} × {count} entries, which need {needed} of memory; "
        "{limit} may be used"
    )
    help: ClassVar[str] = "ask for fewer tensors with `wrt`, or for products with `hvp`"
    names: str
    count: int
    needed: str
    limit: str


@record(kw_only=True)
class MissingExtra(Fault):
    code: ClassVar[str] = "E422"
    words: ClassVar[str] = "{what} needs the package `{package}`, which is not installed"
    help: ClassVar[str] = "install it: pip install 'einsumgrad[{extra}]'"
    what: str
    package: str
    extra: str


@record(kw_only=True)
class BadArgument(Fault):
    code: ClassVar[str] = "E421"
    words: ClassVar[str] = "`{name}` is {value}, but it has to be {wanted}"
    name: str
    value: str
    wanted: str
