"""Smoothing: the width is right, sums survive, NaN neither spreads nor fills."""

from pathlib import Path

import numpy as np
import pytest
from nilearn.image import smooth_img

from morbids.errors import MorbidsError
from morbids.imaging.images import read_image, write_image
from morbids.imaging.smoothing import smooth_image

AFFINE = np.diag([2.0, 2.5, 3.0, 1.0])


def test_width_of_a_smoothed_point_in_mm(tmp_path: Path) -> None:
    point = np.zeros((31, 31, 31))
    point[15, 15, 15] = 1000
    scan = write_image(point, AFFINE, tmp_path / "p.nii.gz")
    values = read_image(smooth_image(scan, 8.0, tmp_path / "s.nii.gz")).values
    assert values.sum() == pytest.approx(1000, rel=1e-3)
    for axis, voxel_mm in enumerate((2.0, 2.5, 3.0)):
        profile = values.sum(axis=tuple({0, 1, 2} - {axis})) / 1000
        position = (np.arange(31) - 15) * voxel_mm
        sd_mm = np.sqrt((profile * position**2).sum())
        assert sd_mm * 2.3548 == pytest.approx(8.0, rel=0.02)


def test_nilearn_agrees_away_from_the_edge(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).standard_normal((24, 24, 24))
    scan = write_image(noise, AFFINE, tmp_path / "n.nii.gz")
    ours = read_image(smooth_image(scan, 6.0, tmp_path / "s.nii.gz")).values
    theirs = np.asarray(smooth_img(str(scan), 6.0).dataobj)
    np.testing.assert_allclose(ours[8:-8, 8:-8, 8:-8], theirs[8:-8, 8:-8, 8:-8], atol=1e-3)


def test_nan_stays_and_lends_nothing(tmp_path: Path) -> None:
    values = np.full((12, 12, 12, 2), 5.0)
    values[:4] = np.nan
    scan = write_image(values, AFFINE, tmp_path / "m.nii.gz")
    smoothed = read_image(smooth_image(scan, 10.0, tmp_path / "s.nii.gz")).values
    assert np.isnan(smoothed[:4]).all()
    np.testing.assert_allclose(smoothed[4:], 5.0, rtol=1e-5)


def test_mask_keeps_the_outside_out(tmp_path: Path) -> None:
    values = np.full((12, 12, 12), 5.0)
    values[6:] = 500
    inside = np.zeros(values.shape, dtype=bool)
    inside[:6] = True
    scan = write_image(values, AFFINE, tmp_path / "m.nii.gz")
    mask = write_image(inside, AFFINE, tmp_path / "mask.nii.gz")
    smoothed = read_image(smooth_image(scan, 10.0, tmp_path / "s.nii.gz", mask)).values
    np.testing.assert_allclose(smoothed[:6], 5.0, rtol=1e-5)
    assert np.isnan(smoothed[6:]).all()


def test_zero_width_changes_nothing(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).standard_normal((6, 6, 6)).astype(np.float32)
    scan = write_image(noise, AFFINE, tmp_path / "n.nii.gz")
    np.testing.assert_array_equal(read_image(smooth_image(scan, 0.0, tmp_path / "s.nii.gz")).values, noise)


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    scan = write_image(np.ones((6, 6, 6)), AFFINE, tmp_path / "n.nii.gz")
    other = write_image(np.ones((5, 6, 6), dtype=bool), AFFINE, tmp_path / "mask.nii.gz")
    with pytest.raises(MorbidsError, match="-1 mm is negative"):
        smooth_image(scan, -1.0, tmp_path / "s.nii.gz")
    with pytest.raises(MorbidsError, match="not on the grid"):
        smooth_image(scan, 4.0, tmp_path / "s.nii.gz", other)
