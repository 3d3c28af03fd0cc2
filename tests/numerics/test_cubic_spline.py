"""Cubic interpolation against scipy's, and at the edges of the volume."""

import numpy as np
import pytest
from scipy import ndimage

from morbids.imaging.transforms import rigid_matrix
from morbids.numerics.cubic_spline import resample_cubic


def test_it_is_the_spline_of_scipy_inside_and_zero_far_outside() -> None:
    volume = np.random.default_rng(0).normal(5, 2, (13, 11, 9)).astype(np.float32)
    matrix = rigid_matrix(np.array([1.3, -2.2, 0.7, 0.1, -0.05, 0.2]))
    shape = (12, 14, 10)
    found = resample_cubic(volume, matrix, shape)
    points = np.indices(shape).reshape(3, -1)
    at = (matrix[:3, :3] @ points + matrix[:3, 3:]).reshape(3, *shape)
    expected = ndimage.map_coordinates(volume.astype(float), at, order=3, mode="mirror")
    size = np.reshape(volume.shape, (3, 1, 1, 1))
    seen = ((at >= -0.5) & (at <= size - 0.5)).all(axis=0)
    assert 0.3 < seen.mean() < 0.9
    np.testing.assert_allclose(found[seen], expected[seen], atol=2e-5)
    assert not found[~seen].any()


def test_a_volume_that_is_not_moved_stays_as_it_is() -> None:
    volume = np.random.default_rng(1).normal(0, 100, (6, 7, 5)).astype(np.float32)
    np.testing.assert_allclose(resample_cubic(volume, np.eye(4), volume.shape), volume, atol=1e-3)


@pytest.mark.parametrize("shape", [(5, 1, 6), (2, 2, 2)])
def test_thin_volumes_are_interpolated_too(shape: tuple[int, int, int]) -> None:
    volume = np.full(shape, 3.0, np.float32)
    shift = np.eye(4)
    shift[:3, 3] = 0.2
    np.testing.assert_allclose(resample_cubic(volume, shift, shape), 3.0, atol=1e-5)
