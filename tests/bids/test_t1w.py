"""The T1w image that serves a scan."""

import nibabel as nib
import numpy as np
import pytest

from morbids.bids.index import Image
from morbids.bids.names import parse_name
from morbids.bids.t1w import choose_t1w
from tests.bids.conftest import DatasetMaker


def choose(dataset: DatasetMaker, *names: str, session: str = "") -> tuple[str, str]:
    """Name and note of the choice among images that are made."""
    images = []
    for name in names:
        path = dataset.image(f"sub-01/anat/{name}_T1w.nii.gz")
        images.append(Image(path, parse_name(path).entities))
    pet = {"sub": "01", **({"ses": session} if session else {})}
    chosen = choose_t1w(pet, images, {})
    assert chosen.image is not None
    return chosen.image.path.name.removesuffix("_T1w.nii.gz"), chosen.note


@pytest.mark.parametrize(
    ("names", "best", "reason"),
    [
        (
            ("sub-01_acq-3Dlocalizer", "sub-01_acq-mprage"),
            "sub-01_acq-mprage",
            "whose name tells of a whole head",
        ),
        (("sub-01_acq-scout", "sub-01_run-1"), "sub-01_run-1", "whose name tells of a whole head"),
        (("sub-01_echo-1", "sub-01_run-1"), "sub-01_run-1", "that is not one echo or part"),
        (("sub-01_ce-gadolinium", "sub-01_rec-norm"), "sub-01_rec-norm", "without contrast agent"),
        (("sub-01_run-01", "sub-01_run-02"), "sub-01_run-01", "first by name"),
    ],
)
def test_a_whole_head_comes_before_the_first_by_name(
    dataset: DatasetMaker, names: tuple[str, ...], best: str, reason: str
) -> None:
    chosen, note = choose(dataset, *names)
    assert chosen == best
    assert reason in note


def test_a_head_of_another_session_comes_before_a_localizer_of_the_same(dataset: DatasetMaker) -> None:
    names = ("sub-01_ses-b_acq-localizer", "sub-01_ses-a_acq-mprage")
    chosen, note = choose(dataset, *names, session="b")
    assert chosen == "sub-01_ses-a_acq-mprage"
    assert "(ses-a, in another session)" in note


def test_thick_slices_come_last(dataset: DatasetMaker) -> None:
    thick = dataset.root / "sub-01/anat/sub-01_acq-a_T1w.nii.gz"
    thick.parent.mkdir(parents=True)
    nib.save(nib.Nifti1Image(np.ones((4, 4, 3), np.int16), np.diag([1, 1, 6, 1.0])), thick)
    thin = dataset.image("sub-01/anat/sub-01_acq-b_T1w.nii.gz")
    images = [Image(path, parse_name(path).entities) for path in (thick, thin)]
    chosen = choose_t1w({"sub": "01"}, images, {})
    assert chosen.image == images[1]
    assert "with slices of 3 mm or less" in chosen.note


def test_a_filter_that_fits_nothing_says_what_there_is(dataset: DatasetMaker) -> None:
    path = dataset.image("sub-01/anat/sub-01_run-1_T1w.nii.gz")
    image = Image(path, parse_name(path).entities)
    assert choose_t1w({"sub": "01"}, [image], {"run": ("2",)}).note == (
        "sub-01 has no T1w image that fits the filter: it has sub-01_run-1_T1w.nii.gz."
    )
    assert choose_t1w({"sub": "02"}, [image], {}).note == "sub-02 has no T1w image."
