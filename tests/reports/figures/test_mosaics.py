"""Grey levels of an underlay."""

import numpy as np
import pytest

from morbids.reports.figures.mosaics import grey_levels


def test_grey_levels_span_the_brain_and_ignore_what_is_brighter_outside() -> None:
    canvas = np.array([[0.0, 50.0, 100.0, 1e6, np.nan]])
    within = np.array([[1.0, 1.0, 1.0, 0.0, 0.0]])
    levels = grey_levels(canvas, within)
    assert levels[0, 1] == pytest.approx(0.5, abs=0.01)
    assert levels[0, 3] == 1
    assert not grey_levels(np.full((2, 2), np.nan)).any()
