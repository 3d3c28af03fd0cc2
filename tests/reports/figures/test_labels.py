"""Labels that do not overlap."""

import numpy as np
import pytest

from morbids.reports.figures.labels import choose_evenly, spread


@pytest.mark.parametrize("positions", [[0.0, 0.1, 0.2, 5.0], [3.0, 3.0, 3.0], [1.0, 9.0], [5.0, 1.0, 1.2]])
def test_labels_are_moved_apart_and_keep_their_order_and_centre(positions: list[float]) -> None:
    wanted = np.array(positions)
    moved = spread(wanted, 1.0)
    assert np.diff(np.sort(moved)).min() >= 1.0 - 1e-9
    assert (np.argsort(moved, kind="stable") == np.argsort(wanted, kind="stable")).all()
    assert moved.mean() == pytest.approx(wanted.mean())


def test_regions_are_chosen_from_the_lowest_to_the_highest() -> None:
    values = np.array([5.0, 1.0, np.nan, 3.0, 2.0, 4.0])
    assert choose_evenly(values, 3) == [1, 3, 0]
    assert choose_evenly(values, 8) == [0, 1, 3, 4, 5]
