"""One comparison from its matrix of maps to corrected p, clusters and small volumes."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy import stats

from morbids.bids.tables import read_table
from morbids.group.comparison import Terms, WrittenDesign, write_design
from morbids.group.regions import SmallVolumes, Sphere
from morbids.group.steps.clusters import NAMING, columns_of
from morbids.group.steps.inference import Asked, Inferred, infer, statistics_of
from morbids.group.steps.influence import measure_each_map
from morbids.group.steps.maps import Stack, StackRule, stack_maps
from morbids.group.steps.permutations import CLAIMS, Heights, permute, plan_tests
from morbids.group.steps.regions import draw_sphere
from morbids.group.steps.small_volumes import UNION, search_small_volumes
from morbids.imaging.images import read_image
from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.designs import make_design, one_sample, regression, two_sample
from morbids.numerics.statistics.factorial import repeated_measures
from morbids.numerics.statistics.linear_model import quick_z
from morbids.numerics.statistics.methods import METHODS, STATISTICS, Inference
from morbids.numerics.statistics.plan import People
from morbids.numerics.statistics.unequal import weigh_maps
from tests.group.group_maps import ACTIVE_MM, Brain, draw_maps, make_brain, save, write_atlas

ALL: tuple[Inference, ...] = tuple(METHODS)
N = 10


class Case(NamedTuple):
    """Ten maps with an effect in the ball."""

    brain: Brain
    stack: Stack
    folder: Path


def stack(brain: Brain, paths: list[Path], folder: Path, coverage: float = 1.0) -> Stack:
    rule = StackRule(0.0, 0.2, coverage)
    return stack_maps(Terms(tuple(paths)), [], len(paths), brain.mask, rule, folder)


def make_case(folder: Path, effect: float = 3.0, n: int = N) -> Case:
    brain = make_brain(folder)
    paths = [save(values, folder / f"{i}.nii.gz") for i, values in enumerate(draw_maps(brain, n, effect))]
    return Case(brain, stack(brain, paths, folder), folder)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return make_case(tmp_path)


def judge(
    case: Case,
    design: WrittenDesign,
    inference: tuple[Inference, ...] = ALL,
    *,
    n_permutations: int = 99,
    n_pieces: int = 3,
    variance_fwhm_mm: float = 0.0,
) -> Inferred:
    """Run the steps as the graph does."""
    heights = Heights(0.001, variance_fwhm_mm)
    tests = plan_tests(design, inference, n_permutations, 0, variance_fwhm_mm, everyone(design), 0)
    maxima = []
    for test in tests:
        for piece in test.plan.pieces(n_pieces):
            folder = case.folder / f"{test.label}{piece.start}"
            folder.mkdir(exist_ok=True)
            found = permute(case.stack.maps, case.stack.mask, design, test, piece, heights, folder)
            maxima.append(found.maxima)
    atlas = write_atlas(case.folder, case.brain)
    own = tuple(test for test in tests if test.label != CLAIMS)
    asked = Asked(design, ("up", "down"), own, inference, heights)
    labels, names = zip(*(atlas for _ in NAMING), strict=True)
    stack = case.stack
    return infer(stack.maps, stack.mask, stack.mask_rule, maxima, asked, labels, names, case.folder)


def everyone(design: WrittenDesign) -> People:
    n_maps = len(next(iter(design.columns.values())))
    return People(range(n_maps), n_maps)


def told(tested: Inferred, method: Inference) -> dict[str, Any]:
    return next(test for test in tested.summary["Tests"] if test["Method"] == method)


def values(tested: Inferred, statistic: str, case: Case) -> FloatArray:
    return read_image(tested.maps[statistic]).values[case.brain.inside]


def test_statistics_are_those_of_scipy(case: Case) -> None:
    tested = judge(case, write_design(one_sample(N)), ("max-t",))
    reference = stats.ttest_1samp(np.load(case.stack.maps).astype(float), 0)
    np.testing.assert_allclose(values(tested, "t", case), reference.statistic, rtol=1e-5)
    np.testing.assert_allclose(values(tested, "p", case), reference.pvalue, rtol=1e-4)
    assert set(tested.maps) == set(statistics_of(("max-t",), 0.0))


def test_the_effect_is_found_named_and_listed(case: Case) -> None:
    tested = judge(case, write_design(one_sample(N)))
    table = read_table(tested.table)
    assert list(table.columns) == list(columns_of(tested.maps))
    first = table.iloc[0]
    assert (first["direction"], first["AAL"], first["HarvardOxford"]) == ("up", "Ball_L", "Ball_L")
    assert first["extent_mm3"] == pytest.approx(case.brain.active.sum() * 216, rel=0.3)
    assert {"max-T", "extent", "mass", "FDR"} <= set(first["passes"].split(", "))
    # The first row's numbers are those of the maps at the peak and of the whole cluster.
    assert first["t"] == pytest.approx(np.nanmax(values(tested, "t", case)), abs=1e-3)
    labels = values(tested, "clusters", case)
    assert first["p_fwe_mass"] == pytest.approx(
        values(tested, "pfweClusterMass", case)[labels == 1][0], rel=1e-5
    )


def test_max_t_of_few_maps_takes_all_sign_patterns_and_clusters_random_ones(case: Case) -> None:
    tested = judge(case, write_design(one_sample(N)))
    assert (told(tested, "max-t")["Rearrangements"], told(tested, "max-t")["Exhaustive"]) == (2**9 - 1, True)
    assert (told(tested, "cluster-mass")["Rearrangements"], told(tested, "cluster-mass")["Exhaustive"]) == (
        99,
        False,
    )


def test_any_number_of_pieces_gives_the_same_p(case: Case) -> None:
    design = write_design(one_sample(N))
    one, many = (
        [values(tested, f"pfwe{name}", case) for name in ("MaxT", "ClusterMass", "Tfce")]
        for tested in (judge(case, design, n_pieces=1), judge(case, design, n_pieces=7))
    )
    np.testing.assert_array_equal(one, many)


def test_a_slope_on_a_trait_changes_orders(case: Case) -> None:
    design = write_design(regression(np.arange(N, dtype=float), "score"))
    tested = judge(case, design, ("max-t",))
    assert not told(tested, "max-t")["Exhaustive"]
    assert tested.summary["DegreesOfFreedom"] == N - 2


def test_welch_has_degrees_of_freedom_of_its_own_in_each_voxel(case: Case) -> None:
    second = np.arange(N) >= 4
    design = write_design(two_sample(second, names=("a", "b"), equal_variances=False), "b")
    tested = judge(case, design, ("max-t", "cluster-mass"))
    maps = np.load(case.stack.maps).astype(float)
    reference = stats.ttest_ind(maps[second], maps[~second], equal_var=False)
    np.testing.assert_allclose(values(tested, "t", case), reference.statistic, rtol=1e-4)
    np.testing.assert_allclose(values(tested, "p", case), reference.pvalue, rtol=1e-3)
    low, high = tested.summary["DegreesOfFreedomRange"]
    assert 3 <= low < tested.summary["DegreesOfFreedom"] < high <= N - 2
    assert told(tested, "max-t")["Rearrangements"] == 2**9 - 1  # signs: variances are not exchanged
    # What is judged, drawn and outlined is z of t with one ratio of variances.
    z = values(tested, "z", case)
    first = weigh_maps(maps, np.column_stack([~second, second]).astype(float), second)[0]
    squares = [np.square(maps[group] - maps[group].mean(axis=0)).sum(axis=0) for group in (~second, second)]
    error = (first * squares[0] + squares[1]) / (N - 2) * (1 / (4 * first) + 1 / (N - 4))
    t = (maps[second].mean(axis=0) - maps[~second].mean(axis=0)) / np.sqrt(error)
    np.testing.assert_allclose(z, quick_z(t, N - 2), rtol=1e-4, atol=1e-6)
    assert tested.summary["StandardDeviationRatio"] == pytest.approx(np.sqrt(first), abs=1e-3)
    assert (tested.summary["Statistic"], told(tested, "max-t")["CriticalStatistic"]) == ("z", "z")
    assert tested.summary["ClusterFormingHeight"] == pytest.approx(stats.norm.isf(0.0005))
    passing = values(tested, "pfweMaxT", case) <= 0.05
    critical = told(tested, "max-t")["CriticalHeight"]
    np.testing.assert_array_equal(passing, np.abs(z) >= critical * (1 - 1e-5))
    assert design.methods(("max-t", "fdr", "random-field")) == ("max-t",)


def test_voxels_are_tested_by_the_maps_that_know_them(tmp_path: Path) -> None:
    """One map lacks the ball, which is found by the nine others, with fewer degrees of freedom."""
    brain = make_brain(tmp_path)
    drawn = draw_maps(brain, N, 3.0)
    drawn[2][brain.active] = np.nan
    paths = [save(one, tmp_path / f"{i}.nii.gz") for i, one in enumerate(drawn)]
    case = Case(
        brain,
        stack(brain, paths, tmp_path, coverage=0.8),
        tmp_path,
    )
    design = replace(write_design(one_sample(N)), voxelwise=True)
    tested = judge(case, design, ("max-t", "cluster-mass", "tfce"))
    assert case.stack.n_voxels == brain.inside.sum()
    ball = np.delete([one[brain.active] for one in drawn], 2, axis=0).astype(np.float32)
    t = values(tested, "t", case)[brain.active[brain.inside]]
    np.testing.assert_allclose(t, stats.ttest_1samp(ball, 0).statistic, rtol=1e-4)
    assert tested.summary["DegreesOfFreedomRange"] == [N - 2, N - 1]
    assert read_table(tested.table).iloc[0]["AAL"] == "Ball_L"
    assert (values(tested, "pfweMaxT", case)[brain.active[brain.inside]] <= 0.05).mean() > 0.5


def test_small_volumes_of_two_groups_are_judged_by_z(case: Case) -> None:
    second = np.arange(N) >= 4
    design = write_design(two_sample(second, names=("a", "b"), equal_variances=False), "b")
    tested = judge(case, design, ("max-t",))
    ball = SmallVolumes((Sphere("Ball_L", ACTIVE_MM, 8.0),), {})
    found = search_small_volumes(
        case.stack.maps, case.stack.mask, tested.summary, design, ball, 999, 0, case.folder
    )
    (row,) = read_table(found.table).to_dict("records")
    inside = np.load(case.stack.maps)[
        :, draw_sphere(ball.spheres[0], read_image(case.stack.mask))[case.brain.inside]
    ]
    weights = weigh_maps(inside, np.column_stack([~second, second]).astype(float), second)
    residuals = inside - weights @ inside / weights.sum()
    flipped = [np.array(signs)[:, None] * residuals for signs in itertools.product((1, -1), repeat=N)]
    fits = [stats.ttest_ind(one[second], one[~second], equal_var=False) for one in flipped]
    z = [quick_z(fit.statistic, fit.df) for fit in fits]
    maxima = np.abs(z).max(axis=1)
    assert row["p_small_volume"] == pytest.approx(np.mean(maxima >= maxima[0] * (1 - 1e-5)), rel=1e-4)
    assert np.isnan(row["p_random_field"])


def test_pseudo_t_judges_by_the_smoothed_variance(case: Case) -> None:
    tested = judge(case, write_design(one_sample(N)), ("max-t",), variance_fwhm_mm=12.0)
    t, pseudo = (values(tested, name, case) for name in ("t", "pseudot"))
    assert np.corrcoef(t, pseudo)[0, 1] > 0.8
    # With a smoother denominator no voxel stands out because its variance is small by chance.
    assert np.abs(pseudo).max() < np.abs(t).max()
    assert tested.summary["Statistic"] == "pseudo-t"
    p = values(tested, "pfweMaxT", case)
    assert p[np.argmax(np.abs(pseudo))] == p.min() <= 0.01


def test_methods_without_permutations_need_none(case: Case) -> None:
    tested = judge(case, write_design(one_sample(N)), ("fdr", "random-field"))
    assert "Rearrangements" not in told(tested, "fdr")
    assert told(tested, "fdr")["VoxelsPositive"] >= case.brain.active.sum() / 2
    assert len(tested.summary["FWHMmm"]) == 3
    assert "p_fwe_peak" not in read_table(tested.table)


def test_few_maps_have_no_random_field_but_a_reason(tmp_path: Path) -> None:
    case = make_case(tmp_path, n=3)
    tested = judge(case, write_design(one_sample(3)), ("random-field",))
    assert "too few to estimate smoothness" in tested.summary["RandomField"]
    assert np.isnan(values(tested, "pfweRandomField", case)).all()


def test_four_maps_have_a_random_field_that_nothing_can_pass(tmp_path: Path) -> None:
    tested = judge(make_case(tmp_path, n=4), write_design(one_sample(4)), ("random-field",))
    assert told(tested, "random-field")["CriticalHeight"] is None


def test_noise_has_a_table_without_rows(tmp_path: Path) -> None:
    tested = judge(make_case(tmp_path, effect=0.0), write_design(one_sample(N)), ("max-t",))
    table = read_table(tested.table)
    assert list(table.columns) == list(columns_of(tested.maps))
    assert table.empty


def search(case: Case, volumes: SmallVolumes, design: WrittenDesign) -> dict[str, dict[str, Any]]:
    tested = judge(case, design, ("random-field",))
    found = search_small_volumes(
        case.stack.maps, case.stack.mask, tested.summary, design, volumes, 999, 0, case.folder
    )
    table = read_table(found.table)
    return dict(zip(table["name"], table.to_dict("records"), strict=True))


def test_small_volumes_are_corrected_for_their_own_voxels(case: Case) -> None:
    ball, far = Sphere("Ball_L", ACTIVE_MM, 8.0), Sphere("Nowhere", (900.0, 0.0, 0.0), 4.0)
    image = save(case.brain.active.astype(float), case.folder / "mine.nii.gz")
    table = search(case, SmallVolumes((ball, far), {"mine": image}), write_design(one_sample(N)))
    assert list(table) == ["Ball_L", "Nowhere", "mine", UNION]
    assert table["Ball_L"]["label"] == "Ball, left"
    assert table["Ball_L"]["p_small_volume"] == pytest.approx(1 / 512, rel=1e-5)
    assert table["Ball_L"]["p_holm"] == pytest.approx(2 / 512, rel=1e-5)
    assert table["Ball_L"]["p_random_field"] < 0.01
    assert table["mine"]["volume_mm3"] == case.brain.active.sum() * 216
    assert table["Nowhere"]["volume_mm3"] == 0
    assert np.isnan(table["Nowhere"]["p_small_volume"])


def test_a_map_that_is_unlike_the_others_stands_out(case: Case) -> None:
    maps = np.load(case.stack.maps)
    maps[4] *= 4
    np.save(case.stack.maps, maps)
    labels = tuple(f"sub-{n}" for n in range(N))
    stack = case.stack
    found = measure_each_map(
        stack.maps, stack.n_missing, (5, *stack.n_lost[1:]), write_design(one_sample(N)), labels, case.folder
    )
    table = read_table(found.table)
    assert table["scan"].iloc[int(table["distance_sd"].argmax())] == "sub-4"
    assert table["distance_sd"].max() > 3
    assert table["voxels_lost"].tolist() == [5] + [0] * (N - 1)
    peak = int(np.argmax(np.abs(stats.ttest_1samp(maps.astype(float), 0).statistic)))
    without = stats.ttest_1samp(np.delete(maps[:, peak].astype(float), 4), 0).statistic
    assert table["peak_t_without"].iloc[4] == pytest.approx(without, rel=1e-3)
    assert found.picture.stat().st_size > 1000


def test_two_groups_without_a_map_are_compared_by_welch_too(case: Case) -> None:
    second = np.arange(N) >= 4
    design = write_design(two_sample(second, names=("a", "b"), equal_variances=False), "b")
    labels = tuple(f"sub-{n}" for n in range(N))
    stack = case.stack
    found = measure_each_map(stack.maps, stack.n_missing, stack.n_lost, design, labels, case.folder)
    maps = np.load(stack.maps).astype(float)
    whole = stats.ttest_ind(maps[second], maps[~second], equal_var=False)
    peak = int(np.argmax(np.abs(quick_z(whole.statistic, whole.df))))
    without = stats.ttest_ind(maps[4:, peak], maps[1:4, peak], equal_var=False).statistic
    assert read_table(found.table)["peak_t_without"].iloc[0] == pytest.approx(without, rel=1e-3)


def test_every_permutation_method_has_its_maximum() -> None:
    plans = plan_tests(write_design(one_sample(20)), ALL, 50, 0, 0.0, People(range(20), 20), 0)
    assert [test.label for test in plans] == ["maps"]
    assert set(plans[0].statistics) == set(STATISTICS)


def test_three_groups_are_judged_by_f(case: Case) -> None:
    groups = np.array(list("aaabbbcccc"))
    columns = {name: (groups == name).astype(float) for name in np.unique(groups)}
    design = write_design(make_design(columns, [{"a": -1.0, "b": 1.0}, {"a": -1.0, "c": 1.0}]))
    own = tuple(name for name in ALL if not design.why_not(name))
    assert set(ALL) - set(own) == {"random-field"}
    tested = judge(case, design, own, variance_fwhm_mm=6.0)
    maps = np.load(case.stack.maps).astype(float)
    reference = stats.f_oneway(*(maps[groups == name] for name in "abc"))
    np.testing.assert_allclose(values(tested, "F", case), reference.statistic, rtol=1e-4)
    np.testing.assert_allclose(values(tested, "p", case), reference.pvalue, rtol=1e-3)
    assert set(tested.maps) == set(statistics_of(own, 6.0, "F"))
    assert "effect" not in tested.maps
    assert tested.summary["Statistic"] == "F"
    assert (tested.summary["DegreesOfFreedomTested"], tested.summary["DegreesOfFreedom"]) == (2, 7)
    assert tested.summary["ClusterFormingHeight"] == pytest.approx(stats.f.isf(0.001, 2, 7))
    assert told(tested, "max-t")["CriticalStatistic"] == "F"
    ball = SmallVolumes((Sphere("Ball_L", ACTIVE_MM, 8.0),), {})
    found = search_small_volumes(
        case.stack.maps, case.stack.mask, tested.summary, design, ball, 99, 0, case.folder
    )
    (row,) = read_table(found.table).to_dict("records")
    assert row["p_uncorrected"] == pytest.approx(stats.f.sf(row["f"], 2, 7), rel=1e-2)
    assert "t" not in row


def test_repeated_measures_find_what_differs_within_participants(tmp_path: Path) -> None:
    """Five participants, three scans each, the second with an effect: 16 sign patterns of whole participants."""
    brain = make_brain(tmp_path)
    maps = [
        values + 5 * (number // 3) + 4.0 * brain.active * (number % 3 == 1)
        for number, values in enumerate(draw_maps(brain, 15, 0.0))
    ]
    paths = [save(values, tmp_path / f"{i}.nii.gz") for i, values in enumerate(maps)]
    case = Case(
        brain,
        stack(brain, paths, tmp_path),
        tmp_path,
    )
    tested = judge(case, write_design(repeated_measures(5, ["s.1", "s.2", "s.3"])), ("max-t",))
    assert told(tested, "max-t")["SmallestPossibleP"] == 1 / 16
    assert told(tested, "max-t")["Exhaustive"]
    f = values(tested, "F", case)
    assert brain.active[brain.inside][np.nanargmax(f)]
    assert told(tested, "max-t")["SmallestP"] == pytest.approx(1 / 16)
