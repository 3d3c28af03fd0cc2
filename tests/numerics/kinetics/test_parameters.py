"""Coefficients become parameters, with errors that a Monte Carlo of the coefficients confirms."""

import numpy as np
import pytest

from morbids.numerics.kinetics.least_squares import LinearFit, RegressionPoints
from morbids.numerics.kinetics.parameters import fill_multiples, fixed_efflux_fit, reference_tissue_fit

SPREAD = np.array([[4e-6, -2e-6, 1e-6], [-2e-6, 9e-6, 1e-7], [1e-6, 1e-7, 2e-6]])


def linear_fit(coefficients: list[float], covariance: np.ndarray) -> LinearFit:
    one = np.ones(1)
    return LinearFit(np.array(coefficients)[:, None], covariance[..., None], covariance[..., None], one, one)


def test_errors_follow_from_those_of_the_coefficients() -> None:
    truth = [0.12, 1.1, -0.05]
    fit = reference_tissue_fit(linear_fit(truth, SPREAD))
    drawn = np.random.default_rng(0).multivariate_normal(truth, SPREAD, 100_000).T
    assert fit.bp_nd[0] == pytest.approx(1.4)
    assert fit.k2_prime[0] == pytest.approx(0.12 / 1.1)
    assert fit.bp_nd_se[0] == pytest.approx(np.std(-drawn[0] / drawn[2]), rel=0.02)
    assert fit.k2_prime_se[0] == pytest.approx(np.std(drawn[0] / drawn[1]), rel=0.02)
    assert fit.r1_se[0] == pytest.approx(0.003)
    assert fit.k2_se[0] == pytest.approx(0.002)


def test_fixed_efflux_scales_delivery() -> None:
    fit = fixed_efflux_fit(linear_fit([0.12, -0.05], SPREAD[::2, ::2]), 0.1)
    assert fit.r1[0] == pytest.approx(1.2)
    assert fit.r1_se[0] == pytest.approx(0.02)
    assert fit.bp_nd[0] == pytest.approx(1.4)


def test_no_efflux_is_no_binding_potential() -> None:
    assert np.isnan(reference_tissue_fit(linear_fit([0.12, 1.1, 0.05], SPREAD)).bp_nd[0])
    assert np.isnan(fixed_efflux_fit(linear_fit([0.12, 0.0], SPREAD[::2, ::2]), 0.1).bp_nd_se[0])


def test_only_failed_multiples_are_filled() -> None:
    failed = reference_tissue_fit(linear_fit([0.12, 1.1, 0.05], SPREAD))
    reference = np.array([1.0, 3.0, 2.0, 1.0])
    other = np.array([1.0, 2.0, 3.0, 4.0])[:, None]
    chosen = RegressionPoints(slice(None), np.ones(4), np.ones(4))
    multiple = 1.5 * reference[:, None]
    assert fill_multiples(failed, multiple, reference, chosen).bp_nd[0] == pytest.approx(0.5)
    assert np.isnan(fill_multiples(failed, other, reference, chosen).bp_nd[0])
    sound = reference_tissue_fit(linear_fit([0.12, 1.1, -0.05], SPREAD))
    assert fill_multiples(sound, multiple, reference, chosen).bp_nd[0] == pytest.approx(1.4)
