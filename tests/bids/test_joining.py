"""Two runs of one injection become one scan; what the sidecars do not tell to be one stays two."""

from typing import Any

import numpy as np
import pytest

from morbids.bids.filters import Filters, JoinRuns
from morbids.bids.joining import join_runs
from morbids.bids.scans import FoundScans, find_scans
from morbids.bids.sidecars import preproc_pet_sidecar
from tests.bids.conftest import DURATION_S, START_S, DatasetMaker

FIRST = {"FrameTimesStart": START_S[:7], "FrameDuration": DURATION_S[:7]}
# 12 x 10 min until 90 min; the 40th to 50th minute misses.
SECOND = {"FrameTimesStart": START_S[8:], "FrameDuration": DURATION_S[8:]}
# The same run whose clock starts with its own first frame.
OWN_CLOCK = {
    "FrameTimesStart": [value - START_S[8] for value in START_S[8:]],
    "FrameDuration": DURATION_S[8:],
    "TimeZero": "12:50:00",
    "InjectionStart": -3000,
    "ImageDecayCorrectionTime": -3000,
}


def write_runs(dataset: DatasetMaker, second: dict[str, Any], first: dict[str, Any] | None = None) -> None:
    for run, changes in (("1", FIRST | (first or {})), ("2", second)):
        dataset.pet(f"sub-01/pet/sub-01_task-rest_run-{run}", **changes)
    dataset.image("sub-01/anat/sub-01_T1w.nii.gz")


def joined(dataset: DatasetMaker, how: JoinRuns = "auto") -> FoundScans:
    return join_runs(find_scans(dataset.root, Filters()), how)


@pytest.mark.parametrize("second", [SECOND, OWN_CLOCK], ids=["clock of the injection", "own clock"])
def test_runs_of_one_injection_share_a_time_axis(dataset: DatasetMaker, second: dict[str, Any]) -> None:
    write_runs(dataset, second)
    found = joined(dataset)
    assert not found.rejected
    (scan,) = found.scans
    assert scan.label == "sub-01_task-rest"
    assert [path.name[-16:] for path in scan.images] == ["run-1_pet.nii.gz", "run-2_pet.nii.gz"]
    np.testing.assert_allclose(scan.timing.frames.start_min * 60, [*START_S[:7], *START_S[8:]])
    np.testing.assert_allclose(scan.timing.decay_factors, 1)
    assert len(scan.timing.decay_factors) == 11
    notes = " ".join((*scan.notes, *scan.timing.notes))
    assert "Runs 1 and 2 are of one injection" in notes
    assert "No data from 40.0 to 50.0 min after injection" in notes
    assert "The first frame starts" not in notes, "true of the second run alone"
    assert preproc_pet_sidecar(scan, [], "")["FrameTimesStart"] == [*START_S[:7], *START_S[8:]]


def test_each_run_keeps_its_own_decay(dataset: DatasetMaker) -> None:
    write_runs(dataset, OWN_CLOCK | {"ImageDecayCorrectionTime": 0})
    (scan,) = joined(dataset).scans
    decay = 2 ** (3000 / (scan.timing.half_life_min * 60))
    np.testing.assert_allclose(scan.timing.decay_factors, [1] * 7 + [decay] * 4)


def test_events_of_both_runs_count_from_the_first_frame(dataset: DatasetMaker) -> None:
    write_runs(dataset, OWN_CLOCK)
    for run, row in (("1", "300\t1200\tbaseline"), ("2", "60\t1800\ttask")):
        dataset.text(
            f"sub-01/pet/sub-01_task-rest_run-{run}_events.tsv", f"onset\tduration\ttrial_type\n{row}\n"
        )
    (scan,) = joined(dataset).scans
    assert [(event.onset_s, event.trial_type) for event in scan.events] == [(300, "baseline"), (3060, "task")]


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        ({}, r"not joined: by their sidecars both have frames at 0.0 min from injection"),
        (OWN_CLOCK | {"TimeZero": "14:50:00"}, r"tell of injections 120 min apart. --join-runs always"),
        (SECOND | {"InjectedRadioactivity": 450}, r"not joined: InjectedRadioactivity differs"),
        (SECOND | {"InjectedRadioactivityUnits": "mCi"}, r"not joined: InjectedRadioactivity differs"),
        (SECOND | {"TracerName": "raclopride"}, r"not joined: the tracers are carfentanil and raclopride"),
        (SECOND | {"TimeZero": None}, r"without TimeZero in both it is not known"),
    ],
    ids=["overlap", "other injection", "dose", "unit of the dose", "tracer", "no clock"],
)
def test_what_may_be_two_injections_stays_two_scans(
    dataset: DatasetMaker, second: dict[str, Any], reason: str
) -> None:
    write_runs(dataset, second)
    found = joined(dataset)
    assert [scan.label for scan in found.scans] == ["sub-01_task-rest_run-1", "sub-01_task-rest_run-2"]
    for scan in found.scans:
        assert any(note for note in scan.notes if reason.split(":")[-1].strip()[:30] in note), scan.notes


def test_the_user_may_know_better(dataset: DatasetMaker) -> None:
    write_runs(dataset, SECOND | {"TimeZero": None, "InjectedRadioactivity": 450})
    assert len(joined(dataset, "always").scans) == 1
    assert len(joined(dataset, "never").scans) == 2
    assert not any("not joined" in note for scan in joined(dataset, "never").scans for note in scan.notes)


def test_runs_that_shall_be_joined_and_cannot_are_rejected(dataset: DatasetMaker) -> None:
    write_runs(dataset, {})
    found = joined(dataset, "always")
    assert not found.scans
    assert [scan.label for scan in found.rejected] == ["sub-01_task-rest_run-1", "sub-01_task-rest_run-2"]
    with pytest.raises(Exception, match=r"both have frames at 0.0 min from injection"):
        raise found.rejected[0].error


def test_units_must_agree(dataset: DatasetMaker) -> None:
    write_runs(dataset, SECOND | {"Units": "kBq/mL"})
    with pytest.raises(Exception, match=r"run-1_pet.nii.gz and its next run are in Bq/mL and kBq/mL"):
        raise joined(dataset).rejected[0].error


def test_one_run_and_other_tasks_are_left_alone(dataset: DatasetMaker) -> None:
    dataset.pet("sub-01/pet/sub-01_task-rest_run-1", **FIRST)
    dataset.pet("sub-01/pet/sub-01_task-other_run-2", **SECOND)
    assert [scan.label for scan in joined(dataset).scans] == [
        "sub-01_task-other_run-2",
        "sub-01_task-rest_run-1",
    ]
