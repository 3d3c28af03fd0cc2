"""Quality in numbers: what is on disk becomes a table that the group level reads, with the steps' concerns."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from morbids.bids.maps import MapSelection, find_maps
from morbids.bids.names import output_path, sidecar_path
from morbids.bids.tables import read_table
from morbids.bids.windows import window_entities
from morbids.engine.failures import StepFailure
from morbids.errors import MorbidsError
from morbids.imaging.images import write_image
from morbids.numerics.kinetics.model_names import ModelName
from morbids.participant.collection import UnplannedScan, plan_study
from morbids.participant.page import write_participant_pages
from morbids.participant.plan import ScanPlan
from morbids.participant.quality import Measure, judge, measure_scan, write_quality
from morbids.settings import ScanSettings, Study
from tests.bids.conftest import START_S, DatasetMaker
from tests.bids.test_maps import write_map
from tests.participant.studies import make_study, write_scan

SETTINGS = ScanSettings()
AFFINE = np.diag([2.0, 2.0, 2.5, 1.0])


@pytest.fixture
def study(dataset: DatasetMaker) -> Study:
    write_scan(dataset, "01")
    return make_study(dataset.root.parent)


@pytest.fixture
def plan(study: Study) -> ScanPlan:
    (planned,) = plan_study(study, SETTINGS).scans
    return planned


def leave(study: Study, source: dict[str, str], role: str, facts: object, **entities: str) -> Path:
    """Write the sidecar of an output; returns the path of the output."""
    path = output_path(study.output_dir, source, role, entities)
    path.parent.mkdir(parents=True, exist_ok=True)
    sidecar_path(path).write_text(json.dumps(facts))
    return path


def leave_everything(study: Study, plan: ScanPlan, **changes: object) -> None:
    """Write what a finished scan leaves, as far as quality reads it."""
    t1w, pet = plan.t1w.entities, plan.scan.entities
    mask = np.zeros((6, 6, 6), dtype=np.int32)
    mask[1:5] = 1
    write_image(mask, AFFINE, leave(study, t1w, "brain_mask", {"Concern": changes.get("brain", "")}))
    mask[2:4] = 2
    write_image(mask, AFFINE, leave(study, t1w, "dseg", {}))
    leave(study, t1w, "t1w_to_template", {"Correlation": 0.95, "Concern": ""}, to="MNI152NLin2009cAsym")
    leave(study, pet, "petref", {"Concern": ""})
    confounds = leave(study, pet, "confounds", {})
    lines = ["n/a\t0\t1", "0.4\t0\t0", "5.0\t1\t0"]
    confounds.write_text(
        "\n".join(["framewise_displacement\tmotion_outlier\tmotion_borrowed", *lines]) + "\n"
    )
    scores = {"NormalizedMutualInformation": 1.2, "Overlap": 0.9, "Contrast": 4.0, "Agreement": 0.9}
    leave(study, pet, "pet_to_t1w", scores | {"Concern": ""})
    region = {"VolumeML": 25.0, "CoefficientOfVariation": 0.1, "Concern": ""}
    leave(study, pet, "reference_mask", region, label="occipital")
    curve = {
        "LowestLateRatio": 0.7,
        "LowestDrift": 0.8,
        "LateNoise": 0.05,
        "Concern": changes.get("curve", ""),
    }
    leave(study, pet, "reference_curve", curve, label="occipital")
    table = leave(study, pet, "pet_dseg_table", {}, seg="AAL")
    table.write_text("index\tname\tcoverage\n1\ta\t1\n2\tb\t0.4\n3\tc\tn/a\n")
    failed = {"FailedVoxelShare": changes.get("failed", 0.01)}
    leave(study, pet, "parametric_map", failed, model="StepChange2", meas="BPND", desc="baseline")
    published = {"k2prime": 0.1, "k2primeStandardError": 0.004, "k2primeOfScan": 0.099}
    fits = published | {"k2primeDistance": changes.get("distance", 0.4)}
    leave(study, pet, "kinpar", fits, seg="apriori", model="StepChange2", desc="baseline")


def values(measures: tuple[Measure, ...]) -> dict[tuple[str, str], float | None]:
    return {(one.step, one.name): one.value for one in measures}


def test_every_number_is_read_from_what_the_steps_left(study: Study, plan: ScanPlan) -> None:
    leave_everything(study, plan)
    found = values(measure_scan(plan, study, SETTINGS))
    assert found["brain mask", "volume"] == pytest.approx(4 * 36 * 0.01)
    assert found["tissue", "grey matter"] == pytest.approx(2 * 36 * 0.01)
    assert found["tissue", "fluid"] == 0
    assert found["injection", "radioactivity"] == 500
    assert found["head motion", "largest framewise displacement"] == 5.0
    assert found["head motion", "mean framewise displacement"] == pytest.approx(2.7)
    assert found["head motion", "outlying frames"] == 1
    assert found["PET to T1w", "overlap"] == 0.9
    assert found["reference curve", "noise of voxels in late frames"] == 0.05
    assert found["field of view", "lowest share of a region inside"] == 0
    assert found["field of view", "regions without a curve"] == 2
    assert found["k2'", "used"] == 0.1
    assert found["k2'", "distance from papers"] == 0.4
    assert found["voxelwise fits", "share that failed"] == 0.01


def test_what_is_not_there_is_not_measured(study: Study, plan: ScanPlan) -> None:
    assert [one.step for one in measure_scan(plan, study, SETTINGS)] == ["tracer", "injection"]


def test_concerns_of_the_steps_flag_them_and_reach_the_group_level(study: Study, plan: ScanPlan) -> None:
    leave_everything(study, plan, curve="It binds.", failed=0.5)
    measures = measure_scan(plan, study, SETTINGS)
    verdicts = {verdict.step: verdict for verdict in judge(measures)}
    assert verdicts["reference curve"].level == "flag"
    assert verdicts["reference curve"].reason == "It binds."
    assert "failed in 50% (at most 20% expected) of the voxels" in verdicts["voxelwise fits"].reason
    assert verdicts["PET to T1w"].level == "pass"
    assert (
        verdicts["PET to T1w"].finding
        == "normalised mutual information 1.20, overlap 0.900, contrast 4, agreement 0.900"
    )
    write_map(study.output_dir, plan.scan.entities)
    table = read_table(write_quality(plan.scan.entities, measures, study))
    assert list(table.columns) == ["step", "measure", "value", "units", "least", "most", "concern"]
    assert table["concern"].notna().sum() == 2
    described = json.loads(
        sidecar_path(output_path(study.output_dir, plan.scan.entities, "quality")).read_text()
    )
    assert set(table.columns) < set(described)
    found = find_maps(study.output_dir, MapSelection())
    assert [one.reason for one in found.dropped] == [
        "flagged: It binds. StepChange2 failed in 50% (at most 20% expected) of the voxels."
    ]


@pytest.mark.parametrize("failed_at", ["scan", "T1w", "reading"])
def test_maps_of_a_scan_whose_last_run_failed_are_left_out(
    study: Study, plan: ScanPlan, failed_at: str
) -> None:
    """The first run left maps and a good quality table; the second failed, or could not even be planned."""
    leave_everything(study, plan)
    write_map(study.output_dir, plan.scan.entities)
    write_participant_pages((plan,), (), (), study, SETTINGS)
    assert not find_maps(study.output_dir).dropped
    if failed_at == "reading":
        unplanned = UnplannedScan(
            plan.scan.entities, plan.scan.pet, (MorbidsError("The sidecar is gone.", "Fetch it."),)
        )
        write_participant_pages((), (unplanned,), (), study, SETTINGS)
    else:
        unit = plan.scan.label if failed_at == "scan" else plan.t1w.label
        failure = StepFailure(("participant", unit.replace("-", "__")), "fit_maps", "No.", "")
        write_participant_pages((plan,), (), (failure,), study, SETTINGS)
    (dropped,) = find_maps(study.output_dir).dropped
    assert "maps may be those of an earlier run" in dropped.reason
    write_participant_pages((plan,), (), (), study, SETTINGS)
    assert not find_maps(study.output_dir).dropped


def test_a_sidecar_of_another_version_flags_its_step_and_hides_no_other(study: Study, plan: ScanPlan) -> None:
    leave_everything(study, plan)
    leave(study, plan.scan.entities, "pet_to_t1w", {"Overlap": 0.9})
    verdicts = {verdict.step: verdict for verdict in judge(measure_scan(plan, study, SETTINGS))}
    assert verdicts["PET to T1w"].level == "flag"
    assert "has no field 'NormalizedMutualInformation'" in verdicts["PET to T1w"].reason
    assert verdicts["reference curve"].level == "pass"


def test_a_stretched_time_axis_is_a_concern(dataset: DatasetMaker) -> None:
    """Frames of usual length that start 2.5 times as far apart as they should (dcm2niix 521)."""
    starts = [start * 2.5 for start in START_S]
    write_scan(dataset, "01", changes={"FrameTimesStart": starts}, events=False)
    study = make_study(dataset.root.parent)
    (stretched,) = plan_study(study, SETTINGS).scans
    (measure,) = [one for one in measure_scan(stretched, study, SETTINGS) if one.step == "time axis"]
    assert measure.value == pytest.approx(1 - 5400 / 12600)
    assert "FrameTimesStart may be stretched" in measure.concern


def test_a_nuclide_that_contradicts_the_tracer_is_a_concern(study: Study, plan: ScanPlan) -> None:
    first = measure_scan(plan, study, SETTINGS)[0]
    assert (first.step, first.concern) == ("tracer", "")
    other = replace(plan.scan, metadata={**plan.scan.metadata, "TracerRadionuclide": "F18"})
    first = measure_scan(replace(plan, scan=other), study, SETTINGS)[0]
    assert "is made with C11, but TracerRadionuclide is F18" in first.concern


@pytest.mark.parametrize("model", ["SUVR", "SRTM", "MRTM1"])
def test_models_without_k2_prime_are_not_asked_for_it(dataset: DatasetMaker, model: ModelName) -> None:
    """Their sidecars hold none; a missing field would flag the scan and keep it from the group."""
    write_scan(dataset, "01")
    settings = replace(SETTINGS, model=model)
    study = make_study(dataset.root.parent)
    (plan,) = plan_study(study, settings).scans
    leave_everything(study, plan)
    entities = {"seg": "apriori", "model": model, **window_entities(plan.kinetics.windows[0])}
    leave(study, plan.scan.entities, "kinpar", {"R1k2prime": 0.1}, **entities)
    told = [one.concern for one in measure_scan(plan, study, settings) if one.concern]
    assert not any("k2prime" in concern for concern in told)
