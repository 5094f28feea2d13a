"""Operators that leave out, inside each other: printed, derived and run as what they mean."""

from __future__ import annotations

import pytest
from nested import nested
from test_fuzz import PROPERTIES, hold, wanted


@pytest.mark.sentence(6, "A read outside a tensor is 0")
def test_operators_that_leave_out_inside_each_other(pytestconfig: pytest.Config) -> None:
    hold(PROPERTIES, nested(), max(3, wanted(pytestconfig) // 8))
