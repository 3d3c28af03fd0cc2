"""What is decided about a scan before anything runs: preset, then the user's wishes, and refusals."""

from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from morbids.bids.pooled_efflux import PublishedEfflux
from morbids.bids.windows import Window
from morbids.errors import ExitCode, MorbidsError
from morbids.imaging.reference import find_reference_rule
from morbids.participant.collection import plan_study
from morbids.participant.kinetic_choices import ESTIMATED, FOUND
from morbids.participant.plan import ScanPlan
from morbids.settings import ReferenceSteps, ScanSettings
from tests.bids.conftest import DatasetMaker
from tests.participant.studies import make_study, write_scan

SETTINGS = ScanSettings()


def plan_one(dataset: DatasetMaker, settings: ScanSettings = SETTINGS) -> ScanPlan:
    """Plan the only scan of a dataset, or raise its error."""
    plans = plan_study(make_study(dataset.root.parent), settings)
    for scan in plans.unplanned:
        raise scan.error
    (plan,) = plans.scans
    return plan


def test_a_known_tracer_brings_its_preset_and_events_bring_windows(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    kinetics = plan_one(dataset).kinetics
    assert (kinetics.model, kinetics.second_model) == ("StepChange2", "LoganRef")
    assert (kinetics.reference.name, kinetics.t_star_min) == ("occipital", 10.0)
    assert (kinetics.k2_prime_per_min, kinetics.published_k2_prime) == (None, (0.1237, 0.0168))
    assert kinetics.k2_prime_source.endswith("with 0.1237 ± 0.0168 /min of the preset of carfentanil")
    # Baseline runs from 5 to 40 min, and t* cuts it at 10.
    assert kinetics.windows == (Window("baseline", 10, 40), Window("rejection", 45, 90))
    assert [(pair.baseline.name, pair.challenge.name) for pair in kinetics.pairs] == [
        ("baseline", "rejection")
    ]


def test_wishes_win_over_the_preset(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    wishes = replace(
        SETTINGS,
        model="SUVR",
        reference="cerebellar_grey",
        k2_prime_per_min=0.2,
        t_star_min=20.0,
        windows=(Window("late", 40.0, 70.0),),
    )
    kinetics = plan_one(dataset, wishes).kinetics
    assert (kinetics.model, kinetics.reference.name, kinetics.t_star_min) == ("SUVR", "cerebellargrey", 20.0)
    assert (kinetics.k2_prime_per_min, kinetics.k2_prime_source) == (0.2, "given by the user")
    assert kinetics.windows == (Window("late", 40, 70),)
    assert kinetics.pairs == ()


def test_t_star_is_found_on_request_where_there_is_a_logan_plot(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    wished = plan_one(dataset, replace(SETTINGS, t_star_min="find")).kinetics
    assert (wished.t_star_min, wished.t_star_source) == (None, FOUND)
    assert plan_one(dataset).kinetics.t_star_source == "preset of carfentanil"
    with pytest.raises(
        MorbidsError, match="--t-star find looks at the Logan plot, which says nothing about SRTM"
    ):
        plan_one(dataset, replace(SETTINGS, model="SRTM", t_star_min="find"))


def test_k2_prime_is_estimated_on_request_and_without_a_preset(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    wished = plan_one(dataset, replace(SETTINGS, k2_prime_per_min="estimate")).kinetics
    assert (wished.k2_prime_per_min, wished.k2_prime_source) == (None, ESTIMATED)
    write_scan(dataset, "01", changes={"TracerName": "DASB"})
    assert plan_one(dataset).kinetics.k2_prime_per_min is None


def test_k2_prime_of_a_group_takes_the_place_of_the_literature(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    group = PublishedEfflux(0.11, 0.008, "12 scans pooled in k2prime.json")
    kinetics = plan_one(dataset, replace(SETTINGS, k2_prime_per_min=group)).kinetics
    assert (kinetics.k2_prime_per_min, kinetics.published_k2_prime) == (None, (0.11, 0.008))
    assert kinetics.k2_prime_source.endswith("with 0.11 ± 0.008 /min of 12 scans pooled in k2prime.json")


def test_k2_prime_can_be_left_out_of_the_logan_plot_only(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    wished = plan_one(dataset, replace(SETTINGS, k2_prime_per_min="none")).kinetics
    assert (wished.in_model(0.1), plan_one(dataset).kinetics.in_model(0.1)) == (None, 0.1)
    with pytest.raises(MorbidsError, match="--k2prime none leaves k2' out of the Logan plot; MRTM2 has none"):
        plan_one(dataset, replace(SETTINGS, model="MRTM2", k2_prime_per_min="none"))


def test_a_scan_without_events_has_one_window_from_t_star_to_its_end(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01", events=False)
    kinetics = plan_one(dataset).kinetics
    assert [(window.start_min, window.end_min) for window in kinetics.windows] == [(10, 90)]
    assert kinetics.pairs == ()
    assert (kinetics.model, kinetics.second_model) == ("LoganRef", None)


@pytest.mark.parametrize("model", ["SRTM", "SRTM2", "MRTM1"])
def test_models_of_the_whole_scan_take_no_windows_from_events_and_say_so(
    dataset: DatasetMaker, model: str
) -> None:
    write_scan(dataset, "01")
    plan = plan_one(dataset, replace(SETTINGS, model=model))
    assert [(window.start_min, window.end_min) for window in plan.kinetics.windows] == [(0, 90)]
    assert f"{model} fits the whole scan: the rows of events.tsv make no windows." in plan.notes


def test_a_displacement_model_begins_where_the_challenge_does(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    kinetics = plan_one(dataset, replace(SETTINGS, model="LSSRM")).kinetics
    settled = kinetics.settle(0.1, 10.0)
    options = settled.options(settled.first_fitted)
    assert options.onset_min == 45
    assert options.points is not None
    assert options.points.sum() == 8, "all frames after t*, those between the windows included"


@pytest.mark.parametrize(
    "wishes",
    [
        {"windows": (Window("challenge", 10.0, 40.0), Window("baseline", 45.0, 90.0))},
        {"k2_prime_per_min": "none"},
        {"model": "LoganRef"},
    ],
)
def test_the_step_is_the_default_of_one_challenge_after_a_baseline_only(
    dataset: DatasetMaker, wishes: dict[str, object]
) -> None:
    write_scan(dataset, "01")
    kinetics = plan_one(dataset, replace(SETTINGS, **wishes)).kinetics  # type: ignore[arg-type]
    assert (kinetics.model, kinetics.second_model) == ("LoganRef", None)


def test_a_challenge_that_ends_before_the_scan_is_fitted_to_its_end(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    windows = (Window("a", 10.0, 40.0), Window("b", 45.0, 70.0))
    settled = plan_one(dataset, replace(SETTINGS, windows=windows)).kinetics.settle(0.1, 10.0)
    assert settled.first_fitted == Window("", 10.0, 70.0)
    assert settled.second.model == "LoganRef"


def test_another_session_s_t1w_serves_and_is_told(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01", session="pet", t1w=False)
    dataset.image("sub-01/ses-mri/anat/sub-01_ses-mri_T1w.nii.gz")
    plan = plan_one(dataset)
    assert plan.t1w.label == "sub-01_ses-mri_T1w"
    assert "The T1w image is sub-01_ses-mri_T1w.nii.gz (ses-mri, in another session)." in plan.notes


def test_images_that_do_not_say_where_left_is_are_told(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    paths = [path for kind in ("pet", "anat") for path in (dataset.root / "sub-01" / kind).glob("*.nii.gz")]
    assert len(paths) == 2
    assert not any("does not say how it lies" in note for note in plan_one(dataset).notes)
    for path in paths:
        image = nib.Nifti1Image.from_filename(path)
        image = nib.Nifti1Image(np.asarray(image.dataobj), None, image.header)
        image.header["sform_code"] = image.header["qform_code"] = 0
        nib.save(image, path)
    told = [note.split()[0] for note in plan_one(dataset).notes if "does not say how it lies" in note]
    assert sorted(told) == sorted(path.name for path in paths)


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"model": "Loogan"}, r"no model 'Loogan'. Choose one of SUVR, LoganRef"),
        (
            {"model": "SRTM", "windows": (Window("a", 10, 40),)},
            r"SRTM fits the whole scan, so it has no --window",
        ),
        (
            {"model": "StepChange", "windows": (Window("a", 10, 40),)},
            r"needs a baseline and one challenge, and .* 1 ",
        ),
        ({"reference": "nowhere"}, r"nowhere"),
        (
            {"model": "LoganRef", "mixed_tissue": "apart"},
            r"--mixed-tissue apart is for StepChange2 without --pvc, and this is LoganRef",
        ),
    ],
)
def test_wishes_that_cannot_be_are_usage_errors(
    dataset: DatasetMaker, wish: dict[str, object], sentence: str
) -> None:
    write_scan(dataset, "01")
    with pytest.raises(MorbidsError, match=sentence) as error:
        plan_one(dataset, ScanSettings(**wish))  # type: ignore[arg-type]
    assert error.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize("option", ["model", "t-star", "reference"])
def test_an_unknown_tracer_needs_every_choice(dataset: DatasetMaker, option: str) -> None:
    write_scan(dataset, "01", changes={"TracerName": "novelty"})
    given = {"model": "LoganRef", "t-star": 10.0, "reference": "occipital"}
    wishes = ScanSettings(
        model=str(given["model"]) if option != "model" else None,
        t_star_min=10.0 if option != "t-star" else None,
        reference="occipital" if option != "reference" else None,
    )
    with pytest.raises(
        MorbidsError, match=f"tracer 'novelty' has no preset with a value for --{option}. Give"
    ):
        plan_one(dataset, wishes)


def test_a_participant_without_t1w_does_not_stop_the_others(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    write_scan(dataset, "02", t1w=False)
    plans = plan_study(make_study(dataset.root.parent), SETTINGS)
    assert [plan.scan.label for plan in plans.scans] == ["sub-01_task-rejection"]
    (left_out,) = plans.unplanned
    assert left_out.label == "sub-02_task-rejection"
    assert "sub-02 has no T1w image. Add one to" in str(left_out.error)


def test_a_t1w_image_of_several_volumes_is_refused_before_anything_runs(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    (t1w,) = dataset.root.rglob("*_T1w.nii.gz")
    dataset.image(str(t1w.relative_to(dataset.root)), n_volumes=2)
    with pytest.raises(MorbidsError, match=r"_T1w\.nii\.gz has 2 volumes"):
        plan_one(dataset)


def write_own_masks(dataset: DatasetMaker, *participants: str) -> str:
    for participant in participants:
        dataset.image(f"../masks/sub-{participant}/sub-{participant}_space-T1w_label-mine_mask.nii.gz")
    return str(dataset.root.parent / "masks" / "sub-*" / "*_mask.nii.gz")


def test_each_scan_takes_its_own_mask_as_drawn_except_for_the_steps_that_are_asked_for(
    dataset: DatasetMaker,
) -> None:
    write_scan(dataset, "01")
    pattern = write_own_masks(dataset, "01", "02")
    steps = ReferenceSteps(erode_mm=1.0, clean_histogram=True)
    plan = plan_one(dataset, replace(SETTINGS, reference=pattern, reference_steps=steps))
    rule = plan.kinetics.reference
    assert rule.name == "mine"
    assert Path(rule.atlas).name == "sub-01_space-T1w_label-mine_mask.nii.gz"
    assert (rule.erode_mm, rule.gm_threshold, rule.clean_histogram) == (1.0, 0.0, True)
    with pytest.raises(MorbidsError, match="none belongs to sub-01"):
        plan_one(dataset, replace(SETTINGS, reference=pattern.replace("sub-*", "sub-02", 1)))


def test_steps_that_are_asked_for_replace_those_of_a_preset(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    steps = ReferenceSteps(gm_threshold=0.0, trim_share=0.25)
    rule = plan_one(dataset, replace(SETTINGS, reference_steps=steps)).kinetics.reference
    preset = find_reference_rule("occipital")
    assert rule == replace(preset, gm_threshold=0.0, trim_share=0.25)


def test_an_atlas_that_is_not_there_is_refused_before_anything_runs(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    with pytest.raises(MorbidsError, match="no atlas 'Brodmann'"):
        plan_one(dataset, replace(SETTINGS, atlases=("Brodmann",)))
    with pytest.raises(MorbidsError, match=r"nowhere_dseg\.nii\.gz does not exist"):
        plan_one(dataset, replace(SETTINGS, atlases=("nowhere_dseg.nii.gz",)))


def test_two_atlases_of_one_name_are_refused(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    dataset.image("../own/tpl-MNI152NLin2009cAsym_atlas-AAL_dseg.nii.gz")
    own = str(dataset.root.parent / "own" / "tpl-MNI152NLin2009cAsym_atlas-AAL_dseg.nii.gz")
    with pytest.raises(MorbidsError, match="would be named 'AAL' like another one"):
        plan_one(dataset, replace(SETTINGS, atlases=("AAL", own)))


def test_partial_volume_needs_a_point_spread(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01", changes={"ManufacturersModelName": "Prototype", "ReconFilterSize": 0})
    assert plan_one(dataset).point_spread is None
    with pytest.raises(MorbidsError, match="resolution of the scanner 'Prototype' is not known"):
        plan_one(dataset, replace(SETTINGS, partial_volume="gtm"))
    spread = plan_one(dataset, replace(SETTINGS, partial_volume="gtm", psf_fwhm_mm=(5.0,))).point_spread
    assert spread is not None
    assert spread.fwhm_mm == (5.0, 5.0, 5.0)


def test_slow_tissue_is_taken_out_where_the_resolution_is_known(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01", changes={"ManufacturersModelName": "Prototype", "ReconFilterSize": 0})
    unknown = plan_one(dataset)
    assert not unknown.fits_apart
    assert any("white matter and fluid are left in the curves" in note for note in unknown.notes)
    with pytest.raises(MorbidsError, match="resolution of the scanner 'Prototype' is not known"):
        plan_one(dataset, replace(SETTINGS, mixed_tissue="apart"))
    known = replace(SETTINGS, psf_fwhm_mm=(5.0,))
    assert plan_one(dataset, known).fits_apart
    together = plan_one(dataset, replace(known, mixed_tissue="together"))
    assert together.mixed_tissue is not None
    assert not together.fits_apart
    assert not plan_one(dataset, replace(known, partial_volume="gtm")).fits_apart
    with pytest.raises(MorbidsError, match="--mixed-tissue apart is for StepChange2 without --pvc"):
        plan_one(dataset, replace(known, partial_volume="gtm", mixed_tissue="apart"))


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"atlases": ("Brodmann",)}, "There is no atlas 'Brodmann'"),
        ({"reference": "pons"}, "There is no reference region 'pons'"),
        ({"reference": "Brodmann:1"}, "There is no atlas 'Brodmann'"),
    ],
)
def test_what_no_scan_could_use_is_said_once(
    dataset: DatasetMaker, wish: dict[str, object], sentence: str
) -> None:
    for label in ("01", "02"):
        write_scan(dataset, label)
    with pytest.raises(MorbidsError, match=sentence) as caught:
        plan_study(make_study(dataset.root.parent), ScanSettings(**wish))  # type: ignore[arg-type]
    assert caught.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("tracer", "sentence"),
    [
        (
            "[18F]FDG",
            r"FDG has no reference region: every part of the brain .* give --model SUVR, --reference",
        ),
        ("L-[1-11C]leucine", "leucine has no reference region"),
        ("carfentanile", r"no preset with a value for --model.*correct TracerName if carfentanil is meant"),
    ],
)
def test_a_tracer_without_a_preset_is_told_why(dataset: DatasetMaker, tracer: str, sentence: str) -> None:
    write_scan(dataset, "01", changes={"TracerName": tracer})
    with pytest.raises(MorbidsError, match=sentence):
        plan_one(dataset)


def test_a_ratio_of_a_tracer_without_a_reference_region_is_made_and_doubted(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01", changes={"TracerName": "FDG", "TracerRadionuclide": "F18"})
    window = Window("late", 40.0, 70.0)
    wishes = replace(SETTINGS, model="SUVR", reference="cerebellar_grey", windows=(window,))
    plan = plan_one(dataset, wishes)
    assert plan.kinetics.windows == (window,)
    assert any("is a ratio, and no binding potential" in note for note in plan.notes)
