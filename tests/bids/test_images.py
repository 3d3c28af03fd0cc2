"""Images told by their header."""

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from morbids.bids.images import check_present, count_volumes, look_for_a_value
from morbids.errors import MorbidsError


def save(path: Path, values: np.ndarray) -> Path:
    nib.save(nib.Nifti1Image(values.astype(np.float32), np.eye(4)), path)
    return path


@pytest.mark.parametrize(("shape", "n_volumes"), [((2, 2, 2), 1), ((2, 2, 2, 3), 3)])
def test_volumes_are_counted_in_the_header(tmp_path: Path, shape: tuple[int, ...], n_volumes: int) -> None:
    assert count_volumes(save(tmp_path / "x.nii.gz", np.ones(shape))) == n_volumes


def test_other_dimensions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MorbidsError, match=r"x.nii has the dimensions 2 x 2\."):
        count_volumes(save(tmp_path / "x.nii", np.ones((2, 2))))


def test_a_truncated_image_is_refused_by_its_size(tmp_path: Path) -> None:
    path = save(tmp_path / "x.nii", np.ones((4, 4, 4, 3)))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(
        MorbidsError, match=r"x.nii is truncated: it has 1020 bytes, its header asks for 1120"
    ):
        count_volumes(path)


def test_an_absent_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(MorbidsError, match=r"x.nii does not exist"):
        check_present(tmp_path / "x.nii")


def test_an_unknown_data_type_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "x.nii", np.ones((4, 4, 4)))
    raw = bytearray(path.read_bytes())
    raw[70:72] = b"\x09\x00"
    path.write_bytes(bytes(raw))
    with pytest.raises(MorbidsError, match=r"x.nii cannot be read as NIfTI: data code 9 not recognized"):
        count_volumes(path)


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
