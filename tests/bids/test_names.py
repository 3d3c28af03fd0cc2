"""Names of outputs, there and back."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from morbids.bids.names import (
    ENTITY_ORDER,
    ROLES,
    difference_label,
    entity_label,
    output_path,
    parse_difference_label,
    parse_name,
    scan_label,
    sidecar_path,
    strip_prefix,
)
from morbids.errors import MorbidsError
from tests.bids.conftest import REPOSITORY

OUT = Path("out")
SCAN = {"sub": "01", "ses": "a", "task": "rejection", "run": "001"}


@pytest.mark.parametrize(
    ("role", "entities", "expected"),
    [
        ("preproc_pet", {}, "sub-01/ses-a/pet/sub-01_ses-a_task-rejection_run-001_desc-preproc_pet.nii.gz"),
        (
            "motion_transforms",
            {},
            "sub-01/ses-a/pet/sub-01_ses-a_task-rejection_run-001_from-orig_to-petref_mode-image_xfm.txt",
        ),
        (
            "parametric_map",
            {
                "meas": "BPND",
                "desc": "baseline",
                "model": "LoganRef",
                "res": "2",
                "space": "MNI152NLin2009cAsym",
            },
            "sub-01/ses-a/pet/sub-01_ses-a_task-rejection_run-001_space-MNI152NLin2009cAsym_res-2_"
            "model-LoganRef_meas-BPND_desc-baseline_mimap.nii.gz",
        ),
        (
            "reference_curve",
            {"label": "occipital"},
            "sub-01/ses-a/pet/sub-01_ses-a_task-rejection_run-001_label-occipital_desc-reference_tacs.tsv",
        ),
        (
            "pet_figure",
            {"desc": "coregistration"},
            "sub-01/figures/sub-01_ses-a_task-rejection_run-001_desc-coregistration_pet.svg",
        ),
        ("participant_page", {}, "sub-01.html"),
    ],
)
def test_outputs_of_a_scan(role: str, entities: dict[str, str], expected: str) -> None:
    assert output_path(OUT, SCAN, role, entities) == OUT / expected


def test_outputs_of_a_t1w_image_without_session() -> None:
    path = output_path(OUT, {"sub": "01", "acq": "mprage"}, "t1w_to_template", {"to": "MNI152NLin2009cAsym"})
    assert path == OUT / "sub-01/anat/sub-01_acq-mprage_from-T1w_to-MNI152NLin2009cAsym_mode-image_xfm.h5"


def test_outputs_of_a_group_model_lie_in_its_folder() -> None:
    entities = {"model": "rejection", "contrast": "mean", "stat": "t"}
    path = output_path(OUT, {}, "statistical_map", entities)
    assert path == OUT / "group/model-rejection/contrast-mean_stat-t_statmap.nii.gz"
    assert output_path(OUT, {}, "design", {"model": "rejection"}) == OUT / "group/model-rejection/design.tsv"
    assert output_path(OUT, {}, "group_page") == OUT / "group.html"


@pytest.mark.parametrize("role", ROLES)
def test_names_of_every_role_are_read_back(role: str) -> None:
    rule = ROLES[role]
    given = dict.fromkeys((*rule.required, *rule.optional), "x")
    model = {"model": "m"} if rule.place.startswith("group") else {}
    source = {} if model or rule.place == "top" else SCAN
    path = output_path(OUT, source, role, given | model)
    name = parse_name(path)
    page = rule.place == "participant"
    assert name.entities == ({"sub": "01"} if page else {**source, **rule.fixed, **given})
    assert (name.suffix, name.extension) == (rule.suffix, rule.extension)
    ranks = [ENTITY_ORDER.index(key) for key in name.entities]
    assert ranks == sorted(ranks)


@pytest.mark.parametrize("role", ROLES)
def test_the_page_of_outputs_names_every_role(role: str) -> None:
    rule = ROLES[role]
    stem = scan_label({**rule.fixed, **{key: f"<{key}>" for key in rule.required}})
    name = "_".join(part for part in (stem, rule.suffix) if part) + rule.extension
    text = (REPOSITORY / "docs" / "outputs.md").read_text()
    # Brackets hold what may be absent.
    assert name in re.sub(r"\[[^\]]*\]", "", text)


def test_no_two_roles_share_a_name() -> None:
    paths = set()
    for role, rule in ROLES.items():
        given = dict.fromkeys(rule.required, "x") | ({"model": "m"} if rule.place.startswith("group") else {})
        if role != "difference_map":  # A parametric map whose `desc` names two windows.
            paths.add(output_path(OUT, SCAN if not rule.place.startswith("group") else {}, role, given))
    assert len(paths) == len(ROLES) - 1


def test_entities_are_read_in_any_order() -> None:
    """PETPrep writes desc before seg."""
    name = parse_name("sub-PSBB01_ses-baseline_desc-preproc_seg-gtm_dseg.nii.gz")
    assert name.entities == {"sub": "PSBB01", "ses": "baseline", "desc": "preproc", "seg": "gtm"}
    assert (name.suffix, name.extension) == ("dseg", ".nii.gz")


@pytest.mark.parametrize(
    ("role", "entities", "message"),
    [
        (
            "parametric_map",
            {"model": "SRTM"},
            r"'parametric_map' needs a value for meas\. It takes model, meas",
        ),
        ("petref", {"seg": "AAL"}, r"'petref' has no entity seg"),
        (
            "pet_dseg",
            {"seg": "Harvard-Oxford"},
            r"value 'Harvard-Oxford' of seg- cannot stand in a file name",
        ),
        ("statistical_map", {"contrast": "a", "stat": "t"}, r"name '' has no letter or digit"),
    ],
)
def test_wrong_entities_are_refused(role: str, entities: dict[str, str], message: str) -> None:
    with pytest.raises(MorbidsError, match=message):
        output_path(OUT, SCAN, role, entities)


def test_labels_from_free_text() -> None:
    assert entity_label("social rejection (task)") == "socialRejectionTask"
    assert entity_label("LoganRef") == "LoganRef"
    assert strip_prefix("sub-01", "sub") == strip_prefix("01", "sub") == "01"


@pytest.mark.parametrize("percent", [False, True])
def test_difference_labels_are_read_back(percent: bool) -> None:
    label = difference_label("baseline", "challenge", percent=percent)
    assert label == "baselineMinusChallenge" + ("Percent" if percent else "")
    difference = parse_difference_label(label)
    assert difference is not None
    assert difference_label(difference.baseline, difference.challenge, percent=difference.percent) == label
    assert parse_difference_label("baseline") is None


def test_sidecars_and_labels() -> None:
    assert sidecar_path(Path("a/sub-01_desc-preproc_pet.nii.gz")) == Path("a/sub-01_desc-preproc_pet.json")
    assert scan_label({"run": "1", "task": "x", "sub": "01"}) == "sub-01_task-x_run-1"


LABELS = st.from_regex(r"[A-Za-z0-9]{1,12}", fullmatch=True)


@given(st.dictionaries(st.sampled_from(ENTITY_ORDER), LABELS, min_size=1), LABELS)
def test_any_name_comes_apart_as_it_was_put_together(entities: dict[str, str], suffix: str) -> None:
    name = "_".join([*(f"{key}-{value}" for key, value in entities.items()), suffix]) + ".nii.gz"
    assert parse_name(Path("folder") / name) == (entities, suffix, ".nii.gz")


@given(st.text(max_size=30))
def test_any_text_makes_a_label_or_a_sentence(text: str) -> None:
    try:
        label = entity_label(text)
    except MorbidsError:
        assert not re.search("[A-Za-z0-9]", text)
    else:
        assert re.fullmatch("[A-Za-z0-9]+", label)
        assert entity_label(label) == label


@given(LABELS, LABELS, st.booleans())
def test_any_difference_keeps_its_conditions(baseline: str, challenge: str, percent: bool) -> None:
    found = parse_difference_label(difference_label(baseline, challenge, percent=percent))
    assert found is not None
