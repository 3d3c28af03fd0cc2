"""Evened images: known poses come back, from afar, through shading, noise and other grids."""

import numpy as np
import pytest

from morbids.imaging.evened import prepare_targets, register_evened
from morbids.imaging.images import Image
from morbids.imaging.motion import FAR, NEAR
from morbids.imaging.transforms import rigid_matrix
from morbids.numerics.arrays import FloatArray
from tests.imaging.phantoms import PET_AFFINE, PET_SHAPE, brain_at, grid_mm, largest_error_mm, pet_volume

pytestmark = pytest.mark.graph

POSE = rigid_matrix(np.array([4.0, -3.0, 5.0, 0.06, -0.04, 0.1]))
FAR_POSE = rigid_matrix(np.array([12.0, -9.0, 8.0, 0.2, -0.15, 0.25]))
TARGET = Image(pet_volume(np.eye(4)).astype(np.float32), PET_AFFINE, None)
BRAIN = brain_at(grid_mm(PET_SHAPE, PET_AFFINE))


def find(pose: FloatArray, change: FloatArray | float = 1.0, noise: float = 0.0) -> FloatArray:
    """What is found of the head in a pose whose brightness was changed."""
    image = TARGET._replace(values=(change * pet_volume(pose, noise)).astype(np.float32))
    targets = prepare_targets(TARGET, BRAIN, (*FAR, *NEAR))
    return register_evened(targets, image, np.eye(4))


@pytest.mark.parametrize("pose", [np.eye(4), POSE, FAR_POSE])
def test_poses_come_back(pose: FloatArray) -> None:
    # A fifth of a voxel, 76 mm from the centre.
    assert largest_error_mm(find(pose), pose) < 1.0


def test_what_varies_smoothly_pulls_nothing_aside() -> None:
    x, _, z = np.moveaxis(grid_mm(PET_SHAPE, PET_AFFINE), -1, 0)
    assert largest_error_mm(find(POSE, np.exp(x / 200 - z / 150)), POSE) < 1.5


def test_noise_leaves_a_voxels_part() -> None:
    assert largest_error_mm(find(POSE, noise=0.5), POSE) < 1.5


def test_another_grid_shows_the_same_head() -> None:
    cut = TARGET._replace(values=pet_volume(POSE)[2:, 1:, :-2].astype(np.float32), affine=PET_AFFINE.copy())
    cut.affine[:3, 3] += PET_AFFINE[:3, :3] @ [2, 1, 0]
    found = register_evened(prepare_targets(TARGET, BRAIN, (*FAR, *NEAR)), cut, np.eye(4))
    assert largest_error_mm(found, POSE) < 1.0


def test_an_image_without_anything_moves_nothing() -> None:
    empty = TARGET._replace(values=np.zeros(PET_SHAPE, dtype=np.float32))
    found = register_evened(prepare_targets(TARGET, BRAIN, NEAR), empty, POSE)
    np.testing.assert_allclose(found, POSE, atol=1e-12)
