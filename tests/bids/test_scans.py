"""Finding scans: selection, inheritance, T1w search, and scans that cannot be analysed."""

import gzip
import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from morbids.bids.scans import Filters, FoundScans, find_scans
from morbids.bids.timing import read_timing
from morbids.bids.windows import Event
from morbids.errors import ExitCode, MorbidsError
from tests.bids.conftest import START_S, DatasetMaker


def labels(found: FoundScans) -> list[str]:
    """Names of the scans that can be analysed."""
    return [scan.label for scan in found.scans]


def rejection(dataset: DatasetMaker) -> MorbidsError:
    """Return the error of the only rejected scan."""
    found = find_scans(dataset.root, Filters())
    (rejected,) = found.rejected
    return rejected.error


@pytest.fixture
def study(dataset: DatasetMaker) -> DatasetMaker:
    """Two participants, two tasks, sidecars at the root, events beside the images."""
    dataset.metadata("task-rejection_pet.json", TaskName="rejection")
    dataset.metadata("task-acceptance_pet.json", TaskName="acceptance", TracerName="[11C]carfentanil")
    for sub in ("01", "02"):
        dataset.image(f"sub-{sub}/anat/sub-{sub}_T1w.nii.gz")
        for task in ("rejection", "acceptance"):
            stem = f"sub-{sub}/pet/sub-{sub}_task-{task}"
            dataset.image(f"{stem}_pet.nii.gz", len(START_S))
            dataset.text(
                f"{stem}_events.tsv",
                "onset\tduration\ttrial_type\n600\t1800\tbaseline\n2700\t2700\tchallenge\n",
            )
    dataset.text("derivatives/x/sub-03/pet/sub-03_pet.nii.gz", "not raw")
    return dataset


def test_scans_carry_their_own_metadata_events_and_t1w(study: DatasetMaker) -> None:
    found = find_scans(study.root, Filters())
    assert found.rejected == ()
    assert labels(found) == [
        f"sub-{sub}_task-{task}" for sub in ("01", "02") for task in ("acceptance", "rejection")
    ]
    first = found.scans[0]
    assert first.entities == {"sub": "01", "task": "acceptance"}
    assert first.tracer == "[11C]carfentanil"
    assert first.metadata["TaskName"] == "acceptance"
    assert first.events == (Event(600, 1800, "baseline"), Event(2700, 2700, "challenge"))
    assert first.t1w == study.root / "sub-01/anat/sub-01_T1w.nii.gz"
    assert first.t1w_note == ""
    assert first.timing.frames.n_frames == 12


def test_nearer_sidecars_and_more_specific_ones_win(study: DatasetMaker) -> None:
    study.text("pet.json", json.dumps({"Manufacturer": "root", "Units": "kBq/mL", "BodyPart": "root"}))
    study.text("sub-01/sub-01_pet.json", json.dumps({"Units": "BQML", "BodyPart": "participant"}))
    study.text("sub-01/pet/sub-01_task-rejection_pet.json", json.dumps({"BodyPart": "scan"}))
    scan = find_scans(study.root, Filters(participant_labels=("01",), task_labels=("rejection",))).scans[0]
    assert (scan.metadata["BodyPart"], scan.metadata["Units"], scan.metadata["Manufacturer"]) == (
        "scan",
        "BQML",
        "Siemens",
    )


def test_two_sidecars_of_one_folder_are_ambiguous(dataset: DatasetMaker) -> None:
    dataset.pet("sub-01/pet/sub-01_task-a_trc-b")
    dataset.text("task-a_pet.json", "{}")
    dataset.text("trc-b_pet.json", "{}")
    assert re.search(r"both task-a_pet.json and trc-b_pet.json in .* apply to it", str(rejection(dataset)))


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(participant_labels=("sub-02",)), ["sub-02_task-acceptance", "sub-02_task-rejection"]),
        (Filters(participant_labels=("02",), task_labels=("task-rejection",)), ["sub-02_task-rejection"]),
        (Filters(task_labels=("acceptance",)), ["sub-01_task-acceptance", "sub-02_task-acceptance"]),
    ],
)
def test_labels_select_with_or_without_prefix(
    study: DatasetMaker, filters: Filters, expected: list[str]
) -> None:
    assert labels(find_scans(study.root, filters)) == expected


def test_runs_and_tracers_and_sessions_select(dataset: DatasetMaker) -> None:
    dataset.pet("sub-01/ses-a/pet/sub-01_ses-a_trc-cfn_run-001")
    dataset.pet("sub-01/ses-a/pet/sub-01_ses-a_trc-cfn_run-002")
    dataset.pet("sub-01/ses-b/pet/sub-01_ses-b_trc-rac")
    one = find_scans(
        dataset.root, Filters(run_labels=("1",), session_labels=("ses-a",), tracer_labels=("cfn",))
    )
    assert [scan.entities for scan in one.scans] == [{"sub": "01", "ses": "a", "trc": "cfn", "run": "001"}]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"pet": {"task": "rejection", "suffix": "pet"}}, ["sub-01_task-rejection", "sub-02_task-rejection"]),
        ({"pet": {"subject": ["01"], "task": "*"}}, ["sub-01_task-acceptance", "sub-01_task-rejection"]),
        ({"pet": {"session": None, "task": ["rejection"], "subject": "sub-01"}}, ["sub-01_task-rejection"]),
        (
            {
                "bold": {"task": "rest"},
                "pet": {"session": "Query.NONE", "run": "Query.OPTIONAL", "task": "rejection"},
            },
            ["sub-01_task-rejection", "sub-02_task-rejection"],
        ),
        (
            {"pet": {"subject": "01", "task": "<Query.ANY: 2>"}},
            ["sub-01_task-acceptance", "sub-01_task-rejection"],
        ),
    ],
)
def test_a_filter_file_selects(study: DatasetMaker, content: Any, expected: list[str]) -> None:
    path = study.text("../filter.json", json.dumps(content))
    assert labels(find_scans(study.root, Filters(bids_filter_file=path))) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"filter file cannot be used: .*filter.json is not valid JSON"),
        ("[]", r"filter file cannot be used: .*filter.json holds no JSON object"),
        ('{"pett": {"task": "x"}}', r"has the entry 'pett': \{'task': 'x'\}"),
        ('{"pet": {"colour": "red"}}', r"asks for 'colour': 'red'"),
        ('{"pet": {"run": true}}', r"asks for 'run': True"),
    ],
)
def test_a_wrong_filter_file_is_a_usage_error(study: DatasetMaker, content: str, message: str) -> None:
    path = study.text("../filter.json", content)
    with pytest.raises(MorbidsError, match=message) as caught:
        find_scans(study.root, Filters(bids_filter_file=path))
    assert caught.value.exit_code == ExitCode.USAGE


def test_a_filter_file_that_is_not_there(study: DatasetMaker) -> None:
    with pytest.raises(MorbidsError, match=r"filter file cannot be used: .*nowhere.json does not exist"):
        find_scans(study.root, Filters(bids_filter_file=study.root / "nowhere.json"))


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        (
            Filters(task_labels=("rest",)),
            r"No PET image has task-rest\. The dataset has sub-01_task-acceptance",
        ),
        (Filters(participant_labels=("01", "07")), r"has no participant 07\. It has 01 and 02"),
    ],
)
def test_a_selection_that_fits_nothing_has_its_exit_code(
    study: DatasetMaker, filters: Filters, message: str
) -> None:
    with pytest.raises(MorbidsError, match=message) as caught:
        find_scans(study.root, filters)
    assert caught.value.exit_code == ExitCode.NOTHING_SELECTED


def test_a_dataset_without_participants_says_so(dataset: DatasetMaker) -> None:
    with pytest.raises(MorbidsError, match=r"has no participant 01\. It has none"):
        find_scans(dataset.root, Filters(participant_labels=("01",)))


def test_no_input_has_its_exit_codes(dataset: DatasetMaker, tmp_path: Path) -> None:
    dataset.image("sub-01/anat/sub-01_T1w.nii.gz")
    with pytest.raises(MorbidsError, match=r"raw has no PET image") as caught:
        find_scans(dataset.root, Filters())
    assert caught.value.exit_code == ExitCode.NO_INPUT
    with pytest.raises(MorbidsError, match=r"nowhere is not a directory") as caught:
        find_scans(tmp_path / "nowhere", Filters())
    assert caught.value.exit_code == ExitCode.NO_INPUT
    (dataset.root / "dataset_description.json").write_text('{"DatasetType": "derivative"}')
    with pytest.raises(MorbidsError, match=r"raw is no raw dataset") as caught:
        find_scans(dataset.root, Filters())
    assert caught.value.exit_code == ExitCode.NO_INPUT
    (dataset.root / "dataset_description.json").write_text("[")
    with pytest.raises(MorbidsError, match=r"dataset_description.json is not valid JSON") as caught:
        find_scans(dataset.root, Filters())
    assert caught.value.exit_code == ExitCode.INVALID_BIDS
    (dataset.root / "dataset_description.json").unlink()
    with pytest.raises(MorbidsError, match=r"raw has no dataset_description.json") as caught:
        find_scans(dataset.root, Filters())
    assert caught.value.exit_code == ExitCode.INVALID_BIDS


def test_the_t1w_image_is_searched_in_the_session_then_above_then_elsewhere(dataset: DatasetMaker) -> None:
    dataset.pet("sub-01/ses-b/pet/sub-01_ses-b")

    def found() -> tuple[str, str]:
        scan = find_scans(dataset.root, Filters()).scans[0]
        return (scan.t1w.name if scan.t1w else "", scan.t1w_note)

    assert found() == ("", "sub-01 has no T1w image.")
    dataset.image("sub-01/ses-a/anat/sub-01_ses-a_T1w.nii.gz")
    name = "sub-01_ses-a_T1w.nii.gz"
    assert found() == (name, f"The T1w image is {name} (ses-a, in another session).")
    dataset.image("sub-01/anat/sub-01_T1w.nii.gz")
    assert found() == ("sub-01_T1w.nii.gz", "The T1w image is sub-01_T1w.nii.gz (at subject level).")
    dataset.image("sub-01/ses-b/anat/sub-01_ses-b_run-1_T1w.nii.gz")
    assert found() == ("sub-01_ses-b_run-1_T1w.nii.gz", "")
    dataset.image("sub-01/ses-b/anat/sub-01_ses-b_run-2_T1w.nii.gz")
    name = "sub-01_ses-b_run-1_T1w.nii.gz"
    assert found() == (
        name,
        f"The T1w image is {name}, of 2 the first by name; choose with --bids-filter-file.",
    )


def test_the_filter_file_chooses_the_t1w_image(dataset: DatasetMaker) -> None:
    dataset.pet("sub-01/pet/sub-01")
    dataset.image("sub-01/anat/sub-01_run-1_T1w.nii.gz")
    dataset.image("sub-01/anat/sub-01_run-2_T1w.nii.gz")
    path = dataset.text("../filter.json", '{"t1w": {"run": 2}}')
    scan = find_scans(dataset.root, Filters(bids_filter_file=path)).scans[0]
    assert scan.t1w is not None
    assert scan.t1w.name == "sub-01_run-2_T1w.nii.gz"
    path.write_text('{"t1w": {"run": 3}}')
    scan = find_scans(dataset.root, Filters(bids_filter_file=path)).scans[0]
    told = "sub-01 has no T1w image that fits the filter: it has sub-01_run-1_T1w.nii.gz, sub-01_run-2_T1w.nii.gz."
    assert (scan.t1w, scan.t1w_note) == (None, told)


@pytest.mark.parametrize(
    ("units", "note"),
    [
        (None, "The sidecar has no Units: ratios are unaffected, SUV cannot be computed."),
        ("counts", "Units is 'counts', not a known unit of radioactivity: SUV cannot be computed."),
    ],
)
def test_units_of_radioactivity_are_noted_when_unknown(dataset: DatasetMaker, units: Any, note: str) -> None:
    dataset.pet("sub-01/pet/sub-01", Units=units)
    assert find_scans(dataset.root, Filters()).scans[0].notes == (note,)


@pytest.mark.parametrize("units", ["Bq/mL", "Bq/ml", "BQML", "kBq/mL", "kBq/ml", "Bq/cc"])
def test_units_in_public_spellings_are_known(dataset: DatasetMaker, units: str) -> None:
    dataset.pet("sub-01/pet/sub-01", Units=units)
    assert find_scans(dataset.root, Filters()).scans[0].notes == ()


def test_a_bad_scan_does_not_stop_the_others(study: DatasetMaker) -> None:
    (study.root / "sub-01/pet/sub-01_task-rejection_pet.nii.gz").write_bytes(b"")
    study.metadata("sub-02/pet/sub-02_task-rejection_pet.json", FrameTimesStart=START_S[:-1])
    found = find_scans(study.root, Filters())
    assert labels(found) == ["sub-01_task-acceptance", "sub-02_task-acceptance"]
    empty, wrong = found.rejected
    assert empty.label == "sub-01_task-rejection"
    assert "sub-01_task-rejection_pet.nii.gz is empty (0 bytes)" in empty.error.message
    assert "FrameTimesStart has 11 values, but the image has 12 volumes" in wrong.error.message


def test_a_folder_that_is_a_link_to_another_participant_stops_only_itself(study: DatasetMaker) -> None:
    (study.root / "sub-03").symlink_to("sub-01")
    found = find_scans(study.root, Filters())
    assert len(labels(found)) == 4
    assert all(str(study.root / "sub-01") in str(scan.t1w) for scan in found.scans[:2])
    told = {str(scan.error) for scan in found.rejected}
    assert len(told) == 2
    assert all("is named after sub-01, but lies in the folder sub-03" in sentence for sentence in told)


def test_a_scan_stored_twice_is_refused(study: DatasetMaker) -> None:
    study.image("sub-01/pet/sub-01_task-rejection_pet.nii", len(START_S))
    found = find_scans(study.root, Filters(participant_labels=("01",)))
    assert labels(found) == ["sub-01_task-acceptance"]
    assert len(found.rejected) == 2
    for rejected in found.rejected:
        message = "the same scan twice: sub-01_task-rejection_pet.nii and sub-01_task-rejection_pet.nii.gz"
        assert message in rejected.error.message


def test_unfetched_images_name_the_remedy(study: DatasetMaker) -> None:
    pet = study.root / "sub-01/pet/sub-01_task-rejection_pet.nii.gz"
    pet.unlink()
    pet.symlink_to("../../.git/annex/objects/Xx/MD5E-s12")
    t1w = study.root / "sub-02/anat/sub-02_T1w.nii.gz"
    t1w.unlink()
    t1w.symlink_to("../../.git/annex/objects/Yy/MD5E-s13")
    found = find_scans(study.root, Filters(task_labels=("rejection",)))
    assert found.scans == ()
    for rejected, image in zip(found.rejected, (pet, t1w), strict=True):
        assert rejected.error.message == f"{image} is a link to content that is not on this machine."
        assert rejected.error.hint == f"Fetch it: datalad get {image}"


def test_an_unfetched_sidecar_names_the_remedy(dataset: DatasetMaker) -> None:
    dataset.pet("sub-01/pet/sub-01")
    sidecar = dataset.root / "sub-01/pet/sub-01_pet.json"
    sidecar.unlink()
    sidecar.symlink_to("../../.git/annex/objects/Zz/MD5E-s14")
    assert "datalad get" in rejection(dataset).hint


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda path: path.write_bytes(gzip.compress(b"nothing")),
            r"sub-01_pet.nii.gz cannot be read as NIfTI",
        ),
        (lambda path: path.write_bytes(b"plain bytes"), r"sub-01_pet.nii.gz cannot be read as NIfTI"),
        (
            lambda path: path.with_name("sub-01_pet.json").write_text("{,}"),
            r"sub-01_pet.json is not valid JSON",
        ),
        (
            lambda path: path.with_name("sub-01_pet.json").write_bytes(b'{"a": "\xff"}'),
            r"sub-01_pet.json cannot be read",
        ),
    ],
)
def test_spoilt_files_are_named(dataset: DatasetMaker, spoil: Any, message: str) -> None:
    spoil(dataset.pet("sub-01/pet/sub-01"))
    assert re.search(message, rejection(dataset).message)


def many(dataset: DatasetMaker, n_participants: int) -> DatasetMaker:
    """A scan each, sidecar and image by the names of the field, what all share at the root."""
    dataset.metadata("task-rest_pet.json")
    for number in range(n_participants):
        dataset.image(f"sub-{number:02}/anat/sub-{number:02}_T1w.nii.gz")
        dataset.image(f"sub-{number:02}/pet/sub-{number:02}_task-rest_pet.nii.gz", len(START_S))
    return dataset


@pytest.mark.parametrize("n_participants", [3, 9])
def test_what_all_scans_share_is_listed_once(
    dataset: DatasetMaker, n_participants: int, note_paths: Callable[[str], list[str]]
) -> None:
    """Thousands of scans would else list thousands of folders each."""
    root = many(dataset, n_participants).root
    os.utime(root, (1e9, 1e9))
    listed = note_paths("listdir")
    assert len(find_scans(root, Filters()).scans) == n_participants
    assert listed.count(str(root)) == 3, "sidecars, events, blood"


def test_a_shared_sidecar_that_comes_later_is_seen(dataset: DatasetMaker) -> None:
    root = many(dataset, 1).root
    os.utime(root, (1e9, 1e9))
    assert find_scans(root, Filters()).scans[0].tracer == "carfentanil"
    dataset.metadata("pet.json", TracerName="raclopride")
    (root / "task-rest_pet.json").unlink()
    assert find_scans(root, Filters()).scans[0].tracer == "raclopride"


def test_a_scan_is_compared_with_those_of_its_participant_only(tmp_path: Path) -> None:
    def comparisons(n_participants: int) -> int:
        root = many(DatasetMaker(tmp_path / str(n_participants)), n_participants).root
        made = 0

        def count(frame: FrameType, event: str, _: object) -> None:
            nonlocal made
            made += event == "call" and frame.f_code.co_name == "foreign_folder"

        sys.setprofile(count)
        find_scans(root, Filters())
        sys.setprofile(None)
        return made

    assert comparisons(12) == 3 * comparisons(4) > 0


def test_an_index_is_reused(study: DatasetMaker, tmp_path: Path) -> None:
    database = tmp_path / "index"
    assert len(find_scans(study.root, Filters(), database).scans) == 4
    assert any(database.iterdir())
    only = find_scans(study.root, Filters(participant_labels=("02",)), database)
    assert labels(only) == ["sub-02_task-acceptance", "sub-02_task-rejection"]


def test_an_index_is_only_read_once_it_is_there(study: DatasetMaker, tmp_path: Path) -> None:
    find_scans(study.root, Filters(), tmp_path / "index")
    (file,) = (tmp_path / "index").iterdir()
    before = file.stat().st_mtime_ns, file.read_bytes()
    file.chmod(0o444)
    find_scans(study.root, Filters(), tmp_path / "index")
    assert (file.stat().st_mtime_ns, file.read_bytes()) == before


def test_jobs_that_start_together_share_an_index(study: DatasetMaker, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as jobs:
        found = list(jobs.map(lambda _: find_scans(study.root, Filters(), tmp_path / "index"), range(4)))
    assert [len(one.scans) for one in found] == [4] * 4
    assert [path.name for path in (tmp_path / "index").iterdir()] == ["layout_index.sqlite"]


def test_the_index_of_another_dataset_is_refused(study: DatasetMaker, tmp_path: Path) -> None:
    other = DatasetMaker(tmp_path / "other")
    other.pet("sub-01/pet/sub-01")
    find_scans(other.root, Filters(), tmp_path / "index")
    with pytest.raises(
        MorbidsError, match=r"index is of another dataset: it has .*other/sub-01/pet/sub-01_pet"
    ):
        find_scans(study.root, Filters(), tmp_path / "index")


def test_a_database_that_cannot_be_used_is_named(study: DatasetMaker, tmp_path: Path) -> None:
    (tmp_path / "index").write_text("no folder")
    with pytest.raises(MorbidsError, match=r"raw cannot be indexed with the database .*index: "):
        find_scans(study.root, Filters(), tmp_path / "index")


def test_folders_above_the_dataset_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = DatasetMaker(tmp_path / ".hidden" / "sub-99" / "func" / "raw")
    dataset.pet("sub-01/pet/sub-01")
    dataset.image("sub-01/anat/sub-01_T1w.nii.gz")
    (tmp_path / "link").symlink_to(dataset.root)
    monkeypatch.chdir(dataset.root.parent)
    for root in (dataset.root, Path("raw"), tmp_path / "link"):
        (scan,) = find_scans(root, Filters()).scans
        assert scan.entities == {"sub": "01"}
        assert scan.t1w == root.absolute() / "sub-01/anat/sub-01_T1w.nii.gz"


def test_public_stubs_are_rejected_one_by_one(shared_data: Path) -> None:
    for dataset, n_scans in (("ds001420", 2), ("ds001705", 10), ("ds004868", 20)):
        found = find_scans(shared_data / "openneuro" / dataset, Filters())
        assert (len(found.scans), len(found.rejected)) == (0, n_scans)
        assert all(" is empty (0 bytes)" in rejected.error.message for rejected in found.rejected)


def test_public_sidecars_have_a_time_axis(shared_data: Path) -> None:
    sidecars = [path for path in shared_data.glob("**/*_pet.json") if "derivatives" not in path.parts]
    assert len(sidecars) > 30
    for path in sidecars:
        metadata = json.loads(path.read_text())
        timing = read_timing(metadata, len(metadata["FrameDuration"]), path)
        assert timing.frames.start_min[0] == 0
        assert timing.decay_factors.max() == 1


def test_a_public_dataset_with_images_is_read(shared_data: Path, tmp_path: Path) -> None:
    """PETPrep's test data: T1w at subject level, in the same session, in none; real sidecars."""
    copy = DatasetMaker(tmp_path / "petprep")
    shutil.copytree(
        shared_data / "bids-examples" / "petprep",
        copy.root,
        dirs_exist_ok=True,
        copy_function=shutil.copyfile,
        ignore=shutil.ignore_patterns("derivatives"),
    )
    for image in copy.root.glob("sub-*/**/*.nii.gz"):
        sidecar = json.loads(image.with_name(image.name.replace(".nii.gz", ".json")).read_text())
        image.unlink()
        copy.image(str(image.relative_to(copy.root)), len(sidecar.get("FrameDuration", [])))
    found = find_scans(copy.root, Filters())
    assert found.rejected == ()
    notes = {scan.label: scan.t1w_note for scan in found.scans}
    assert notes["sub-01_ses-blocked"] == "The T1w image is sub-01_T1w.nii.gz (at subject level)."
    assert notes["sub-PSBB01_ses-baseline"] == ""
    assert "(ses-baseline, in another session)" in notes["sub-PSBB01_ses-blocked"]
    assert notes["sub-010_ses-baseline"] == "sub-010 has no T1w image."
    assert {scan.tracer for scan in found.scans} == {"MC1", "DASB", "PS13", "SF12051"}
