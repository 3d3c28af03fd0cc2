"""MRTM0, MRTM1 and MRTM2 on one-tissue curves, where they hold exactly."""

import numpy as np
import pytest

from morbids.numerics.kinetics.multilinear import fit_mrtm0, fit_mrtm1, fit_mrtm2
from morbids.numerics.tracer import simulate_curves
from tests.numerics.kinetics.protocol import FRAMES, WEIGHT, between

BP_ND = np.repeat([0.5, 1.0, 2.0, 4.0], 3)
R1 = np.tile([0.7, 1.0, 1.3], 4)


@pytest.mark.parametrize("k2_prime", [0.08, 0.12, 0.16])
def test_parameters_are_recovered(k2_prime: float) -> None:
    curves = simulate_curves(FRAMES, BP_ND, r1=R1, k2_prime=k2_prime, kinetics="one_tissue")
    for fit in (
        fit_mrtm0(*curves, FRAMES, points=between(2, 90)),
        fit_mrtm1(*curves, FRAMES, inverse_variance=WEIGHT),
    ):
        np.testing.assert_allclose(fit.bp_nd, BP_ND, rtol=2e-3)
        np.testing.assert_allclose(fit.r1, R1, rtol=5e-3)
        np.testing.assert_allclose(fit.k2, R1 * k2_prime, rtol=5e-3)
        np.testing.assert_allclose(fit.k2_prime, k2_prime, rtol=5e-3)
    fixed = fit_mrtm2(*curves, FRAMES, k2_prime=k2_prime, inverse_variance=WEIGHT)
    np.testing.assert_allclose(fixed.bp_nd, BP_ND, rtol=1e-3)
    np.testing.assert_allclose(fixed.r1, R1, rtol=1e-3)


def test_late_points_keep_the_whole_history() -> None:
    curves = simulate_curves(FRAMES, np.array([2.0]), k2_prime=0.1)
    fit = fit_mrtm2(*curves, FRAMES, k2_prime=0.1, points=between(45, 90))
    assert fit.bp_nd[0] == pytest.approx(2.0, rel=2e-3)


def test_a_multiple_of_the_reference_has_its_binding_but_no_rates_of_its_own() -> None:
    reference = simulate_curves(FRAMES, np.zeros(1), k2_prime=0.1).reference
    target = np.column_stack([reference, 1.3 * reference])
    for fit in (fit_mrtm0(target, reference, FRAMES), fit_mrtm1(target, reference, FRAMES)):
        np.testing.assert_allclose(fit.bp_nd, [0.0, 0.3], atol=1e-9)
        np.testing.assert_allclose(fit.r1, [1.0, 1.3])
        assert np.isnan([fit.k2, fit.k2_prime, fit.k2_se]).all()
    fixed = fit_mrtm2(target, reference, FRAMES, k2_prime=0.1)
    np.testing.assert_allclose(fixed.bp_nd, [0.0, 0.3], atol=1e-9)
    np.testing.assert_allclose(fixed.r1, [1.0, 1.3])


def test_growing_curves_without_efflux_are_nan() -> None:
    reference = simulate_curves(FRAMES, np.zeros(1)).reference
    growing = np.exp(FRAMES.mid_min / 10)[:, None]
    assert np.isnan(fit_mrtm1(growing, reference, FRAMES).bp_nd[0])
    assert np.isnan(fit_mrtm2(growing, reference, FRAMES, k2_prime=0.1).bp_nd_se[0])
