"""The step with k2' given: known changes, the general fit that it compiles, and its errors."""

import numpy as np
import pytest

from morbids.errors import MorbidsError
from morbids.numerics.kinetics.displacement import fit_step_change
from morbids.numerics.kinetics.integrals import sample_frames
from morbids.numerics.kinetics.least_squares import fit_linear, regression_points
from morbids.numerics.kinetics.propagation import with_integrated_noise
from morbids.numerics.kinetics.responses import step_response
from morbids.numerics.kinetics.step import StepFit, fit_step_change2
from morbids.numerics.tracer import Release, Schedule, simulate_curves
from tests.numerics.kinetics.protocol import FRAMES, K2_PRIME, WEIGHT, between, with_noise

BP_ND = np.array([0.5, 1.6, 3.0])
STEP = Release(45.0, 90.0)


@pytest.mark.parametrize("onset_min", [45.0, 47.0])
@pytest.mark.parametrize("change", [-0.1, 0.05])
@pytest.mark.parametrize("schedule", [Schedule(), Schedule(1.0)])
def test_step_is_recovered_also_within_a_frame(onset_min: float, change: float, schedule: Schedule) -> None:
    curves = simulate_curves(
        FRAMES,
        BP_ND,
        r1=0.9,
        schedule=schedule,
        change=change,
        release=Release(onset_min, 90.0),
        kinetics="one_tissue",
    )
    fit = fit_step_change2(*curves, FRAMES, k2_prime=K2_PRIME, onset_min=onset_min, inverse_variance=WEIGHT)
    np.testing.assert_allclose(fit.change_percent, 100 * change, atol=0.1)
    np.testing.assert_allclose(fit.bp_nd, BP_ND, rtol=2e-3)
    np.testing.assert_allclose(fit.bp_nd_after, BP_ND * (1 + change), rtol=2e-3)
    np.testing.assert_allclose(fit.r1, 0.9, rtol=2e-3)
    np.testing.assert_allclose(fit.k2, 0.9 * K2_PRIME, rtol=2e-3)


def noisy_targets(change: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    curves = simulate_curves(FRAMES, np.array([1.6]), change=change, release=STEP, kinetics="one_tissue")
    return with_noise(curves.target[:, 0], 0.01, n), curves.reference


def test_estimates_and_errors_are_those_of_the_general_fit_of_the_same_equation() -> None:
    noisy, reference = noisy_targets(-0.1, 130)
    points = between(10, 90)
    fit = fit_step_change2(
        noisy,
        reference,
        FRAMES,
        k2_prime=K2_PRIME,
        onset_min=47.0,
        points=points,
        inverse_variance=WEIGHT,
    )
    chosen = regression_points(FRAMES, 3, points=points, inverse_variance=WEIGHT)
    samples = sample_frames(FRAMES)
    response = step_response(47.0).at(samples.time_min)[0]
    integrate = samples.running @ samples.from_frames
    displaced = (samples.running * response) @ samples.from_frames
    delivery = (integrate @ reference + reference / K2_PRIME)[:, None]
    regressors = [(x[points]) for x in (delivery, integrate @ noisy, displaced @ noisy)]
    general = fit_linear(regressors, noisy[points], chosen.weight)
    loss = -general.coefficients[1] - np.outer(samples.mean @ response, general.coefficients[2])
    general = with_integrated_noise(general, regressors, chosen, integrate[points], loss)
    np.testing.assert_allclose(fit.k2, general.coefficients[0], rtol=1e-8)
    np.testing.assert_allclose(fit.amplitude, -general.coefficients[2], rtol=1e-6)
    np.testing.assert_allclose(fit.k2_se, general.standard_error([1.0]), rtol=1e-6)
    np.testing.assert_allclose(fit.amplitude_se, general.standard_error([0.0, 0.0, 1.0]), rtol=1e-6)
    np.testing.assert_allclose(fit.r_squared, general.r_squared, rtol=1e-9)


def test_errors_cover() -> None:
    noisy, reference = noisy_targets(-0.1, 6000)
    fit = fit_step_change2(
        noisy, reference, FRAMES, k2_prime=K2_PRIME, onset_min=45.0, inverse_variance=WEIGHT
    )
    for value, error, truth in (
        (fit.change_percent, fit.change_percent_se, -10.0),
        (fit.bp_nd, fit.bp_nd_se, 1.6),
        (fit.bp_nd_after, fit.bp_nd_after_se, 1.44),
        (fit.r1, fit.r1_se, 1.0),
    ):
        distance = np.abs(value - truth) / error
        assert np.mean(distance < 1.0) == pytest.approx(0.683, abs=0.03)
        assert np.mean(distance < 1.96) == pytest.approx(0.95, abs=0.03)


def test_a_given_k2_prime_makes_the_change_less_noisy() -> None:
    noisy, reference = noisy_targets(0.0, 2000)
    free = fit_step_change(noisy, reference, FRAMES, onset_min=45.0, points=between(10, 90))
    given = fit_step_change2(
        noisy, reference, FRAMES, k2_prime=K2_PRIME, onset_min=45.0, points=between(10, 90)
    )
    assert given.change_percent.std() < 0.8 * free.change_percent.std()


def test_targets_side_by_side_do_not_disturb_each_other() -> None:
    """More targets than one tile, one of them NaN, one empty."""
    noisy, reference = noisy_targets(0.0, 200)
    noisy[12, 70], noisy[:, 71] = np.nan, 0.0
    fit = fit_step_change2(noisy, reference, FRAMES, k2_prime=K2_PRIME, onset_min=45.0)
    assert np.isnan(fit.bp_nd).nonzero()[0].tolist() == [70, 71]
    alone = fit_step_change2(noisy[:, 131:132], reference, FRAMES, k2_prime=K2_PRIME, onset_min=45.0)
    for field in StepFit._fields:
        np.testing.assert_allclose(getattr(alone, field)[0], getattr(fit, field)[131], rtol=1e-9)


def test_curves_without_efflux_are_nan() -> None:
    reference = simulate_curves(FRAMES, np.zeros(1)).reference
    growing = np.exp(FRAMES.mid_min / 10)[:, None]
    fit = fit_step_change2(growing, reference, FRAMES, k2_prime=K2_PRIME, onset_min=45.0)
    assert np.isnan([getattr(fit, field)[0] for field in StepFit._fields]).all()


def test_three_points_have_no_error_and_two_are_refused() -> None:
    curves = simulate_curves(FRAMES, BP_ND, kinetics="one_tissue")
    points = np.isin(np.arange(FRAMES.n_frames), [9, 14, 20])
    fit = fit_step_change2(*curves, FRAMES, k2_prime=K2_PRIME, onset_min=45.0, points=points)
    assert np.isfinite(fit.change_percent).all()
    assert np.isnan(fit.change_percent_se).all()
    points[20] = False
    with pytest.raises(MorbidsError, match="Only 2 frames are left to fit 3 parameters"):
        fit_step_change2(*curves, FRAMES, k2_prime=K2_PRIME, onset_min=45.0, points=points)
