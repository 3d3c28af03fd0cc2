"""Displacement models: known changes, their errors, and the choice among responses."""

import numpy as np
import pytest

from morbids.numerics.kinetics.displacement import (
    fit_displacement,
    fit_lp_ntpet,
    fit_lssrm,
    fit_step_change,
)
from morbids.numerics.kinetics.graphical import fit_logan_ref
from morbids.numerics.kinetics.integrals import sample_frames
from morbids.numerics.kinetics.least_squares import fit_linear
from morbids.numerics.kinetics.responses import GammaVariates, gamma_library
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
    fit = fit_step_change(*curves, FRAMES, onset_min=onset_min, inverse_variance=WEIGHT)
    np.testing.assert_allclose(fit.change_percent, 100 * change, atol=0.05)
    np.testing.assert_allclose(fit.bp_nd, BP_ND, rtol=2e-3)
    np.testing.assert_allclose(fit.bp_nd_after, BP_ND * (1 + change), rtol=2e-3)
    np.testing.assert_allclose(fit.r1, 0.9, rtol=2e-3)
    np.testing.assert_array_equal(fit.onset_min, onset_min)


@pytest.mark.parametrize("bp_nd", [0.5, 1.0, 1.6, 2.5])
def test_step_reads_the_demo_protocol_within_a_point_where_windows_read_less(bp_nd: float) -> None:
    """Two tissues, 10 % lower from 45 min, points from t* = 10 min."""
    curves = simulate_curves(FRAMES, np.array([bp_nd]), change=-0.1, release=STEP)
    step = fit_step_change(*curves, FRAMES, onset_min=45.0, points=between(10, 90))
    assert step.change_percent[0] == pytest.approx(-10, abs=1)
    early, late = (
        fit_logan_ref(*curves, FRAMES, k2_prime=K2_PRIME, points=between(*window)).bp_nd[0]
        for window in ((10, 40), (45, 90))
    )
    assert 100 * (late / early - 1) > step.change_percent[0] + 1


def test_a_response_that_fades_is_read_by_lssrm() -> None:
    curves = simulate_curves(FRAMES, BP_ND, change=-0.2, release=Release(45.0, 65.0), kinetics="one_tissue")
    lasting = fit_step_change(*curves, FRAMES, onset_min=45.0)
    fading = fit_lssrm(*curves, FRAMES, onset_min=45.0)
    assert (fading.r_squared > lasting.r_squared).all()
    assert (fading.change_percent < lasting.change_percent - 5).all()


def test_lp_ntpet_finds_the_course_of_a_response_in_its_library() -> None:
    library = gamma_library(35.0, 70.0, 90.0)
    member = 130
    onset, peak = library.onset_min[member], library.peak_min[member]

    # A curve that obeys the equation with that member exactly, by its discretised integral equation.
    samples = sample_frames(FRAMES)
    reference = simulate_curves(FRAMES, np.zeros(1), kinetics="one_tissue").reference
    integrate = samples.running @ samples.from_frames
    displaced = (samples.running * library.at(samples.time_min)[member]) @ samples.from_frames
    r1, k2, k2a, gamma = 1.1, 0.13, 0.05, 0.02
    equation = np.eye(FRAMES.n_frames) + k2a * integrate + gamma * displaced
    target = np.linalg.solve(equation, r1 * reference + k2 * integrate @ reference)[:, None]
    fit = fit_lp_ntpet(target, reference, FRAMES, onset_min=35.0, latest_onset_min=70.0)
    assert fit.onset_min[0] == pytest.approx(onset)
    assert fit.peak_min[0] == pytest.approx(peak)
    assert fit.amplitude[0] == pytest.approx(gamma, rel=1e-6)
    assert fit.bp_nd[0] == pytest.approx(k2 / k2a - 1)
    assert fit.bp_nd_after[0] == pytest.approx(k2 / (k2a + gamma) - 1)


def test_the_search_agrees_with_a_fit_of_every_member() -> None:
    library = GammaVariates(
        onset_min=np.repeat([35.0, 45.0, 55.0], 2),
        peak_min=np.repeat([40.0, 60.0, 70.0], 2),
        power=np.tile([0.5, 2.0], 3),
    )
    curves = simulate_curves(FRAMES, np.array([1.6]), change=-0.3, release=Release(45, 90, "gamma"))
    noisy = with_noise(curves.target[:, 0], 0.02, 12)
    points = between(10, 90)
    fit = fit_displacement(
        noisy, curves.reference, FRAMES, library=library, points=points, inverse_variance=WEIGHT
    )
    samples = sample_frames(FRAMES)
    integrate = samples.running @ samples.from_frames
    weight = WEIGHT[points] / WEIGHT[points].mean()
    shared = [(integrate @ curves.reference)[points, None], curves.reference[points, None]]
    sums = []
    for response in library.at(samples.time_min):
        displaced = ((samples.running * response) @ samples.from_frames @ noisy)[points]
        regressors = [*shared, (integrate @ noisy)[points], displaced]
        sums.append(fit_linear(regressors, noisy[points], weight).residual_sum)
    best = np.argmin(sums, axis=0)
    np.testing.assert_array_equal(fit.onset_min, library.onset_min[best])
    np.testing.assert_array_equal(fit.peak_min, library.peak_min[best])
    without = fit_linear([*shared, (integrate @ noisy)[points]], noisy[points], weight).residual_sum
    degrees = points.sum() - 7
    np.testing.assert_allclose(fit.f_statistic, (without / np.min(sums, axis=0) - 1) * degrees / 4, rtol=1e-6)


def test_errors_of_the_change_cover() -> None:
    curves = simulate_curves(FRAMES, np.array([1.6]), change=-0.1, release=STEP, kinetics="one_tissue")
    noisy = with_noise(curves.target[:, 0], 0.01, 6000)
    fit = fit_step_change(noisy, curves.reference, FRAMES, onset_min=45.0, inverse_variance=WEIGHT)
    for value, error, truth in (
        (fit.change_percent, fit.change_percent_se, -10.0),
        (fit.bp_nd, fit.bp_nd_se, 1.6),
        (fit.bp_nd_after, fit.bp_nd_after_se, 1.44),
    ):
        distance = np.abs(value - truth) / error
        assert np.mean(distance < 1.0) == pytest.approx(0.683, abs=0.05)
        assert np.mean(distance < 1.96) == pytest.approx(0.95, abs=0.05)


def test_no_change_is_rejected_as_often_as_promised() -> None:
    curves = simulate_curves(FRAMES, np.array([1.6]), kinetics="one_tissue")
    noisy = with_noise(curves.target[:, 0], 0.01, 6000)
    fit = fit_step_change(noisy, curves.reference, FRAMES, onset_min=45.0, inverse_variance=WEIGHT)
    assert np.mean(np.abs(fit.amplitude / fit.amplitude_se) > 1.96) == pytest.approx(0.05, abs=0.025)


def test_curves_without_efflux_are_nan() -> None:
    reference = simulate_curves(FRAMES, np.zeros(1)).reference
    fit = fit_step_change(np.exp(FRAMES.mid_min / 10)[:, None], reference, FRAMES, onset_min=45.0)
    assert np.isnan([fit.bp_nd, fit.change_percent, fit.f_statistic, fit.p_value, fit.onset_min]).all()


def test_a_curve_of_zeros_is_nan_beside_one_that_is_fitted_as_if_alone() -> None:
    curves = simulate_curves(FRAMES, np.array([1.6]), change=-0.1, release=STEP, kinetics="one_tissue")
    both = np.column_stack([np.zeros(FRAMES.n_frames), curves.target[:, 0]])
    with np.errstate(invalid="ignore", divide="ignore"):
        fit = fit_lssrm(both, curves.reference, FRAMES, onset_min=45.0)
        alone = fit_lssrm(curves.target, curves.reference, FRAMES, onset_min=45.0)
    assert np.isnan([fit.bp_nd[0], fit.change_percent[0], fit.onset_min[0]]).all()
    np.testing.assert_allclose(fit.bp_nd[1], alone.bp_nd[0], rtol=1e-9)
    np.testing.assert_allclose(fit.peak_min[1], alone.peak_min[0])
