"""Sums for rigid corrections: the same as numpy's over scipy's linear interpolation."""

import numpy as np
import pytest
from scipy import ndimage

from morbids.numerics.rigid_sums import N_PARAMETERS, sum_rigid


def test_sums_are_those_of_points_that_fall_on_the_volume() -> None:
    rng = np.random.default_rng(0)
    volume = rng.normal(size=(6, 5, 7)).astype(np.float32)
    points = rng.uniform(0, 6, (200, 3)).astype(np.float32)
    values, slopes = (rng.normal(size=shape).astype(np.float32) for shape in ((200,), (200, N_PARAMETERS)))
    to_volume = np.array([[0.9, 0.1, 0, 0.3], [-0.1, 0.9, 0, 0.2], [0, 0, 1.1, -0.4], [0, 0, 0, 1]])
    found = sum_rigid(volume, to_volume, points, values, slopes)
    places = points @ to_volume[:3, :3].T + to_volume[:3, 3]
    inside = ((places >= 0) & (places < np.array(volume.shape) - 1)).all(axis=1)
    assert 20 < inside.sum() < 180
    seen = ndimage.map_coordinates(volume.astype(float), places[inside].T, order=1)
    value, slope = values[inside].astype(float), slopes[inside].astype(float)
    assert found.target_squared == pytest.approx(value @ value, rel=1e-4)
    assert found.volume_squared == pytest.approx(seen @ seen, rel=1e-4)
    assert found.product == pytest.approx(value @ seen, abs=1e-4)
    np.testing.assert_allclose(found.slopes_target, value @ slope, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.slopes_volume, seen @ slope, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.slopes_squared, slope.T @ slope, rtol=1e-4, atol=1e-4)


def test_nothing_is_summed_where_images_do_not_overlap() -> None:
    away = np.eye(4)
    away[0, 3] = 50.0
    ones = np.ones((4, 4, 4), dtype=np.float32)
    points = np.ones((3, 3), dtype=np.float32)
    found = sum_rigid(ones, away, points, points[:, 0], np.ones((3, N_PARAMETERS), dtype=np.float32))
    assert found.volume_squared == 0
    assert not found.slopes_squared.any()
