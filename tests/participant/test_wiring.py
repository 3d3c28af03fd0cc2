"""Whether the participant level's graph is wired: nipype itself would run them and leave misspelt inputs undefined."""

from dataclasses import replace
from pathlib import Path

import pytest
from nipype import Workflow

from morbids.bids.names import FULL_ONLY
from morbids.engine.nodes import make_node
from morbids.engine.saving import Output, Save, make_save_node
from morbids.errors import ExitCode
from morbids.numerics.kinetics.models import MODELS
from morbids.participant.collection import UnplannedScan, plan_study
from morbids.participant.run import build_participant_workflow
from morbids.participant.words import WORDS
from morbids.settings import Outputs, OutputSpace, ScanSettings
from tests.bids.conftest import DURATION_S, START_S, DatasetMaker
from tests.engine import steps_for_tests as steps
from tests.engine.wiring import find_problems, steps_without_words
from tests.participant.studies import make_resources, make_study, write_blood, write_scan

pytestmark = pytest.mark.graph

SETTINGS = ScanSettings()


def participant_graph(dataset: DatasetMaker, settings: ScanSettings = SETTINGS) -> Workflow:
    study = make_study(dataset.root.parent)
    plans = plan_study(study, settings)
    assert not plans.unplanned, [str(scan.error) for scan in plans.unplanned]
    return build_participant_workflow(plans.scans, study, settings, make_resources(dataset.root / "work"))


@pytest.mark.parametrize(
    "settings",
    [
        SETTINGS,
        replace(SETTINGS, k2_prime_per_min="estimate", motion=False, atlases=("HarvardOxford", "AAL")),
        replace(
            SETTINGS,
            reference="cerebellar_grey",
            output_spaces=(OutputSpace("MNI152NLin2009cAsym", 1), OutputSpace("MNI152NLin2009cAsym", 2)),
        ),
        replace(SETTINGS, mixed_tissue="together"),
        replace(SETTINGS, partial_volume="gtm", atlases=("HarvardOxford", "AAL")),
        replace(SETTINGS, partial_volume="rbv", t_star_min="find"),
        *(
            replace(SETTINGS, model=name, t_star_min=20.0 if model.needs_plasma else None)
            for name, model in MODELS.items()
        ),
    ],
    ids=lambda settings: (
        settings.model
        or settings.reference
        or settings.partial_volume + settings.atlases[0] + settings.mixed_tissue
    ),
)
def test_every_input_of_the_participant_level_is_fed(dataset: DatasetMaker, settings: ScanSettings) -> None:
    write_scan(dataset, "01", "rejection")
    write_scan(dataset, "01", "acceptance", t1w=False)
    write_scan(dataset, "02", session="a", changes={"ImageDecayCorrected": False})
    for stem in ("sub-01/pet/sub-01_task-rejection", "sub-01/pet/sub-01_task-acceptance"):
        write_blood(dataset, f"{stem}_recording-manual_blood")
    write_blood(dataset, "sub-02/ses-a/pet/sub-02_ses-a_task-rejection_recording-manual_blood")
    whole = participant_graph(dataset, settings)
    assert find_problems(whole) == []
    assert steps_without_words(whole, WORDS) == []


def test_a_logan_plot_with_blood_and_its_second_opinion_are_wired(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01", events=False, changes={"TracerName": "PS13"})
    write_blood(dataset, "sub-01/pet/sub-01_task-rejection_recording-manual_blood")
    whole = participant_graph(dataset)
    assert find_problems(whole) == []
    assert steps_without_words(whole, WORDS) == []
    nodes = {name.rpartition(".")[2] for name in whole.list_node_names()}
    assert {"plot_input", "plot_logan", "plot_tstar", "fit_maps", "second_fit_maps"} <= nodes
    assert not {"plot_k2prime", "picture_reference", "calibrate_protocol", "range_regions"} & nodes


def test_minimal_outputs_leave_out_only_what_nobody_reads(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01", "rejection")
    study = make_study(dataset.root.parent)
    plans = plan_study(study, SETTINGS).scans

    def kept(outputs: Outputs) -> set[str]:
        chosen = replace(study, outputs=outputs)
        whole = build_participant_workflow(plans, chosen, SETTINGS, make_resources(dataset.root / "work"))
        savers = [whole.get_node(name).interface for name in whole.list_node_names()]
        return {
            output.role
            for saver in savers
            if isinstance(saver, Save)
            for output in saver.destinations.values()
            if output.kept
        }

    left_out = kept("full") - kept("minimal")
    assert left_out == FULL_ONLY - {"corrected_pet"}, "which is written with --pvc rbv only"


def test_a_t1w_image_is_processed_once_for_all_its_scans(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01", "rejection")
    write_scan(dataset, "01", "acceptance", t1w=False)
    names = participant_graph(dataset).list_node_names()
    assert [name for name in names if name.endswith("extract_brain")] == ["sub__01_T1w.extract_brain"]
    assert len([name for name in names if name.endswith("correct_motion")]) == 2


def test_runs_of_one_injection_are_one_scan_of_the_graph(dataset: DatasetMaker) -> None:
    for run, frames in (("1", slice(0, 7)), ("2", slice(8, None))):
        changes = {"FrameTimesStart": START_S[frames], "FrameDuration": DURATION_S[frames]}
        dataset.pet(f"sub-01/pet/sub-01_task-rest_run-{run}", **changes)
    dataset.text(
        "sub-01/pet/sub-01_task-rest_events.tsv",
        "onset\tduration\ttrial_type\n300\t2100\tbaseline\n3000\t2400\trest\n",
    )
    dataset.image("sub-01/anat/sub-01_T1w.nii.gz")
    whole = participant_graph(dataset)
    assert find_problems(whole) == []
    scan = whole.get_node("sub__01_task__rest")
    assert [path[-16:] for path in scan.get_node("join_runs").inputs.runs] == [
        "run-1_pet.nii.gz",
        "run-2_pet.nii.gz",
    ]
    assert scan.get_node("correct_motion").inputs.run_lengths == (7, 4)
    sidecar = scan.get_node("save_maps").interface.destinations["R1"].sidecar
    assert len(sidecar["Sources"]) == 2
    assert sidecar["FrameTimesStart"] == [*START_S[:7], *START_S[8:]]
    apart = plan_study(make_study(dataset.root.parent), replace(SETTINGS, join_runs="never"))
    windows = [[window.name for window in plan.kinetics.windows] for plan in apart.scans]
    assert windows == [["baseline"]], "onsets count from each run's own first frame"
    (alone,) = apart.unplanned
    assert "nothing was stored from 0.0 to" in str(alone.errors[0]), (
        "the second run has no beginning of its own"
    )


def test_building_a_graph_runs_and_writes_nothing(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    before = sorted(dataset.root.parent.rglob("*"))
    participant_graph(dataset)
    assert sorted(dataset.root.parent.rglob("*")) == before


def test_the_check_itself_sees_what_is_misspelt_or_missing(tmp_path: Path) -> None:
    workflow = Workflow("whole")
    add = make_node(steps.add, "add", {"a": 1.0})
    read = make_node(steps.read, "read")
    save = make_save_node("save", tmp_path, {"sub": "01"}, {"mask": Output("brain_mask")})
    workflow.connect([(add, read, [("report", "report"), ("total", "misspelt")])])
    workflow.connect([(add, save, [("report", "mist")])])
    assert find_problems(workflow) == [
        "whole.add is not given b",
        "whole.read has no input misspelt",
        "whole.save has no input mist",
        "whole.save is not given mask",
    ]


def test_a_misspelt_output_or_an_input_of_another_workflow_fails_when_it_is_connected() -> None:
    workflow, inner = Workflow("whole"), Workflow("inner")
    add = make_node(steps.add, "add", {"a": 1.0})
    inner.add_nodes([make_node(steps.read, "read")])
    with pytest.raises(Exception, match=r"no output called misspelt_report"):
        workflow.connect([(add, inner, [("misspelt_report", "read.report")])])
    with pytest.raises(Exception, match=r"no input called read\.rapport"):
        workflow.connect([(add, inner, [("report", "read.rapport")])])


def test_a_scan_that_no_graph_can_be_built_of_stops_no_other(dataset: DatasetMaker) -> None:
    for participant in ("01", "02"):
        write_scan(dataset, participant)
    study = make_study(dataset.root.parent)
    good, bad = plan_study(study, SETTINGS).scans
    astray = replace(bad, scan=replace(bad.scan, pet=Path("/elsewhere/sub-02_pet.nii.gz")))
    resources = make_resources(dataset.root / "work")
    unbuilt: list[UnplannedScan] = []
    whole = build_participant_workflow([good, astray], study, SETTINGS, resources, unbuilt)
    assert [scan.label for scan in unbuilt] == ["sub-02_task-rejection"]
    assert "/elsewhere/sub-02_pet.nii.gz: ValueError" in unbuilt[0].error.message
    assert unbuilt[0].error.exit_code == ExitCode.FAILED
    names = whole.list_node_names()
    assert any(name.startswith("sub__01_task__rejection.") for name in names)
    assert not any(name.startswith("sub__02_task__rejection.") for name in names)
    with pytest.raises(ValueError, match="elsewhere"):
        build_participant_workflow([astray], study, SETTINGS, resources)


def test_a_sidecar_learns_from_the_scan_what_of_mixed_tissue_was_fitted_apart(dataset: DatasetMaker) -> None:
    """Where white matter is not pure enough it is left in, which no plan can know."""
    write_scan(dataset, "01", "rejection")
    known = replace(SETTINGS, psf_fwhm_mm=(5.0,))
    for settings in (known, replace(known, mixed_tissue="together")):
        scan = participant_graph(dataset, settings).get_node("sub__01_task__rejection")
        for name in ("save_maps", "save_MNI152NLin2009cAsym_2", "save_fits_apriori", "second_save_maps"):
            save = scan.get_node(name).interface
            assert ("MixedTissue" in save.facts.values()) == (settings is known), name
            assert not [
                key for output in save.destinations.values() for key in output.sidecar if "Mixed" in key
            ]
