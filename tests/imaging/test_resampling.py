"""One interpolation through a chain: geometry truth on smooth images, NaN stays NaN and never smears."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from morbids.errors import MorbidsError
from morbids.imaging.images import Image, read_image, write_image
from morbids.imaging.resampling import Interpolation, read_transform, refine_grid, resample, resample_maps
from morbids.imaging.transforms import rigid_matrix, write_itk
from morbids.numerics.arrays import FloatArray

# Oblique, flipped and sheared: what ITK's own image geometry refuses.
ODD_AFFINE = np.array([[-2.0, 0.3, 0.0, 25.0], [0.2, 2.2, 0.1, -22.0], [0.0, 0.1, 2.5, -24.0], [0, 0, 0, 1]])
PLAIN_AFFINE = np.array([[2.0, 0, 0, -14.0], [0, 2.0, 0, -14.0], [0, 0, 2.0, -14.0], [0, 0, 0, 1]])
FIRST = rigid_matrix(np.array([2.0, -1.0, 1.5, 0.1, 0.05, -0.08]))
SECOND = rigid_matrix(np.array([-1.0, 0.5, 2.0, -0.05, 0.1, 0.03]))


def mm_of(shape: tuple[int, ...], affine: FloatArray) -> FloatArray:
    """(x, y, z, 3) RAS mm of every voxel."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), -1)
    points: FloatArray = index @ affine[:3, :3].T + affine[:3, 3]
    return points


def plane(points_mm: FloatArray) -> FloatArray:
    """Linear function of space, which linear interpolation reproduces exactly."""
    values: FloatArray = 10 + points_mm @ np.array([0.3, -0.2, 0.5])
    return values


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    return write_image(plane(mm_of((26, 22, 20), ODD_AFFINE)), ODD_AFFINE, tmp_path / "scan.nii.gz")


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    return write_image(np.zeros((15, 15, 15)), PLAIN_AFFINE, tmp_path / "grid.nii.gz", code=4)


@pytest.mark.parametrize("interpolation", ["linear", "cubic"])
def test_chain_reaches_the_points_it_should(
    interpolation: Interpolation, scan: Path, grid: Path, tmp_path: Path
) -> None:
    chain = [write_itk(FIRST, tmp_path / "1.txt"), write_itk(SECOND, tmp_path / "2.txt")]
    moved = read_image(resample(scan, grid, chain, interpolation, tmp_path / "moved.nii.gz"))
    # The image passes FIRST then SECOND, so a point of the grid passes SECOND, then FIRST.
    points = mm_of((15, 15, 15), PLAIN_AFFINE) @ (FIRST @ SECOND)[:3, :3].T + (FIRST @ SECOND)[:3, 3]
    inner = (slice(2, -2),) * 3
    np.testing.assert_allclose(moved.values[inner], plane(points)[inner], atol=0.02)


def test_displacement_composite_joins_the_chain(scan: Path, grid: Path, tmp_path: Path) -> None:
    field = sitk.GetImageFromArray(np.broadcast_to([1.0, 2.0, -3.0], (20, 20, 20, 3)).copy(), isVector=True)
    field.SetOrigin((-40.0, -40.0, -40.0))
    field.SetSpacing((4.0, 4.0, 4.0))
    composite = sitk.CompositeTransform([sitk.AffineTransform(3), sitk.DisplacementFieldTransform(field)])
    warp = tmp_path / "warp.h5"
    sitk.WriteTransform(composite, str(warp))
    moved = read_image(
        resample(
            scan, grid, [write_itk(FIRST, tmp_path / "1.txt"), warp], "linear", tmp_path / "moved.nii.gz"
        )
    )
    # LPS displacement (1, 2, -3) is (-1, -2, -3) in RAS, and comes before FIRST for points.
    points = (mm_of((15, 15, 15), PLAIN_AFFINE) - np.array([1, 2, 3])) @ FIRST[:3, :3].T + FIRST[:3, 3]
    inner = (slice(2, -2),) * 3
    np.testing.assert_allclose(moved.values[inner], plane(points)[inner], atol=1e-3)


def test_each_frame_takes_its_own_transform(grid: Path, tmp_path: Path) -> None:
    frames = np.stack([plane(mm_of((15, 15, 15), PLAIN_AFFINE))] * 3, axis=-1)
    header = nib.Nifti1Image(frames, PLAIN_AFFINE).header
    header.set_zooms((2, 2, 2, 30))
    header.set_xyzt_units("mm", "sec")
    scan = write_image(frames, PLAIN_AFFINE, tmp_path / "scan.nii.gz", like=header)
    shifts = [np.array([0, 0, shift, 0, 0, 0.0]) for shift in (0.0, 1.0, -2.0)]
    per_frame = write_itk(np.stack([rigid_matrix(shift) for shift in shifts]), tmp_path / "motion.txt")
    out = resample(scan, grid, [per_frame], "linear", tmp_path / "moved.nii.gz")
    moved = read_image(out)
    assert moved.header.get_zooms()[3] == 30
    for frame, shift_mm in enumerate((0.0, 1.0, -2.0)):
        difference = moved.values[4:-4, 4:-4, 4:-4, frame] - frames[4:-4, 4:-4, 4:-4, 0]
        np.testing.assert_allclose(difference, 0.5 * shift_mm, atol=1e-3)


@pytest.mark.parametrize("interpolation", ["linear", "cubic"])
def test_nan_stays_nan_and_never_dims_its_neighbours(
    interpolation: Interpolation, grid: Path, tmp_path: Path
) -> None:
    values = np.full((15, 15, 15), 2.0)
    values[:7] = np.nan
    scan = write_image(values, PLAIN_AFFINE, tmp_path / "map.nii.gz")
    shift = write_itk(rigid_matrix(np.array([0.6, 0, 0, 0, 0, 0])), tmp_path / "shift.txt")
    moved = read_image(resample(scan, grid, [shift], interpolation, tmp_path / "moved.nii.gz")).values
    known = np.isfinite(moved)
    np.testing.assert_allclose(moved[known], 2.0, atol=1e-5)
    # 0.3 voxels to the left: the first known voxel keeps 70 % of its weight, the one before it 30 %.
    assert known[7:14, 7, 7].all()
    assert not known[:7].any()


def test_outside_the_field_of_view_is_zero_for_counts_and_nan_for_maps(grid: Path, tmp_path: Path) -> None:
    far = write_itk(rigid_matrix(np.array([200.0, 0, 0, 0, 0, 0])), tmp_path / "far.txt")
    counts = write_image(np.ones((15, 15, 15)), PLAIN_AFFINE, tmp_path / "counts.nii.gz")
    values = np.ones((15, 15, 15))
    values[0] = np.nan
    parametric = write_image(values, PLAIN_AFFINE, tmp_path / "map.nii.gz")
    assert not read_image(resample(counts, grid, [far], "linear", tmp_path / "a.nii.gz")).values.any()
    assert np.isnan(
        read_image(resample(parametric, grid, [far], "linear", tmp_path / "b.nii.gz")).values
    ).all()


def test_an_unknown_frame_stays_unknown(grid: Path, tmp_path: Path) -> None:
    values = np.ones((15, 15, 15, 2))
    values[..., 1] = np.nan
    scan = write_image(values, PLAIN_AFFINE, tmp_path / "maps.nii.gz")
    moved = read_image(resample(scan, grid, [], "linear", tmp_path / "moved.nii.gz")).values
    assert np.isnan(moved[..., 1]).all()
    np.testing.assert_allclose(moved[..., 0], 1)


def test_labels_stay_the_same_integers_and_codes_follow_the_grid(grid: Path, tmp_path: Path) -> None:
    labels = np.random.default_rng(0).choice([0, 2001, 9170], (15, 15, 15)).astype(np.int32)
    scan = write_image(labels, PLAIN_AFFINE, tmp_path / "dseg.nii.gz")
    moved: Any = nib.load(resample(scan, grid, [], "nearest", tmp_path / "moved.nii.gz"))
    np.testing.assert_array_equal(np.asarray(moved.dataobj), labels)
    assert np.issubdtype(moved.get_data_dtype(), np.integer)
    assert (int(moved.header["sform_code"]), int(moved.header["qform_code"])) == (4, 4)


def test_wrong_number_of_transforms_is_refused(scan: Path, grid: Path, tmp_path: Path) -> None:
    pair = write_itk(np.stack([FIRST, SECOND]), tmp_path / "pair.txt")
    with pytest.raises(MorbidsError, match="holds 2 transforms for an image of 1 frames"):
        resample(scan, grid, [pair], "linear", tmp_path / "moved.nii.gz")


def test_broken_transform_is_named(scan: Path, grid: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.h5"
    broken.write_bytes(b"no transform")
    with pytest.raises(MorbidsError, match=r"broken\.h5 cannot be read"):
        resample(scan, grid, [broken], "linear", tmp_path / "moved.nii.gz")


def test_finer_grid_shows_the_same_places() -> None:
    affine = np.array([[-6.0, 0, 0, 40.0], [0, 6.0, 0, -40.0], [0, 0, 2.0, -20.0], [0, 0, 0, 1]])
    coarse = Image(plane(mm_of((14, 14, 20), affine)).astype(np.float32), affine, None)
    fine = refine_grid(coarse, 3.0, "linear")
    assert fine.values.shape == (28, 28, 20)
    np.testing.assert_allclose(fine.voxel_mm, [3, 3, 2])
    inner = (slice(2, -2),) * 3
    np.testing.assert_allclose(fine.values[inner], plane(mm_of((28, 28, 20), fine.affine))[inner], atol=1e-3)
    frames = Image(np.stack([coarse.values, 2 * coarse.values], -1), affine, None)
    np.testing.assert_allclose(refine_grid(frames, 3.0, "linear").values[..., 1], 2 * fine.values, rtol=1e-5)
    assert refine_grid(coarse, 6.0, "linear") is coarse


def test_a_file_that_is_no_transform_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "way_xfm.h5"
    path.write_text("nothing")
    with pytest.raises(MorbidsError, match=r"way_xfm\.h5 cannot be read as an ITK transform"):
        read_transform(path)


def test_maps_together_come_out_as_each_alone(scan: Path, grid: Path, tmp_path: Path) -> None:
    """By ITK, voxel by voxel: the same values, unknown in the same places, 0 or NaN outside the field of view."""
    values = read_image(scan).values
    values[5:9, 3:8, 4:12] = np.nan
    holed = write_image(values, ODD_AFFINE, tmp_path / "holed.nii.gz")
    chain = [write_itk(FIRST, tmp_path / "first.txt"), write_itk(SECOND, tmp_path / "second.txt")]
    together = resample_maps([scan, holed], grid, chain, tmp_path / "together")
    for source, brought in zip((scan, holed), together, strict=True):
        assert brought == tmp_path / "together" / source.name
        alone = read_image(resample(source, grid, chain, "linear", tmp_path / "alone.nii.gz")).values
        np.testing.assert_allclose(read_image(brought).values, alone, rtol=1e-6)
        assert np.isnan(alone).any() == (source == holed)
