"""Rows of a group analysis from maps on disk: what is found, what is left out, and what is refused."""

import json
from collections.abc import Mapping
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from morbids.bids.filters import Filters
from morbids.bids.maps import FoundMaps, MapSelection, find_maps
from morbids.bids.names import difference_label, output_path
from morbids.errors import ExitCode, MorbidsError

SHAPE = (4, 5, 6)
AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])
TEMPLATE = {"space": "MNI152NLin2009cAsym", "res": "2"}


def write_image(path: Path, values: np.ndarray | None = None, affine: np.ndarray = AFFINE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.ones(SHAPE) if values is None else values
    nib.save(nib.Nifti1Image(values.astype(np.float32), affine), path)
    return path


def write_map(
    root: Path,
    scan: Mapping[str, str],
    *,
    model: str = "LoganRef",
    desc: str = "baselineMinusRejection",
    values: np.ndarray | None = None,
    affine: np.ndarray = AFFINE,
    metadata: Mapping[str, object] | None = None,
) -> Path:
    """Write one of this program's maps with its sidecar."""
    entities = {**TEMPLATE, "model": model, "meas": "BPND"} | ({"desc": desc} if desc else {})
    path = write_image(output_path(root, scan, "parametric_map", entities), values, affine)
    sidecar = {"ModelName": model, "ReferenceRegion": "occipital", **(metadata or {})}
    path.with_name(path.name.replace(".nii.gz", ".json")).write_text(json.dumps(sidecar))
    output_path(root, scan, "quality").write_text("check\tconcern\nmotion\tn/a\n")
    return path


def write_study(root: Path, participants: int = 5, metadata: Mapping[str, object] | None = None) -> None:
    """Two scans per participant, each with its own difference map and a baseline map."""
    for number in range(1, participants + 1):
        for task in ("rejection", "acceptance"):
            scan = {"sub": f"{number:02d}", "task": task}
            write_map(root, scan, desc=difference_label("baseline", task), metadata=metadata)
            write_map(root, scan, desc=difference_label("baseline", task, percent=True))
            write_map(root, scan, desc="baseline")


def reasons(found: FoundMaps) -> dict[str, str]:
    return {row.label: row.reason for row in found.dropped}


def test_difference_maps_of_every_scan_type_are_rows(tmp_path: Path) -> None:
    write_study(tmp_path)
    found = find_maps(tmp_path)
    assert not found.dropped
    assert len(found.rows) == 10
    assert {(row.scan_type, row.description) for row in found.rows} == {
        ("task-rejection", "baselineMinusRejection"),
        ("task-acceptance", "baselineMinusAcceptance"),
    }
    first = found.rows[0]
    assert (first.label, first.participant) == ("sub-01_task-acceptance", "01")
    assert first.metadata["ReferenceRegion"] == "occipital"


@pytest.mark.parametrize(
    ("selection", "descriptions"),
    [
        (MapSelection(kind="parameter"), {"baseline"}),
        (
            MapSelection(kind="percent difference"),
            {"baselineMinusRejectionPercent", "baselineMinusAcceptancePercent"},
        ),
        (MapSelection(filters=Filters(task_labels=("task-rejection",))), {"baselineMinusRejection"}),
        (MapSelection(entities={"desc": "baselineMinusAcceptance"}), {"baselineMinusAcceptance"}),
    ],
)
def test_selection_decides_which_maps_are_rows(
    tmp_path: Path, selection: MapSelection, descriptions: set[str]
) -> None:
    write_study(tmp_path, participants=2)
    assert {row.description for row in find_maps(tmp_path, selection).rows} == descriptions


def test_maps_of_other_software_are_rows(tmp_path: Path) -> None:
    """Entities in another order, measure in lower case, no compression, one JSON that all inherit."""
    for number in range(1, 4):
        for session in ("baseline", "blocked"):
            name = f"sub-p{number}_ses-{session}_meas-bpnd_model-MRTM2_space-MNI152NLin6Asym_mimap.nii"
            write_image(tmp_path / f"sub-p{number}" / f"ses-{session}" / "pet" / name)
    (tmp_path / "model-MRTM2_mimap.json").write_text('{"ModelName": "MRTM2"}')
    found = find_maps(tmp_path, MapSelection(kind="parameter"))
    assert len(found.rows) == 6
    assert {row.scan_type for row in found.rows} == {"ses-baseline", "ses-blocked"}
    assert {row.metadata["ModelName"] for row in found.rows} == {"MRTM2"}


def test_the_task_and_not_the_session_is_the_scan_type_when_their_order_changes(tmp_path: Path) -> None:
    for number in range(4):
        tasks = ("rejection", "acceptance") if number % 2 else ("acceptance", "rejection")
        for session, task in enumerate(tasks, start=1):
            write_map(tmp_path, {"sub": f"{number}", "ses": f"{session}", "task": task})
    assert {row.scan_type for row in find_maps(tmp_path).rows} == {"task-rejection", "task-acceptance"}


def test_task_and_session_are_the_scan_type_when_crossed(tmp_path: Path) -> None:
    for number in range(2):
        for session in ("1", "2"):
            for task in ("a", "b"):
                write_map(tmp_path, {"sub": f"{number}", "ses": session, "task": task})
    types = {row.scan_type for row in find_maps(tmp_path).rows}
    assert types == {"ses-1_task-a", "ses-1_task-b", "ses-2_task-a", "ses-2_task-b"}


def test_every_unusable_map_is_dropped_with_its_reason(tmp_path: Path) -> None:
    for number in range(1, 14):
        write_map(tmp_path, {"sub": f"{number:02d}"})
    write_map(tmp_path, {"sub": "01"}, values=np.full(SHAPE, np.nan))
    write_map(tmp_path, {"sub": "02"}, values=np.zeros(SHAPE))
    write_map(tmp_path, {"sub": "03"}, values=np.ones((*SHAPE, 2)))
    write_map(tmp_path, {"sub": "04"}, affine=np.diag([3.0, 3.0, 3.0, 1.0]))
    write_map(tmp_path, {"sub": "05"}, metadata={"ReferenceRegion": "cerebellum"})
    truncated = write_map(tmp_path, {"sub": "06"}, values=np.random.default_rng(0).normal(size=SHAPE))
    truncated.write_bytes(truncated.read_bytes()[:-200])
    unfetched = write_map(tmp_path, {"sub": "07"})
    unfetched.unlink()
    unfetched.symlink_to(tmp_path / ".git" / "annex" / "nothing")
    failed = output_path(tmp_path, {"sub": "08", "task": "rest"}, "quality")
    failed.parent.mkdir(parents=True, exist_ok=True)
    failed.write_text("step\tconcern\n")
    (tmp_path / "sub-99.html").touch()
    found = find_maps(tmp_path)
    assert [row.participant for row in found.rows] == [f"{number:02d}" for number in range(8, 14)]
    expected = {
        "sub-01": "all NaN",
        "sub-02": "every voxel is zero",
        "sub-03": "4 x 5 x 6 x 2, not three",
        "sub-04": "has the grid 4x5x6 voxels of 3.00x3.00x3.00 mm",
        "sub-05": "has ReferenceRegion cerebellum; the other maps have ReferenceRegion occipital",
        "sub-06": "cannot be read",
        "sub-07": "datalad|not on this machine",
        "sub-08_task-rest": "no difference map of BPND; it has no map at all",
        "sub-99": "no difference map of BPND; it has no map at all",
    }
    dropped = reasons(found)
    assert dropped.keys() == expected.keys()
    for label, reason in expected.items():
        assert any(part in dropped[label] for part in reason.split("|")), dropped[label]


def test_a_grid_written_with_other_rounding_is_the_same_grid(tmp_path: Path) -> None:
    for number in range(4):
        write_map(tmp_path, {"sub": f"{number}"}, affine=AFFINE + number * 1e-5)
    assert len(find_maps(tmp_path).rows) == 4


def test_scans_without_the_wanted_map_say_what_they_have(tmp_path: Path) -> None:
    write_study(tmp_path, participants=2)
    write_map(tmp_path, {"sub": "09", "task": "rejection"}, desc="baseline")
    dropped = reasons(find_maps(tmp_path))
    assert list(dropped) == ["sub-09_task-rejection"]
    assert "desc-baseline" in dropped["sub-09_task-rejection"]


def test_flagged_and_excluded_scans_are_left_out(tmp_path: Path) -> None:
    write_study(tmp_path, participants=4)
    quality = output_path(tmp_path, {"sub": "01", "task": "rejection"}, "quality")
    quality.write_text("check\tconcern\nmotion\tHead motion of 9 mm.\nregistration\tn/a\n")
    excluded = {"sub-02_task-rejection": "slept", "sub-03": "withdrew"}
    found = find_maps(tmp_path, MapSelection(excluded=excluded))
    assert reasons(found) == {
        "sub-01_task-rejection": "flagged: Head motion of 9 mm.",
        "sub-02_task-rejection": "left out by the user: slept",
        "sub-03_task-acceptance": "left out by the user: withdrew",
        "sub-03_task-rejection": "left out by the user: withdrew",
    }
    kept = find_maps(tmp_path, MapSelection(drop_flagged=False))
    flagged = [row.label for row in kept.rows if row.concerns]
    assert flagged == ["sub-01_task-rejection"]


def test_a_scan_whose_run_goes_on_is_left_out(tmp_path: Path) -> None:
    """Its maps are there; the table of its quality, which is written last, is not. Other programs write none."""
    write_study(tmp_path, metadata={"SoftwareName": "morbids"})
    output_path(tmp_path, {"sub": "02", "task": "rejection"}, "quality").unlink()
    found = find_maps(tmp_path)
    assert len(found.rows) == 9
    assert reasons(found)["sub-02_task-rejection"].startswith("its participant run goes on")
    foreign = tmp_path / "foreign"
    write_study(foreign, metadata={"SoftwareName": "kinfitr"})
    for table in foreign.rglob("*_desc-quality_metrics.tsv"):
        table.unlink()
    assert len(find_maps(foreign).rows) == 10


def test_several_models_are_refused_until_one_is_chosen(tmp_path: Path) -> None:
    write_study(tmp_path, participants=3)
    write_map(tmp_path, {"sub": "01", "task": "rejection"}, model="SRTM")
    with pytest.raises(MorbidsError, match=r"model-LoganRef \(6 maps\), model-SRTM \(1 maps\)\. .*--model"):
        find_maps(tmp_path)
    found = find_maps(tmp_path, MapSelection(entities={"model": "SRTM"}))
    assert len(found.rows) == 1
    assert "model-LoganRef" in reasons(found)["sub-02_task-rejection"]


WINDOWS = {
    "Baseline": {"name": "baseline", "start_min": 10.0, "end_min": 40.0},
    "Challenge": {"name": "rejection", "start_min": 45.0, "end_min": 90.0},
    "InputValuesLabels": ["k2prime", "tstar"],
    "InputValues": [0.1237, 10.0],
    "Weights": "counts",
    "SmoothingFWHM": 5.0,
}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"Baseline": {"name": "baseline", "start_min": 30.0, "end_min": 40.0}},
            "has a window of 30.0 to 40.0 min; the other maps have a window of 10.0 to 40.0 min",
        ),
        (
            {"Challenge": {"name": "rejection", "start_min": 45.0, "end_min": 60.0}},
            "a window of 45.0 to 60.0 min",
        ),
        ({"InputValues": [0.9, 10.0]}, "has k2' 0.9; the other maps have k2' 0.1237"),
        ({"InputValues": [0.1237, 20.0]}, "has t* 20; the other maps have t* 10"),
        ({"k2primeSource": "estimated from the scan"}, "has k2' estimated from the scan"),
        ({"Weights": "none"}, "has Weights none"),
        ({"SmoothingFWHM": 0.0}, "has SmoothingFWHM 0.0; the other maps have SmoothingFWHM 5.0"),
        ({"AttenuationCorrection": "none"}, "has no correction for attenuation"),
        ({"SoftwareVersion": "0.0.1"}, "has results from before version 0.1.0"),
    ],
)
def test_a_map_that_was_made_otherwise_is_left_out(
    tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    """Five were made alike, the sixth was not."""
    alike = {**WINDOWS, "SoftwareName": "morbids", "SoftwareVersion": "0.1.0", "AttenuationCorrection": "CT"}
    for number in range(1, 7):
        write_map(tmp_path, {"sub": f"{number}"}, metadata={**alike, **(change if number == 6 else {})})
    found = find_maps(tmp_path)
    assert len(found.rows) == 5
    assert reason in reasons(found)["sub-6"]


def test_two_ways_of_making_maps_without_a_majority_are_refused(tmp_path: Path) -> None:
    for number in range(4):
        k2_prime = 0.1 + 0.05 * (number % 2)
        write_map(tmp_path, {"sub": f"{number}"}, metadata={**WINDOWS, "InputValues": [k2_prime, 10.0]})
    with pytest.raises(MorbidsError, match=r"cannot be compared with each other: k2' 0\.1 \(2 maps\)"):
        find_maps(tmp_path)


def test_tasks_may_have_windows_of_their_own(tmp_path: Path) -> None:
    for number in range(3):
        for task, start_min in (("a", 10.0), ("b", 30.0)):
            window = {"name": "baseline", "start_min": start_min, "end_min": 40.0}
            write_map(tmp_path, {"sub": f"{number}", "task": task}, metadata={**WINDOWS, "Baseline": window})
    assert len(find_maps(tmp_path).rows) == 6


def test_reconstructions_are_never_one_kind(tmp_path: Path) -> None:
    """Each participant has one scan; some were corrected for attenuation and some not."""
    for number in range(6):
        write_map(tmp_path, {"sub": f"{number}", "rec": "acdyn" if number < 4 else "nacdyn"})
    assert [row.scan_type for row in find_maps(tmp_path).rows] == ["rec-acdyn"] * 4 + ["rec-nacdyn"] * 2


def test_reading_tells_how_far_it_is(tmp_path: Path) -> None:
    write_study(tmp_path, participants=3)
    read: list[int] = []
    find_maps(tmp_path, None, read.append)
    assert sum(read) == 6


def test_grids_without_a_majority_are_refused(tmp_path: Path) -> None:
    for number in range(4):
        write_map(tmp_path, {"sub": f"{number}"}, affine=AFFINE * (1 + number % 2))
    with pytest.raises(MorbidsError, match=r"the grid 4x5x6 voxels of 2\.00.*of 4\.00") as refused:
        find_maps(tmp_path)
    assert refused.value.exit_code == ExitCode.BAD_DATA


def test_maps_in_the_own_space_of_participants_are_no_rows(tmp_path: Path) -> None:
    for number in range(3):
        scan = {"sub": f"{number}"}
        entities = {"model": "SRTM", "meas": "BPND", "desc": "baselineMinusDrug"}
        write_image(output_path(tmp_path, scan, "difference_map", entities))
    with pytest.raises(
        MorbidsError, match=r"no difference map of BPND in a template space.*model-SRTM"
    ) as refused:
        find_maps(tmp_path)
    assert refused.value.exit_code == ExitCode.NOTHING_SELECTED
    assert len(find_maps(tmp_path, MapSelection(entities={"space": None})).rows) == 3


def test_filters_that_select_nothing_are_refused(tmp_path: Path) -> None:
    write_study(tmp_path, participants=1)
    selection = MapSelection(filters=Filters(participant_labels=("77",)), entities={"model": "LoganRef"})
    with pytest.raises(MorbidsError, match=r"with model-LoganRef .*no map of the selected participants"):
        find_maps(tmp_path, selection)


def test_a_dataset_without_maps_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MorbidsError, match="has no parametric map") as refused:
        find_maps(tmp_path)
    assert refused.value.exit_code == ExitCode.NO_INPUT
    with pytest.raises(MorbidsError, match="is no directory"):
        find_maps(tmp_path / "nowhere")
