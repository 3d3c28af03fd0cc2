"""Labels that do not overlap."""

import numpy as np
import pytest

from morbids.reports.figures.labels import spread


@pytest.mark.parametrize("positions", [[0.0, 0.1, 0.2, 5.0], [3.0, 3.0, 3.0], [1.0, 9.0], [5.0, 1.0, 1.2]])
def test_labels_are_moved_apart_and_keep_their_order_and_centre(positions: list[float]) -> None:
    wanted = np.array(positions)
    moved = spread(wanted, 1.0)
    assert np.diff(np.sort(moved)).min() >= 1.0 - 1e-9
    assert (np.argsort(moved, kind="stable") == np.argsort(wanted, kind="stable")).all()
    assert moved.mean() == pytest.approx(wanted.mean())
