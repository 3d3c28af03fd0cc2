"""Settings of the participant level on the group page: what the maps' sidecars tell, and nothing else."""

from pathlib import Path
from typing import Any

import pytest

from morbids.bids.rows import MapRow
from morbids.group.claims import judge_claims
from morbids.group.page import write_group_pages
from morbids.group.participant_settings import tell_settings
from morbids.group.plan import plan_group
from morbids.settings import GroupSettings
from tests.bids.conftest import DatasetMaker
from tests.bids.test_maps import write_study
from tests.participant.studies import make_study

MADE: dict[str, Any] = {
    "SoftwareName": "morbids",
    "SoftwareVersion": "0.2.0",
    "MotionCorrection": "frames realigned",
    "ReferenceRegion": "occipital",
    "SmoothingFWHM": 5.0,
    "Weights": "none",
    "InputValuesLabels": ["k2prime", "tstar"],
    "InputValues": [0.1237, 10.0],
    "k2primeSource": "estimated from the scan",
    "tstarSource": "given by the user",
}


def rows(folder: Path, *changes: dict[str, Any]) -> list[MapRow]:
    return [
        MapRow({"sub": f"{number}"}, folder / f"sub-{number}_mimap.nii.gz", MADE | change, "")
        for number, change in enumerate(changes)
    ]


def test_settings_on_which_maps_agree_are_shown_as_they_were_run(tmp_path: Path) -> None:
    assert dict(tell_settings(rows(tmp_path, {}, {}, {}))) == {
        "software": "morbids 0.2.0",
        "head motion": "frames realigned",
        "reference region": "occipital",
        "weights of frames": "none",
        "smoothing before the fit": "5 mm",
        # Each scan has its own value: the rule is what was chosen.
        "k2'": "estimated from the scan",
        "t*": "10 min (given by the user)",
    }


@pytest.mark.parametrize(
    ("change", "setting", "told"),
    [
        ({"MotionCorrection": "none"}, "head motion", "frames realigned (2 maps); none (1 map)"),
        ({"SmoothingFWHM": 0.0}, "smoothing before the fit", "5 mm (2 maps); 0 mm (1 map)"),
        (
            {"k2primeSource": "given by the user"},
            "k2'",
            "estimated from the scan (2 maps); 0.1237 /min (given by the user) (1 map)",
        ),
        ({"PartialVolumeCorrection": "RBV"}, "partial volume", "not told (2 maps); RBV (1 map)"),
    ],
)
def test_settings_on_which_maps_differ_are_told_with_every_value(
    tmp_path: Path, change: dict[str, Any], setting: str, told: str
) -> None:
    assert dict(tell_settings(rows(tmp_path, {}, change, {})))[setting] == f"differs: {told}"


def test_many_values_are_counted(tmp_path: Path) -> None:
    sources = [{"k2primeSource": f"estimated from {number} regions"} for number in range(6)]
    assert dict(tell_settings(rows(tmp_path, *sources)))["k2'"] == "differs: 6 values in 6 maps"


def test_atlases_are_those_of_the_tables_beside_the_maps(tmp_path: Path) -> None:
    for name in (
        "sub-0_seg-AAL_model-LoganRef_kinpar.tsv",
        "sub-0_seg-apriori_model-LoganRef_kinpar.tsv",
        "sub-1_seg-AAL_model-LoganRef_kinpar.tsv",
    ):
        (tmp_path / name).touch()
    (first, second) = rows(tmp_path, {}, {})
    assert dict(tell_settings([first]))["atlases of regions"] == "AAL, apriori"
    assert dict(tell_settings([first, second]))["atlases of regions"] == (
        "differs: AAL, apriori (1 map); AAL (1 map)"
    )


def test_of_maps_of_other_programs_nothing_is_made_up(tmp_path: Path) -> None:
    foreign = MapRow({"sub": "1"}, tmp_path / "sub-1_bp.nii.gz", {}, "")
    assert tell_settings([foreign]) == ()


def test_the_page_shows_what_the_participants_were_run_with(dataset: DatasetMaker) -> None:
    """The group was asked for nothing of it; its own defaults of those settings are nowhere."""
    study = make_study(dataset.root.parent)
    write_study(study.output_dir, 4, MADE | {"SmoothingFWHM": 7.5, "MotionCorrection": "none"})
    plan = plan_group(study, GroupSettings())
    page = write_group_pages(plan, judge_claims([], "max-t"), [], study, GroupSettings())
    text = page.read_text(encoding="utf-8")
    assert "How the participant level made these maps" in text
    assert "7.5 mm" in text
    for setting in ("pet_smoothing_fwhm_mm", "atlases AAL", "frame_weights"):
        assert setting not in text
