"""Values of a-priori regions, tests on them, and correlations with traits."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from morbids.bids.tables import read_table, write_table
from morbids.errors import MorbidsError
from morbids.group.comparison import Terms, write_design
from morbids.group.regions import (
    Sphere,
    choose_small_volumes,
    read_spheres,
    readable_region,
)
from morbids.group.steps.correlations import Slope, correlate_clusters, correlate_regions
from morbids.group.steps.regions import (
    average_sides,
    compare_regions,
    mean_in_spheres,
    measure_spheres,
    picture_regions,
    read_tables,
    read_values,
)
from morbids.imaging.images import read_image
from morbids.numerics.statistics.designs import one_sample, regression
from tests.group.group_maps import ACTIVE_MM, draw_maps, make_brain, save

N = 8
LABELS = tuple(f"sub-{n}" for n in range(N))
NAMES = ("Amygdala_L", "PAG")


def write_kinpar(folder: Path, kind: str, values: np.ndarray, names: tuple[str, ...] = NAMES) -> list[Path]:
    """One table per row of (n_rows, n_regions) values."""
    paths = []
    for row, numbers in enumerate(values):
        paths.append(folder / f"{kind}{row}_kinpar.tsv")
        write_table(pd.DataFrame({"name": names, "BPND": numbers}), paths[-1])
    return paths


def test_tables_of_two_windows_become_differences(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    baseline, challenge = rng.normal(2, 0.3, (2, N, 2))
    baseline[3, 1] = np.nan
    added, removed = (
        write_kinpar(tmp_path, kind, numbers) for kind, numbers in (("b", baseline), ("c", challenge))
    )
    values = read_tables(Terms(tuple(added), tuple(removed)), LABELS, "BPND", tmp_path)
    read = read_values(values.values)
    assert (read.names, read.labels) == (NAMES, LABELS)
    np.testing.assert_allclose(read.values, baseline - challenge, rtol=1e-5)
    compared = compare_regions(values.values, write_design(one_sample(N)), False, tmp_path)
    tests = read_table(compared.tests)
    assert list(tests["label"]) == ["Amygdala, left", "PAG"]
    assert list(tests["n"]) == [N, N - 1]
    reference = stats.ttest_1samp(baseline - challenge, 0, nan_policy="omit")
    np.testing.assert_allclose(tests["p"], reference.pvalue, rtol=1e-4)
    # Holm over two regions: the smaller p counts twice.
    assert tests["p_holm"].min() == pytest.approx(min(2 * tests["p"].min(), 1), rel=1e-5)


def test_tables_of_other_regions_are_refused(tmp_path: Path) -> None:
    added = write_kinpar(tmp_path, "b", np.ones((2, 2)))
    other = write_kinpar(tmp_path, "c", np.ones((2, 2)), ("PAG", "sgACC"))
    with pytest.raises(MorbidsError, match="names other regions than the tables before it"):
        read_tables(Terms(tuple(added), tuple(other)), LABELS[:2], "BPND", tmp_path)


def test_spheres_are_measured_on_maps_that_have_no_tables(tmp_path: Path) -> None:
    brain = make_brain(tmp_path)
    maps = draw_maps(brain, N, 2.0)
    paths = [save(values, tmp_path / f"{n}.nii.gz") for n, values in enumerate(maps)]
    ball, far = Sphere("Ball", ACTIVE_MM, 10.0), Sphere("Far", (900.0, 0.0, 0.0), 5.0)
    read = read_values(measure_spheres(Terms(tuple(paths)), LABELS, (ball, far), tmp_path).values)
    expected = [values[brain.active].mean() for values in maps]
    np.testing.assert_allclose(read.values[:, 0], expected, rtol=1e-4)
    assert np.isnan(read.values[:, 1]).all()


def test_the_baseline_is_the_mean_of_the_maps_that_are_there(tmp_path: Path) -> None:
    brain = make_brain(tmp_path)
    maps = draw_maps(brain, 2, 2.0)
    paths = [save(values, tmp_path / f"{n}.nii.gz") for n, values in enumerate(maps)]
    spheres = (Sphere("Ball_L", ACTIVE_MM, 10.0), Sphere("Ball_R", ACTIVE_MM, 10.0))
    means = mean_in_spheres([*paths, tmp_path / "absent.nii.gz"], spheres, average=True)
    expected = np.mean([values[brain.active].mean() for values in maps])
    assert means == {"Ball": pytest.approx(expected, rel=1e-4)}
    assert mean_in_spheres([tmp_path / "absent.nii.gz"], spheres, average=True) == {}


def test_a_forest_fills_what_is_claimed(tmp_path: Path) -> None:
    values = np.random.default_rng(5).normal(1, 0.2, (N, 2))
    read = read_tables(Terms(tuple(write_kinpar(tmp_path, "b", values))), LABELS, "BPND", tmp_path)
    compared = compare_regions(read.values, write_design(one_sample(N)), False, tmp_path)
    drawn = picture_regions(read.values, compared.tests, {"PAG": 0.3}, False, "BP", ("up", "down"), tmp_path)
    assert "p(page) .300" in drawn.forest.read_text()
    assert drawn.strip.is_file()


def test_a_sphere_that_is_smaller_than_a_voxel_takes_the_voxel_that_it_is_in(tmp_path: Path) -> None:
    brain = make_brain(tmp_path)
    path = save(draw_maps(brain, 1, 0.0)[0], tmp_path / "map.nii.gz")
    between = Sphere("Between", (-33 + 5 * 6 + 2.0, -45 + 5 * 6 + 2.0, -27 + 5 * 6 + 2.0), 1.0)
    read = read_values(measure_spheres(Terms((path,)), LABELS[:1], (between,), tmp_path).values)
    assert read.values[0, 0] == pytest.approx(read_image(path).values[5, 5, 5], rel=1e-5)


def test_a_slope_is_tested_in_regions_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    trait = rng.normal(size=N)
    values = np.stack([2 * trait + 0.5 * rng.normal(size=N), rng.normal(size=N)], axis=1)
    added = write_kinpar(tmp_path, "b", values)
    read = read_tables(Terms(tuple(added)), LABELS, "BPND", tmp_path)
    design = write_design(regression(trait, "score"))
    tests = read_table(compare_regions(read.values, design, False, tmp_path).tests)
    reference = stats.linregress(trait, values[:, 0])
    assert tests["effect"][0] == pytest.approx(reference.slope, rel=1e-4)
    assert tests["p"][0] == pytest.approx(reference.pvalue, rel=1e-4)


def test_left_and_right_are_one_region_unless_a_side_is_missing(tmp_path: Path) -> None:
    names = ("Amygdala_L", "PAG", "Amygdala_R", "Insula_L")
    values = np.random.default_rng(4).normal(size=(N, 4))
    values[2, 2] = np.nan
    read = read_tables(Terms(tuple(write_kinpar(tmp_path, "b", values, names))), LABELS, "BPND", tmp_path)
    joined = average_sides(read_values(read.values))
    assert joined.names == ("Amygdala", "PAG", "Insula_L")
    np.testing.assert_allclose(joined.values[:, 0], (values[:, 0] + values[:, 2]) / 2, rtol=1e-5)
    compared = compare_regions(read.values, write_design(one_sample(N)), True, tmp_path)
    assert list(read_table(compared.tests)["n"]) == [N - 1, N, N]
    assert list(read_table(compared.sides)["name"]) == list(names)


def test_the_slope_and_the_correlation_have_one_p(tmp_path: Path) -> None:
    """Beside a covariate too, which is what makes the correlation partial."""
    rng = np.random.default_rng(2)
    age = rng.normal(size=N)
    score = age + 0.1 * rng.normal(size=N)
    values = np.stack([age + 0.4 * rng.normal(size=N), rng.normal(size=N)], axis=1)
    read = read_tables(Terms(tuple(write_kinpar(tmp_path, "b", values))), LABELS, "BPND", tmp_path)
    for covariates in ({}, {"age": age}):
        design = write_design(regression(score, "score", covariates))
        slopes = read_table(compare_regions(read.values, design, False, tmp_path).tests)
        slope = Slope(design, "score", "Total score", "change", 499, 0)
        found = correlate_regions(read.values, slope, {"PAG": 0.3}, False, tmp_path)
        table = read_table(found.correlations)
        np.testing.assert_allclose(table["p"], slopes["p"], rtol=1e-4)
        assert table["p_page"].tolist() == pytest.approx([np.nan, 0.3], nan_ok=True)
        assert set(table["kind"]) == {"independent region"}
        assert set(found.pictures) == {"independentScore1", "independentScore2"}
        text = found.pictures["independentScore1"].read_text()
        assert ("partial r" in text) == bool(covariates)
        assert f"n = {N}" in text
        assert "Total score" in text
        assert "one of the 2 smallest p of 2 regions" in text
    left = [numbers - np.polyval(np.polyfit(age, numbers, 1), age) for numbers in (score, values[:, 0])]
    assert table["r"][0] == pytest.approx(stats.pearsonr(*left).statistic, rel=1e-3)


def test_correlations_within_claimed_clusters_are_called_circular(tmp_path: Path) -> None:
    brain = make_brain(tmp_path)
    maps = draw_maps(brain, N, 1.0)
    paths = [save(values, tmp_path / f"{row}.nii.gz") for row, values in enumerate(maps)]
    labels = save(brain.active.astype(float), tmp_path / "labels.nii.gz")
    score = np.random.default_rng(3).normal(size=N)
    design = write_design(regression(score, "score"))
    slope = Slope(design, "score", "score", "change", 99, 0)
    found = correlate_clusters(
        Terms(tuple(paths)), LABELS, labels, {1: "cluster 1, Thalamus L"}, slope, tmp_path
    )
    table = read_table(found.correlations)
    assert list(table["kind"]) == ["circular"]
    means = [values[brain.active].mean() for values in maps]
    assert table["r"][0] == pytest.approx(stats.pearsonr(score, means).statistic, rel=1e-3)
    assert "circular" in found.pictures["circularScore1"].read_text()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("VentralStriatum_L", "Ventral striatum, left"),
        ("MidlineThalamus", "Midline thalamus"),
        ("sgACC", "sgACC"),
        ("PAG", "PAG"),
        ("all together", "all together"),
    ],
)
def test_regions_have_names_for_people(name: str, words: str) -> None:
    assert readable_region(name) == words


def test_the_users_spheres_replace_the_programs(tmp_path: Path) -> None:
    assert "PAG" in {sphere.name for sphere in read_spheres(None)}
    path = tmp_path / "regions.tsv"
    path.write_text("name\tx\ty\tz\tradius_mm\nMine\t1\t-2.5\t3\t6\n")
    assert read_spheres(path) == (Sphere("Mine", (1.0, -2.5, 3.0), 6.0),)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("Mine\tright\t0\t0\t6\n", "no number"),
        ("Mine\t1\t0\t0\t0\n", "radius that is no number of mm"),
        ("Mine\tn/a\t0\t0\t5\n", "Mine has a coordinate"),
        ("Mine\t1\t0\t0\t5\nMine\t2\t0\t0\t5\n", "names Mine twice"),
        ("", "names no region"),
    ],
)
def test_tables_of_regions_that_cannot_be_used_are_sentences(
    tmp_path: Path, line: str, sentence: str
) -> None:
    path = tmp_path / "regions.tsv"
    path.write_text(f"name\tx\ty\tz\tradius_mm\n{line}")
    with pytest.raises(MorbidsError, match=sentence):
        read_spheres(path)


def test_small_volumes_are_regions_by_name_and_images(tmp_path: Path) -> None:
    spheres = read_spheres(None)
    mask = save(np.ones((2, 2, 2)), tmp_path / "striatum.nii.gz")
    assert choose_small_volumes(("all",), spheres).spheres == spheres
    assert choose_small_volumes(("PAG", str(mask)), spheres).names == ("PAG", "striatum")
    assert choose_small_volumes(("none",), spheres).names == ()
    with pytest.raises(MorbidsError, match="--small-volume Elsewhere is neither"):
        choose_small_volumes(("Elsewhere",), spheres)
