"""Reconstructions of one scan: the corrected, dynamic ones are analysed."""

import pytest

from morbids.bids.filters import Filters, Selection
from morbids.bids.reconstructions import set_aside
from morbids.bids.scans import FoundScans, find_scans
from tests.bids.conftest import DatasetMaker

STATIC = {"FrameTimesStart": [0], "FrameDuration": [5400]}
EVERYTHING = Selection({}, {})


def keep(dataset: DatasetMaker, selection: Selection = EVERYTHING) -> FoundScans:
    return set_aside(find_scans(dataset.root, Filters()), selection)


def test_without_attenuation_correction_or_summed_gives_way(dataset: DatasetMaker) -> None:
    dataset.pet("sub-01/pet/sub-01_rec-acdyn")
    dataset.pet("sub-01/pet/sub-01_rec-nacdyn", AttenuationCorrection="none")
    dataset.pet("sub-01/pet/sub-01_rec-acstat", **STATIC)
    dataset.pet("sub-01/pet/sub-01_rec-nacstat", **STATIC)
    found = keep(dataset)
    assert [scan.label for scan in found.scans] == ["sub-01_rec-acdyn"]
    assert len(found.aside) == 3
    assert "sub-01_rec-acstat_pet.nii.gz is left out: it is a single frame" in found.aside[0]
    assert "sub-01_rec-nacdyn_pet.nii.gz is left out: it has no attenuation correction" in found.aside[1]


def test_a_selection_by_reconstruction_is_the_user_s_choice(dataset: DatasetMaker) -> None:
    dataset.pet("sub-01/pet/sub-01_rec-acdyn")
    dataset.pet("sub-01/pet/sub-01_rec-nacdyn")
    assert len(keep(dataset, Selection({"rec": ("*",)}, {})).scans) == 2


@pytest.mark.parametrize(
    ("names", "changes"),
    [
        (("sub-01_rec-a", "sub-01_rec-b"), {}),
        (("sub-01_rec-nac",), {}),
        (("sub-01_task-x_rec-nac", "sub-01_task-y_rec-ac"), {}),
        (("sub-01_rec-a", "sub-01_rec-b"), STATIC),
    ],
)
def test_equal_and_lone_scans_stay(
    dataset: DatasetMaker, names: tuple[str, ...], changes: dict[str, object]
) -> None:
    for name in names:
        dataset.pet(f"sub-01/pet/{name}", **changes)
    found = keep(dataset)
    assert (len(found.scans), found.aside) == (len(names), ())
