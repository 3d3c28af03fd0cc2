"""SRTM and SRTM2 on one-tissue curves, where they hold exactly, and at the ends of the grid."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import curve_fit

from morbids.numerics.arrays import FloatArray
from morbids.numerics.kinetics.srtm import BasisGrid, basis_functions, fit_srtm, fit_srtm2
from morbids.numerics.tracer import simulate_curves
from tests.numerics.kinetics.protocol import FRAMES, WEIGHT, with_noise

BP_ND = np.repeat([0.5, 1.0, 2.0, 4.0], 3)
R1 = np.tile([0.7, 1.0, 1.3], 4)


@pytest.mark.parametrize("k2_prime", [0.08, 0.12, 0.16])
def test_parameters_are_recovered(k2_prime: float) -> None:
    curves = simulate_curves(FRAMES, BP_ND, r1=R1, k2_prime=k2_prime, kinetics="one_tissue")
    free = fit_srtm(*curves, FRAMES, inverse_variance=WEIGHT)
    fixed = fit_srtm2(*curves, FRAMES, k2_prime=k2_prime, inverse_variance=WEIGHT)
    for fit in (free, fixed):
        np.testing.assert_allclose(fit.bp_nd, BP_ND, rtol=2e-3)
        np.testing.assert_allclose(fit.r1, R1, rtol=2e-3)
        np.testing.assert_allclose(fit.k2, R1 * k2_prime, rtol=2e-3)
    np.testing.assert_allclose(free.k2_prime, k2_prime, rtol=3e-3)


def test_basis_functions_are_convolutions_with_exponentials() -> None:
    # A reference whose convolution is known: exp(-a t) with exp(-b t).
    a, grid = 0.05, BasisGrid(0.02, 0.4, 4)
    means = [quad(lambda t: np.exp(-a * t), s, e)[0] / (e - s) for s, e in zip(*ends(), strict=True)]
    bases = basis_functions(np.array(means), FRAMES, grid)
    for j, b in enumerate(grid.k2a):
        expected = [
            quad(lambda t, b=b: (np.exp(-b * t) - np.exp(-a * t)) / (a - b), s, e)[0] / (e - s)
            for s, e in zip(*ends(), strict=True)
        ]
        np.testing.assert_allclose(bases.value[:, j], expected, rtol=3e-3)
    step = 1e-5
    shifted = basis_functions(np.array(means), FRAMES, BasisGrid(0.02 * np.exp(step), 0.4 * np.exp(step), 4))
    np.testing.assert_allclose((shifted.value - bases.value) / step, bases.slope, rtol=1e-3, atol=1e-4)


def ends() -> tuple[list[float], list[float]]:
    return FRAMES.start_min.tolist(), FRAMES.end_min.tolist()


def test_refinement_reaches_the_optimum_between_bases() -> None:
    """Against a general nonlinear solver of the same equation on noisy curves."""
    curves = simulate_curves(FRAMES, np.array([1.6]), r1=1.1, kinetics="one_tissue")
    noisy = with_noise(curves.target[:, 0], 0.03, 20)
    fit = fit_srtm(noisy, curves.reference, FRAMES, inverse_variance=WEIGHT)

    def model(_: FloatArray, r1: float, k2: float, bp: float) -> FloatArray:
        k2a = k2 / (1 + bp)
        basis = basis_functions(curves.reference, FRAMES, BasisGrid(k2a, 2 * k2a, 2)).value[:, 0]
        return np.asarray(r1 * curves.reference + (k2 - r1 * k2a) * basis)

    for k in range(20):
        found, covariance = curve_fit(
            model, FRAMES.mid_min, noisy[:, k], p0=[1, 0.1, 1], sigma=1 / np.sqrt(WEIGHT)
        )
        assert fit.bp_nd[k] == pytest.approx(found[2], rel=2e-3)
        assert fit.r1[k] == pytest.approx(found[0], rel=2e-3)
        assert fit.bp_nd_se[k] == pytest.approx(np.sqrt(covariance[2, 2]), rel=0.05)
        assert fit.k2_se[k] == pytest.approx(np.sqrt(covariance[1, 1]), rel=0.05)


def test_a_target_that_is_the_reference_has_binding_0_but_no_rates_of_its_own() -> None:
    reference = simulate_curves(FRAMES, np.zeros(1), k2_prime=0.1).reference
    free = fit_srtm(reference[:, None], reference, FRAMES)
    assert free.bp_nd[0] == pytest.approx(0, abs=1e-6)
    assert free.r1[0] == pytest.approx(1)
    fixed = fit_srtm2(reference[:, None], reference, FRAMES, k2_prime=0.1)
    assert fixed.bp_nd[0] == pytest.approx(0, abs=1e-3)


def test_curves_that_are_drawn_beyond_the_grid_are_nan() -> None:
    curves = simulate_curves(FRAMES, np.array([1.0, 3.0]), k2_prime=0.1, kinetics="one_tissue")
    noisy = curves.target * (1 + 1e-4 * np.random.default_rng(0).normal(size=curves.target.shape))
    grid = BasisGrid(lowest=0.04, highest=0.6)
    assert np.isnan(fit_srtm(noisy, curves.reference, FRAMES, grid=grid).bp_nd).tolist() == [False, True]
    assert np.isnan(fit_srtm2(noisy, curves.reference, FRAMES, k2_prime=0.1, grid=grid).bp_nd[1])
