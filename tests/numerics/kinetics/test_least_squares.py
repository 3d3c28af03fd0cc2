"""The kernel against dense algebra, target by target, and against statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm

from morbids.errors import MorbidsError
from morbids.numerics.kinetics.least_squares import fit_linear, regression_points
from tests.numerics.kinetics.protocol import FRAMES


def test_agrees_with_statsmodels() -> None:
    rng = np.random.default_rng(1)
    own, other = rng.normal(size=(2, 20, 5))
    shared = rng.normal(size=(20, 1))
    response = rng.normal(size=(20, 5)) + 3 * own
    weight = rng.uniform(0.1, 2.0, 20)
    weight /= weight.mean()
    fit = fit_linear([own, shared, other], response, weight)
    for k in range(5):
        design = np.column_stack([own[:, k], shared[:, 0], other[:, k]])
        expected = sm.WLS(response[:, k], design, weights=weight).fit()
        np.testing.assert_allclose(fit.coefficients[:, k], expected.params)
        np.testing.assert_allclose(fit.covariance[:, :, k], expected.cov_params(), rtol=1e-9, atol=1e-12)
        gradient = [1.0, -2.0, 0.5]
        assert fit.standard_error(gradient)[k] == pytest.approx(expected.t_test(gradient).sd.item())
        residual = expected.resid
        centred = response[:, k] - np.average(response[:, k], weights=weight)
        assert fit.r_squared[k] == pytest.approx(
            1 - (weight * residual**2).sum() / (weight * centred**2).sum()
        )


def test_a_short_gradient_leaves_later_coefficients_out() -> None:
    rng = np.random.default_rng(2)
    fit = fit_linear([rng.normal(size=(9, 3)) for _ in range(3)], rng.normal(size=(9, 3)), np.ones(9))
    np.testing.assert_allclose(fit.standard_error([2.0]), fit.standard_error([2.0, 0.0, 0.0]))


def test_regressors_that_cannot_be_told_apart_give_nan_in_their_target_only() -> None:
    rng = np.random.default_rng(3)
    first = rng.normal(size=(12, 3))
    second = rng.normal(size=(12, 3))
    second[:, 1] = 2 * first[:, 1]
    fit = fit_linear([first, second], rng.normal(size=(12, 3)), np.ones(12))
    assert np.isnan(fit.coefficients).any(axis=0).tolist() == [False, True, False]


def test_nan_and_zero_targets_stay_alone() -> None:
    rng = np.random.default_rng(4)
    response = rng.normal(size=(12, 3))
    regressor = response + rng.normal(size=(12, 3))
    regressor[:, 0] = 0.0
    regressor[3, 1] = np.nan
    fit = fit_linear([regressor], response, np.ones(12))
    assert np.isnan(fit.coefficients[0]).tolist() == [True, True, False]


def test_no_degree_of_freedom_gives_coefficients_without_errors() -> None:
    fit = fit_linear([np.eye(2)[:, :1], np.eye(2)[:, 1:]], np.array([[3.0], [4.0]]), np.ones(2))
    np.testing.assert_allclose(fit.coefficients[:, 0], [3.0, 4.0])
    assert np.isnan(fit.standard_error([1.0])).all()


def test_points_leave_out_frames_of_no_weight_and_scale_weights() -> None:
    weight = np.ones(FRAMES.n_frames)
    weight[-1] = 0.0
    chosen = regression_points(FRAMES, 2, points=FRAMES.mid_min > 50, inverse_variance=weight * 7)
    np.testing.assert_array_equal(np.arange(FRAMES.n_frames)[chosen.rows], [17, 18, 19])
    np.testing.assert_allclose(chosen.weight, 1.0)
    # The noise of a frame that is not fitted is still in later integrals: never infinite.
    assert np.isfinite(chosen.frame_variance).all()


def test_too_few_points_are_an_error() -> None:
    with pytest.raises(MorbidsError, match="Only 1 frames are left to fit 2 parameters"):
        regression_points(FRAMES, 2, points=FRAMES.mid_min > 80)


def test_points_that_do_not_follow_each_other_are_kept_apart() -> None:
    apart = FRAMES.mid_min > 50
    apart[18] = False
    chosen = regression_points(FRAMES, 2, points=apart)
    np.testing.assert_array_equal(np.arange(FRAMES.n_frames)[chosen.rows], [17, 19, 20])
