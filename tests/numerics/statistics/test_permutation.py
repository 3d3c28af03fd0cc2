import itertools

import numpy as np
import pytest
from nilearn.mass_univariate import permuted_ols
from scipy import ndimage, special, stats

from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.clusters import find_clusters, make_lattice
from morbids.numerics.statistics.designs import Design, one_sample, regression, two_sample
from morbids.numerics.statistics.exchange import permutation_p
from morbids.numerics.statistics.linear_model import quick_z
from morbids.numerics.statistics.permutation import (
    Measurement,
    NullMaxima,
    cluster_threshold,
    corrected_p,
    critical_value,
    find_null_maxima,
    join_pieces,
    measure_map,
)
from morbids.numerics.statistics.plan import Piece, plan_design, plan_permutations
from morbids.numerics.statistics.rearranged import largest_t, observed_t, prepare_model
from morbids.numerics.statistics.tfce import enhance

MASK = np.ones((7, 6, 5), dtype=bool)
LATTICE = make_lattice(MASK)
EVERYTHING = Measurement(("t", "tfce", "cluster_extent", "cluster_mass"), LATTICE, 2.0)


def _smooth_maps(seed: int, n_maps: int) -> FloatArray:
    rng = np.random.default_rng(seed)
    return np.stack([ndimage.gaussian_filter(rng.normal(size=MASK.shape), 1.0)[MASK] for _ in range(n_maps)])


def _t_of_means(maps: FloatArray) -> FloatArray:
    return np.asarray(stats.ttest_1samp(maps, 0).statistic)


def test_max_t_equals_nilearns_on_the_same_sign_flips() -> None:
    maps = _smooth_maps(1, 12)
    theirs = permuted_ols(
        np.ones((12, 1)), maps, model_intercept=False, n_perm=50, random_state=4, two_sided_test=True
    )
    # nilearn flips what it has flipped before, with a generator seeded from the one asked for.
    seed = np.random.RandomState(4).randint(1, np.iinfo(np.int32).max - 1)
    generator = np.random.RandomState(seed)
    signs = np.cumprod([generator.randint(2, size=12) * 2 - 1 for _ in range(50)], axis=0)
    model = prepare_model(maps, one_sample(12))
    np.testing.assert_allclose(observed_t(model), theirs["t"][0])
    ((_, portion),) = model.portions()
    mine = largest_t(portion, model.rows * signs[:, None, :], two_tailed=True)
    np.testing.assert_allclose(mine, theirs["h0_max_t"][0], rtol=1e-9)


def test_exhaustive_two_tailed_p_is_exact() -> None:
    maps = _smooth_maps(2, 6) + 0.1
    model = prepare_model(maps, one_sample(6))
    plan = plan_permutations(6, "signs", 1000, seed=0)
    null = find_null_maxima(model, plan, plan.pieces(1)[0], Measurement())
    maxima = [
        np.abs(_t_of_means(maps * np.array(signs)[:, None])).max()
        for signs in itertools.product([1, -1], repeat=6)
    ]
    t = _t_of_means(maps)
    exact = [np.mean(np.array(maxima) >= abs(value) * (1 - 1e-9)) for value in t]
    np.testing.assert_allclose(corrected_p(t, null.maxima["t"]), exact)


def test_one_tailed_exhaustive_p_is_exact() -> None:
    maps = _smooth_maps(3, 5)
    model = prepare_model(maps, one_sample(5))
    plan = plan_permutations(5, "signs", 1000, seed=0, two_tailed=False)
    null = find_null_maxima(model, plan, plan.pieces(1)[0], Measurement())
    t = _t_of_means(maps)
    maxima = [
        _t_of_means(maps * np.array(signs)[:, None]).max() for signs in itertools.product([1, -1], repeat=5)
    ]
    exact = [np.mean(np.array(maxima) >= value - 1e-9 * abs(value)) for value in t]
    np.testing.assert_allclose(corrected_p(t, null.maxima["t"], two_tailed=False), exact)


def test_exhaustive_p_of_two_groups_is_exact() -> None:
    maps = _smooth_maps(10, 7)
    second = np.array([0, 1, 0, 0, 1, 1, 0], dtype=bool)
    maxima = []
    for chosen in itertools.combinations(range(7), 3):
        group = np.isin(np.arange(7), chosen)
        maxima.append(np.abs(stats.ttest_ind(maps[group], maps[~group]).statistic).max())
    _check_exact(maps, two_sample(second), maxima)


def test_exhaustive_p_of_two_groups_with_a_variance_each_is_exact() -> None:
    """Signs of what is left around the common mean of both, weighed by variances, and Welch's statistic of them."""
    maps = _smooth_maps(10, 7)
    second = np.array([0, 1, 0, 0, 1, 1, 0], dtype=bool)
    logs = [
        np.log(maps[members].var(axis=0, ddof=1)).mean() - special.digamma(df / 2) + np.log(df / 2)
        for members, df in ((second, 2), (~second, 3))
    ]
    weights = np.exp(-np.where(second, *logs))
    residuals = maps - weights @ maps / weights.sum()
    maxima = []
    for signs in itertools.product((1, -1), repeat=7):
        flipped = np.array(signs)[:, None] * residuals
        welch = stats.ttest_ind(flipped[second], flipped[~second], equal_var=False)
        maxima.append(np.abs(quick_z(np.asarray(welch.statistic), welch.df)).max())
    _check_exact(maps, two_sample(second, equal_variances=False), maxima)


def _check_exact(maps: FloatArray, design: Design, maxima: list[float]) -> None:
    """Compare with the maxima of all rearrangements, the data as they are among them."""
    model, plan = prepare_model(maps, design), plan_design(design, 100, seed=0)
    assert plan.exhaustive
    null = find_null_maxima(model, plan, plan.pieces(1)[0], Measurement())
    p = corrected_p(observed_t(model), null.maxima["t"])
    exact = [np.mean(np.array(maxima) >= abs(t) * (1 - 1e-9)) for t in observed_t(model)]
    np.testing.assert_allclose(p, exact)


@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_any_split_gives_the_same_answer(precision: type) -> None:
    maps: FloatArray = _smooth_maps(4, 10).astype(precision)
    model = prepare_model(maps, regression(np.arange(10.0), "trait"))
    plan = plan_permutations(10, "orders", 60, seed=9)
    measurement = Measurement(EVERYTHING.statistics, LATTICE, 2.0, observed_t(model))
    whole = find_null_maxima(model, plan, plan.pieces(1)[0], measurement, threads=2)
    parts = [find_null_maxima(model, plan, piece, measurement) for piece in plan.pieces(7)]
    joined = join_pieces(parts[::-1], plan)
    for name in EVERYTHING.statistics:
        np.testing.assert_allclose(joined.maxima[name], whole.maxima[name], rtol=1e-5)
    np.testing.assert_array_equal(joined.n_at_least, whole.n_at_least)
    only_t = find_null_maxima(model, plan, plan.pieces(1)[0], Measurement())
    np.testing.assert_allclose(only_t.maxima["t"], whole.maxima["t"], rtol=1e-5)


def test_maxima_of_a_map_are_those_of_its_clusters() -> None:
    t_map = _smooth_maps(5, 1)[0] * 12
    clusters = find_clusters(t_map, LATTICE, 2.0)
    two = measure_map(t_map, EVERYTHING, two_tailed=True)
    scores = enhance(t_map, LATTICE)
    assert two == pytest.approx(
        [np.abs(t_map).max(), np.abs(scores).max(), clusters.extent.max(), clusters.mass.max()]
    )
    positive = clusters.sign > 0
    one = measure_map(t_map, EVERYTHING, two_tailed=False)
    assert one == pytest.approx(
        [t_map.max(), scores.max(), clusters.extent[positive].max(), clusters.mass[positive].max()]
    )


def test_uncorrected_p_of_permutations_agrees_with_students() -> None:
    maps = np.random.default_rng(6).normal(size=(20, MASK.sum()))
    model = prepare_model(maps, two_sample(np.arange(20) < 10))
    plan = plan_permutations(20, "orders", 1500, seed=1)
    t = observed_t(model)
    null = find_null_maxima(model, plan, plan.pieces(1)[0], Measurement(observed=t))
    p = permutation_p(null.n_at_least, plan.n_rearrangements)
    np.testing.assert_allclose(p, 2 * stats.t.sf(np.abs(t), 18), atol=0.06)


@pytest.mark.parametrize("kind", ["one sample", "two samples", "Welch", "regression", "covariate"])
def test_family_wise_error_is_kept(kind: str) -> None:
    rng = np.random.default_rng(7)
    n_maps, n_runs, alpha = 9, 250, 0.1
    first = []
    for run in range(n_runs):
        second = np.arange(n_maps) < 4
        spread = np.where(second, 3.0, 1.0)[:, None] if kind == "one sample" else 1.0
        age = rng.normal(size=n_maps)
        maps: FloatArray = rng.normal(size=(n_maps, 25)) * spread
        design = {
            "one sample": lambda: one_sample(n_maps),
            "two samples": lambda: two_sample(second),  # noqa: B023
            "Welch": lambda: two_sample(second, equal_variances=False),  # noqa: B023
            "regression": lambda: regression(age, "age"),  # noqa: B023
            "covariate": lambda: regression(rng.normal(size=n_maps) + age, "trait", {"age": age}),  # noqa: B023
        }[kind]()
        if kind == "covariate":
            maps += 3 * age[:, None]
        model = prepare_model(maps, design)
        plan = plan_design(design, 99, seed=run)
        null = find_null_maxima(model, plan, plan.pieces(1)[0], Measurement())
        first.append(corrected_p(observed_t(model), null.maxima["t"]).min())
    error = np.mean(np.array(first) <= alpha)
    # Three standard errors of 250 runs.
    assert error == pytest.approx(alpha, abs=3 * np.sqrt(alpha * (1 - alpha) / n_runs))


def test_p_of_a_single_voxel_is_uniform() -> None:
    p = []
    for run in range(300):
        maps = np.random.default_rng(run).laplace(size=(10, 1))
        model = prepare_model(maps, one_sample(10))
        plan = plan_permutations(10, "signs", 1000, seed=0)
        null = find_null_maxima(model, plan, plan.pieces(1)[0], Measurement())
        p.append(corrected_p(observed_t(model), null.maxima["t"])[0])
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_critical_value_is_where_p_crosses_alpha() -> None:
    null = np.random.default_rng(8).normal(4, 0.5, size=999)
    critical = critical_value(null, 0.05)
    assert corrected_p(np.array(critical), null) <= 0.05
    assert corrected_p(np.array(critical * 0.9999), null) > 0.05
    assert critical_value(null[:10], 0.05) == np.inf
    assert critical_value(null[:10], 1.0) == 0


def test_nan_stays_nan_and_ties_count() -> None:
    p = corrected_p(np.array([np.nan, 3.0, -3.0, 3.0 * (1 + 1e-7)]), np.array([1.0, 3.0, 2.0]))
    assert np.isnan(p[0])
    assert p[1:].tolist() == [0.5, 0.5, 0.5]


def test_cluster_threshold_of_18_participants() -> None:
    assert cluster_threshold(0.001, 17) == pytest.approx(3.965, abs=1e-3)
    assert cluster_threshold(0.0005, 17, two_tailed=False) == pytest.approx(3.965, abs=1e-3)


def test_refusals() -> None:
    plan = plan_permutations(9, "signs", 100, seed=0)
    part = NullMaxima(Piece(0, 50), {"t": np.zeros(50)}, np.zeros(0, dtype=int))
    with pytest.raises(MorbidsError, match="Permutations 50 to 100 are missing"):
        join_pieces([part], plan)
    with pytest.raises(MorbidsError, match="Permutations 50 to 0 do not join"):
        join_pieces([part, part], plan)
    with pytest.raises(MorbidsError, match="which voxels are neighbours"):
        Measurement(("tfce",))
    with pytest.raises(MorbidsError, match="threshold that forms them"):
        Measurement(("cluster_mass",), LATTICE)
    with pytest.raises(MorbidsError, match="cluster-forming p is 3"):
        cluster_threshold(3.0, 17)
