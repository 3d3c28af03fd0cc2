"""Which maps know which voxels."""

import numpy as np

from morbids.numerics.statistics.coverage import find_patterns


def test_voxels_are_parted_by_the_maps_that_know_them() -> None:
    maps = np.ones((11, 6))
    maps[3, [1, 4]] = np.nan
    maps[10, 5] = np.inf
    patterns = {
        tuple(np.flatnonzero(~known).tolist()): voxels.tolist() for voxels, known in find_patterns(maps)
    }
    assert patterns == {(): [0, 2, 3], (3,): [1, 4], (10,): [5]}
