import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.anova import AnovaRM

from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.designs import Design, fit_design, keep_rows, make_design, split_by_contrast
from morbids.numerics.statistics.f_test import quick_z_of_f
from morbids.numerics.statistics.factorial import (
    differences_of,
    groups_by_conditions,
    interaction_within,
    repeated_measures,
)
from morbids.numerics.statistics.influence import leave_each_out, measure_influence
from morbids.numerics.statistics.permutation import (
    Measurement,
    cluster_threshold,
    corrected_p,
    find_null_maxima,
)
from morbids.numerics.statistics.plan import plan_design
from morbids.numerics.statistics.rearranged import observed_t, prepare_model

RNG = np.random.default_rng(11)
GROUPS = np.array(list("aaabbbbcc"))


def one_way(groups: Any = GROUPS, covariate: FloatArray | None = None) -> Design:
    columns = {name: (groups == name).astype(float) for name in np.unique(groups)}
    weights = differences_of(list(columns))
    return make_design(columns | ({} if covariate is None else {"age": covariate}), weights)


def long_table(values: FloatArray, factors: dict[str, Any]) -> pd.DataFrame:
    """One region's values, participant by participant, with the factors of each row."""
    n_each = len(next(iter(factors.values())))
    n_people = len(values) // n_each
    columns = {name: np.tile(levels, n_people) for name, levels in factors.items()}
    return pd.DataFrame({"y": values, "who": np.repeat(np.arange(n_people), n_each), **columns})


def test_one_way_f_is_that_of_scipy() -> None:
    maps = RNG.normal(size=(9, 5))
    fit = fit_design(maps, one_way())
    reference = stats.f_oneway(*(maps[name == GROUPS] for name in "abc"))
    np.testing.assert_allclose(fit.f, reference.statistic, rtol=1e-10)
    np.testing.assert_allclose(fit.p, reference.pvalue, rtol=1e-9)
    np.testing.assert_allclose(fit.z, stats.norm.isf(reference.pvalue), rtol=1e-9)
    assert np.isnan(fit.t).all()
    assert np.isnan(fit.effect).all()


def test_f_beside_covariates_is_that_of_statsmodels() -> None:
    maps, age = RNG.normal(size=(9, 4)), RNG.normal(size=9)
    design = one_way(covariate=age)
    fit = fit_design(maps, design)
    for voxel in range(4):
        reference = sm.OLS(maps[:, voxel], design.matrix).fit().f_test(design.contrast)
        assert fit.f[voxel] == pytest.approx(float(reference.fvalue), rel=1e-9)
        assert fit.p[voxel] == pytest.approx(float(reference.pvalue), rel=1e-9)


def test_f_of_one_contrast_is_t_squared() -> None:
    maps = RNG.normal(size=(9, 4))
    columns = dict(zip(("intercept", "x"), (np.ones(9), RNG.normal(size=9)), strict=True))
    of_t, of_f = (make_design(columns, weights) for weights in ({"x": 1.0}, [{"x": 1.0}]))
    np.testing.assert_allclose(fit_design(maps, of_f).f, fit_design(maps, of_t).t ** 2, rtol=1e-9)
    np.testing.assert_allclose(fit_design(maps, of_f).p, fit_design(maps, of_t).p, rtol=1e-9)
    np.testing.assert_allclose(fit_design(maps, of_f).r_squared, fit_design(maps, of_t).r_squared, rtol=1e-9)


def test_repeated_measures_are_those_of_statsmodels() -> None:
    factors = {"condition": ["a", "b", "c"]}
    maps = RNG.normal(size=(6 * 3, 3)) + np.repeat(RNG.normal(size=6), 3)[:, None]
    fit = fit_design(maps, repeated_measures(6, factors["condition"]))
    for voxel in range(3):
        table = (
            AnovaRM(long_table(maps[:, voxel], factors), "y", "who", within=["condition"]).fit().anova_table
        )
        assert fit.f[voxel] == pytest.approx(table["F Value"].iloc[0], rel=1e-9)
        assert fit.p[voxel] == pytest.approx(table["Pr > F"].iloc[0], rel=1e-9)


def test_interaction_within_participants_is_that_of_statsmodels() -> None:
    one, two = list("abc"), list("xy")
    factors = {"one": np.repeat(one, 2), "two": np.tile(two, 3)}
    maps = RNG.normal(size=(5 * 6, 2))
    fit = fit_design(maps, interaction_within(5, one, two))
    for voxel in range(2):
        table = (
            AnovaRM(long_table(maps[:, voxel], factors), "y", "who", within=["one", "two"]).fit().anova_table
        )
        assert fit.f[voxel] == pytest.approx(table.loc["one:two", "F Value"], rel=1e-9)


def test_groups_by_two_conditions_are_groups_of_differences() -> None:
    maps = RNG.normal(size=(18, 4))
    fit = fit_design(maps, groups_by_conditions(list(GROUPS), ["early", "late"]))
    change = maps[::2] - maps[1::2]
    reference = stats.f_oneway(*(change[name == GROUPS] for name in "abc"))
    np.testing.assert_allclose(fit.f, reference.statistic, rtol=1e-9)


@pytest.mark.parametrize(
    ("design", "exchange"),
    [
        (one_way(np.array(list("aabbcc"))), "orders"),
        (one_way(np.array(list("aabbcc")), np.arange(6.0) ** 2), "orders"),
        (repeated_measures(6, ["a", "b", "c"]), "signs"),
        (interaction_within(5, ["a", "b"], ["x", "y", "z"]), "signs"),
        (groups_by_conditions(list("aabbcc"), ["x", "y", "z"]), "orders"),
    ],
)
def test_permutation_f_is_that_of_refitting_every_rearrangement(design: Design, exchange: str) -> None:
    assert design.exchange == exchange
    maps = RNG.normal(size=(len(design.matrix), 2))
    model = prepare_model(maps, design)
    plan = plan_design(design, 5000, seed=0)
    assert plan.exhaustive
    null = find_null_maxima(model, plan, plan.pieces(1)[0], Measurement())
    null_model = split_by_contrast(design.matrix, design.contrast)[1]
    residuals = maps - null_model @ (null_model.T @ maps)
    by_hand = [fit_design(moved, design).f.max() for moved in every_rearrangement(residuals, design)]
    observed = fit_design(maps, design).f
    np.testing.assert_allclose(observed_t(model), observed, rtol=1e-7)
    p = corrected_p(observed, null.maxima["t"])
    expected = [np.mean(np.array(by_hand) >= value * (1 - 1e-9)) for value in observed]
    np.testing.assert_allclose(p, expected, rtol=1e-9)


def every_rearrangement(maps: FloatArray, design: Design) -> Iterator[FloatArray]:
    """All sign flips, or all orders, of whole participants."""
    n = design.n_movable
    own = maps.reshape(n, -1, maps.shape[1])
    if design.exchange == "signs":
        for signs in itertools.product([1.0, -1.0], repeat=n):
            yield (own * np.array(signs)[:, None, None]).reshape(maps.shape)
    else:
        for order in itertools.permutations(range(n)):
            yield own[list(order)].reshape(maps.shape)


def test_the_smallest_p_counts_what_must_tie() -> None:
    # Three groups of two: 720 orders, of which 2! 2! 2! keep the groups and 3! exchange their labels.
    assert plan_design(one_way(np.array(list("aabbcc"))), 5000, seed=0).smallest_p == pytest.approx(48 / 720)
    assert plan_design(repeated_measures(6, list("abc")), 5000, seed=0).smallest_p == pytest.approx(1 / 32)
    # Opposite effects of two groups in three conditions have one F; so has each order within a group.
    both = groups_by_conditions(list("aaabb"), list("xyz"))
    assert plan_design(both, 5000, seed=0).smallest_p == pytest.approx(12 / 120)


@pytest.mark.parametrize("exchange", ["orders", "signs"])
def test_the_largest_f_holds_its_level(exchange: str) -> None:
    """300 null studies of 20 voxels: unequal variances of the conditions are no sphericity, and flips need none."""
    rng = np.random.default_rng(5)
    groups = np.array(list("aaaabbbbcccc"))
    design = one_way(groups) if exchange == "orders" else repeated_measures(9, list("abc"))
    spread = np.ones(12) if exchange == "orders" else np.tile([0.3, 1.0, 2.0], 9)
    plan = plan_design(design, 99, seed=0)
    found = 0
    for _ in range(300):
        maps = rng.normal(size=(len(design.matrix), 20)) * spread[:, None]
        model = prepare_model(maps, design)
        null = find_null_maxima(model, plan, plan.pieces(1)[0], Measurement())
        found += bool(corrected_p(observed_t(model).max(), null.maxima["t"]) <= 0.05)
    # Three standard errors of .05 in 300.
    assert found / 300 <= 0.05 + 0.038


def test_z_of_f_is_near_the_exact_one() -> None:
    f = np.array([0.5, 1.0, 3.0, 10.0, 30.0])
    for n_tested, df in ((2, 10), (3, 40)):
        exact = stats.norm.isf(stats.f.sf(f, n_tested, df))
        np.testing.assert_allclose(quick_z_of_f(f, n_tested, df), exact, rtol=0.03, atol=0.02)


def test_clusters_of_f_form_at_its_upper_tail() -> None:
    assert cluster_threshold(0.001, 20, n_tested=2) == pytest.approx(stats.f.isf(0.001, 2, 20))
    assert cluster_threshold(0.001, np.inf, n_tested=2) == pytest.approx(stats.norm.isf(0.001))


def test_influence_of_several_contrasts_is_measured_as_of_one() -> None:
    maps, x = RNG.normal(size=(9, 6)), RNG.normal(size=9)
    columns = {"intercept": np.ones(9), "x": x}
    of_t, of_f = (make_design(columns, weights) for weights in ({"x": 1.0}, [{"x": 1.0}]))
    one, two = (measure_influence(maps, design).effect_change for design in (of_t, of_f))
    np.testing.assert_allclose(one, two)
    np.testing.assert_allclose(leave_each_out(maps, of_f).t, leave_each_out(maps, of_t).t ** 2)


def test_a_participant_who_leaves_takes_the_column_along() -> None:
    design = repeated_measures(4, ["a", "b"])
    kept = keep_rows(design, np.arange(8) >= 2)
    assert kept.columns == ("participant 2", "participant 3", "participant 4", "b")
    assert kept.blocks == (0, 0, 1, 1, 2, 2)
    assert kept.contrast.shape == (1, 4)


def test_f_contrasts_that_repeat_each_other_are_refused() -> None:
    columns = {name: np.equal(GROUPS, name).astype(float) for name in "abc"}
    rows = [{"a": 1.0, "b": -1.0}, {"b": 1.0, "c": -1.0}, {"a": 1.0, "c": -1.0}]
    with pytest.raises(MorbidsError, match="3 rows of the F contrast depend on each other"):
        make_design(columns, rows)
    with pytest.raises(MorbidsError, match="1 level: a"):
        repeated_measures(4, ["a"])
