"""Smoothing: the width is right, sums survive, NaN neither spreads nor fills."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nilearn.image import smooth_img

from morbids.errors import MorbidsError
from morbids.imaging.images import read_masked_frames, write_image
from morbids.imaging.smoothing import smooth_volume, smoothing

AFFINE = np.diag([2.0, 2.5, 3.0, 1.0])
VOXEL_MM = np.array([2.0, 2.5, 3.0])


def test_width_of_a_smoothed_point_in_mm() -> None:
    point = np.zeros((31, 31, 31))
    point[15, 15, 15] = 1000
    values = smooth_volume(point, 8.0, VOXEL_MM)
    assert values.sum() == pytest.approx(1000, rel=1e-3)
    for axis, voxel_mm in enumerate(VOXEL_MM):
        profile = values.sum(axis=tuple({0, 1, 2} - {axis})) / 1000
        position = (np.arange(31) - 15) * voxel_mm
        sd_mm = np.sqrt((profile * position**2).sum())
        assert sd_mm * 2.3548 == pytest.approx(8.0, rel=0.02)


def test_nilearn_agrees_away_from_the_edge() -> None:
    noise = np.random.default_rng(0).standard_normal((24, 24, 24)).astype(np.float32)
    ours = smooth_volume(noise, 6.0, VOXEL_MM)
    theirs = np.asarray(smooth_img(nib.Nifti1Image(noise, AFFINE), 6.0).dataobj)
    np.testing.assert_allclose(ours[8:-8, 8:-8, 8:-8], theirs[8:-8, 8:-8, 8:-8], atol=1e-3)


def test_nan_stays_and_lends_nothing() -> None:
    values = np.full((12, 12, 12), 5.0)
    values[:4] = np.nan
    smoothed = smooth_volume(values, 10.0, VOXEL_MM)
    assert np.isnan(smoothed[:4]).all()
    np.testing.assert_allclose(smoothed[4:], 5.0, rtol=1e-5)


def test_the_outside_is_kept_out() -> None:
    values = np.full((12, 12, 12), 5.0)
    values[6:] = 500
    inside = np.zeros(values.shape, dtype=bool)
    inside[:6] = True
    smoothed = smooth_volume(values, 10.0, VOXEL_MM, inside)
    np.testing.assert_allclose(smoothed[:6], 5.0, rtol=1e-5)
    assert np.isnan(smoothed[6:]).all()


def test_frames_cut_around_a_mask_are_smoothed_as_whole_ones(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).standard_normal((30, 30, 30, 2)).astype(np.float32)
    inside = np.zeros(frames.shape[:3], dtype=bool)
    inside[11:15, :6, 14:18] = True  # at an edge of the image along one axis, far from it along the others
    pet = write_image(frames, AFFINE, tmp_path / "pet.nii.gz")
    mask = write_image(inside, AFFINE, tmp_path / "mask.nii.gz")
    found = read_masked_frames(pet, mask, smoothing(5.0)).curves
    # A voxel that is unknown, far away, keeps the weights from being those of a box.
    frames[29, 29, 29] = np.nan
    whole = [smooth_volume(frames[..., frame], 5.0, VOXEL_MM)[inside] for frame in range(2)]
    np.testing.assert_allclose(found, whole, rtol=1e-5, atol=1e-6)


def test_an_empty_mask_takes_no_voxels(tmp_path: Path) -> None:
    pet = write_image(np.ones((6, 6, 6, 2), np.float32), AFFINE, tmp_path / "pet.nii.gz")
    mask = write_image(np.zeros((6, 6, 6), bool), AFFINE, tmp_path / "mask.nii.gz")
    assert read_masked_frames(pet, mask, smoothing(5.0)).curves.shape == (2, 0)


def test_zero_width_changes_nothing() -> None:
    noise = np.random.default_rng(0).standard_normal((6, 6, 6)).astype(np.float32)
    np.testing.assert_array_equal(smooth_volume(noise, 0.0, VOXEL_MM), noise)


def test_a_negative_width_is_refused() -> None:
    with pytest.raises(MorbidsError, match="-1 mm is negative"):
        smooth_volume(np.ones((6, 6, 6)), -1.0, VOXEL_MM)
