"""The validator's verdict on input, and on an output of every role under the extended schema."""

import codecs
import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from morbids.bids.dataset import write_dataset_files
from morbids.bids.names import ROLES, output_path, sidecar_path
from morbids.bids.scans import Filters, PetScan, find_scans
from morbids.bids.sidecars import (
    ModelUse,
    bids_uri,
    curves_sidecar,
    image_sidecar,
    kinpar_sidecar,
    mask_sidecar,
    parametric_map_sidecar,
    preproc_pet_sidecar,
    resolution_text,
    segmentation_sidecar,
    transform_sidecar,
)
from morbids.bids.validation import judge_input, main, run_validator, validate_derivatives
from morbids.bids.windows import Window
from morbids.errors import ExitCode, MorbidsError
from tests.bids.conftest import DatasetMaker

pytestmark = pytest.mark.graph

MODEL = ModelUse(
    "LoganRef", "occipital", 0.1237, "preset", 10.0, "inverse variance", "0.1.0", "morbids in out"
)
WINDOW = Window("baseline", 10.0, 40.0)
VALUES = {
    "space": "MNI152NLin2009cAsym",
    "res": "2",
    "to": "MNI152NLin2009cAsym",
    "from": "MNI152NLin2009cAsym",
    "seg": "AAL",
    "label": "occipital",
    "model": "LoganRef",
    "meas": "BPND",
    "pvc": "RBV",
    "desc": "baseline",
    "contrast": "rejection",
    "stat": "t",
}


def write_derivatives(dataset: DatasetMaker, output: Path) -> None:
    """Write one output of every role with the sidecar that its builder makes."""
    dataset.pet("sub-01/ses-a/pet/sub-01_ses-a_task-rest_run-001", TaskName="rest")
    dataset.image("sub-01/ses-a/anat/sub-01_ses-a_acq-mprage_T1w.nii.gz")
    scan = find_scans(dataset.root, Filters()).scans[0]
    write_dataset_files(output, dataset.root)
    for role, rule in ROLES.items():
        if rule.place in ("figures", "group", "group_figures"):
            source = scan.entities if rule.place == "figures" else {}
        else:
            source = scan.t1w_entities if rule.place == "anat" else scan.entities
        if rule.place == "top":
            source = {}
        wanted = (*rule.required, *(key for key in rule.optional if key in ("space", "res")))
        entities = {key: VALUES[key] for key in wanted}
        if rule.place.startswith("group"):
            entities["model"] = "rejection"
        path = output_path(output, source, role, entities)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("index\tname\n1\tputamen\n" if path.suffix == ".tsv" else "x")
        if rule.place in ("anat", "pet"):
            sidecar_path(path).write_text(json.dumps(sidecar_of(role, scan, dataset.root)))


def sidecar_of(role: str, scan: PetScan, raw: Path) -> dict[str, object]:
    """Sidecar of a participant's output by its suffix."""
    sources = [bids_uri(scan.pet, raw, "raw")]
    suffix = ROLES[role].suffix
    if role == "preproc_pet":
        return preproc_pet_sidecar(scan, sources, "Motion-corrected") | {"Resolution": resolution_text(2)}
    if suffix == "mask":
        return mask_sidecar("Mask", sources, "Brain") | {"Resolution": resolution_text(2)}
    if suffix in ("dseg", "probseg"):
        return segmentation_sidecar("Tissue", sources, {"1": "GM"}) | {"Resolution": resolution_text(2)}
    if suffix == "xfm":
        return transform_sidecar("T1w", "MNI152NLin2009cAsym", sources)
    if suffix == "tacs":
        return curves_sidecar(scan, "Curves", sources)
    if suffix == "kinpar":
        return kinpar_sidecar(scan, MODEL, ("BPND", "k2prime"), WINDOW, sources)
    if suffix == "mimap":
        return parametric_map_sidecar(scan, MODEL, "BPND", WINDOW, sources, resolution=resolution_text(2))
    return image_sidecar("An image or a table", sources, resolution=resolution_text(2))


def test_outputs_of_every_role_are_valid(dataset: DatasetMaker, tmp_path: Path) -> None:
    write_derivatives(dataset, tmp_path / "out")
    assert [str(problem) for problem in validate_derivatives(tmp_path / "out")] == []


def test_outputs_of_every_role_pass_the_validator_as_it_is_released(
    dataset: DatasetMaker, tmp_path: Path
) -> None:
    write_derivatives(dataset, tmp_path / "out")
    assert [str(problem) for problem in run_validator(tmp_path / "out")] == []


def test_draft_names_and_fields_are_really_checked(dataset: DatasetMaker, tmp_path: Path) -> None:
    output = tmp_path / "out"
    write_derivatives(dataset, output)
    pet = output / "sub-01" / "ses-a" / "pet"
    stem = "sub-01_ses-a_task-rest_run-001"
    (pet / f"{stem}_desc-baseline_model-LoganRef_meas-BPND_mimap.nii.gz").write_text("desc is not last")
    (pet / f"{stem}_model-LoganRef_mimap.nii.gz").write_text("meas is missing")
    (pet / f"{stem}_stat-t_tacs.tsv").write_text("stat does not belong")
    bare = pet / f"{stem}_model-SRTM_meas-R1_mimap"
    bare.with_suffix(".nii.gz").write_text("the sidecar lacks the model")
    bare.with_suffix(".json").write_text(json.dumps({"SkullStripped": False}))
    problems = validate_derivatives(output)
    found = {(problem.code.split(",")[0], Path(problem.location).name) for problem in problems}
    assert any(name.endswith("_meas-BPND_mimap.nii.gz") for _, name in found)
    assert any(name == f"{stem}_model-LoganRef_mimap.nii.gz" for _, name in found)
    assert any(name == f"{stem}_stat-t_tacs.tsv" for _, name in found)
    assert any("ModelName" in str(problem) for problem in problems if bare.name in problem.location)


def test_the_command_tells_of_raw_data_and_of_derivatives(
    dataset: DatasetMaker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    write_derivatives(dataset, output)
    (output / ".work").mkdir()
    (output / ".work" / "half_finished.nii.gz").touch()
    assert main([str(dataset.root), str(output)]) == ExitCode.OK
    assert capsys.readouterr().out.splitlines() == [
        f"{dataset.root} (raw): 0 errors",
        f"{output} (derivatives, with the draft names of BEP023): 0 errors",
    ]
    (output / "sub-01" / "sub-01_desc-x_mimap.nii.gz").write_bytes(b"1")
    assert main([str(output)]) == ExitCode.INVALID_BIDS
    assert "sub-01_desc-x_mimap.nii.gz" in capsys.readouterr().out


def test_valid_input_has_nothing_against_it(dataset: DatasetMaker) -> None:
    dataset.pet("sub-01/pet/sub-01")
    assert judge_input(dataset.root, ["01"]) == ({}, "")


def test_only_what_is_read_of_the_asked_participants_stops_a_scan(dataset: DatasetMaker) -> None:
    dataset.pet("sub-01/pet/sub-01", Manufacturer=None)
    dataset.pet("sub-02/pet/sub-02", FrameDuration=None, InjectionStart="noon")
    dataset.text("participants.tsv", "participant_id\tage\nsub-01\told\n")
    dataset.text("CITATION.cff", "nothing: [")
    dataset.text("foreign/sub-01/pet/sub-01_pet.nii.gz", "not raw")
    judged = judge_input(dataset.root, ["01", "02"])
    (image,) = judged.errors
    error = judged.errors[image]
    assert image == "sub-02/pet/sub-02_pet.nii.gz"
    assert "SIDECAR_KEY_REQUIRED FrameDuration" in error.message
    assert "JSON_SCHEMA_VALIDATION_ERROR InjectionStart" in error.message
    assert error.exit_code == ExitCode.INVALID_BIDS
    assert "SIDECAR_KEY_REQUIRED Manufacturer (1)" in judged.note
    assert "foreign" not in judged.note
    assert judge_input(dataset.root, ["01"]).errors == {}


def test_what_only_the_validator_cannot_read_stops_nobody(dataset: DatasetMaker) -> None:
    """A byte order mark, and numbers that JSON does not have, in fields that are not needed."""
    marked = dataset.pet("sub-01/pet/sub-01").with_name("sub-01_pet.json")
    marked.write_bytes(codecs.BOM_UTF8 + marked.read_bytes())
    dataset.pet("sub-02/pet/sub-02", InjectedMass=math.nan)
    judged = judge_input(dataset.root, ["01", "02"])
    assert judged.errors == {}
    assert "JSON_SCHEMA_VALIDATION_ERROR InjectedMass" in judged.note
    broken = dataset.pet("sub-03/pet/sub-03", InjectedMass=math.nan).with_name("sub-03_pet.json")
    broken.write_text(broken.read_text()[:-1] + ",}")
    assert "sub-03/pet/sub-03_pet.nii.gz" in judge_input(dataset.root, ["03"]).errors


def test_participants_who_are_not_asked_for_cost_nothing(
    dataset: DatasetMaker, note_paths: Callable[[str], list[str]]
) -> None:
    for label in ("01", "02", "03"):
        dataset.pet(f"sub-{label}/pet/sub-{label}_task-rest")
    asked = note_paths("stat")
    judge_input(dataset.root, ("01",))
    assert any("sub-01" in path for path in asked)
    assert not any("sub-02" in path or "sub-03" in path for path in asked)


def test_texts_of_the_validator_are_whole(dataset: DatasetMaker) -> None:
    """Its messages have several lines, the first of which says least."""
    dataset.pet("sub-01/pet/sub-01", InjectionStart="noon")
    (problem,) = run_validator(dataset.root)
    assert problem.field == "InjectionStart"
    assert "must be number" in problem.message
    assert "Time of start of injection" in problem.message
    assert "\n" not in str(problem)


def test_images_and_sidecars_that_are_not_here_are_left_to_the_reading_of_scans(
    dataset: DatasetMaker,
) -> None:
    dataset.pet("sub-01/pet/sub-01").write_bytes(b"")
    dataset.pet("sub-02/pet/sub-02").unlink()
    (dataset.root / "sub-02/pet/sub-02_pet.nii.gz").symlink_to("nowhere")
    sidecar = dataset.pet("sub-03/pet/sub-03").with_name("sub-03_pet.json")
    sidecar.unlink()
    sidecar.symlink_to("nowhere")
    assert judge_input(dataset.root, ["01", "02", "03"]).errors == {}


def test_a_folder_that_cannot_be_read_is_passed_over(dataset: DatasetMaker) -> None:
    dataset.pet("sub-01/pet/sub-01")
    (dataset.root / "sub-02").mkdir()
    (dataset.root / "sub-02" / "pet").symlink_to("pet")
    assert judge_input(dataset.root, ["01", "02"]).errors == {}


def test_a_validator_that_does_not_finish_is_named(tmp_path: Path) -> None:
    with pytest.raises(MorbidsError, match=r"bids-validator-deno did not finish on"):
        run_validator(tmp_path / "nowhere")


def test_the_validator_does_not_look_for_a_newer_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A stand-in tells what it was given."""
    validator = tmp_path / "bids-validator-deno"
    validator.write_text("""#!/bin/sh
printf '{"issues": {"issues": [{"code": "%s"}]}}' "$DENO_NO_UPDATE_CHECK"
""")
    validator.chmod(0o755)
    monkeypatch.delenv("DENO_NO_UPDATE_CHECK", raising=False)
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    (told,) = run_validator(tmp_path)
    assert told.code == "1"


def test_a_missing_validator_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MorbidsError, match=r"\(bids-validator-deno\) is not installed"):
        run_validator(tmp_path)
