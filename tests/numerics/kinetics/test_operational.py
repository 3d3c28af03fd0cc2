"""The compiled regression against dense algebra, target by target."""

import numpy as np
import pytest

from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray
from morbids.numerics.kinetics.integrals import integral_matrix
from morbids.numerics.kinetics.operational import LANES, fit_operational
from morbids.numerics.tracer import simulate_curves
from tests.numerics.kinetics.protocol import FRAMES, WEIGHT, between, with_noise

CURVES = simulate_curves(FRAMES, np.array([1.6]), kinetics="one_tissue")
INTEGRATE = integral_matrix(FRAMES)
SHARED = np.column_stack([INTEGRATE @ CURVES.reference, CURVES.reference])
LATE = between(10, 90)


def expect(curve: FloatArray, *, divided: bool) -> tuple[FloatArray, FloatArray, float]:
    """Coefficients, covariance and R2 of one late fit, from whole matrices."""
    weight = np.diag(WEIGHT[LATE] / WEIGHT[LATE].mean())
    noise = np.diag(WEIGHT[LATE].mean() / WEIGHT)
    design, response = np.column_stack([SHARED, INTEGRATE @ curve]), curve
    factor = np.ones(LATE.sum())
    if divided:
        design, response = np.column_stack([SHARED, curve]), INTEGRATE @ curve
        factor = 1 / curve[LATE]
    x, y = factor[:, None] * design[LATE], factor * response[LATE]
    inverse = np.linalg.inv(x.T @ weight @ x)
    found = inverse @ x.T @ weight @ y
    loss = -1 / found[-1] if divided else -found[-1]
    reach = factor[:, None] * (np.eye(FRAMES.n_frames) + loss * INTEGRATE)[LATE]
    residual_maker = np.eye(len(y)) - x @ inverse @ x.T @ weight
    residual = residual_maker @ y
    # What is left of the noise, without the second-order share of the coefficients in it.
    spread = reach @ noise @ reach.T
    expected = np.trace(weight @ spread) - np.trace(inverse @ x.T @ weight @ spread @ weight @ x)
    size = residual @ weight @ residual / expected
    moved = inverse @ x.T @ weight @ reach
    centred = y - np.average(y, weights=np.diag(weight))
    return (
        found,
        size * moved @ noise @ moved.T,
        1 - (residual @ weight @ residual) / (centred @ weight @ centred),
    )


@pytest.mark.parametrize("divided", [False, True])
def test_agrees_with_dense_algebra_also_in_a_half_filled_tile(divided: bool) -> None:
    noisy = with_noise(CURVES.target[:, 0], 0.03, LANES + 3)
    fit = fit_operational(noisy, SHARED, FRAMES, divided=divided, points=LATE, inverse_variance=WEIGHT)
    for target in (0, LANES - 1, LANES, LANES + 2):
        found, covariance, r_squared = expect(noisy[:, target], divided=divided)
        np.testing.assert_allclose(fit.coefficients[:, target], found, rtol=1e-7)
        np.testing.assert_allclose(fit.covariance[:, :, target], covariance, rtol=1e-6)
        assert fit.r_squared[target] == pytest.approx(r_squared, rel=1e-9)


def test_a_curve_that_cannot_be_fitted_leaves_its_neighbours_alone() -> None:
    noisy = with_noise(CURVES.target[:, 0], 0.03, 5)
    alone = fit_operational(noisy[:, [4]], SHARED, FRAMES, divided=True, points=LATE)
    noisy[15, 1], noisy[15, 2], noisy[:, 3] = -1.0, np.nan, 0.0
    fit = fit_operational(noisy, SHARED, FRAMES, divided=True, points=LATE)
    assert np.isnan(fit.coefficients[0]).tolist() == [False, True, True, True, False]
    np.testing.assert_array_equal(fit.coefficients[:, 4], alone.coefficients[:, 0])


def test_single_precision_curves_are_computed_in_double() -> None:
    noisy = with_noise(CURVES.target[:, 0], 0.03, 5).astype(np.float32)
    found = fit_operational(noisy, SHARED, FRAMES)
    np.testing.assert_array_equal(
        found.coefficients, fit_operational(noisy.astype(float), SHARED, FRAMES).coefficients
    )


def test_no_degree_of_freedom_gives_coefficients_without_errors() -> None:
    points = np.arange(FRAMES.n_frames) >= FRAMES.n_frames - 3
    fit = fit_operational(CURVES.target, SHARED, FRAMES, points=points)
    assert np.isfinite(fit.coefficients).all()
    assert np.isnan(fit.covariance).all()


def test_fewer_points_than_coefficients_are_refused() -> None:
    points = np.arange(FRAMES.n_frames) >= FRAMES.n_frames - 2
    with pytest.raises(MorbidsError, match="Only 2 frames are left to fit 3 parameters"):
        fit_operational(CURVES.target, SHARED, FRAMES, points=points)
