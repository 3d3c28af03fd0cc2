"""Maps of two scans that are compared in percent of one of them: what is asked, what is measured, what is refused."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from morbids.bids.tables import read_table
from morbids.errors import MorbidsError
from morbids.group.comparison import Comparison
from morbids.group.everyone import find_everyone
from morbids.group.outputs import GroupOutputs
from morbids.group.page import say_source
from morbids.group.plan import GroupPlan, plan_group
from morbids.group.regions import Sphere
from morbids.group.steps.maps import StackRule, read_map, stack_maps
from morbids.group.steps.regions import SCAN, compare_regions, measure_spheres
from morbids.imaging.smoothing import smooth_volume
from morbids.numerics.arrays import FloatArray
from morbids.settings import GroupSettings, Study
from tests.bids.conftest import DatasetMaker
from tests.group.group_maps import AFFINE, SHAPE, make_brain, save
from tests.participant.studies import make_study

N = 5
SESSIONS = ("drug", "placebo")


@pytest.fixture
def study(dataset: DatasetMaker, tmp_path: Path) -> Study:
    """Five people with two sessions; one voxel of the placebo of the first is below 0."""
    rng = np.random.default_rng(3)
    for number in range(1, N + 1):
        for session in SESSIONS:
            values = rng.uniform(1, 2, SHAPE)
            if (number, session) == (1, "placebo"):
                values[5, 5, 5] = -0.1
            write(tmp_path / "maps", number, session, values)
    return replace(make_study(dataset.root.parent), derivatives=(tmp_path / "maps",))


def write(maps: Path, number: int, session: str, values: FloatArray) -> None:
    name = f"sub-{number:02d}_ses-{session}_space-MNI152NLin2009cAsym_meas-BPND_mimap.nii.gz"
    save(values, maps / f"sub-{number:02d}/ses-{session}/pet/{name}")


def plan(study: Study, **changes: object) -> GroupPlan:
    return plan_group(study, replace(GroupSettings(map_kind="percent"), **changes))  # type: ignore[arg-type]


def pair_of(study: Study) -> Comparison:
    (pair,) = plan(study).comparisons
    return pair


def test_two_scans_are_compared_in_percent_of_the_reference(study: Study) -> None:
    pair = pair_of(study)
    assert (pair.title, pair.quantity, pair.scans) == (
        "drug against placebo",
        "change of BP_ND (%)",
        SESSIONS,
    )
    assert (pair.maps.percent_of, pair.directions) == ("removed", ("higher in drug", "higher in placebo"))
    assert "in percent of placebo? Positive: higher in drug." in pair.question
    everyone = find_everyone(pair, plan(study))
    assert everyone is not None
    assert everyone.quantity == "BP_ND"


@pytest.mark.parametrize("fwhm_mm", [0.0, 8.0])
def test_maps_are_percentages_of_smoothed_maps(study: Study, fwhm_mm: float, tmp_path: Path) -> None:
    pair, brain = pair_of(study), make_brain(tmp_path)
    stack = stack_maps(pair.maps, (), N, brain.mask, StackRule(fwhm_mm, 0.2, 1.0), tmp_path)
    found, mask = np.load(stack.maps), read_map(stack.mask) > 0.5
    voxel_mm = np.abs(np.diag(AFFINE)[:3])
    for row in range(N):
        drug, placebo = (
            smooth_volume(read_map(files[row]), fwhm_mm, voxel_mm).astype(float)
            for files in (pair.maps.added, pair.maps.removed)
        )
        np.testing.assert_allclose(found[row], (100 * (drug - placebo) / placebo)[mask], rtol=1e-5, atol=1e-4)
    # Of a scan below 0 there is no percentage; smoothed, the voxel is above.
    assert stack.n_missing == ((1, 0, 0, 0, 0) if fwhm_mm == 0 else (0,) * N)


def test_regions_are_tested_by_the_percentages_of_their_means(study: Study, tmp_path: Path) -> None:
    pair = pair_of(study)
    spheres = (Sphere("PAG", (9.0, 9.0, 3.0), 12.0), Sphere("Thalamus", (-9.0, -3.0, 3.0), 12.0))
    values = measure_spheres(pair.maps, pair.labels, spheres, tmp_path).values
    places = np.moveaxis(np.indices(SHAPE), 0, -1) @ AFFINE[:3, :3].T + AFFINE[:3, 3]
    for sphere in spheres:
        inside = np.linalg.norm(places - np.array(sphere.centre_mm), axis=-1) <= sphere.radius_mm
        drug, placebo = (
            np.array([read_map(path)[inside].mean(dtype=float) for path in files])
            for files in (pair.maps.added, pair.maps.removed)
        )
        expected = 100 * (drug / placebo - 1)
        np.testing.assert_allclose(read_table(values, (SCAN,))[sphere.name], expected, rtol=1e-5)
    tests = read_table(compare_regions(values, pair.design, False, tmp_path).tests)
    closed = stats.ttest_1samp(expected, 0)
    assert tests["t"][1] == pytest.approx(closed.statistic, rel=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"within": ("session",)}, "--maps percent cannot be combined with --within"),
        (
            {"stats_model": "model.json"},
            "--maps percent of single scans cannot be combined with --stats-model",
        ),
        ({"excluded": tuple(f"sub-{n:02d}_ses-drug" for n in range(1, N + 1))}, "nobody has two scans"),
    ],
)
def test_what_cannot_be_a_percentage_is_a_sentence(
    study: Study, changes: dict[str, object], message: str, tmp_path: Path
) -> None:
    if "stats_model" in changes:
        node = {
            "Level": "Dataset",
            "Name": "d",
            "Model": {"Type": "glm", "X": [1]},
            "DummyContrasts": {"Test": "t"},
        }
        node["GroupBy"] = ["session"]
        model = {"Name": "m", "BIDSModelVersion": "1.0.0", "Nodes": [node]}
        (tmp_path / "model.json").write_text(json.dumps(model))
        changes = {"stats_model": tmp_path / "model.json"}
    with pytest.raises(MorbidsError, match=message):
        plan(study, **changes)


def test_the_methods_text_says_what_was_compared(study: Study) -> None:
    made = plan(study)
    outputs = GroupOutputs(made.comparisons[0], made, study, GroupSettings(map_kind="percent"))
    told = say_source(outputs)
    assert told.startswith("The maps (BP_ND) are those of another dataset (maps).")
    assert told.endswith("were compared in percent of one of them, voxel by voxel after smoothing.")
