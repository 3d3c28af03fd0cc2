import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from morbids.errors import MorbidsError
from morbids.numerics.statistics.linear_model import (
    fit_linear_model,
    quick_z,
    small_sample_correction,
    two_tailed_p,
    voxel_blocks,
    z_from_t,
)


def test_equals_statsmodels_for_a_contrast_of_covariates() -> None:
    rng = np.random.default_rng(1)
    design = np.column_stack([np.ones(18), rng.normal(size=(18, 3))])
    maps = rng.normal(size=(18, 40)) + design @ rng.normal(size=(4, 40))
    contrast = np.array([0.0, 1.0, -1.0, 0.0])
    fit = fit_linear_model(maps, design, contrast)
    for voxel in range(40):
        reference = sm.OLS(maps[:, voxel], design).fit()
        test = reference.t_test(contrast)
        reduced = sm.OLS(
            maps[:, voxel], np.column_stack([design[:, [0, 3]], design[:, 1] + design[:, 2]])
        ).fit()
        assert fit.effect[voxel] == pytest.approx(float(test.effect[0]), rel=1e-6)
        assert fit.t[voxel] == pytest.approx(float(test.tvalue[0, 0]), rel=1e-6)
        assert fit.p[voxel] == pytest.approx(float(test.pvalue), rel=1e-6)
        assert fit.standard_error[voxel] == pytest.approx(float(test.sd[0, 0]), rel=1e-6)
        assert fit.df[voxel] == reference.df_resid
        assert fit.r_squared[voxel] == pytest.approx(1 - reference.ssr / reduced.ssr, rel=1e-6)


def test_one_sample_effect_size_is_the_mean_in_standard_deviations() -> None:
    values = np.array([[1.0], [2.0], [4.0], [3.0], [5.0]])
    fit = fit_linear_model(values, np.ones((5, 1)), np.ones(1))
    assert fit.effect[0] == pytest.approx(3)
    # Hedges' approximate correction 1 - 3 / (4 df - 1) agrees with the exact one to a percent.
    assert fit.hedges_g[0] == pytest.approx(3 / np.std(values, ddof=1) * (1 - 3 / 15), rel=0.01)


def test_opposite_maps_give_opposite_statistics() -> None:
    maps = np.random.default_rng(3).normal(size=(8, 20))
    design = np.ones((8, 1))
    forward, backward = (fit_linear_model(sign * maps, design, np.ones(1)) for sign in (1, -1))
    np.testing.assert_allclose(forward.t, -backward.t)
    np.testing.assert_allclose(forward.z, -backward.z)
    np.testing.assert_allclose(forward.p, backward.p)


def test_blocks_of_voxels_do_not_show() -> None:
    rng = np.random.default_rng(4)
    few = rng.normal(size=(4, 7)).astype(np.float32)
    many = np.tile(few, (1, 170_000))
    assert len(list(voxel_blocks(many))) == 2
    fit = fit_linear_model(many, np.ones((4, 1)), np.ones(1))
    np.testing.assert_allclose(fit.t[-7:], fit.t[:7], rtol=1e-12)
    np.testing.assert_allclose(fit.t[:7], stats.ttest_1samp(few.astype(float), 0).statistic)


def test_voxels_without_data_or_without_variance_are_nan() -> None:
    maps = np.random.default_rng(5).normal(size=(6, 4))
    maps[2, 0], maps[3, 1], maps[:, 2] = np.nan, np.inf, 0.1
    fit = fit_linear_model(maps, np.ones((6, 1)), np.ones(1))
    for values in fit[:3] + fit[4:]:
        np.testing.assert_array_equal(np.isnan(values), [True, True, True, False])


def test_z_has_the_tail_area_of_t_and_continues_beyond_the_smallest_number() -> None:
    t = np.array([-2.0, 0.0, 3.965])
    np.testing.assert_allclose(stats.norm.cdf(z_from_t(t, 17)), stats.t.cdf(t, 17), rtol=1e-9)
    assert two_tailed_p(np.array(3.966), 17) < 0.001 < two_tailed_p(np.array(3.965), 17)
    far = z_from_t(np.array([45.0, 46.0, 60.0, 80.0]), 1e4)
    assert np.all(np.diff(far) > 0)
    assert np.all(np.isfinite(far))
    # 1e-299 and 1e-301 lie on either side of the change of formula.
    t_edge = stats.t.isf(np.array([1e-299]), 200)
    assert z_from_t(t_edge, 200) == pytest.approx(z_from_t(t_edge * 1.03, 200), rel=0.02)


def test_no_small_sample_correction_for_one_degree_of_freedom() -> None:
    assert np.isnan(small_sample_correction(1))
    assert small_sample_correction(17) == pytest.approx(1 - 3 / (4 * 17 - 1), rel=1e-3)


@pytest.mark.parametrize(
    ("design", "contrast", "message"),
    [
        (
            np.column_stack([np.ones(6), np.full(6, 3.0)]),
            [0, 1],
            "the columns 'intercept', 'resiliency' depend",
        ),
        (np.column_stack([np.ones(6), np.zeros(6)]), [0, 1], "the columns 'resiliency' depend"),
        (np.column_stack([np.ones(6), np.arange(6)]), [0, 0], "All weights of the contrast are zero"),
        (np.column_stack([np.ones(6), np.arange(6)]), [1], "1 weights but the design has 2 columns"),
        (np.column_stack([np.ones(2), np.arange(2)]), [0, 1], "2 maps cannot estimate 2 columns"),
        (np.ones((5, 1)), [1], "There are 6 maps but 5 rows|There are 2 maps"),
    ],
)
def test_refuses_designs_that_cannot_be_estimated(
    design: np.ndarray, contrast: list[float], message: str
) -> None:
    maps = np.random.default_rng(6).normal(size=(2 if len(design) == 2 else 6, 3))
    with pytest.raises(MorbidsError, match=message):
        fit_linear_model(maps, design, np.array(contrast), column_names=["intercept", "resiliency"])


def test_the_quick_deviate_rises_with_t_and_is_near_the_exact_one() -> None:
    t = np.linspace(-12, 12, 201)
    for df, bound in ((2.0, 0.04), (5.0, 0.012), (20.0, 0.002)):
        quick = quick_z(t, df)
        assert np.all(np.diff(quick) > 0)
        np.testing.assert_allclose(quick, z_from_t(t, df), rtol=bound, atol=1e-9)
