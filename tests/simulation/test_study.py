import json
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from morbids.bids.filters import Filters
from morbids.bids.scans import find_scans
from morbids.bids.timing import read_timing
from morbids.bids.validation import run_validator
from morbids.errors import ExitCode, MorbidsError
from morbids.simulation.files import write_scanned
from morbids.simulation.grids import centred_grid, pull
from morbids.simulation.settings import StudySettings
from morbids.simulation.study import simulate_study
from morbids.simulation.subject import Phantom, t1w_grid
from tests.simulation.conftest import TINY

pytestmark = pytest.mark.graph

STEM = "sub-01_task-rejection_trc-carfentanil"


def test_both_datasets_pass_the_validator(study: Path) -> None:
    for dataset in (study, study / "derivatives" / "truth"):
        assert run_validator(dataset) == ()


def test_scans_are_read_back_with_their_times(study: Path) -> None:
    found = find_scans(study, Filters(), None)
    assert [scan.entities["task"] for scan in found.scans] == ["acceptance", "rejection"]
    rejection = found.scans[1]
    assert rejection.t1w == study / "sub-01" / "anat" / "sub-01_T1w.nii.gz"
    timing = read_timing(rejection.metadata, 21, rejection.pet)
    np.testing.assert_allclose(timing.frames.end_min, TINY.frames.end_min)
    np.testing.assert_allclose(timing.decay_factors, 1)
    blocks = [(event.trial_type, event.onset_s, event.duration_s) for event in rejection.events]
    assert blocks == [("baseline", 300, 2100), ("rejection", 2700, 2700)]


def test_true_transform_makes_the_t1w_image_of_the_template(study: Path, phantom: Phantom) -> None:
    image = nib.Nifti1Image.from_filename(study / "sub-01" / "anat" / "sub-01_T1w.nii.gz")
    name = "sub-01_from-MNI152NLin2009cAsym_to-T1w_mode-image_xfm.h5"
    transform = sitk.ReadTransform(str(study / "derivatives" / "truth" / "sub-01" / "anat" / name))
    grid = t1w_grid(TINY.t1w_voxel_mm)
    np.testing.assert_allclose(image.affine, grid.affine)
    expected = pull(phantom.head.t1w, phantom.head.grid, grid, [transform])
    # The bias field keeps it from 1; a shift by half a voxel would show.
    shifted = np.roll(expected, 1, axis=1)
    agreement, without = (
        np.corrcoef(v.ravel(), image.get_fdata().ravel())[0, 1] for v in (expected, shifted)
    )
    assert agreement > 0.95 > without


def test_region_table_holds_the_release(study: Path) -> None:
    folder = study / "derivatives" / "truth" / "sub-01" / "pet"
    tables = [
        pd.read_csv(folder / f"{STEM}_seg-{seg}_model-truth_kinpar.tsv", sep="\t")
        for seg in ("AAL", "apriori")
    ]
    # Both have an `Amygdala_L`: a name means one region in each table.
    assert all(table["name"].is_unique and "Amygdala_L" in set(table["name"]) for table in tables)
    table = pd.concat(tables).drop_duplicates("name").set_index("name")
    change = 1 - table["BPND-tissue-rejection"] / table["BPND-tissue-baseline"]
    assert 0.08 < change["PAG"] < 0.26
    assert abs(change["Precentral_L"]) < 0.05
    seen = 1 - table["BPND-scanner-rejection"] / table["BPND-scanner-baseline"]
    assert 0.02 < seen["MidlineThalamus"] < change["MidlineThalamus"] + 0.02


def test_effects_are_listed_with_their_places(study: Path) -> None:
    listed = json.loads((study / "derivatives" / "truth" / "effects.json").read_text())
    assert len(listed["effects"]) == 13
    assert all(np.shape(effect["centres_mm"])[1] == 3 for effect in listed["effects"])


def test_a_study_of_one_task_holds_the_same_scan_and_nothing_of_the_other(
    study: Path, tmp_path: Path
) -> None:
    one = simulate_study(tmp_path / "one", replace(TINY, tasks=("rejection",)))
    scans = [path.relative_to(one) for path in one.glob("sub-*/pet/*")]
    assert {path.name.split("_pet")[0].split("_events")[0] for path in scans} == {STEM}
    for path in scans:
        assert (one / path).read_bytes() == (study / path).read_bytes()
    text = "".join(path.read_text() for path in one.rglob("*.tsv")) + (one / "README").read_text()
    assert "acceptance" not in text
    listed = json.loads((one / "derivatives" / "truth" / "effects.json").read_text())
    assert {effect["task"] for effect in listed["effects"]} == {"rejection"}
    assert run_validator(one) == ()


def test_a_volume_is_written_the_same_twice(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(0, 50, (6, 5, 4, 3)).astype(np.float32)
    grid = centred_grid((6, 5, 4), (-2.0, 2.0, 3.0), np.zeros(3))
    for name in ("a", "b"):
        write_scanned(values, grid, tmp_path / name / "image.nii.gz")
    assert (tmp_path / "a" / "image.nii.gz").read_bytes() == (tmp_path / "b" / "image.nii.gz").read_bytes()
    image = nib.Nifti1Image.from_filename(tmp_path / "a" / "image.nii.gz")
    assert image.get_data_dtype() == np.int16
    np.testing.assert_allclose(image.get_fdata(), values, atol=np.abs(values).max() / 32000)


def test_a_folder_with_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("data")
    with pytest.raises(MorbidsError, match="is not empty") as caught:
        simulate_study(tmp_path, TINY)
    assert caught.value.exit_code == ExitCode.CANNOT_WRITE
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def test_a_folder_below_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MorbidsError, match="cannot be written"):
        simulate_study(tmp_path / "file" / "study", TINY)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(MorbidsError, match="participants is 0"):
        StudySettings(participants=0)
    with pytest.raises(MorbidsError, match="noise is -1"):
        StudySettings(noise=-1)
