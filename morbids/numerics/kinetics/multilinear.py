"""Multilinear reference tissue models: the operational equation solved by linear regression."""

import numpy as np

from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.integrals import integral_matrix
from morbids.numerics.kinetics.least_squares import fit_linear, regression_points
from morbids.numerics.kinetics.parameters import (
    FixedEffluxFit,
    ReferenceTissueFit,
    fill_multiples,
    fixed_efflux_fit,
    reference_tissue_fit,
)
from morbids.numerics.kinetics.propagation import with_integrated_noise


def fit_mrtm0(
    target: FloatArray,
    reference: FloatArray,
    frames: Frames,
    *,
    points: BoolArray | None = None,
    inverse_variance: FloatArray | None = None,
) -> ReferenceTissueFit:
    """The Logan plot with the k2' term as a third regressor (Ichise 1996, J Nucl Med 37:513).

    int C_T / C_T = DVR int C_R / C_T + (DVR / k2') C_R / C_T - (1 / k2a). Parameters as in `fit_mrtm1`; NaN
    also for targets that are not positive at every point.
    """
    chosen = regression_points(frames, points, inverse_variance, n_parameters=3)
    integrate = integral_matrix(frames)[chosen.rows]
    reciprocal = 1.0 / np.where(target[chosen.rows] > 0, target[chosen.rows], np.nan)
    regressors = [
        (integrate @ reference)[:, None] * reciprocal,
        reference[chosen.rows, None] * reciprocal,
        np.ones((len(chosen.weight), 1)),
    ]
    fit = fit_linear(regressors, (integrate @ target) * reciprocal, chosen.weight)
    dvr, ratio, intercept = fit.coefficients
    fit = with_integrated_noise(fit, regressors, chosen, integrate, -1.0 / intercept, reciprocal)
    k2a = np.where(intercept < 0, -1.0 / intercept, np.nan)
    r1, k2, k2_prime = ratio * k2a, dvr * k2a, dvr / ratio
    found = ReferenceTissueFit(
        bp_nd=dvr - 1.0,
        bp_nd_se=fit.standard_error([1.0]),
        r1=r1,
        r1_se=fit.standard_error([0.0, k2a, r1 * k2a]),
        k2=k2,
        k2_se=fit.standard_error([k2a, 0.0, k2 * k2a]),
        k2_prime=k2_prime,
        k2_prime_se=fit.standard_error([1.0 / ratio, -k2_prime / ratio]),
        r_squared=fit.r_squared,
    )
    return fill_multiples(found, target[chosen.rows], reference[chosen.rows], chosen.weight)


def fit_mrtm1(
    target: FloatArray,
    reference: FloatArray,
    frames: Frames,
    *,
    points: BoolArray | None = None,
    inverse_variance: FloatArray | None = None,
) -> ReferenceTissueFit:
    """Three-parameter multilinear reference tissue model (Ichise 2003, J Cereb Blood Flow Metab 23:1096).

    C_T = g1 int C_R + g2 int C_T + g3 C_R, with integrals from injection whatever the points;
    BP_ND = -g1 / g2 - 1, R1 = g3, k2 = g1, k2' = g1 / g3.

    Parameters
    ----------
    target, reference
        (n_frames, n_targets) and (n_frames,), any common unit.
    frames
        Minutes from injection.
    points
        (n_frames,) True for the frames to fit; None for all.
    inverse_variance
        (n_frames,) weights; None for equal ones.
    """
    chosen = regression_points(frames, points, inverse_variance, n_parameters=3)
    integrate = integral_matrix(frames)[chosen.rows]
    regressors = [(integrate @ reference)[:, None], integrate @ target, reference[chosen.rows, None]]
    fit = fit_linear(regressors, target[chosen.rows], chosen.weight)
    fit = with_integrated_noise(fit, regressors, chosen, integrate, -fit.coefficients[1])
    found = reference_tissue_fit(fit)
    return fill_multiples(found, target[chosen.rows], reference[chosen.rows], chosen.weight)


def fit_mrtm2(
    target: FloatArray,
    reference: FloatArray,
    frames: Frames,
    *,
    k2_prime: float,
    points: BoolArray | None = None,
    inverse_variance: FloatArray | None = None,
) -> FixedEffluxFit:
    """Two-parameter multilinear reference tissue model (Ichise 2003, J Cereb Blood Flow Metab 23:1096).

    C_T = g1 (int C_R + C_R / k2') + g2 int C_T; parameters as in `fit_mrtm1`, with k2' (per minute) given.
    """
    chosen = regression_points(frames, points, inverse_variance, n_parameters=2)
    integrate = integral_matrix(frames)[chosen.rows]
    delivery = integrate @ reference + reference[chosen.rows] / k2_prime
    regressors = [delivery[:, None], integrate @ target]
    fit = fit_linear(regressors, target[chosen.rows], chosen.weight)
    return fixed_efflux_fit(
        with_integrated_noise(fit, regressors, chosen, integrate, -fit.coefficients[1]), k2_prime
    )
