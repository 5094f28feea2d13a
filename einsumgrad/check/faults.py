"""What can be wrong with what a program means. Codes E2xx."""

from __future__ import annotations

from typing import ClassVar

from einsumgrad.diagnostics import Fault
from einsumgrad.record import record


@record(kw_only=True)
class Unlisted(Fault):
    code: ClassVar[str] = "E201"
    words: ClassVar[str] = "{indices} not listed"
    help: ClassVar[str] = "{corrected}"
    indices: str
    corrected: str


@record(kw_only=True)
class Unused(Fault):
    code: ClassVar[str] = "E202"
    words: ClassVar[str] = "index `{index}` is listed but {why}"
    help: ClassVar[str] = "{corrected}"
    index: str
    corrected: str
    why: str = "never used"


@record(kw_only=True)
class ListedTwice(Fault):
    code: ClassVar[str] = "E203"
    words: ClassVar[str] = "{what} `{index}` is listed twice"
    help: ClassVar[str] = "{corrected}"
    what: str = "index"
    index: str
    corrected: str


@record(kw_only=True)
class WouldSum(Fault):
    code: ClassVar[str] = "E204"
    words: ClassVar[str] = "`=` defines every entry once, but {indices} not in the target"
    help: ClassVar[str] = "{corrected}"
    indices: str
    corrected: str


@record(kw_only=True)
class UnknownTensor(Fault):
    code: ClassVar[str] = "E205"
    words: ClassVar[str] = "no tensor `{name}`"
    help: ClassVar[str] = "did you mean `{near}`? If not, declare it: `{declared}`"
    name: str
    near: str
    declared: str


@record(kw_only=True)
class BareOperator(Fault):
    code: ClassVar[str] = "E206"
    words: ClassVar[str] = "`{op}` needs the index that it runs over"
    help: ClassVar[str] = "write it as a subscript: `{stem}_i …`"
    op: str
    stem: str


@record(kw_only=True)
class UnknownIndex(Fault):
    code: ClassVar[str] = "E207"
    words: ClassVar[str] = "no index `{index}` is in use here"
    index: str
    hint: str = ""
    help: ClassVar[str] = "{hint}"


@record(kw_only=True)
class RankConflict(Fault):
    code: ClassVar[str] = "E208"
    words: ClassVar[str] = "`{name}` has {here} here, but {there} elsewhere"
    help: ClassVar[str] = "{hint}"
    name: str
    here: str
    there: str
    hint: str = ""


@record(kw_only=True)
class ArgumentCount(Fault):
    code: ClassVar[str] = "E209"
    words: ClassVar[str] = "`{function}` takes {wanted}, not {given}"
    function: str
    wanted: str
    given: int


@record(kw_only=True)
class OneIndex(Fault):
    code: ClassVar[str] = "E210"
    words: ClassVar[str] = "`{op}` binds one index, not {given}"
    op: str
    given: int


@record(kw_only=True)
class BoundTwice(Fault):
    code: ClassVar[str] = "E211"
    words: ClassVar[str] = "`{op}` binds `{index}` twice"
    op: str
    index: str


@record(kw_only=True)
class BoundUnused(Fault):
    code: ClassVar[str] = "E212"
    words: ClassVar[str] = "`{op}` binds an index `{index}`, which nothing uses"
    help: ClassVar[str] = "several indices stand in braces: `{corrected}`"
    op: str
    index: str
    corrected: str


@record(kw_only=True)
class WrittenLeaf(Fault):
    code: ClassVar[str] = "E213"
    words: ClassVar[str] = "`{name}` is declared as {kind}, so no statement may write it"
    name: str
    kind: str


@record(kw_only=True)
class ReadBeforeWritten(Fault):
    code: ClassVar[str] = "E214"
    words: ClassVar[str] = "`{name}` is read before this statement writes it"
    help: ClassVar[str] = "move this statement above the one that reads `{name}`"
    name: str


@record(kw_only=True)
class ReadsItself(Fault):
    code: ClassVar[str] = "E215"
    words: ClassVar[str] = "`{name}` is defined by itself"
    help: ClassVar[str] = "give the new value a name of its own"
    name: str


@record(kw_only=True)
class DefinedTwice(Fault):
    code: ClassVar[str] = "E216"
    words: ClassVar[str] = "`{name}` is {what}"
    help: ClassVar[str] = "{hint}"
    name: str
    what: str = "defined twice"
    hint: str = "add to it with `+=`, or give one of them another name"


@record(kw_only=True)
class DeclaredTwice(Fault):
    code: ClassVar[str] = "E217"
    words: ClassVar[str] = "`{name}` is declared twice"
    name: str


@record(kw_only=True)
class NeverWritten(Fault):
    code: ClassVar[str] = "E218"
    words: ClassVar[str] = "`{name}` is declared as {kind}, but no statement writes it"
    name: str
    kind: str
    hint: str = ""
    help: ClassVar[str] = "{hint}"


@record(kw_only=True)
class SecondLoss(Fault):
    code: ClassVar[str] = "E219"
    words: ClassVar[str] = "a program minimises one loss; `{name}` is a second one"
    help: ClassVar[str] = "add the two up in one statement"
    name: str


@record(kw_only=True)
class BatchedParameter(Fault):
    code: ClassVar[str] = "E220"
    words: ClassVar[str] = "parameter `{name}` bears the batch index `{index}`"
    help: ClassVar[str] = (
        "parameters do not have a batch index: declare `input {name}`, or `batch none`"
    )
    name: str
    index: str


@record(kw_only=True)
class NotIndex(Fault):
    code: ClassVar[str] = "E221"
    words: ClassVar[str] = "`{text}` is no index: an index position holds {what}"
    text: str
    what: str = "an integer"


@record(kw_only=True)
class NotIntegerTensor(Fault):
    code: ClassVar[str] = "E222"
    words: ClassVar[str] = "`{name}` is used as an index, but its values are no integers"
    help: ClassVar[str] = "{hint}"
    name: str
    hint: str


@record(kw_only=True)
class ComputedGather(Fault):
    code: ClassVar[str] = "E223"
    words: ClassVar[str] = "`{text}` computes with a gathered index"
    help: ClassVar[str] = "give the integer a name of its own first: `v[b] = y[b] + 1`"
    text: str


@record(kw_only=True)
class NameClash(Fault):
    code: ClassVar[str] = "E224"
    words: ClassVar[str] = "{kind} `{name}` bears the name of {what}"
    help: ClassVar[str] = "an index, its size and a scalar need three names: rename the {kind}"
    kind: str = "scalar"
    name: str
    what: str


@record(kw_only=True)
class NotConstant(Fault):
    code: ClassVar[str] = "E225"
    words: ClassVar[str] = "{where} may hold numbers and sizes only, not `{text}`"
    help: ClassVar[str] = "{hint}"
    where: str
    text: str
    hint: str = ""


@record(kw_only=True)
class UnknownDistribution(Fault):
    code: ClassVar[str] = "E226"
    words: ClassVar[str] = "no distribution `{name}`"
    help: ClassVar[str] = "there are normal(sd), uniform, uniform(low, high) and bernoulli(p)"
    name: str


@record(kw_only=True)
class RangeTwice(Fault):
    code: ClassVar[str] = "E227"
    words: ClassVar[str] = "index `{index}` is given a range twice"
    index: str


@record(kw_only=True)
class BatchTwice(Fault):
    code: ClassVar[str] = "E228"
    words: ClassVar[str] = "the batch index is declared twice"
    help: ClassVar[str] = "other names of its range are declared so: `index {names} : {size}`"
    names: str
    size: str


@record(kw_only=True)
class TooLong(Fault):
    code: ClassVar[str] = "E229"
    words: ClassVar[str] = "with the `def`s put in, this {whole} has more than {limit} parts"
    help: ClassVar[str] = "give what is repeated a name in a statement of its own"
    whole: str
    limit: int


@record(kw_only=True)
class WriteIndex(Fault):
    code: ClassVar[str] = "E233"
    words: ClassVar[str] = "`=` into `{target}` could define an entry twice"
    help: ClassVar[str] = "write into gathered positions with `+=`: `{corrected}`"
    target: str
    corrected: str


@record(kw_only=True)
class CallsItself(Fault):
    code: ClassVar[str] = "E234"
    words: ClassVar[str] = "`{name}` calls itself{by}, so it would never end"
    help: ClassVar[str] = "a `def` names an expression; it cannot repeat one"
    name: str
    by: str = ""


@record(kw_only=True)
class NoDerivative(Fault):
    code: ClassVar[str] = "E301"
    words: ClassVar[str] = "{what}"
    what: str
    hint: str = ""
    help: ClassVar[str] = "{hint}"
