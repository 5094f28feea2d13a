"""What the registers of a processor hold, and its caches."""

from __future__ import annotations

from einsumgrad.record import record


@record
class Registers:
    """`vector`: the bytes of one. `rows`: how many a tile has that is one vector wide, two …: its
    sums stay in registers, with some left for what is multiplied. `high`: rows of a matrix that are
    gone through for all columns, DEEP terms of which stay in the second cache."""

    vector: int
    rows: tuple[int, ...]
    high: int


AVX2 = Registers(32, (6, 6, 4), 192)
"""12 sums in 16 registers; other processors hold as much."""
AVX512 = Registers(64, (12, 12, 8), 512)
"""24 sums in 32 registers. With three vectors there are fewer loads for each product than with two,
which is what threads wait for that share a core with others."""
