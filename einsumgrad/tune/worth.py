"""Whether strips are worth it, and how long they are: a model of what NumPy's calls cost.

What an elementwise step costs is the bytes that it moves, three times as much where they come from
memory rather than from the L2 cache. Strips make what lies between two steps fit into that cache,
and several workers share them, where else only large products of matrices are shared, by BLAS; they
pay for it by more calls, by operands of products that BLAS packs anew for each part, and by sums
over the parts."""

from __future__ import annotations

import math
from collections.abc import Iterator

from einsumgrad.plan.nodes import Plan
from einsumgrad.plan.scratch import bytes_of
from einsumgrad.record import record
from einsumgrad.tune.bodies import Body, body, most_alive
from einsumgrad.tune.levels import Cut
from einsumgrad.tune.strips import cuts, part, stripped

CACHE = 2**19
"""Bytes of the L2 cache of a core: 512 KiB on AMD's Zen 1 to 3, 1 to 2 MiB on later ones."""
RATES = ((CACHE, 0.019), (4 * CACHE, 0.022), (math.inf, 0.06))
"""ns a byte that an elementwise step moves where no more than so many bytes are in use: within L2,
within a core's share of L3, from memory. `np.multiply` of float32 on an AMD EPYC."""
PACK = 0.25
"""ns a byte of a matrix that BLAS copies into the order it needs, before it multiplies."""
CALL, PART, RUN = 1.5e3, 5e3, 20
"""ns for a call of a NumPy function; for a part: the views of what it reads and fills; for each
piece of memory that such a view is made of: NumPy's inner loops end with it."""
WAITING, SHARING = 4e3, 5e5
"""ns more for a call where threads wait for the interpreter, which only one of them has at a time;
ns for work to reach another thread and to come back."""
GAIN, GREAT = 0.5, 0.95
"""How well BLAS uses each further core: measured for products of 60 to 800 rows and columns; for
huge ones it is more than measured (0.7), as strips of them were no faster than the whole, and took
memory for their sums."""
LEAST, SHARE = 5e4, 0.1
"""Strips have to gain so many ns, and this share of what they replace."""
TRIED = 4
"""So many classes of axes are looked at, those that most bytes have."""


@record
class Cores:
    """How many workers there are, and whether they may share strips with products: BLAS is kept to
    one thread then."""

    count: int = 1
    products: bool = False

    def lanes(self, run: Body) -> int:
        return self.count if self.products or not run.threaded else 1


def in_strips(plan: Plan, cores: Cores) -> Plan:
    """The plan by strips of the axis that saves most, as it is if none does."""
    if most_alive(plan) <= CACHE:
        return plan
    found = sorted(cuts(plan), key=lambda made: -_covered(plan, made))[:TRIED]
    gains = [(gain(plan, made, cores), made) for made in found]
    best, made = max(gains, key=lambda pair: pair[0], default=(0.0, None))
    if made is None or best < LEAST:
        return plan
    return stripped(plan, made, lambda cut, own: length(cut, own, cores)[0])


def _covered(plan: Plan, made: Cut) -> int:
    return sum(bytes_of(plan.registers[register]) for register in made.axis)


def gain(plan: Plan, made: Cut, cores: Cores) -> float:
    """The ns that a cut saves."""
    parts = (part(plan, made, tuple(steps), made.size) for steps in made.parts.values())
    return sum(length(made, own, cores)[1] for own in parts)


def length(made: Cut, own: Plan, cores: Cores) -> tuple[int, float]:
    """The length of the strips of a body, 0 if it is not worth a cut; and the ns that they save."""
    found, size = body(made, own), made.size
    whole = cost(found, size, size, cores)
    tried = {-(-size // -(-size // count)) for count in _counts(size)}
    least, count = min((cost(found, count, size, cores), -count) for count in tried)
    gained = whole - least
    return (-count, gained) if gained > SHARE * whole else (0, 0.0)


def _counts(size: int) -> Iterator[int]:
    count = 1
    while count < size:
        yield count
        count *= 2
    yield size


def cost(run: Body, count: int, size: int, cores: Cores) -> float:
    """The ns of all parts of so many entries of an axis."""
    parts = -(-size // count)
    alive = run.alive[0] * count // size + run.alive[1]
    rate = next(rate for most, rate in RATES if alive <= most)
    again = PACK * run.packed + rate * run.moved[1]
    if parts == 1:
        more = cores.count - 1
        spared = run.wide * (1 - 1 / (1 + GAIN * more)) + run.huge * (1 - 1 / (1 + GREAT * more))
        return CALL * run.calls + again + rate * run.moved[0] + run.work - spared
    lanes = min(parts, cores.lanes(run))
    call = CALL + WAITING * (lanes > 1)
    each = call * run.calls + again + PART + RUN * run.runs + 3 * rate * run.sums
    return (parts * each + rate * run.moved[0] + run.work) / lanes + SHARING * (lanes > 1)
