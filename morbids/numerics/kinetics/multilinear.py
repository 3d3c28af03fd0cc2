"""Multilinear reference tissue models: the operational equation solved by linear regression."""

from typing import Unpack

import numpy as np

from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.integrals import integral_matrix
from morbids.numerics.kinetics.least_squares import FrameChoice, regression_points
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
    **chosen: Unpack[FrameChoice],
) -> ReferenceTissueFit:
    """The Logan plot with the k2' term as a third regressor (Ichise 1996, J Nucl Med 37:513).

    int C_T / C_T = DVR int C_R / C_T + (DVR / k2') C_R / C_T - (1 / k2a). Parameters as in `fit_mrtm1`; NaN
    also for targets that are not positive at every point.
    """
    fit = fit_operational(target, _make_regressors(reference, frames), frames, divided=True, **chosen)
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
    return fill_multiples(found, target, reference, regression_points(frames, 3, **chosen))


def fit_mrtm1(
    target: FloatArray,
    reference: FloatArray,
    frames: Frames,
    **chosen: Unpack[FrameChoice],
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
    **chosen
        Frames to fit, and weights.
    """
    fit = fit_operational(target, _make_regressors(reference, frames), frames, **chosen)
    found = reference_tissue_fit(fit)
    return fill_multiples(found, target, reference, regression_points(frames, 3, **chosen))


def fit_mrtm2(
    target: FloatArray,
    reference: FloatArray,
    frames: Frames,
    *,
    k2_prime: float,
    **chosen: Unpack[FrameChoice],
) -> FixedEffluxFit:
    """Two-parameter multilinear reference tissue model (Ichise 2003, J Cereb Blood Flow Metab 23:1096).

    C_T = g1 (int C_R + C_R / k2') + g2 int C_T; parameters as in `fit_mrtm1`, with k2' (per minute) given.
    """
    delivery = integral_matrix(frames) @ reference + reference / k2_prime
    fit = fit_operational(target, delivery[:, None], frames, **chosen)
    return fixed_efflux_fit(fit, k2_prime)


def _make_regressors(reference: FloatArray, frames: Frames) -> FloatArray:
    """What the reference gives to an equation with k2' unknown (n_frames, 2): int C_R and C_R."""
    return np.column_stack([integral_matrix(frames) @ reference, reference])
