"""What can be wrong with an optimizer or with training. Codes E6xx."""

from __future__ import annotations

from typing import ClassVar

from einsumgrad.diagnostics import Fault
from einsumgrad.record import record


@record(kw_only=True)
class NoOptimizer(Fault):
    code: ClassVar[str] = "E601"
    words: ClassVar[str] = "no optimizer `{name}`"
    help: ClassVar[str] = "{hint}"
    name: str
    hint: str


@record(kw_only=True)
class NoUpdate(Fault):
    code: ClassVar[str] = "E602"
    words: ClassVar[str] = "optimizer {file} updates no parameter of the program"
    help: ClassVar[str] = "{hint}"
    file: str
    hint: str


@record(kw_only=True)
class UnknownHere(Fault):
    code: ClassVar[str] = "E603"
    words: ClassVar[str] = "an optimizer cannot read `{name}`: {why}"
    help: ClassVar[str] = "{hint}"
    name: str
    why: str
    hint: str = ""


@record(kw_only=True)
class OneEntry(Fault):
    code: ClassVar[str] = "E604"
    words: ClassVar[str] = "a statement about θ, one entry of every parameter, takes {what}"
    help: ClassVar[str] = "name the parameter to say more of it: `{example}`"
    what: str
    example: str


@record(kw_only=True)
class OptimizerDeclares(Fault):
    code: ClassVar[str] = "E605"
    words: ClassVar[str] = "an optimizer declares no {kind}: its tensors are those of the program"
    help: ClassVar[str] = "it may declare `const`, `index` and `def`; what it writes needs no line"
    kind: str


@record(kw_only=True)
class NoRate(Fault):
    code: ClassVar[str] = "E606"
    words: ClassVar[str] = "{what}"
    help: ClassVar[str] = "{hint}"
    what: str
    hint: str


@record(kw_only=True)
class EveryEntry(Fault):
    code: ClassVar[str] = "E607"
    words: ClassVar[str] = "an optimizer gives `{name}` a value for every entry, not for `{target}`"
    help: ClassVar[str] = "{hint}"
    name: str
    target: str
    hint: str


@record(kw_only=True)
class NoExamples(Fault):
    code: ClassVar[str] = "E608"
    words: ClassVar[str] = "there is nothing to {do}: the data holds no example"
    do: str


@record(kw_only=True)
class Diverged(Fault):
    code: ClassVar[str] = "E609"
    words: ClassVar[str] = "the loss is not a number at step {step}, in epoch {epoch}"
    help: ClassVar[str] = "try a smaller step size, `--lr`, or look for a NaN in the data"
    step: int
    epoch: int


@record(kw_only=True)
class NothingToTrain(Fault):
    code: ClassVar[str] = "E610"
    words: ClassVar[str] = "the program has no parameters to train"
    help: ClassVar[str] = "declare them, `param W[j,i]`; what bears the batch index is data"


@record(kw_only=True)
class NotParameter(Fault):
    code: ClassVar[str] = "E611"
    words: ClassVar[str] = "training cannot start from `{name}`: it is no parameter of the program"
    help: ClassVar[str] = "{hint}"
    name: str
    hint: str


@record(kw_only=True)
class DataParameter(Fault):
    code: ClassVar[str] = "E612"
    words: ClassVar[str] = "the data holds `{name}`, which is a parameter of the program"
    help: ClassVar[str] = "declare it, `input {entry}`, if it is data; `--init` starts parameters"
    name: str
    entry: str


@record(kw_only=True)
class NeverRead(Fault):
    code: ClassVar[str] = "E613"
    words: ClassVar[str] = "`{name}` is written, but no update of a parameter reads it"
    help: ClassVar[str] = "did you mean `{near}`?"
    name: str
    near: str


@record(kw_only=True)
class BadOption(Fault):
    code: ClassVar[str] = "E614"
    words: ClassVar[str] = "`{name}` cannot be {value}: it is {wanted}"
    name: str
    value: object
    wanted: str
