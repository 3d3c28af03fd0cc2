"""One pattern for all participants: each scan gets the file that is its own, or a sentence."""

from pathlib import Path

import pytest

from morbids.bids.own_files import find_own, is_pattern
from morbids.errors import ExitCode, MorbidsError

SCAN = {"sub": "01", "ses": "pet", "task": "rest"}
T1W = {"sub": "01", "ses": "mri"}


def touch(folder: Path, *names: str) -> str:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return str(folder / "sub-*" / "**" / "*_dseg.nii.gz")


def test_a_pattern_is_told_from_a_path() -> None:
    assert is_pattern("a/sub-*/x.nii.gz")
    assert not is_pattern("a/sub-01/x.nii.gz")


def test_the_file_of_the_scan_comes_before_that_of_its_t1w(tmp_path: Path) -> None:
    anat, other = "sub-01/ses-mri/anat/sub-01_ses-mri_dseg.nii.gz", "sub-02/anat/sub-02_dseg.nii.gz"
    pattern = touch(tmp_path, anat, other)
    assert find_own(pattern, (SCAN, T1W)) == tmp_path / anat
    own = "sub-01/ses-pet/pet/sub-01_ses-pet_dseg.nii.gz"
    touch(tmp_path, own, "sub-01/ses-pet/pet/sub-01_ses-pet_task-other_dseg.nii.gz")
    assert find_own(pattern, (SCAN, T1W)) == tmp_path / own


def test_two_files_of_one_scan_are_named(tmp_path: Path) -> None:
    pattern = touch(tmp_path, "sub-01/a/sub-01_seg-a_dseg.nii.gz", "sub-01/a/sub-01_seg-b_dseg.nii.gz")
    with pytest.raises(MorbidsError, match=r"sub-01_seg-a.*and.*sub-01_seg-b.*both fit"):
        find_own(pattern, (SCAN, T1W))


def test_a_scan_without_a_file_is_named(tmp_path: Path) -> None:
    pattern = touch(tmp_path, "sub-02/anat/sub-02_dseg.nii.gz")
    with pytest.raises(
        MorbidsError, match=r"Of 1 files .* none belongs to sub-01_ses-pet_task-rest"
    ) as caught:
        find_own(pattern, (SCAN, T1W))
    assert caught.value.exit_code == ExitCode.NO_INPUT
