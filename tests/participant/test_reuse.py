"""Derivatives of other programs take the place of steps of the graph, and are named as sources."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from nipype import Workflow
from rich.console import Console

from morbids.bids.names import output_path
from morbids.errors import ExitCode, MorbidsError
from morbids.imaging.images import write_image
from morbids.participant.collection import plan_study
from morbids.participant.plan import ScanPlan
from morbids.participant.run import build_participant_workflow, run_participants
from morbids.participant.words import WORDS
from morbids.settings import OutputSpace, ScanSettings
from tests.bids.conftest import START_S, DatasetMaker
from tests.bids.test_derivatives import draw, touch, transforms
from tests.engine.wiring import find_problems, steps_without_words
from tests.participant.studies import make_resources, make_study, write_scan

pytestmark = pytest.mark.graph

SETTINGS = ScanSettings()
SPACE = "MNI152NLin2009cAsym"
T1W = {"sub": "01"}
SCAN = {"sub": "01", "task": "rejection"}


def write_derivatives(root: Path, *, pet: bool = True) -> Path:
    """Write what an earlier run left: all anatomy, and the motion and registration of the scan."""
    roles = ("preproc_t1w", "brain_mask", "dseg", "gm_probseg", "wm_probseg", "csf_probseg")
    draw(root, *(str(output_path(root, T1W, role).relative_to(root)) for role in roles))
    for role, end in (("t1w_to_template", "to"), ("template_to_t1w", "from")):
        touch(root, str(output_path(root, T1W, role, {end: SPACE}).relative_to(root)))
    if pet:
        name = str(output_path(root, SCAN, "motion_transforms").relative_to(root))
        transforms(root, name, len(START_S))
        touch(root, str(output_path(root, SCAN, "pet_to_t1w").relative_to(root)))
    (root / "dataset_description.json").write_text('{"GeneratedBy": [{"Name": "PETPrep", "Version": "9"}]}')
    return root


def plan_with(
    dataset: DatasetMaker, folder: Path, settings: ScanSettings = SETTINGS
) -> tuple[ScanPlan, Workflow]:
    study = replace(make_study(dataset.root.parent), derivatives=(folder,))
    plans = plan_study(study, settings)
    assert not plans.unplanned, [str(scan.error) for scan in plans.unplanned]
    whole = build_participant_workflow(plans.scans, study, settings, make_resources(dataset.root / "work"))
    return plans.scans[0], whole


def steps(whole: Workflow) -> set[str]:
    return {name.rpartition(".")[2] for name in whole.list_node_names()}


def test_what_is_there_is_not_computed(dataset: DatasetMaker, tmp_path: Path) -> None:
    write_scan(dataset, "01")
    plan, whole = plan_with(dataset, write_derivatives(tmp_path / "petprep"))
    assert find_problems(whole) == []
    assert steps_without_words(whole, WORDS) == []
    own = {
        *("extract_brain", "segment_tissue", f"normalize_{SPACE}", "correct_motion", "register_to_T1w"),
    }
    assert not own & steps(whole)
    assert {"take_brain", "take_tissue", f"take_{SPACE}", "take_motion", "take_registration"} <= steps(whole)
    save = whole.get_node("sub__01_T1w").get_node("save_brain").interface
    assert save.destinations["mask"].sidecar["TakenFrom"] == "PETPrep 9"
    assert save.destinations["mask"].sidecar["Sources"] == [
        "bids:petprep:sub-01/anat/sub-01_desc-brain_mask.nii.gz"
    ]
    maps = whole.get_node("sub__01_task__rejection").get_node("save_maps").interface
    assert maps.destinations["R1"].sidecar["Sources"] == [
        "bids:raw:sub-01/pet/sub-01_task-rejection_pet.nii.gz",
        "bids:petprep:sub-01/pet/sub-01_task-rejection_from-orig_to-petref_mode-image_xfm.txt",
        "bids:petprep:sub-01/pet/sub-01_task-rejection_from-petref_to-T1w_mode-image_xfm.txt",
    ]
    told = " ".join(plan.notes)
    assert f"the brain mask, the tissue, the transforms to {SPACE}." in told
    assert "the head motion, the registration to T1w." in told


def test_what_misses_is_computed(dataset: DatasetMaker, tmp_path: Path) -> None:
    write_scan(dataset, "01")
    folder = write_derivatives(tmp_path / "smriprep", pet=False)
    output_path(folder, T1W, "csf_probseg").unlink()
    output_path(folder, T1W, "template_to_t1w", {"from": SPACE}).unlink()
    plan, whole = plan_with(dataset, folder)
    assert find_problems(whole) == []
    assert {"take_brain", "segment_tissue", f"normalize_{SPACE}", "register_to_T1w"} <= steps(whole)
    assert "--derivatives: neither motion transforms nor corrected frames of this scan." in plan.notes


def test_a_registration_to_a_t1w_image_of_another_dataset_is_not_taken(
    dataset: DatasetMaker, tmp_path: Path
) -> None:
    write_scan(dataset, "01")
    folder = write_derivatives(tmp_path / "petprep")
    output_path(folder, T1W, "preproc_t1w").unlink()
    plan, whole = plan_with(dataset, folder)
    assert find_problems(whole) == []
    assert {"extract_brain", "take_motion", "register_to_T1w"} <= steps(whole)
    assert any("no corrected T1w image" in note for note in plan.notes)


def test_corrected_frames_serve_where_the_motion_is_not_known(dataset: DatasetMaker, tmp_path: Path) -> None:
    write_scan(dataset, "01", changes={"ImageDecayCorrected": False})
    folder = write_derivatives(tmp_path / "other")
    output_path(folder, SCAN, "motion_transforms").unlink()
    frames = output_path(folder, SCAN, "preproc_pet")
    draw(folder, str(frames.relative_to(folder)), shape=(2, 2, 2, len(START_S)))
    decay = '{"ImageDecayCorrected": true, "ImageDecayCorrectionTime": 0}'
    frames.with_name(frames.name.replace(".nii.gz", ".json")).write_text(decay)
    plan, whole = plan_with(dataset, folder)
    assert find_problems(whole) == []
    motion = whole.get_node("sub__01_task__rejection").get_node("take_motion")
    assert motion.inputs.pet == str(frames), "its own sidecar says that it is corrected for decay"
    assert motion.inputs.corrected_by == "PETPrep 9"
    assert "plot_motion" not in steps(whole)
    assert not any("not corrected for decay" in note for note in plan.notes)


def test_without_motion_correction_nothing_of_the_pet_image_is_taken(
    dataset: DatasetMaker, tmp_path: Path
) -> None:
    write_scan(dataset, "01")
    plan, whole = plan_with(dataset, write_derivatives(tmp_path / "petprep"), replace(SETTINGS, motion=False))
    assert {"correct_motion", "register_to_T1w", "take_brain"} <= steps(whole)
    assert "--motion off: nothing of the PET image is taken from --derivatives." in plan.notes


def test_a_contradiction_leaves_the_scan_out(dataset: DatasetMaker, tmp_path: Path) -> None:
    write_scan(dataset, "01")
    folder = write_derivatives(tmp_path / "petprep")
    transforms(folder, str(output_path(folder, SCAN, "motion_transforms").relative_to(folder)), 5)
    study = replace(make_study(dataset.root.parent), derivatives=(folder,))
    (scan,) = plan_study(study, SETTINGS).unplanned
    assert "has 5 transforms, but the raw scan has 12 frames" in scan.error.message


def test_the_output_directory_is_no_source(dataset: DatasetMaker, tmp_path: Path) -> None:
    write_scan(dataset, "01")
    study = make_study(dataset.root.parent)
    study.output_dir.mkdir()
    study = replace(study, derivatives=(study.output_dir,))
    with pytest.raises(MorbidsError, match=r"--derivatives .*out is the output directory") as caught:
        run_participants(study, SETTINGS, make_resources(tmp_path / "work"), Console(), validate=False)
    assert caught.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("spaces", "drawn"),
    [
        ((OutputSpace("T1w", 1), OutputSpace("MNI152NLin6Asym", 1)), "bring_to_MNI152NLin6Asym_1"),
        ((OutputSpace("native", 2),), f"bring_to_{SPACE}_2"),
        ((OutputSpace("T1w", 2),), f"bring_to_{SPACE}_2"),
    ],
    ids=["T1w and another template", "PET only", "T1w only"],
)
def test_maps_go_where_they_are_asked_for_and_are_drawn_on_a_template(
    dataset: DatasetMaker, spaces: tuple[OutputSpace, ...], drawn: str
) -> None:
    write_scan(dataset, "01")
    settings = replace(SETTINGS, output_spaces=spaces)
    study = make_study(dataset.root.parent)
    plans = plan_study(study, settings)
    whole = build_participant_workflow(plans.scans, study, settings, make_resources(dataset.root / "work"))
    assert find_problems(whole) == []
    scan = whole.get_node("sub__01_task__rejection")
    edges = [(start.name, end.name) for start, end in scan._graph.edges()]
    assert (drawn, "picture_maps") in edges
    saved = {
        name for name in steps(whole) if name in {f"save_{s.space}_{s.resolution_label}" for s in spaces}
    }
    assert len(saved) == len([space for space in spaces if space.space != "native"])
    if saved and spaces[0].space == "T1w":
        sidecar = scan.get_node(f"save_T1w_{spaces[0].resolution_mm}").interface.destinations["R1"].sidecar
        assert sidecar["SpatialReference"] == "bids::sub-01/anat/sub-01_desc-preproc_T1w.nii.gz"


def test_an_atlas_goes_the_way_of_its_own_template(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    own = dataset.root.parent / "tpl-MNI152NLin6Asym_seg-mine_dseg.nii.gz"
    write_image(np.ones((4, 4, 4), dtype=np.int32), np.eye(4), own)
    own.with_name("tpl-MNI152NLin6Asym_seg-mine_dseg.tsv").write_text("index\tname\n1\twhole\n")
    settings = replace(SETTINGS, atlases=("HarvardOxford", str(own)))
    study = make_study(dataset.root.parent)
    plans = plan_study(study, settings)
    whole = build_participant_workflow(plans.scans, study, settings, make_resources(dataset.root / "work"))
    graph = whole._create_flat_graph()
    ways = {
        end.name: start.name
        for start, end, data in graph.edges(data=True)
        if ("template_to_t1w", "template_to_t1w") in data["connect"] and end.name.startswith("label_")
    }
    assert ways == {
        "label_HarvardOxford": f"normalize_{SPACE}",
        "label_mine": "normalize_MNI152NLin6Asym",
        "label_apriori": f"normalize_{SPACE}",
    }
