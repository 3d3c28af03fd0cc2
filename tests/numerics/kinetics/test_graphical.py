"""Logan, Patlak and ratios on curves of known kinetics."""

import numpy as np
import pytest

from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.graphical import fit_logan_ref, fit_patlak_ref, fit_suvr, logan_plot
from morbids.numerics.kinetics.integrals import integral_matrix
from morbids.numerics.tracer import Schedule, simulate_curves
from tests.numerics.kinetics.protocol import FRAMES, K2_PRIME, WEIGHT, between

BP_ND = np.array([0.0, 0.5, 1.5, 4.0])


@pytest.mark.parametrize("window", [(10, 90), (10, 40), (45, 90)])
@pytest.mark.parametrize("schedule", [Schedule(), Schedule(1.0)])
def test_logan_recovers_binding_in_any_window(window: tuple[float, float], schedule: Schedule) -> None:
    curves = simulate_curves(FRAMES, BP_ND, r1=1.2, schedule=schedule)
    fit = fit_logan_ref(*curves, FRAMES, k2_prime=K2_PRIME, points=between(*window))
    np.testing.assert_allclose(fit.dvr, 1 + BP_ND, rtol=0.004)
    np.testing.assert_allclose(fit.bp_nd, fit.dvr - 1)
    assert (fit.r_squared > 0.999).all()


def test_logan_bridges_a_gap_in_the_scan() -> None:
    kept = np.delete(np.arange(FRAMES.n_frames), [13, 14])
    gappy = Frames(FRAMES.start_min[kept], FRAMES.duration_min[kept])
    curves = simulate_curves(gappy, BP_ND)
    fit = fit_logan_ref(*curves, gappy, k2_prime=K2_PRIME, points=between(45, 90, gappy))
    np.testing.assert_allclose(fit.dvr, 1 + BP_ND, rtol=0.005)


def test_targets_that_are_not_positive_at_a_point_are_nan() -> None:
    curves = simulate_curves(FRAMES, np.array([1.0, 1.0]))
    curves.target[-1, 0] = 0.0
    fit = fit_logan_ref(*curves, FRAMES, k2_prime=K2_PRIME, points=between(10, 90))
    assert np.isnan(fit.bp_nd).tolist() == [True, False]
    assert np.isnan(fit.bp_nd_se[0])


def test_logan_plot_is_the_line_that_is_fitted() -> None:
    curves = simulate_curves(FRAMES, np.array([1.0]))
    plot = logan_plot(*curves, FRAMES, K2_PRIME)
    fit = fit_logan_ref(*curves, FRAMES, k2_prime=K2_PRIME, points=between(20, 90), inverse_variance=WEIGHT)
    late = between(20, 90)
    np.testing.assert_allclose(plot.y[late], fit.dvr * plot.x[late] + fit.intercept, rtol=1e-3)


def test_patlak_recovers_an_irreversible_rate() -> None:
    reference = simulate_curves(FRAMES, np.array([0.0])).reference
    target = 0.7 * reference + 0.02 * integral_matrix(FRAMES) @ reference
    fit = fit_patlak_ref(target[:, None], reference, FRAMES, points=between(20, 90))
    assert fit.ki[0] == pytest.approx(0.02)
    assert fit.intercept[0] == pytest.approx(0.7)


def test_ratio_is_of_areas_and_its_error_of_the_frames_scatter() -> None:
    reference = np.full(FRAMES.n_frames, 2.0)
    target = np.column_stack([3.0 * reference, 3.0 * reference])
    target[-1, 1] += 1.0
    fit = fit_suvr(target, reference, FRAMES, points=between(70, 90))
    np.testing.assert_allclose(fit.suvr, [3.0, 3.25])
    np.testing.assert_allclose(fit.bp_nd, [2.0, 2.25])
    np.testing.assert_allclose(fit.suvr_se, [0.0, 0.25])


def test_ratio_error_covers_the_scatter_of_noisy_scans() -> None:
    rng = np.random.default_rng(0)
    late = between(50, 90)
    target = 3.0 + rng.normal(size=(FRAMES.n_frames, 20_000))
    fit = fit_suvr(target, np.ones(FRAMES.n_frames), FRAMES, points=late)
    assert np.sqrt((fit.suvr_se**2).mean()) == pytest.approx(fit.suvr.std(), rel=0.03)


def test_one_frame_gives_a_ratio_without_error() -> None:
    curves = simulate_curves(FRAMES, np.array([1.0]))
    fit = fit_suvr(*curves, FRAMES, points=between(80, 90))
    assert np.isfinite(fit.suvr[0])
    assert np.isnan(fit.suvr_se[0])
