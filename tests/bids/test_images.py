"""Images told by their header."""

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from morbids.bids.images import check_present, look_for_a_value, read_grid
from morbids.errors import MorbidsError


def save(path: Path, values: np.ndarray) -> Path:
    nib.save(nib.Nifti1Image(values.astype(np.float32), np.eye(4)), path)
    return path


@pytest.mark.parametrize(("shape", "n_volumes"), [((2, 2, 2), 1), ((2, 2, 2, 3), 3)])
def test_volumes_are_counted_in_the_header(tmp_path: Path, shape: tuple[int, ...], n_volumes: int) -> None:
    assert read_grid(save(tmp_path / "x.nii.gz", np.ones(shape))).n_volumes == n_volumes


def test_other_dimensions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MorbidsError, match=r"x.nii has the dimensions 2 x 2\."):
        read_grid(save(tmp_path / "x.nii", np.ones((2, 2))))


def test_a_truncated_image_is_refused_by_its_size(tmp_path: Path) -> None:
    path = save(tmp_path / "x.nii", np.ones((4, 4, 4, 3)))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(
        MorbidsError, match=r"x.nii is truncated: it has 1020 bytes, its header asks for 1120"
    ):
        read_grid(path)


@pytest.mark.parametrize(("mm", "told"), [(1e-3, "0.002 x 0.002 x 0.0024"), (1e3, "2e.03 x 2e.03 x 2.4e.03")])
def test_geometry_in_metres_or_micrometres_is_refused(tmp_path: Path, mm: float, told: str) -> None:
    """NIfTI knows such units, but affines are read in mm by all programs."""
    path = tmp_path / "x.nii.gz"
    image = nib.Nifti1Image(np.ones((4, 4, 4), np.float32), np.diag([2 * mm, 2 * mm, 2.4 * mm, 1]))
    nib.save(image, path)
    with pytest.raises(MorbidsError, match=f"x.nii.gz has voxels of {told} mm: its geometry is not in mm"):
        read_grid(path)


@pytest.mark.parametrize(
    ("sform", "qform", "known"), [(1, 1, True), (0, 1, True), (2, 0, True), (0, 0, False)]
)
def test_a_header_that_does_not_say_where_left_is(
    tmp_path: Path, sform: int, qform: int, known: bool
) -> None:
    image = nib.Nifti1Image(np.ones((4, 4, 4), np.float32), np.diag([-2.0, 2, 2, 1]))
    image.set_sform(image.affine, sform)
    image.set_qform(image.affine, qform)
    nib.save(image, tmp_path / "x.nii.gz")
    note = read_grid(tmp_path / "x.nii.gz").note
    assert (note == "") == known
    if not known:
        assert note.startswith("x.nii.gz does not say how it lies (sform_code and qform_code are 0)")
        directions = np.sign(np.diag(read_grid(tmp_path / "x.nii.gz").affine)[:3])
        np.testing.assert_array_equal(directions, [-1, 1, 1])  # to the left, to the front and up, as is said


def test_an_absent_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(MorbidsError, match=r"x.nii does not exist"):
        check_present(tmp_path / "x.nii")


def test_an_unknown_data_type_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "x.nii", np.ones((4, 4, 4)))
    raw = bytearray(path.read_bytes())
    raw[70:72] = b"\x09\x00"
    path.write_bytes(bytes(raw))
    with pytest.raises(MorbidsError, match=r"x.nii cannot be read as NIfTI: data code 9 not recognized"):
        read_grid(path)


@pytest.mark.parametrize("name", ["map.nii", "map.nii.gz"])
def test_a_value_is_looked_for_until_it_is_found(tmp_path: Path, name: str) -> None:
    values = np.full((70, 70, 30), np.nan, dtype=np.float32)
    path = tmp_path / name
    nib.save(nib.Nifti1Image(values, np.eye(4)), path)
    assert look_for_a_value(path) == "nothing finite"
    values[:, :, 0] = 0
    nib.save(nib.Nifti1Image(values, np.eye(4)), path)
    assert look_for_a_value(path) == "zeros"
    values[69, 69, 29] = 0.5
    nib.save(nib.Nifti1Image(values, np.eye(4)), path)
    assert look_for_a_value(path) == "values"


def test_damage_is_refused_though_a_value_comes_before_it(tmp_path: Path) -> None:
    path = tmp_path / "map.nii.gz"
    values = np.random.default_rng(0).normal(size=(40, 40, 40)).astype(np.float32)
    nib.save(nib.Nifti1Image(values, np.eye(4)), path)
    whole = path.read_bytes()
    # In two pieces, as parallel packers write it, the last size is not that of the whole.
    unpacked = gzip.decompress(whole)
    path.write_bytes(gzip.compress(unpacked[:100000]) + gzip.compress(unpacked[100000:]))
    assert look_for_a_value(path) == "values"
    path.write_bytes(whole[:-100])
    with pytest.raises(MorbidsError, match=r"map.nii.gz cannot be read"):
        look_for_a_value(path)
