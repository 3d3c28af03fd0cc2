"""Images of one scan: decay, the brain in PET space, maps in another space."""

from pathlib import Path

import numpy as np
import pytest

from morbids.errors import MorbidsError
from morbids.imaging.images import read_image, write_image
from morbids.imaging.transforms import rigid_matrix, write_itk
from morbids.participant.steps.pet import bring_maps, correct_decay, join_frames, make_t1w_grid, mask_pet

FINE, COARSE = np.diag([2.0, 2.0, 2.0, 1.0]), np.diag([4.0, 4.0, 4.0, 1.0])


def write_shift(path: Path, x_mm: float) -> Path:
    """Way of an image that moves its content by x_mm."""
    return write_itk(rigid_matrix(np.array([-x_mm, 0, 0, 0, 0, 0])), path)


def test_decay_is_corrected_frame_by_frame(tmp_path: Path) -> None:
    pet = write_image(np.full((2, 2, 2, 3), 10.0), COARSE, tmp_path / "in.nii.gz")
    found = read_image(correct_decay(pet, (1.0, 1.5, 2.0), tmp_path).pet).values
    np.testing.assert_allclose(found[0, 0, 0], [10, 15, 20])


def test_a_single_frame_is_corrected_too(tmp_path: Path) -> None:
    pet = write_image(np.full((2, 2, 2), 10.0), COARSE, tmp_path / "in.nii.gz")
    np.testing.assert_allclose(read_image(correct_decay(pet, (1.5,), tmp_path).pet).values, 15)


def test_a_number_of_frames_that_does_not_fit_is_told(tmp_path: Path) -> None:
    pet = write_image(np.ones((2, 2, 2, 3)), COARSE, tmp_path / "in.nii.gz")
    with pytest.raises(MorbidsError, match=r"in.nii.gz has 3 frames, its sidecar 2\. Correct FrameDuration"):
        correct_decay(pet, (1.0, 2.0), tmp_path)


def test_the_mask_takes_voxels_that_are_at_least_half_brain(tmp_path: Path) -> None:
    brain = np.zeros((16, 8, 8), dtype=bool)
    brain[4:9] = True  # 7 to 17 mm between the edges of its voxels
    t1w_mask = write_image(brain, FINE, tmp_path / "brain.nii.gz")
    petref = write_image(np.ones((8, 4, 4)), COARSE, tmp_path / "petref.nii.gz")
    still = write_shift(tmp_path / "still.txt", 0.0)
    found = read_image(mask_pet(t1w_mask, still, petref, tmp_path).mask).values
    np.testing.assert_array_equal(np.flatnonzero(found[:, 1, 1]), [2, 3, 4])
    moved = write_shift(tmp_path / "moved.txt", 4.0)
    found = read_image(mask_pet(t1w_mask, moved, petref, tmp_path).mask).values
    np.testing.assert_array_equal(np.flatnonzero(found[:, 1, 1]), [3, 4, 5])


def test_a_brain_outside_the_pet_image_is_told(tmp_path: Path) -> None:
    t1w_mask = write_image(np.ones((8, 8, 8), dtype=bool), FINE, tmp_path / "brain.nii.gz")
    petref = write_image(np.ones((8, 4, 4)), COARSE, tmp_path / "petref.nii.gz")
    away = write_shift(tmp_path / "away.txt", 500.0)
    with pytest.raises(MorbidsError, match=r"brain.nii.gz lies outside the PET image petref.nii.gz"):
        mask_pet(t1w_mask, away, petref, tmp_path)


def test_maps_pass_both_ways_in_one_interpolation(tmp_path: Path) -> None:
    ramp = np.broadcast_to(np.arange(12.0)[:, None, None], (12, 6, 6))
    image = write_image(ramp, COARSE, tmp_path / "BPND.nii.gz")
    grid = write_image(np.ones((10, 6, 6)), COARSE, tmp_path / "grid.nii.gz")
    # Half a voxel twice: two interpolations would blur a ramp's edge, one whole voxel leaves the numbers exact.
    ways = write_shift(tmp_path / "first.txt", 2.0), write_shift(tmp_path / "second.txt", 2.0)
    folder = tmp_path / "out"
    folder.mkdir()
    maps = bring_maps({"BPND": image}, ways[0], grid, folder, ways[1]).maps
    found = read_image(maps["BPND"])
    assert found.values.shape == (10, 6, 6)
    np.testing.assert_allclose(found.values[2:9, 3, 3], np.arange(1.0, 8.0), atol=1e-4)


def test_the_grid_of_maps_in_t1w_space_covers_its_field_of_view(tmp_path: Path) -> None:
    turned = np.array([[0.0, 0, -1.2, 40], [1, 0, 0, -30], [0, -1, 0, 20], [0, 0, 0, 1]])
    brain = write_image(np.ones((10, 9, 8), dtype=bool), turned, tmp_path / "brain.nii.gz")
    grid = read_image(make_t1w_grid(brain, 2.0, tmp_path).grid)
    assert grid.values.shape == (5, 5, 5)  # 10, 9 and 9.6 mm
    np.testing.assert_allclose(grid.voxel_mm, 2.0)
    corner = np.array([-0.5, -0.5, -0.5, 1])
    np.testing.assert_allclose(grid.affine @ corner, turned @ corner)
    np.testing.assert_allclose(grid.affine[:3, 0] / 2, turned[:3, 0])


def test_maps_stop_in_t1w_space_when_no_template_is_given(tmp_path: Path) -> None:
    ramp = np.broadcast_to(np.arange(12.0)[:, None, None], (12, 6, 6))
    image = write_image(ramp, COARSE, tmp_path / "BPND.nii.gz")
    folder = tmp_path / "out"
    folder.mkdir()
    maps = bring_maps({"BPND": image}, write_shift(tmp_path / "way.txt", 4.0), image, folder).maps
    np.testing.assert_allclose(read_image(maps["BPND"]).values[2:9, 3, 3], np.arange(1.0, 8.0), atol=1e-4)


def test_runs_on_different_grids_join_on_the_first(tmp_path: Path) -> None:
    ramp = np.broadcast_to(np.arange(12.0)[:, None, None, None], (12, 6, 6, 2))
    first = write_image(ramp, COARSE, tmp_path / "run-1_pet.nii.gz")
    shifted = COARSE.copy()
    shifted[0, 3] = 4.0
    second = write_image(ramp[..., 0], shifted, tmp_path / "run-2_pet.nii.gz")
    found = read_image(join_frames((first, first), tmp_path).pet).values
    np.testing.assert_array_equal(found, np.concatenate([ramp, ramp], axis=3))
    found = read_image(join_frames((first, second), tmp_path).pet).values
    assert found.shape == (12, 6, 6, 3)
    np.testing.assert_allclose(found[3:9, 3, 3, 2], np.arange(2.0, 8.0), atol=0.02)
