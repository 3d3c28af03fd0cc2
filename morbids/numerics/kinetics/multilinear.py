"""Multilinear reference tissue models: the operational equation solved by linear regression."""

import numpy as np

from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.integrals import integral_matrix
from morbids.numerics.kinetics.least_squares import regression_points
from morbids.numerics.kinetics.operational import fit_operational
from morbids.numerics.kinetics.parameters import (
    FixedEffluxFit,
    ReferenceTissueFit,
    fill_multiples,
    fixed_efflux_fit,
    reference_tissue_fit,
)


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
    shared = np.column_stack([integral_matrix(frames) @ reference, reference])
    fit = fit_operational(
        target, shared, frames, divided=True, points=points, inverse_variance=inverse_variance
    )
    dvr, ratio, intercept = fit.coefficients
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
    chosen = regression_points(frames, points, inverse_variance, n_parameters=3)
    return fill_multiples(found, target, reference, chosen)


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
    shared = np.column_stack([integral_matrix(frames) @ reference, reference])
    fit = fit_operational(target, shared, frames, points=points, inverse_variance=inverse_variance)
    found = reference_tissue_fit(fit)
    chosen = regression_points(frames, points, inverse_variance, n_parameters=3)
    return fill_multiples(found, target, reference, chosen)


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
    delivery = integral_matrix(frames) @ reference + reference / k2_prime
    fit = fit_operational(target, delivery[:, None], frames, points=points, inverse_variance=inverse_variance)
    return fixed_efflux_fit(fit, k2_prime)
