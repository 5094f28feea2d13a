"""What the registers of a processor hold."""

from __future__ import annotations

from einsumgrad.record import record


@record
class Registers:
    """`vector`: the bytes of one. `rows`: of a tile of two vectors of columns, whose sums stay in
    registers, with some left for what is multiplied."""

    vector: int
    rows: int


AVX2 = Registers(32, 6)
"""12 sums in 16 registers; other processors hold as much."""
AVX512 = Registers(64, 12)
"""24 sums in 32 registers."""
