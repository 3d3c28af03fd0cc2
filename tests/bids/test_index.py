"""Which images a dataset has: raw folders at its root, and nothing else."""

import errno
import os
from pathlib import Path

import pytest

from morbids.bids.filters import Filters
from morbids.bids.index import Image, check_name, find_images, list_participants
from morbids.bids.scans import find_scans
from morbids.errors import ExitCode, MorbidsError
from tests.bids.conftest import DatasetMaker


def test_only_participants_at_the_root_are_raw(dataset: DatasetMaker) -> None:
    dataset.pet("sub-01/ses-a/pet/sub-01_ses-a")
    dataset.image("sub-01/anat/sub-01_T1w.nii.gz")
    for elsewhere in (
        "results/sub-01/pet/sub-01_desc-preproc",
        "sub-01/ses-a/x/pet/sub-01",
        "sourcedata/sub-02/pet/a",
    ):
        dataset.pet(elsewhere)
    dataset.image("results/sub-01/anat/sub-01_desc-preproc_T1w.nii.gz")
    index = find_images(dataset.root, list_participants(dataset.root))
    assert [image.path.name for image in index.pets] == ["sub-01_ses-a_pet.nii.gz"]
    assert [image.path.name for image in index.t1ws] == ["sub-01_T1w.nii.gz"]
    assert index.unread == ()


def test_a_folder_that_cannot_be_read_costs_its_participant_only(dataset: DatasetMaker) -> None:
    dataset.pet("sub-01/pet/sub-01")
    (dataset.root / "sub-02").mkdir()
    (dataset.root / "sub-02" / "pet").symlink_to("pet")
    found = find_scans(dataset.root, Filters())
    assert [scan.label for scan in found.scans] == ["sub-01"]
    (rejected,) = found.rejected
    assert (rejected.label, "sub-02/pet cannot be used: " in rejected.error.message) == ("sub-02", True)


def test_a_root_that_cannot_be_listed_is_no_input(tmp_path: Path) -> None:
    with pytest.raises(MorbidsError, match=r"nowhere cannot be used: No such file") as caught:
        list_participants(tmp_path / "nowhere")
    assert caught.value.exit_code == ExitCode.NO_INPUT


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("sub-01/pet/sub-01_task-a b_pet.nii.gz", r"the value of task- is 'a b'"),
        ("sub-01/pet/sub-01_task-{x}_pet.nii.gz", r"the value of task- is '\{x\}'"),
        ("sub-01/pet/sub-01_task-_pet.nii.gz", r"the value of task- is ''"),
        ("sub-01/pet/sub-02_pet.nii.gz", r"named after sub-02, but lies in the folder sub-01"),
        ("sub-01/ses-a/pet/sub-01_ses-b_pet.nii.gz", r"named after ses-b, but lies in the folder ses-a"),
    ],
)
def test_odd_names_reject_their_scan_and_no_other(dataset: DatasetMaker, path: str, message: str) -> None:
    dataset.pet(path.removesuffix("_pet.nii.gz"))
    dataset.pet("sub-03/pet/sub-03")
    found = find_scans(dataset.root, Filters())
    assert [scan.label for scan in found.scans] == ["sub-03"]
    with pytest.raises(MorbidsError, match=message):
        raise found.rejected[0].error


def test_usual_names_pass() -> None:
    check_name(
        Image(Path("sub-01/ses-a/pet/sub-01_ses-a_run-001_pet.nii"), {"sub": "01", "ses": "a", "run": "001"})
    )


def test_an_index_older_than_the_dataset_is_refused(dataset: DatasetMaker, tmp_path: Path) -> None:
    dataset.pet("sub-01/pet/sub-01")
    find_images(dataset.root, ["01"], tmp_path / "index")
    dataset.pet("sub-02/pet/sub-02")
    assert len(find_images(dataset.root, ["01"], tmp_path / "index").pets) == 1
    with pytest.raises(
        MorbidsError, match=r"index is older than the dataset: it lacks 1 images, such as sub-02/pet"
    ):
        find_images(dataset.root, ["01", "02"], tmp_path / "index")


def test_too_long_a_name_is_cut_in_the_sentence(dataset: DatasetMaker) -> None:
    with pytest.raises(MorbidsError) as caught:
        list_participants(dataset.root / ("x" * 4000))
    assert os.strerror(errno.ENAMETOOLONG) in caught.value.message
    assert len(caught.value.message) < 400
