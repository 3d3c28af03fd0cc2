"""Images told by their header, and frames without measurement."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from morbids.bids.images import check_frames, check_present, count_volumes
from morbids.errors import MorbidsError
from morbids.numerics.frames import Frames

FRAMES = Frames(np.array([-1.0, 0.0, 1.0]), np.ones(3))


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


def test_a_frame_before_injection_may_be_empty(tmp_path: Path) -> None:
    values = np.ones((2, 2, 2, 3))
    values[..., 0] = 0
    check_frames(save(tmp_path / "x.nii.gz", values), FRAMES)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0.0, r"x.nii.gz: frame 3 \(1.0 to 2.0 min\) is zero everywhere"),
        (np.nan, r"x.nii.gz: frame 3 \(1.0 to 2.0 min\) has values that are not finite"),
    ],
)
def test_frames_without_measurement_are_refused(tmp_path: Path, value: float, message: str) -> None:
    values = np.ones((2, 2, 2, 3))
    values[..., 2] = value
    with pytest.raises(MorbidsError, match=message):
        check_frames(save(tmp_path / "x.nii.gz", values), FRAMES)


def test_an_image_cut_in_the_middle_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = save(tmp_path / "x.nii.gz", rng.normal(size=(16, 16, 16, 3)))
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(MorbidsError, match=r"x.nii.gz cannot be read to its end"):
        check_frames(path, FRAMES)
