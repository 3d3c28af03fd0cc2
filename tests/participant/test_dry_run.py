"""`--dry-run`: what would be done, what stands in the way, and the exit code of it."""

import json
from typing import Any

import pytest

from morbids.bids.filters import Filters
from morbids.errors import ExitCode
from morbids.participant.dry_run import DryRun, dry_run, dry_run_as_json, tell_dry_run
from morbids.settings import ScanSettings
from tests.bids.conftest import DatasetMaker
from tests.participant.studies import make_resources, make_study, write_scan
from tests.participant.test_collection import unfetch


def run(dataset: DatasetMaker, filters: Filters | None = None) -> tuple[DryRun, str, Any]:
    """The result, its text, its JSON."""
    folder = dataset.root.parent
    study, resources = make_study(folder, filters or Filters()), make_resources(folder / "work")
    found = dry_run(study, ScanSettings(), resources, validate=False)
    assert not study.output_dir.exists()
    assert not resources.work_dir.exists()
    return found, tell_dry_run(found, study, resources), json.loads(dry_run_as_json(found, study, resources))


def test_scans_that_can_start_are_described(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    found, text, described = run(dataset)
    assert found.exit_code == ExitCode.OK
    assert "1 of 1 scans can start" in text
    assert (
        "carfentanil; StepChange2; reference occipital; k2' estimated from the scan and combined, by inverse variance, "
        "with 0.1237 ± 0.0168 /min of the preset of carfentanil; t* 10 min" in text
    )
    assert "windows baseline 10-40, rejection 45-90; sub-01_T1w.nii.gz" in text
    (scan,) = described["scans"]
    assert scan["can_start"]
    assert (scan["model"], scan["reference"], scan["k2prime_per_min"]) == (
        "StepChange2",
        "occipital",
        None,
    )
    assert scan["windows"][0] == {"name": "baseline", "start_min": 10.0, "end_min": 40.0}
    assert described["problems"] == []
    assert described["exit_code"] == 0


def test_some_that_cannot_start_make_1_and_their_causes_are_told(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    for participant in ("02", "03"):
        write_scan(dataset, participant)
        unfetch(dataset.root / f"sub-{participant}/pet/sub-{participant}_task-rejection_pet.nii.gz")
    found, text, described = run(dataset)
    assert found.exit_code == ExitCode.FAILED
    assert "[2: sub-02_task-rejection and sub-03_task-rejection]" in text
    files = [f"sub-{p}/pet/sub-{p}_task-rejection_pet.nii.gz" for p in ("02", "03")]
    assert f"cd {dataset.root} && datalad get {' '.join(files)}" in text
    assert described["fetch"] == [str(dataset.root / file) for file in files]
    assert [len(problem["scans"]) for problem in described["problems"]] == [2]
    assert "sub-02_task-rejection: cannot start yet; carfentanil; StepChange2" in text


def test_none_that_can_start_has_the_code_of_a_run(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01", changes={"TracerName": "novelty"})
    found, text, described = run(dataset)
    assert found.exit_code == described["exit_code"] == ExitCode.USAGE
    assert "sub-01_task-rejection: cannot start; novelty" in text
    assert described["scans"][0]["problems"][0].startswith(str(dataset.root))


def test_what_stops_the_whole_run_is_a_cause_without_scans(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    found, text, described = run(dataset, Filters(task_labels=("rest",)))
    assert found.exit_code == ExitCode.NOTHING_SELECTED
    assert "No PET image has task-rest." in text
    assert described["problems"][0]["scans"] == []


def test_notes_of_many_scans_are_told_once(dataset: DatasetMaker) -> None:
    for participant in ("01", "02"):
        write_scan(dataset, participant, changes={"ScanStart": 5})
    text = run(dataset)[1]
    assert text.count("ScanStart is 5 s") == 1
    assert "[2: sub-01_task-rejection and sub-02_task-rejection]" in text


@pytest.mark.parametrize("partial", [True, False])
def test_what_is_known_of_a_scan_is_told_in_json(dataset: DatasetMaker, partial: bool) -> None:
    write_scan(dataset, "01", changes={"TracerName": "novelty"} if partial else {"InjectionStart": "noon"})
    (scan,) = run(dataset)[2]["scans"]
    assert not scan["can_start"]
    assert scan.get("tracer") == ("novelty" if partial else None)
