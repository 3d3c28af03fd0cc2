import numpy as np
import pytest

from morbids.imaging.transforms import invert, rigid_matrix
from morbids.simulation.grids import centred_grid, crop, make_grid, pull, voxel_centres

pytestmark = pytest.mark.graph


def test_pull_finds_the_same_point_on_a_flipped_grid() -> None:
    source = make_grid((-20, -20, -20), (20, 20, 20), 2.0)
    x, y, z = voxel_centres(source)
    values = (x + 2 * y - z).astype(np.float32)
    target = centred_grid((9, 9, 9), (-3.0, 3.0, 2.5), np.zeros(3))
    u, v, w = voxel_centres(target)
    np.testing.assert_allclose(pull(values, source, target), u + 2 * v - w, atol=1e-4)


def test_pull_through_a_transform_and_back_returns_the_image() -> None:
    grid = make_grid((-30, -30, -30), (30, 30, 30), 2.0)
    x, y, z = voxel_centres(grid)
    blob = np.exp(-((x - 4) ** 2 + (y + 3) ** 2 + z**2) / 200).astype(np.float32)
    motion = rigid_matrix(np.array([3.0, -2.0, 1.0, 0.1, 0.0, -0.1]))
    moved = pull(blob, grid, grid, [motion])
    assert np.abs(moved - blob).max() > 0.1
    # Two linear interpolations blur a little.
    inner = (slice(5, -5),) * 3
    np.testing.assert_allclose(pull(moved, grid, grid, [invert(motion)])[inner], blob[inner], atol=0.04)


def test_crop_keeps_places() -> None:
    grid = make_grid((-10, -10, -10), (10, 10, 10), 1.0)
    x, y, z = voxel_centres(grid)
    values = np.broadcast_to(x + 10 * y + 100 * z, grid.shape)
    box, part = crop(grid, (-3.2, 0, 4), (2, 5, 30))
    u, v, w = voxel_centres(part)
    np.testing.assert_allclose(values[box], np.broadcast_to(u + 10 * v + 100 * w, part.shape))
