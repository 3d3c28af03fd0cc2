"""`python -m morbids.fit --blood`: from files to parameters, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from morbids.fit.command import main
from tests.numerics.kinetics.plasma_truth import BY_HAND, SCAN, parent_share, plasma, tissue, whole_blood

TRUTH = {
    "cortex": {"K1": 0.4, "k2": 0.2, "k3": 0.05, "k4": 0.05},
    "thalamus": {"K1": 0.15, "k2": 0.1, "k3": 0.1, "k4": 0.1},
    "white": {"K1": 0.1, "k2": 0.05},
}
VT = {"cortex": 4.0, "thalamus": 3.0, "white": 2.0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("blood")
    curves = {name: tissue(rates, blood_volume=0.05, later_min=-0.1) for name, rates in TRUTH.items()}
    table = pd.DataFrame({"frame_start": SCAN.start_min * 60, "frame_end": SCAN.end_min * 60} | curves)
    table.to_csv(made / "tacs.tsv", sep="\t", index=False)
    (made / "tacs.json").write_text(json.dumps({"Units": "kBq/mL"}))
    samples = {
        "time": BY_HAND * 60,
        "plasma_radioactivity": [1000 * plasma(t) for t in BY_HAND],
        "whole_blood_radioactivity": [1000 * whole_blood(t) for t in BY_HAND],
        "metabolite_parent_fraction": [parent_share(t) for t in BY_HAND],
    }
    pd.DataFrame(samples).to_csv(made / "blood.tsv", sep="\t", index=False)
    units = {"Units": "Bq/mL"}
    sidecar = {"PlasmaAvail": True, "plasma_radioactivity": units, "whole_blood_radioactivity": units}
    (made / "blood.json").write_text(json.dumps(sidecar))
    return made


def fit(folder: Path, *options: str) -> int:
    told = [str(folder / "tacs.tsv"), "--blood", str(folder / "blood.tsv"), "-o", str(folder / "kinpar.tsv")]
    return main([*told, *options])


@pytest.mark.parametrize(
    ("options", "tolerance"),
    [
        (["--model", "1TCM"], None),
        (["--model", "2TCM", "--blood-volume", "0.05"], 0.02),
        (["--model", "MA1", "--t-star", "30"], 0.03),
        ([], 0.06),
        (["--window", "late=40-89", "--parent-fraction", "linear"], 0.03),
    ],
)
def test_volumes_of_regions_are_read(folder: Path, options: list[str], tolerance: float | None) -> None:
    assert fit(folder, *options) == 0
    found = pd.read_csv(folder / "kinpar.tsv", sep="\t", index_col="name")["VT"]
    regions = ["white"] if tolerance is None else list(VT)
    for region in regions:
        assert found[region] == pytest.approx(VT[region], rel=tolerance or 0.01), region
    sidecar = json.loads((folder / "kinpar.json").read_text())
    assert sidecar["BloodDelay"] == pytest.approx(-6, abs=6)
    assert sidecar["VT"]["Units"] == "mL/cm3"
    assert sidecar["PlasmaAvail"] is True
    assert "ReferenceRegion" not in sidecar


def test_settings_are_in_the_sidecar(folder: Path) -> None:
    asked = ["--model", "2TCM", "--blood-delay", "-6", "--parent-fraction", "power", "--blood-volume", "fit"]
    assert fit(folder, *asked, "--reference", "cortex") == 0
    sidecar = json.loads((folder / "kinpar.json").read_text())
    assert sidecar["BloodDelay"] == -6
    assert sidecar["BloodDelaySource"] == "given by the user"
    assert sidecar["ParentFraction"] == "power"
    assert sidecar["BloodVolume"] == "fitted"
    assert sidecar["RegionOfDelay"] == "cortex"
    found = pd.read_csv(folder / "kinpar.tsv", sep="\t", index_col="name")["K1"]
    assert found["cortex"] == pytest.approx(0.4, rel=0.05)


def test_compartments_are_compared_and_drawn(folder: Path) -> None:
    assert fit(folder, "--model", "1TCM", "--compare", "2TCM", "--figures", str(folder / "figures")) == 0
    table = pd.read_csv(folder / "kinpar_comparison.tsv", sep="\t")
    found = table.pivot(index="name", columns="model", values="AICc").loc["cortex"].to_dict()
    assert found["2TCM"] < found["1TCM"] - 10
    assert (folder / "figures" / "input.svg").is_file()
    assert (folder / "figures" / "fits_whole.svg").is_file()


def test_an_uptake_rate_needs_its_model_named(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert fit(folder, "--tracer", "FDG") == 64
    assert "FDG has no reference region" in caplog.text
    assert fit(folder, "--tracer", "FDG", "--model", "PlasmaPatlak", "--t-star", "30") == 0
    sidecar = json.loads((folder / "kinpar.json").read_text())
    # All of plasma is the tracer, whatever the table says.
    assert sidecar["ParentFraction"] == "none"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--model", "SRTM", "--reference", "white"], "is driven by a reference region"),
        (["--model", "MA1", "--blood-volume", "fit", "--t-star", "9"], "cannot tell the share of blood"),
        (["--model", "2TCM", "--window", "late=40-89"], "so it has no --window"),
        (["--model", "PlasmaPatlak"], "needs the first minute of regression"),
        (["--model", "2TCM", "--k2prime", "0.1"], "takes no k2'"),
        (["--model", "2TCM", "--compare", "SRTM"], "needs the curve of a reference region"),
    ],
)
def test_what_does_not_go_together_is_refused(
    folder: Path, options: list[str], sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert fit(folder, *options) in (64, 65)
    assert sentence in caplog.text


def test_plasma_without_blood_is_refused(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    told = [str(folder / "tacs.tsv"), "--model", "2TCM", "--reference", "white", "-o", str(folder / "k.tsv")]
    assert main(told) == 64
    assert "2TCM is driven by plasma, and no blood is given" in caplog.text


def test_a_table_without_sidecar_and_curves_of_another_unit_are_refused(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "alone.tsv").write_text((folder / "blood.tsv").read_text())
    output = ["-o", str(tmp_path / "k.tsv")]
    assert main([str(folder / "tacs.tsv"), "--blood", str(tmp_path / "alone.tsv"), *output]) == 65
    assert "alone.json: the units of its samples are unknown" in caplog.text
    (tmp_path / "tacs.tsv").write_text((folder / "tacs.tsv").read_text())
    (tmp_path / "tacs.json").write_text('{"Units": "SUV"}')
    assert main([str(tmp_path / "tacs.tsv"), "--blood", str(folder / "blood.tsv"), *output]) == 65
    assert "the unit of the curves is SUV" in caplog.text


def test_curves_without_unit_are_taken_for_kilobecquerel(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "tacs.tsv").write_text((folder / "tacs.tsv").read_text())
    told = [str(tmp_path / "tacs.tsv"), "--blood", str(folder / "blood.tsv"), "--model", "1TCM"]
    assert main([*told, "-o", str(tmp_path / "kinpar.tsv")]) == 0
    notes = json.loads((tmp_path / "kinpar.json").read_text())["Notes"]
    assert any("taken for kBq/mL" in note for note in notes)
    assert np.isfinite(pd.read_csv(tmp_path / "kinpar.tsv", sep="\t")["VT"]).all()
