"""Reading and writing images: broken files end as sentences, geometry survives."""

import gzip
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt
import pytest

from morbids.errors import ExitCode, MorbidsError
from morbids.imaging.images import (
    FrameFilter,
    Image,
    crop_to_mask,
    read_frames,
    read_head,
    read_image,
    read_masked_frames,
    space_code,
    write_image,
)

AFFINE = np.diag([2.0, 2.5, 3.0, 1.0])


def test_volume_of_a_voxel_and_its_edges(tmp_path: Path) -> None:
    image = read_image(write_image(np.zeros((3, 4, 5)), AFFINE, tmp_path / "x.nii.gz"))
    assert image.voxel_ml == pytest.approx(0.015)
    np.testing.assert_allclose(image.voxel_mm, [2, 2.5, 3])
    np.testing.assert_allclose(image.affine, AFFINE)


def test_single_frame_becomes_a_volume(tmp_path: Path) -> None:
    path = write_image(np.ones((3, 4, 5, 1)), AFFINE, tmp_path / "x.nii.gz")
    assert read_image(path).values.shape == (3, 4, 5)


def test_storage_is_the_smallest_that_holds_the_labels(tmp_path: Path) -> None:
    for top, kind in ((1, np.uint8), (9170, np.int16), (100000, np.int32)):
        path = write_image(np.full((2, 2, 2), top), AFFINE, tmp_path / f"{top}.nii.gz")
        assert read_image(path).header.get_data_dtype() == kind
    assert (
        read_image(write_image(np.ones((2, 2, 2), bool), AFFINE, tmp_path / "m.nii")).header.get_data_dtype()
        == np.uint8
    )


def test_space_code_falls_back_to_qform_then_aligned() -> None:
    header = nib.Nifti1Header()
    assert space_code(header) == 2
    header["qform_code"] = 1
    assert space_code(header) == 1
    header["sform_code"] = 4
    assert space_code(header) == 4


def test_absent_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(MorbidsError, match="does not exist") as caught:
        read_image(tmp_path / "absent.nii.gz")
    assert caught.value.exit_code == ExitCode.NO_INPUT


def test_annexed_file_that_was_never_fetched_says_datalad(tmp_path: Path) -> None:
    link = tmp_path / "sub-01_pet.nii.gz"
    link.symlink_to(tmp_path / ".git" / "annex" / "gone")
    with pytest.raises(MorbidsError, match="datalad get"):
        read_image(link)


@pytest.mark.parametrize("kind", ["empty", "truncated", "garbage"])
def test_broken_files_are_named(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "sub-01_pet.nii.gz"
    noise = np.random.default_rng(0).standard_normal((20, 20, 20, 3))
    whole = write_image(noise, AFFINE, tmp_path / "whole.nii.gz").read_bytes()
    content = {"empty": b"", "truncated": whole[: len(whole) // 2], "garbage": gzip.compress(b"x" * 900)}
    path.write_bytes(content[kind])
    with pytest.raises(MorbidsError, match=r"sub-01_pet\.nii\.gz cannot be read as an image"):
        read_image(path)


@pytest.mark.parametrize("n_frames", [1, 3])
def test_a_flipped_bit_in_compressed_voxels_is_found(n_frames: int, tmp_path: Path) -> None:
    """Most flips leave a stream that unpacks to other voxels: only its checksum, behind them, tells."""
    rng = np.random.default_rng(0)
    whole = write_image(
        rng.standard_normal((12, 12, 12, n_frames)), AFFINE, tmp_path / "x.nii.gz"
    ).read_bytes()
    path = tmp_path / "flipped.nii.gz"
    for place in rng.integers(400, len(whole), 20):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(flipped))
        with pytest.raises(MorbidsError, match=r"flipped\.nii\.gz cannot be read as an image"):
            read_image(path)


def test_unknown_voxels_of_a_head_are_no_defect(tmp_path: Path) -> None:
    values = np.ones((3, 4, 5), np.float32)
    values[0] = np.nan
    assert np.isnan(read_head(write_image(values, AFFINE, tmp_path / "x.nii.gz")).values).sum() == 20


@pytest.mark.parametrize(
    ("shape", "value", "sentence"),
    [((3, 4, 5, 2), 1.0, "x.nii.gz has 2 volumes"), ((3, 4, 5), np.inf, "infinite values .60 voxels")],
)
def test_head_of_several_volumes_or_infinite_values_is_refused(
    shape: tuple[int, ...], value: float, sentence: str, tmp_path: Path
) -> None:
    path = write_image(np.full(shape, value), AFFINE, tmp_path / "x.nii.gz")
    with pytest.raises(MorbidsError, match=sentence):
        read_head(path)


def test_more_than_four_dimensions_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.nii.gz"
    nib.save(nib.Nifti1Image(np.zeros((2, 2, 2, 2, 3), np.float32), AFFINE), path)
    with pytest.raises(MorbidsError, match="has the dimensions 2 x 2 x 2 x 2 x 3"):
        read_image(path)


@pytest.mark.parametrize(
    ("offset", "content", "sentence"),
    [
        (
            280,
            np.full(4, np.nan, "<f4"),
            r"x\.nii has no affine that puts its voxels into space\. Mend sform or qform",
        ),
        (
            280,
            np.zeros(4, "<f4"),
            r"x\.nii has no affine that puts its voxels into space\. Mend sform or qform",
        ),
        (
            280,
            np.diag([2e-3, 2e-3, 2e-3, 1])[:3].astype("<f4"),
            r"x\.nii has voxels of 0\.002 x 0\.002 x 0\.002 mm",
        ),
        (42, np.array([-2], "<i2"), r"x\.nii has the dimensions -2 x 3 x 4"),
        (70, np.array([32], "<i2"), r"x\.nii holds complex numbers\. Give an image of one number"),
        (70, np.array([128], "<i2"), r"x\.nii holds colours"),
        (70, np.array([9], "<i2"), r"x\.nii cannot be read as an image \(data code 9 not recognized"),
    ],
    ids=[
        "affine of NaN",
        "flat affine",
        "metres",
        "negative length",
        "complex",
        "colours",
        "unknown data type",
    ],
)
def test_a_header_that_makes_no_sense_is_refused(
    offset: int, content: npt.NDArray[Any], sentence: str, tmp_path: Path
) -> None:
    path = write_image(np.zeros((2, 3, 4)), AFFINE, tmp_path / "x.nii")
    raw = bytearray(path.read_bytes())
    raw[offset : offset + content.nbytes] = content.tobytes()
    path.write_bytes(bytes(raw))
    with pytest.raises(MorbidsError, match=f"(?s){sentence}"):
        read_image(path)


def test_frames_come_one_by_one_with_the_values_of_the_whole(tmp_path: Path) -> None:
    """Also of a scaled integer image, which is stored in another type than it is read."""
    values = np.random.default_rng(0).normal(size=(4, 5, 6, 3))
    image = nib.Nifti1Image(values, AFFINE)
    image.set_data_dtype(np.int16)
    for name in ("x.nii.gz", "x.nii"):
        nib.save(image, tmp_path / name)
        expected = np.asarray(nib.Nifti1Image.from_filename(tmp_path / name).dataobj, dtype=np.float32)
        frames = list(read_frames(tmp_path / name))
        np.testing.assert_array_equal(np.stack(frames, axis=-1), expected)
        np.testing.assert_array_equal(read_image(tmp_path / name).values, expected)


def test_curves_of_a_mask_are_those_of_its_voxels_after_preparation(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(4, 5, 6, 3)).astype(np.float32)
    pet = write_image(values, AFFINE, tmp_path / "x.nii.gz")
    mask = write_image(values[..., 0] > 0, AFFINE, tmp_path / "mask.nii.gz")
    found = read_masked_frames(pet, mask, FrameFilter(lambda frame, voxel_mm: voxel_mm[0] * frame, 0.0))
    np.testing.assert_array_equal(found.curves, 2 * values[values[..., 0] > 0].T)
    np.testing.assert_array_equal(found.inside, values[..., 0] > 0)


def test_a_mask_on_another_grid_is_refused(tmp_path: Path) -> None:
    pet = write_image(np.ones((4, 5, 6, 3)), AFFINE, tmp_path / "x.nii.gz")
    moved = write_image(np.ones((4, 5, 6), bool), 2 * AFFINE, tmp_path / "moved.nii.gz")
    with pytest.raises(MorbidsError, match=r"moved.nii.gz is not on the grid of .*x.nii.gz"):
        read_masked_frames(pet, moved)


def test_noise_is_stored_as_it_is_and_the_rest_compressed(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 1, (24, 20, 16, 3)).astype(np.float32)
    for name, values, most in (
        ("noise", noise, 1.01),
        ("mask", noise > 2, 0.5),
        ("map", noise * (noise > 2), 0.5),
    ):
        path = write_image(values, AFFINE, tmp_path / f"{name}.nii.gz")
        size = read_image(path).header.get_data_dtype().itemsize * values.size
        assert path.stat().st_size < most * size + 500
        np.testing.assert_array_equal(read_image(path).values, values)
    same = write_image(noise, AFFINE, tmp_path / "again.nii.gz")
    assert same.read_bytes() == (tmp_path / "noise.nii.gz").read_bytes()


def test_an_image_is_cut_down_to_a_mask_with_its_margin() -> None:
    values = np.arange(6 * 7 * 8, dtype=np.float32).reshape(6, 7, 8)
    mask = np.zeros(values.shape, dtype=bool)
    mask[2:4, 3, 0:2] = True
    cut, inside = crop_to_mask(Image(values, AFFINE, None), mask, float(np.linalg.norm(AFFINE[:3, 0])) / 2)
    assert inside.sum() == mask.sum()
    corner = np.linalg.inv(AFFINE) @ cut.affine @ [0, 0, 0, 1]
    low = np.rint(corner[:3]).astype(int)
    assert (low <= [1, 2, 0]).all()
    box = tuple(slice(a, a + n) for a, n in zip(low, inside.shape, strict=True))
    np.testing.assert_array_equal(cut.values, values[box])
    np.testing.assert_array_equal(inside, mask[box])
