"""Everything that stands in the way of any scan, in one round, and no scan stopped by another's fault."""

from pathlib import Path

import pytest

from morbids.bids.filters import Filters
from morbids.errors import ExitCode, MorbidsError, NotFetchedError
from morbids.participant.collection import Plans, collect, plan_study
from morbids.settings import ScanSettings
from tests.bids.conftest import DURATION_S, START_S, DatasetMaker
from tests.participant.studies import make_study, write_scan

SETTINGS = ScanSettings()


def collected(dataset: DatasetMaker, settings: ScanSettings = SETTINGS, *, validate: bool = False) -> Plans:
    return collect(make_study(dataset.root.parent), settings, 8.0, validate=validate)


def unfetch(path: Path) -> Path:
    path.unlink()
    path.symlink_to("../../.git/annex/objects/never/fetched")
    return path


def test_every_fault_of_a_scan_is_told_at_once(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01", changes={"TracerName": "novelty"}, events=False)
    stem = dataset.root / "sub-01"
    missing = [
        unfetch(stem / "pet/sub-01_task-rejection_pet.nii.gz"),
        unfetch(stem / "anat/sub-01_T1w.nii.gz"),
    ]
    (scan,) = collected(dataset).unplanned
    assert [error.path for error in scan.errors if isinstance(error, NotFetchedError)] == missing
    (other,) = [error for error in scan.errors if not isinstance(error, NotFetchedError)]
    assert "no preset with a value for --model and --reference" in other.message


def test_an_unfetched_scan_has_a_plan_and_cannot_start(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    unfetch(dataset.root / "sub-01/pet/sub-01_task-rejection_pet.nii.gz")
    (scan,) = collected(dataset).unplanned
    assert scan.plan is not None
    assert scan.plan.kinetics.model == "StepChange2"
    assert [window.name for window in scan.plan.kinetics.windows] == ["baseline", "rejection"]


def test_one_bad_scan_rejects_one_scan(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    infusion = {"InfusionRadioactivity": 100, "ModeOfAdministration": "bolus-infusion", "InjectionEnd": 5400}
    write_scan(dataset, "02", changes=infusion | {"InfusionStart": "noon"})
    write_scan(dataset, "03", task="{x}")
    write_scan(dataset, "04", changes={"Units": {"a": [1]}, "TracerName": ["x"], "InjectedRadioactivity": {}})
    write_scan(dataset, "05", changes={"FrameDuration": [10**400]})
    (dataset.root / "sub-06").mkdir()
    (dataset.root / "sub-06" / "pet").symlink_to("pet")
    plans = collected(dataset)
    assert [plan.scan.label for plan in plans.scans] == ["sub-01_task-rejection"]
    told = {scan.entities["sub"]: str(scan.error) for scan in plans.unplanned}
    assert "InfusionStart is 'noon'" in told["02"]
    assert "the value of task- is '{x}'" in told["03"]
    assert "has no preset" in told["04"]
    assert "FrameDuration" in told["05"]
    assert "sub-06/pet cannot be used" in told["06"]
    assert plans.exit_code == ExitCode.FAILED


def test_an_infusion_that_is_not_known_stops_nobody(dataset: DatasetMaker) -> None:
    infusion = {"InfusionRadioactivity": 100, "ModeOfAdministration": "bolus-infusion", "InjectionEnd": 5400}
    write_scan(dataset, "01", changes=infusion | {"InfusionStart": "n/a"})
    (plan,) = collected(dataset).scans
    assert plan.schedule.infusion_min == 90


def test_a_t1w_image_of_impossible_size_rejects_its_scan_by_name(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    write_scan(dataset, "02")
    header = dataset.root / "sub-02/anat/sub-02_T1w.nii.gz"
    write_header_of(header, 1200)
    plans = collect(make_study(dataset.root.parent), SETTINGS, 8.0, validate=False, read_images=False)
    assert [plan.scan.entities["sub"] for plan in plans.scans] == ["01"]
    (scan,) = plans.unplanned
    assert (
        "sub-02_T1w.nii.gz has 1.73e+03 million voxels: the step segment tissue needs" in scan.error.message
    )
    assert scan.error.exit_code == ExitCode.USAGE


def write_header_of(path: Path, edge: int) -> None:
    """An image that says to have so many voxels along each axis, and has none."""
    import gzip

    import nibabel as nib

    header = nib.Nifti1Header()
    header.set_data_shape((edge, edge, edge))
    header.set_data_dtype("float32")
    with gzip.open(path, "wb") as file:
        file.write(header.binaryblock + b"\0\0\0\0")


def test_the_validator_rejects_scans_and_not_the_dataset(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    write_scan(dataset, "02", changes={"FrameDuration": None})
    dataset.text("CITATION.cff", "nothing: [")
    plans = collected(dataset, validate=True)
    assert [plan.scan.entities["sub"] for plan in plans.scans] == ["01"]
    (scan,) = plans.unplanned
    assert scan.error.exit_code == ExitCode.INVALID_BIDS
    assert "FrameDuration" in scan.error.message


def test_a_run_that_is_not_here_rejects_the_whole_injection(dataset: DatasetMaker) -> None:
    for run, frames in (("1", slice(0, 8)), ("2", slice(8, None))):
        times = {"FrameTimesStart": START_S[frames], "FrameDuration": DURATION_S[frames]}
        dataset.pet(f"sub-01/pet/sub-01_run-{run}", **times)
    dataset.image("sub-01/anat/sub-01_T1w.nii.gz")
    unfetch(dataset.root / "sub-01/pet/sub-01_run-2_pet.nii.gz")
    (scan,) = collected(dataset).unplanned
    assert scan.label == "sub-01"
    assert scan.plan is not None
    assert len(scan.plan.scan.parts) == 2


def test_windows_are_asked_for_once(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    from morbids.bids.windows import Window

    both = ScanSettings(windows=(Window("a", 10, 40),), window_events=("baseline",))
    with pytest.raises(MorbidsError, match=r"Both --window and --window-events \(baseline\)"):
        plan_study(make_study(dataset.root.parent), both)


def test_reconstructions_left_aside_are_told(dataset: DatasetMaker) -> None:
    for rec in ("acdyn", "nacdyn"):
        dataset.pet(f"sub-01/pet/sub-01_rec-{rec}")
    dataset.image("sub-01/anat/sub-01_T1w.nii.gz")
    plans = collected(dataset)
    assert [plan.scan.label for plan in plans.scans] == ["sub-01_rec-acdyn"]
    assert "sub-01_rec-nacdyn_pet.nii.gz is left out" in plans.notes[0]
    filters = Filters(
        bids_filter_file=dataset.text("../filter.json", '{"pet": {"reconstruction": "nacdyn"}}')
    )
    chosen = plan_study(make_study(dataset.root.parent, filters), SETTINGS)
    assert [plan.scan.label for plan in chosen.scans] == ["sub-01_rec-nacdyn"]


def test_the_output_is_no_source(dataset: DatasetMaker, tmp_path: Path) -> None:
    from dataclasses import replace

    write_scan(dataset, "01")
    study = make_study(dataset.root.parent)
    (study.output_dir / "sub-01").mkdir(parents=True)
    with pytest.raises(MorbidsError, match=r"--derivatives .*out is the output directory"):
        plan_study(replace(study, derivatives=(study.output_dir,)), SETTINGS)


def test_batches_keep_participants_whole_and_in_order(dataset: DatasetMaker) -> None:
    for participant in ("01", "02", "03", "04"):
        write_scan(dataset, participant)
        write_scan(dataset, participant, "acceptance", t1w=False)
    unfetch(dataset.root / "sub-03/pet/sub-03_task-rejection_pet.nii.gz")
    plans = collected(dataset)
    batches = plans.batches(3)
    assert [[plan.scan.entities["sub"] for plan in batch.scans] for batch in batches] == [
        ["01", "01", "02", "02"],
        ["03", "04", "04"],
    ]
    assert [len(batch.unplanned) for batch in batches] == [0, 1]
    assert plans.batches(100) == [Plans(plans.scans, plans.unplanned)]
