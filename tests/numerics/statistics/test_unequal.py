"""Two groups with a variance each."""

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.stats.weightstats import ttest_ind

from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.designs import fit_design, two_sample
from morbids.numerics.statistics.linear_model import quick_z
from morbids.numerics.statistics.permutation import Measurement, corrected_p, find_null_maxima
from morbids.numerics.statistics.plan import plan_design
from morbids.numerics.statistics.rearranged import make_t_maps, observed_t, prepare_model
from morbids.numerics.statistics.unequal import (
    can_estimate_both,
    fit_unequal_variances,
    measure_ratio,
    weigh_maps,
)

RNG = np.random.default_rng(2)
SECOND = np.arange(15) >= 6
MAPS = RNG.normal(size=(15, 30)) * np.where(SECOND, 4, 1)[:, None]
AGE = RNG.normal(size=15)


def test_without_covariates_it_is_welch() -> None:
    fit = fit_design(MAPS, two_sample(SECOND, equal_variances=False))
    t, p, df = ttest_ind(MAPS[SECOND], MAPS[~SECOND], usevar="unequal")
    np.testing.assert_allclose(fit.t, t, rtol=1e-6)
    np.testing.assert_allclose(fit.p, p, rtol=1e-6)
    np.testing.assert_allclose(fit.df, df, rtol=1e-6)


def test_with_covariates_effect_and_variance_are_those_of_their_definition() -> None:
    design = two_sample(SECOND, {"age": AGE}, equal_variances=False)
    fit = fit_design(MAPS, design)
    hat = design.matrix @ np.linalg.pinv(design.matrix)
    weights = np.linalg.pinv(design.matrix).T @ design.contrast
    for voxel in range(3):
        model = sm.OLS(MAPS[:, voxel], design.matrix).fit()
        assert fit.effect[voxel] == pytest.approx(float(model.t_test(design.contrast).effect[0]), rel=1e-9)
        shares, df = [], []
        for rows in (~SECOND, SECOND):
            df.append(np.sum(1 - np.diag(hat)[rows]))
            shares.append(np.sum(model.resid[rows] ** 2) / df[-1] * np.sum(weights[rows] ** 2))
        assert fit.variance[voxel] == pytest.approx(sum(shares), rel=1e-9)
        satterthwaite = sum(shares) ** 2 / sum(share**2 / one for share, one in zip(shares, df, strict=True))
        assert fit.df[voxel] == pytest.approx(satterthwaite, rel=1e-9)


def test_a_covariate_that_explains_all_that_differs_takes_the_effect_away() -> None:
    maps = np.outer(AGE, np.ones(20)) + 0.01 * RNG.normal(size=(15, 20))
    fit = fit_design(maps, two_sample(SECOND, {"age": AGE}, equal_variances=False))
    assert np.abs(fit.effect).max() < 0.05


def test_maxima_are_of_z_at_the_degrees_of_freedom_of_each_voxel() -> None:
    for covariates in (None, {"age": AGE}):
        design = two_sample(SECOND, covariates, equal_variances=False)
        fit = fit_design(MAPS, design)
        expected = quick_z(fit.t, fit.df)
        np.testing.assert_allclose(observed_t(prepare_model(MAPS, design)), expected, rtol=1e-8)
        single = observed_t(prepare_model(MAPS.astype(np.float32), design))
        np.testing.assert_allclose(single, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("sd", [0.5, 3.0])
def test_weights_are_those_of_the_ratio_of_variances_whatever_the_voxels(sd: float) -> None:
    """Small groups: the mean of the logarithms of their variances alone would be low by a factor of two."""
    rng, second = np.random.default_rng(6), np.arange(18) >= 4
    maps = rng.normal(size=(18, 20_000)) * np.where(second, 1, sd)[:, None] * rng.uniform(0.1, 5, 20_000)
    maps[:, ::50] = np.nan
    design = two_sample(second, {"age": rng.normal(size=18)}, equal_variances=False)
    weights = weigh_maps(maps, design.matrix, second)
    assert weights[second].tolist() == [1.0] * 14
    np.testing.assert_allclose(weights[~second], sd**-2, rtol=0.15)
    assert weigh_maps(np.ones((18, 3)), design.matrix, second).tolist() == [1.0] * 18


@pytest.mark.parametrize(("halves", "spread"), [((2.0, 2.0), 0.0), ((0.5, 2.0), np.log(2.0))])
def test_the_spread_of_the_ratio_is_that_beyond_estimation(
    halves: tuple[float, float], spread: float
) -> None:
    second, rng = np.arange(18) >= 4, np.random.default_rng(8)
    maps = rng.normal(size=(18, 20_000)) * np.where(second[:, None], 1, np.repeat(halves, 10_000))
    ratio = measure_ratio(maps, two_sample(second).matrix, second)
    assert ratio.first_over_second == pytest.approx(np.sqrt(np.prod(halves)), rel=0.03)
    assert ratio.spread == pytest.approx(spread, abs=0.08)


@pytest.mark.parametrize("covariates", [None, {"age": AGE}])
def test_maxima_over_a_brain_are_of_generalised_least_squares(
    covariates: dict[str, FloatArray] | None,
) -> None:
    design = two_sample(SECOND, covariates, equal_variances=False)
    weights = weigh_maps(MAPS, design.matrix, SECOND)
    model = prepare_model(MAPS, design, one_ratio=True)
    signs = np.where(np.arange(15) % 3 == 0, -1.0, 1.0)
    null = sm.WLS(MAPS[:, 7], np.column_stack([np.ones(15), design.matrix[:, 2:]]), weights).fit()
    for rows, values in ((model.rows, MAPS[:, 7]), (model.rows * signs, null.resid * signs)):
        fit = sm.WLS(values, design.matrix, weights).fit().t_test(design.contrast)
        expected = quick_z(np.ravel(fit.tvalue), 15 - design.matrix.shape[1])
        assert make_t_maps(model, rows[None])[0, 7] == pytest.approx(expected[0], rel=1e-8)


@pytest.mark.parametrize("one_ratio", [True, False])
@pytest.mark.parametrize(("n_first", "sd"), [(4, 0.5), (4, 2.5), (7, 2.5)])
def test_noise_keeps_its_level_in_small_groups_of_any_variance(
    n_first: int, sd: float, one_ratio: bool
) -> None:
    """Orders would exchange errors of one variance with those of another."""
    second = np.arange(15) >= n_first
    design = two_sample(second, equal_variances=False)
    plan = plan_design(design, 199, seed=1)
    rng = np.random.default_rng(5)
    p = []
    for _ in range(100):
        maps = rng.normal(size=(15, 60)) * np.where(second, 1, sd)[:, None]
        model = prepare_model(maps.astype(np.float32), design, one_ratio=one_ratio)
        null = find_null_maxima(model, plan, plan.pieces(1)[0], Measurement())
        p.append(corrected_p(observed_t(model), null.maxima["t"]).min())
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / 100)


def test_refuses_a_group_without_a_variance() -> None:
    second = np.array([False, False, False, True])
    matrix = np.column_stack([~second, second]).astype(float)
    with pytest.raises(MorbidsError, match="groups have 3 and 1 maps"):
        fit_unequal_variances(np.eye(4), matrix, np.array([-1.0, 1.0]), second)
    with pytest.raises(MorbidsError, match="There are 4 maps but 3 rows in the design"):
        fit_unequal_variances(np.eye(4), matrix[:3], np.array([-1.0, 1.0]), second[:3])
    # Two maps in a group, and a covariate that only they have: nothing is left of their variance.
    second = np.arange(6) > 3
    own = np.column_stack([~second, second, [0, 0, 0, 0, 1, -1]]).astype(float)
    assert not can_estimate_both(own, second)
    assert can_estimate_both(own[:, :2], second)
    with pytest.raises(MorbidsError, match=r"leaves 3\.0 and 0\.0 degrees of freedom"):
        fit_unequal_variances(np.eye(6), own, np.array([-1.0, 1.0, 0.0]), second)
