"""Blood samples of PET-BIDS: what is read, what is joined, and every refusal."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from morbids.bids.blood import ReadBlood, check_dose, find_blood, read_blood, read_blood_tables
from morbids.errors import MorbidsError
from morbids.numerics.kinetics.plasma import Blood, Samples

TIMES = (10, 30, 60, 90, 120, 300, 600, 1200, 2400, 3600)
PLASMA = (0, 2, 50, 40, 20, 10, 8, 6, 4, 3)
WHOLE_BLOOD = (0, 1, 40, 30, 15, 8, 7, 5, 4, 3)
PARENT = (1, 1, 0.98, 0.96, 0.95, 0.9, 0.8, 0.6, 0.4, 0.3)
SIDECAR: dict[str, Any] = {
    "PlasmaAvail": True,
    "WholeBloodAvail": True,
    "MetaboliteAvail": True,
    "MetaboliteRecoveryCorrectionApplied": True,
    "DispersionCorrected": True,
    "time": {"Units": "s"},
    "plasma_radioactivity": {"Units": "kBq/mL"},
    "whole_blood_radioactivity": {"Units": "kBq/mL"},
}
NAME = "sub-1_ses-a_recording-manual_blood"


def columns(**changed: Any) -> dict[str, Any]:
    whole = {
        "time": TIMES,
        "plasma_radioactivity": PLASMA,
        "whole_blood_radioactivity": WHOLE_BLOOD,
        "metabolite_parent_fraction": PARENT,
    }
    return {name: values for name, values in (whole | changed).items() if values is not None}


def write(root: Path, table: dict[str, Any], sidecar: dict[str, Any] | None = None, name: str = NAME) -> Path:
    folder = root / "sub-1" / "ses-a" / "pet"
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["\t".join(table)] + ["\t".join(map(str, row)) for row in zip(*table.values(), strict=True)]
    (folder / f"{name}.tsv").write_text("\n".join(lines) + "\n")
    (folder / f"{name}.json").write_text(json.dumps(SIDECAR if sidecar is None else sidecar))
    return folder / "sub-1_ses-a_pet.nii.gz"


def read(image: Path, root: Path, **told: Any) -> ReadBlood:
    told = {"injection_s": 0.0, "half_life_min": 20.0} | told
    return read_blood(read_blood_tables(find_blood(image, root), root), **told)


def test_samples_are_minutes_and_kilobecquerel(tmp_path: Path) -> None:
    sidecar = SIDECAR | {"plasma_radioactivity": {"Units": "Bq/mL"}, "time": {"Units": "min"}}
    minutes = [t / 60 for t in TIMES]
    table = columns(time=minutes, plasma_radioactivity=[1000 * value for value in PLASMA])
    found = read(write(tmp_path, table, sidecar), tmp_path)
    assert found.blood.plasma.time_min == pytest.approx(minutes)
    assert found.blood.plasma.value == pytest.approx(PLASMA)
    assert found.blood.whole_blood is not None
    assert found.blood.whole_blood.value == pytest.approx(WHOLE_BLOOD)
    assert found.blood.parent is not None
    assert found.blood.parent.value == pytest.approx(PARENT)
    assert found.notes == ()
    assert found.facts["DispersionCorrected"] is True


def test_decay_from_time_zero_to_injection(tmp_path: Path) -> None:
    earlier = [t + 1200 for t in TIMES]
    found = read(write(tmp_path, columns(time=earlier)), tmp_path, injection_s=1200.0)
    assert found.blood.plasma.time_min == pytest.approx([t / 60 for t in TIMES])
    assert found.blood.plasma.value == pytest.approx(np.array(PLASMA) / 2)


def test_a_sidecar_is_inherited_and_tables_of_others_are_not(tmp_path: Path) -> None:
    image = write(tmp_path, columns())
    sidecar = image.with_name(f"{NAME}.json")
    (tmp_path / "recording-manual_blood.json").write_text(sidecar.read_text())
    sidecar.unlink()
    write(tmp_path, columns(), name="sub-1_ses-a_task-other_recording-manual_blood")
    assert find_blood(image, tmp_path) == (image.with_name(f"{NAME}.tsv"),)
    assert read(image, tmp_path).blood.plasma.value == pytest.approx(PLASMA)


def test_samples_that_were_not_measured_are_left_out_and_told(tmp_path: Path) -> None:
    table = columns(
        plasma_radioactivity=[0, 2, 50, "n/a", *PLASMA[4:]],
        whole_blood_radioactivity=[0, 1, 40, 0, *WHOLE_BLOOD[4:]],
    )
    sidecar = SIDECAR | {"MetaboliteRecoveryCorrectionApplied": False, "DispersionCorrected": False}
    found = read(write(tmp_path, table, sidecar), tmp_path)
    assert len(found.blood.plasma.value) == 9
    assert found.blood.whole_blood is not None
    assert len(found.blood.whole_blood.value) == 9
    assert "is 0 among high samples (rows 5)" in found.notes[0]
    assert "not corrected for recovery" in " ".join(found.notes)
    assert "not corrected for dispersion" in " ".join(found.notes)


def test_a_missed_rise_and_missing_whole_blood_are_told(tmp_path: Path) -> None:
    table = {name: values[2:] for name, values in columns(whole_blood_radioactivity=None).items()}
    found = read(write(tmp_path, table, SIDECAR | {"WholeBloodAvail": False}), tmp_path)
    assert found.blood.whole_blood is None
    assert "plasma stands for the blood" in " ".join(found.notes)
    assert "100 % of the largest" in " ".join(found.notes)


def test_an_autosampler_gives_plasma_by_the_ratio(tmp_path: Path) -> None:
    image = write(tmp_path, columns())
    seconds = range(0, 101, 2)
    sidecar = {
        "PlasmaAvail": False,
        "MetaboliteAvail": False,
        "WholeBloodAvail": True,
        "whole_blood_radioactivity": {"Units": "kBq/mL"},
    }
    automatic = {"time": seconds, "whole_blood_radioactivity": [s / 2 for s in seconds]}
    write(tmp_path, automatic, sidecar, "sub-1_ses-a_recording-autosampler_blood")
    found = read(image, tmp_path)
    assert found.blood.whole_blood is not None
    time, plasma = found.blood.plasma.arrays
    assert found.blood.whole_blood.arrays[0] == pytest.approx(time)
    # At 60 s the ratio by hand is 50 / 40; from 120 s on samples by hand stand.
    assert plasma[time == 1.0] == pytest.approx([30 * 50 / 40])
    assert plasma[time == 2.0] == pytest.approx([20.0])
    assert "times the ratio of plasma to whole blood" in " ".join(found.notes)


def test_a_tracer_without_metabolites_needs_no_parent_fraction(tmp_path: Path) -> None:
    image = write(tmp_path, columns(metabolite_parent_fraction=None), SIDECAR | {"MetaboliteAvail": False})
    assert read(image, tmp_path, parent_is_all=True).blood.parent is None
    with pytest.raises(MorbidsError, match="no metabolite_parent_fraction") as told:
        read(image, tmp_path)
    assert "--parent-fraction none" in told.value.hint


@pytest.mark.parametrize(
    ("table", "sidecar", "sentence"),
    [
        (columns(plasma_radioactivity=None), {"PlasmaAvail": False}, "no radioactivity of plasma"),
        (
            columns(plasma_radioactivity=None),
            {},
            "PlasmaAvail is true in its sidecar, but the table has no column",
        ),
        (
            columns(),
            {"MetaboliteAvail": False},
            "MetaboliteAvail is false in its sidecar, but the table has a column",
        ),
        (columns(), {"PlasmaAvail": "yes"}, "PlasmaAvail is 'yes'"),
        (
            columns(time=[*TIMES[:3], 45, *TIMES[4:]]),
            {},
            "times do not rise: 0.75 min after injection in row 5",
        ),
        (columns(time=[*TIMES[:3], "n/a", *TIMES[4:]]), {}, "the time in row 5 is no number"),
        (columns(plasma_radioactivity=[0, -9, *PLASMA[2:]]), {}, "plasma_radioactivity is -9 in row 3"),
        (columns(plasma_radioactivity=[0] * 10), {}, "nowhere above zero"),
        (columns(plasma_radioactivity=["n/a"] * 6 + [8, 6, 4, 3]), {}, "has 4 samples"),
        (columns(plasma_radioactivity=["high", *PLASMA[1:]]), {}, "holds text"),
        (columns(metabolite_parent_fraction=[100 * p for p in PARENT]), {}, "is 100 in row 2"),
        (columns(metabolite_parent_fraction=[-0.1, *PARENT[1:]]), {}, "is -0.1 in row 2"),
        (columns(metabolite_parent_fraction=["n/a"] * 10), {}, "has no number"),
        (columns(), {"plasma_radioactivity": {}}, "Units of plasma_radioactivity are missing"),
        (columns(), {"plasma_radioactivity": {"Units": "counts"}}, "are 'counts'"),
        (columns(), {"time": {"Units": "fortnights"}}, "Units of time are 'fortnights'"),
        (columns(), {"whole_blood_radioactivity": {"Units": "MBq/mL"}}, "times plasma in the median sample"),
        (columns(time=[600 + t for t in TIMES]), {}, "first sample of plasma is from 10.2 min"),
        (columns(time=[*TIMES[:7], 3000, 3300, 3600]), {}, "no sample of plasma from 10.0 to 50.0 min"),
    ],
)
def test_what_cannot_be_is_refused(
    tmp_path: Path, table: dict[str, Any], sidecar: dict[str, Any], sentence: str
) -> None:
    image = write(tmp_path, table, SIDECAR | sidecar)
    with pytest.raises(MorbidsError) as told:
        read(image, tmp_path)
    assert sentence in told.value.message
    assert told.value.hint


def test_two_tables_of_plasma_are_refused(tmp_path: Path) -> None:
    image = write(tmp_path, columns())
    write(tmp_path, columns(), name="sub-1_ses-a_recording-second_blood")
    with pytest.raises(MorbidsError, match="have plasma_radioactivity"):
        read(image, tmp_path)


def test_an_autosampler_without_whole_blood_by_hand_is_refused(tmp_path: Path) -> None:
    image = write(tmp_path, columns(whole_blood_radioactivity=None), SIDECAR | {"WholeBloodAvail": False})
    sidecar = {"whole_blood_radioactivity": {"Units": "kBq/mL"}}
    automatic = {"time": TIMES, "whole_blood_radioactivity": WHOLE_BLOOD}
    write(tmp_path, automatic, sidecar, "sub-1_ses-a_recording-autosampler_blood")
    with pytest.raises(MorbidsError, match="needs whole blood of the samples by hand"):
        read(image, tmp_path)


def test_more_than_was_injected_is_refused() -> None:
    blood = Blood(Samples((0.0, 1.0), (0.0, 6000.0)))
    metadata = {"InjectedRadioactivity": 400, "InjectedRadioactivityUnits": "MBq"}
    with pytest.raises(MorbidsError, match="more than all of it in 2 mL of blood per kg"):
        check_dose(blood, metadata, Path("blood.tsv"))
    check_dose(blood, metadata | {"BodyWeight": 20}, Path("blood.tsv"))
    check_dose(blood, {}, Path("blood.tsv"))
