"""Scans that blood drives: what is planned where nobody says, what wishes change, and refusals."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from morbids.errors import ExitCode, MorbidsError
from morbids.numerics.kinetics.plasma import PlasmaInput
from morbids.participant.blood_words import describe_blood, say_blood
from morbids.participant.kinetic_choices import FOUND
from morbids.settings import ScanSettings
from tests.bids.conftest import DatasetMaker
from tests.participant.studies import write_blood, write_scan
from tests.participant.test_plan import plan_one

SETTINGS = ScanSettings()
STEM = "sub-01/pet/sub-01_task-rejection_recording-manual_blood"


def write(dataset: DatasetMaker, tracer: str = "PS13", *, blood: bool = True, **changes: Any) -> Path:
    """One scan without events; returns the table of its blood."""
    write_scan(dataset, "01", events=False, changes={"TracerName": tracer} | changes)
    if blood:
        write_blood(dataset, STEM)
    return dataset.root / f"{STEM}.tsv"


def test_blood_of_a_tracer_without_reference_is_a_logan_plot_beside_compartments(
    dataset: DatasetMaker,
) -> None:
    write(dataset)
    plan = plan_one(dataset)
    kinetics = plan.kinetics
    assert (kinetics.model, kinetics.second_model) == ("PlasmaLogan", "2TCM")
    assert (kinetics.t_star_min, kinetics.t_star_source) == (None, FOUND)
    assert (kinetics.reference.name, kinetics.maps_transport) == ("wholebrain", False)
    assert [window.name for window in kinetics.windows] == ["whole"]
    assert kinetics.blood is not None
    # The image is in Bq/mL, the samples in kBq/mL.
    assert max(kinetics.blood.plasma.value) == pytest.approx(25257.6)
    assert kinetics.blood_volume == 0.05
    assert "binding potential" not in " ".join(plan.notes)
    assert kinetics.blood_facts["Blood"] == [f"bids:raw:{STEM}.tsv"]
    assert describe_blood(kinetics).startswith(
        "15 samples of plasma to 90 min, parent fraction auto, delay estimated"
    )


def test_a_settled_plan_knows_its_input_and_the_second_opinion_fits_all_frames(dataset: DatasetMaker) -> None:
    write(dataset)
    settled = plan_one(dataset).kinetics.settle(np.nan, 20.0, 6.0)
    curve = np.full(settled.frames.n_frames, 2e4)
    driving = settled.driving(curve)
    assert isinstance(driving, PlasmaInput)
    assert driving.time_min[0] == pytest.approx(0.1)
    whole = settled.options(settled.windows[0]).points
    assert whole is not None
    assert 0 < whole.sum() < settled.frames.n_frames
    beside = settled.second.options(settled.second.windows[0])
    assert beside.points is not None
    assert beside.points.all()
    assert beside.blood_volume is None


def test_wishes_of_blood(dataset: DatasetMaker) -> None:
    write(dataset)
    wishes = replace(SETTINGS, model="2TCM", parent_fraction="hill", blood_delay_s=-4.0, blood_volume=0.03)
    kinetics = plan_one(dataset, wishes).kinetics
    assert (kinetics.model, kinetics.second_model, kinetics.blood_volume) == ("2TCM", None, 0.03)
    told = describe_blood(kinetics)
    assert "parent fraction hill, delay -4 s, share of blood 0.03" in told
    said = say_blood(kinetics)
    assert "a Hill function" in said["blood"]
    assert "distribution volume" in said["estimated"]
    fitted = plan_one(dataset, replace(SETTINGS, model="1TCM", blood_volume="fit")).kinetics
    assert fitted.blood_volume is None


def test_a_preset_with_blood_stays_with_its_reference_region_unless_asked(dataset: DatasetMaker) -> None:
    write(dataset, "raclopride")
    assert plan_one(dataset).kinetics.blood is None
    asked = plan_one(dataset, replace(SETTINGS, model="MA1", t_star_min=30.0)).kinetics
    assert (asked.reference.name, asked.t_star_min, asked.second_model) == ("wholebrain", 30.0, None)


def test_fluorodeoxyglucose_names_its_model_and_needs_no_parent_fraction(dataset: DatasetMaker) -> None:
    table = write(dataset, "FDG")
    with pytest.raises(MorbidsError, match="FDG has no reference region") as told:
        plan_one(dataset)
    assert "--model PlasmaPatlak" in told.value.hint
    rows = [line.rsplit("\t", 1)[0] for line in table.read_text().splitlines()]
    table.write_text("\n".join(rows) + "\n")
    sidecar = table.with_suffix(".json")
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | {"MetaboliteAvail": False}))
    kinetics = plan_one(dataset, replace(SETTINGS, model="PlasmaPatlak", t_star_min=30.0)).kinetics
    assert kinetics.blood is not None
    assert kinetics.blood.parent is None


@pytest.mark.parametrize(
    ("wishes", "sentence", "code"),
    [
        ({"model": "SRTM", "reference": "cerebellar_grey", "blood_volume": 0.1}, "driven by a reference", 64),
        ({"model": "MA1", "blood_volume": "fit"}, "cannot tell the share of blood", 64),
        ({"model": "2TCM", "k2_prime_per_min": 0.1}, "takes no k2'", 64),
        ({"model": "2TCM", "partial_volume": "rbv", "psf_fwhm_mm": (5.0,)}, "--pvc is for models", 64),
        ({"model": "PlasmaPatlak"}, "no preset with a value for --t-star", 64),
        ({"model": "2TCM", "mixed_tissue": "apart"}, "--mixed-tissue apart is for StepChange2", 64),
    ],
)
def test_what_does_not_go_together(
    dataset: DatasetMaker, wishes: dict[str, Any], sentence: str, code: int
) -> None:
    write(dataset)
    with pytest.raises(MorbidsError) as told:
        plan_one(dataset, replace(SETTINGS, **wishes))
    assert sentence in told.value.message
    assert told.value.exit_code == code


def test_plasma_without_blood_or_unit_is_refused(dataset: DatasetMaker) -> None:
    write(dataset, blood=False)
    with pytest.raises(MorbidsError, match="2TCM is driven by plasma, and the scan has no samples") as told:
        plan_one(dataset, replace(SETTINGS, model="2TCM"))
    assert told.value.exit_code == ExitCode.BAD_DATA


def test_an_image_in_another_unit_is_refused(dataset: DatasetMaker) -> None:
    write(dataset, Units="SUV")
    with pytest.raises(MorbidsError, match="compares the image with blood"):
        plan_one(dataset)


def test_blood_that_ends_early_is_refused(dataset: DatasetMaker) -> None:
    write(dataset)
    write_blood(dataset, STEM, until_s=3600)
    with pytest.raises(MorbidsError, match=r"60\.0 min after injection, but frames until 90\.0 min"):
        plan_one(dataset)


def test_broken_blood_does_not_stop_a_model_with_a_reference_region(dataset: DatasetMaker) -> None:
    write(dataset, "raclopride").write_text("nothing")
    assert plan_one(dataset).kinetics.model == "SRTM"
