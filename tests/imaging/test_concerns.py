"""Doubts are told with numbers that miss their bound as printed."""

import numpy as np
import pytest

from morbids.imaging.concerns import all_doubts, beside, too_high, too_low


@pytest.mark.parametrize(("bound", "digits"), [(0.7, 2), (0.55, 2), (15, 2), (15, 0)])
def test_a_rounded_value_still_misses_its_bound(bound: float, digits: int) -> None:
    for value in bound + np.array([-0.3, -0.004, -1e-9, 1e-9, 0.004, 0.3]):
        rounded = beside(value, bound, digits)
        assert (rounded < bound) == (value < bound)
        assert abs(rounded - value) <= 1.01 * 10.0**-digits


def test_value_and_bound_stand_side_by_side() -> None:
    assert too_low(0.699, 0.7) == "0.69 (at least 0.7 expected)"
    assert too_low(0.796, 0.8, "%") == "79% (at least 80% expected)"
    assert too_high(12.2, 10, "cm2", digits=0) == "12 cm2 (at most 10 cm2 expected)"


def test_every_doubt_is_told() -> None:
    assert all_doubts("Brain extraction", []) == ""
    told = all_doubts("Brain extraction", ["one", "two"])
    assert told == "Brain extraction is doubtful: one. Brain extraction is doubtful: two."
