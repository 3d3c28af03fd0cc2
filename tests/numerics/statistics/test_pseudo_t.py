import numpy as np
import pytest

from morbids.errors import MorbidsError
from morbids.numerics.statistics.pseudo_t import make_smoother

MASK = np.zeros((20, 18, 16), dtype=bool)
MASK[3:17, 2:15, 1:14] = True


def test_constants_stay_up_to_the_edge_of_the_mask() -> None:
    smoother = make_smoother(MASK, 6, (2, 2, 2))
    np.testing.assert_allclose(smoother.smooth(np.full((2, MASK.sum()), 0.3)), 0.3)


def test_a_point_becomes_a_gaussian_of_the_width_asked_for() -> None:
    image = np.zeros(MASK.shape)
    image[10, 9, 8] = 1
    smoothed = np.zeros(MASK.shape)
    smoothed[MASK] = make_smoother(MASK, 6, (2, 2, 3)).smooth(image[MASK])[0]
    # Half of the full width at half maximum away, the value halves: 1.5 voxels of 2 mm, 1 voxel of 3 mm.
    assert smoothed[10, 9, 9] / smoothed[10, 9, 8] == pytest.approx(0.5, abs=0.01)
    ratio = smoothed[11, 9, 8] / smoothed[10, 9, 8]
    assert ratio == pytest.approx(2.0 ** -(1 / 1.5**2), abs=0.01)


def test_refuses_no_width() -> None:
    with pytest.raises(MorbidsError, match="smoothed by 0 mm"):
        make_smoother(MASK, 0, (2, 2, 2))
