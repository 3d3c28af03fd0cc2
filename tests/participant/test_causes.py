"""Errors of many scans, one line per cause."""

from pathlib import Path

from morbids.errors import ExitCode, MorbidsError, NotFetchedError
from morbids.participant.causes import fetch_line, generalise, group_causes
from morbids.participant.collection import UnplannedScan

ROOT = Path("/data/my set")


def unplanned(label: str, *errors: MorbidsError) -> UnplannedScan:
    return UnplannedScan({"sub": label}, ROOT / f"sub-{label}", errors)


def test_scans_with_one_cause_share_a_line() -> None:
    scans = [
        unplanned(
            f"{n:02}",
            MorbidsError(f"/data/sub-{n:02}/pet/sub-{n:02}_pet.json: InjectionStart is {n} s.", "Mend."),
        )
        for n in range(1, 55)
    ]
    (cause,) = group_causes(scans)
    assert str(cause) == (
        "54 scans are left out (sub-01, sub-02, sub-03, sub-04, sub-05 and 49 more). The first: "
        "/data/sub-01/pet/sub-01_pet.json: InjectionStart is 1 s. Mend."
    )


def test_another_file_field_tracer_or_remedy_is_another_cause() -> None:
    sentences = (
        "/d/sub-01/pet/sub-01_pet.json: the tracer 'PS13' has no preset.",
        "/d/sub-01/pet/sub-01_pet.json: the tracer 'MC1' has no preset.",
        "/d/sub-01/anat/sub-01_T1w.nii.gz is empty.",
        "/d/sub-01/pet/sub-01_pet.nii.gz is empty.",
    )
    assert len(group_causes([unplanned("01", *map(MorbidsError, sentences))])) == 4


def test_a_lone_scan_is_named() -> None:
    (cause,) = group_causes([unplanned("01", MorbidsError("It is broken.", "Mend it.", ExitCode.USAGE))])
    assert str(cause) == "sub-01 is left out. It is broken. Mend it."
    assert cause.exit_code == ExitCode.USAGE


def test_the_most_frequent_cause_comes_first() -> None:
    rare, often = MorbidsError("Rare."), MorbidsError("Often.")
    causes = group_causes([unplanned("01", rare, often), unplanned("02", often)])
    assert [cause.sentence for cause in causes] == ["Often.", "Rare."]


def test_numbers_and_labels_are_no_causes() -> None:
    assert generalise("/d/sub-01_ses-a_pet.nii.gz: 3 of 21 in ses-a") == generalise(
        "/d/x/sub-02_ses-b_pet.nii.gz: 10.5 of 1e+06 in ses-b"
    )


def test_one_command_fetches_every_file_once() -> None:
    shared = NotFetchedError(ROOT / "sub-01/anat/sub-01_T1w.nii.gz")
    scans = [
        unplanned("01", shared, NotFetchedError(ROOT / "sub-01/pet/sub-01_pet.nii.gz")),
        unplanned("01", shared, NotFetchedError(Path("/petprep/sub-01/x.nii.gz"))),
        unplanned("02", MorbidsError("Another fault.")),
    ]
    assert fetch_line(scans, ROOT) == (
        "cd '/data/my set' && datalad get sub-01/anat/sub-01_T1w.nii.gz sub-01/pet/sub-01_pet.nii.gz "
        "/petprep/sub-01/x.nii.gz"
    )
    assert fetch_line(scans[2:], ROOT) == ""
