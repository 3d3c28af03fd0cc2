"""Linear models with plasma input: the Logan and Patlak plots and the multilinear analysis MA1."""

from typing import NamedTuple, Unpack

import numpy as np

from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.graphical import LoganPlot
from morbids.numerics.kinetics.integrals import integral_matrix
from morbids.numerics.kinetics.least_squares import FrameChoice, fit_linear, regression_points
from morbids.numerics.kinetics.operational import fit_operational
from morbids.numerics.kinetics.plasma import FramedInput, PlasmaInput, frame_input


class PlasmaLoganFit(NamedTuple):
    """Slope and intercept of the Logan plot, each (n_targets,)."""

    vt: FloatArray
    vt_se: FloatArray
    intercept: FloatArray
    intercept_se: FloatArray
    r_squared: FloatArray


class Ma1Fit(NamedTuple):
    """Distribution volume by MA1, each (n_targets,)."""

    vt: FloatArray
    vt_se: FloatArray
    r_squared: FloatArray


class PlasmaPatlakFit(NamedTuple):
    """Uptake rate and intercept of the Patlak plot, each (n_targets,)."""

    ki: FloatArray
    ki_se: FloatArray
    intercept: FloatArray
    intercept_se: FloatArray
    r_squared: FloatArray


def without_blood(target: FloatArray, framed: FramedInput, blood_volume: float) -> FloatArray:
    """Tissue alone (n_frames, n_targets): (C - vB C_B) / (1 - vB)."""
    return np.asarray((target - blood_volume * framed.whole_blood[:, None]) / (1.0 - blood_volume))


def plasma_logan_plot(
    target: FloatArray, plasma: PlasmaInput, frames: Frames, blood_volume: float
) -> LoganPlot:
    """Axes of the Logan plot with plasma input: int C_P / C_T and int C_T / C_T, minutes."""
    framed = frame_input(plasma, frames)
    tissue = without_blood(target, framed, blood_volume)
    reciprocal = 1.0 / np.where(tissue > 0, tissue, np.nan)
    return LoganPlot(
        framed.parent_integral[:, None] * reciprocal, (integral_matrix(frames) @ tissue) * reciprocal
    )


def fit_plasma_logan(
    target: FloatArray,
    plasma: PlasmaInput,
    frames: Frames,
    *,
    blood_volume: float,
    **chosen: Unpack[FrameChoice],
) -> PlasmaLoganFit:
    """Distribution volume as the slope of the Logan plot.

    int C_T / C_T = VT int C_P / C_T + b, with integrals from injection whatever the points (Logan 1990, J Cereb Blood
    Flow Metab 10:740).

    Parameters
    ----------
    target
        (n_frames, n_targets), in the unit of the input.
    plasma
        Input function.
    frames
        Minutes from injection.
    blood_volume
        Share of blood, taken out of the targets first.
    **chosen
        Points of the line, those after t* and in the window, and weights.

    Returns
    -------
    PlasmaLoganFit
        NaN for targets that are not positive at every point.
    """
    framed = frame_input(plasma, frames)
    tissue = without_blood(target, framed, blood_volume)
    fit = fit_operational(tissue, framed.parent_integral[:, None], frames, divided=True, **chosen)
    vt, intercept = fit.coefficients
    return PlasmaLoganFit(
        vt, fit.standard_error([1.0]), intercept, fit.standard_error([0.0, 1.0]), fit.r_squared
    )


def fit_ma1(
    target: FloatArray,
    plasma: PlasmaInput,
    frames: Frames,
    *,
    blood_volume: float,
    **chosen: Unpack[FrameChoice],
) -> Ma1Fit:
    """Multilinear analysis MA1 (Ichise 2002, J Cereb Blood Flow Metab 22:1271).

    C_T = g1 int C_P + g2 int C_T from t* on; VT = -g1 / g2. Less biased by noise than the Logan plot, because measured
    activity is no divisor. Parameters as in `fit_plasma_logan`.
    """
    framed = frame_input(plasma, frames)
    tissue = without_blood(target, framed, blood_volume)
    fit = fit_operational(tissue, framed.parent_integral[:, None], frames, **chosen)
    gain, loss = fit.coefficients
    sound = loss < 0
    vt = np.where(sound, -gain / loss, np.nan)
    return Ma1Fit(vt, fit.standard_error([-1.0 / loss, -vt / loss]), fit.r_squared)


def fit_plasma_patlak(
    target: FloatArray,
    plasma: PlasmaInput,
    frames: Frames,
    *,
    blood_volume: float,
    **chosen: Unpack[FrameChoice],
) -> PlasmaPatlakFit:
    """Net influx rate of a tracer that is trapped, as the slope of the Patlak plot.

    C_T / C_P = Ki int C_P / C_P + b (Patlak 1983, J Cereb Blood Flow Metab 3:1). Parameters as in `fit_plasma_logan`;
    plasma must be positive at every point.
    """
    framed = frame_input(plasma, frames)
    fitted = regression_points(frames, n_parameters=2, **chosen)
    divisor = np.where(framed.parent > 0, framed.parent, np.nan)[fitted.rows, None]
    stretched_time = framed.parent_integral[fitted.rows, None] / divisor
    tissue = without_blood(target, framed, blood_volume)[fitted.rows]
    fit = fit_linear([stretched_time, np.ones_like(stretched_time)], tissue / divisor, fitted.weight)
    ki, intercept = fit.coefficients
    return PlasmaPatlakFit(
        ki, fit.standard_error([1.0]), intercept, fit.standard_error([0.0, 1.0]), fit.r_squared
    )
