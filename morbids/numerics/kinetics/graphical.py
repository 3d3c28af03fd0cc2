"""Graphical analyses: a straight line through transformed curves after a time t*."""

from typing import NamedTuple, Unpack

import numpy as np

from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.integrals import integral_matrix
from morbids.numerics.kinetics.least_squares import FrameChoice, fit_linear, regression_points
from morbids.numerics.kinetics.operational import fit_operational


class LoganRefFit(NamedTuple):
    """Slope and intercept of the reference Logan plot, each (n_targets,)."""

    bp_nd: FloatArray
    bp_nd_se: FloatArray
    dvr: FloatArray
    dvr_se: FloatArray
    intercept: FloatArray
    intercept_se: FloatArray
    r_squared: FloatArray


class LoganPlot(NamedTuple):
    """Axes of the reference Logan plot, minutes, each (n_frames, n_targets); NaN where C_T <= 0."""

    x: FloatArray
    y: FloatArray


class PatlakRefFit(NamedTuple):
    """Uptake rate (per minute) and intercept of the reference Patlak plot, each (n_targets,)."""

    ki: FloatArray
    ki_se: FloatArray
    intercept: FloatArray
    intercept_se: FloatArray
    r_squared: FloatArray


class SuvrFit(NamedTuple):
    """Ratio of target to reference in a window, each (n_targets,)."""

    suvr: FloatArray
    suvr_se: FloatArray
    bp_nd: FloatArray
    bp_nd_se: FloatArray


def logan_plot(
    target: FloatArray,
    reference: FloatArray,
    frames: Frames,
    k2_prime: float | None = None,
) -> LoganPlot:
    """Axes of the reference Logan plot.

    Parameters
    ----------
    target, reference
        (n_frames, n_targets) and (n_frames,), any common unit.
    frames
        Minutes from injection.
    k2_prime
        Efflux from the reference region per minute; None leaves its term out.
    """
    reciprocal = 1.0 / np.where(target > 0, target, np.nan)
    line = _logan_line(reference, frames, k2_prime)
    return LoganPlot(line[:, None] * reciprocal, (integral_matrix(frames) @ target) * reciprocal)


def _logan_line(reference: FloatArray, frames: Frames, k2_prime: float | None) -> FloatArray:
    """What the reference gives to the abscissa (n_frames,): int C_R + C_R / k2'."""
    integral = integral_matrix(frames) @ reference
    return np.asarray(integral if k2_prime is None else integral + reference / k2_prime)


def fit_logan_ref(
    target: FloatArray,
    reference: FloatArray,
    frames: Frames,
    *,
    k2_prime: float | None,
    **chosen: Unpack[FrameChoice],
) -> LoganRefFit:
    """Distribution volume ratio as the slope of the reference Logan plot.

    int C_T / C_T = DVR (int C_R + C_R / k2') / C_T + b, with integrals from injection whatever the points
    (Logan 1996, J Cereb Blood Flow Metab 16:834, equation 7).

    Parameters
    ----------
    target, reference
        (n_frames, n_targets) and (n_frames,), any common unit.
    frames
        Minutes from injection.
    k2_prime
        Efflux from the reference region per minute; None leaves its term out (see docs/kinetics.md for the
        price).
    **chosen
        Points of the line, those after t* and in the window, and weights.

    Returns
    -------
    LoganRefFit
        NaN for targets that are not positive at every point.
    """
    line = _logan_line(reference, frames, k2_prime)
    fit = fit_operational(target, line[:, None], frames, divided=True, **chosen)
    dvr, intercept = fit.coefficients
    dvr_se, intercept_se = fit.standard_error([1.0]), fit.standard_error([0.0, 1.0])
    return LoganRefFit(dvr - 1.0, dvr_se, dvr, dvr_se, intercept, intercept_se, fit.r_squared)


def fit_patlak_ref(
    target: FloatArray,
    reference: FloatArray,
    frames: Frames,
    **chosen: Unpack[FrameChoice],
) -> PatlakRefFit:
    """Rate of irreversible uptake as the slope of the reference Patlak plot.

    C_T / C_R = Ki int C_R / C_R + b (Patlak 1985, J Cereb Blood Flow Metab 5:584).
    Parameters and NaN as in `fit_logan_ref`; the reference must be positive at every point.
    """
    fitted = regression_points(frames, n_parameters=2, **chosen)
    divisor = np.where(reference > 0, reference, np.nan)[fitted.rows, None]
    stretched_time = (integral_matrix(frames) @ reference)[fitted.rows, None] / divisor
    fit = fit_linear(
        [stretched_time, np.ones_like(stretched_time)], target[fitted.rows] / divisor, fitted.weight
    )
    ki, intercept = fit.coefficients
    intercept_se = fit.standard_error([0.0, 1.0])
    return PatlakRefFit(ki, fit.standard_error([1.0]), intercept, intercept_se, fit.r_squared)


def fit_suvr(
    target: FloatArray,
    reference: FloatArray,
    frames: Frames,
    **chosen: Unpack[FrameChoice],
) -> SuvrFit:
    """Ratio of the time-weighted means of target and reference over the points.

    BP_ND = SUVR - 1 holds at equilibrium only (Carson 1993, J Cereb Blood Flow Metab 13:24). The standard
    error comes from the scatter of the frames' ratios about it, in their weights; NaN with one frame.
    """
    fitted = regression_points(frames, n_parameters=1, **chosen)
    length = frames.duration_min[fitted.rows]
    total = length @ reference[fitted.rows]
    suvr = (length @ target[fitted.rows]) / (total if total > 0 else np.nan)
    # A ratio of sums is the slope through the origin when a point's variance goes with its regressor.
    residual = (target[fitted.rows] - suvr * reference[fitted.rows, None]) * length[:, None] / total
    n = len(fitted.weight)
    suvr_se = np.sqrt((residual**2).sum(axis=0) * n / (n - 1)) if n > 1 else np.full_like(suvr, np.nan)
    return SuvrFit(suvr, suvr_se, suvr - 1.0, suvr_se)
