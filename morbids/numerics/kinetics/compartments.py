"""One and two tissue compartments with plasma input, by nonlinear least squares of their impulse response.

C_T = (1 - vB) sum_i a_i exp(-theta_i t) (x) C_P + vB C_B with one or two exponentials; the rate constants follow from
a and theta in closed form (Gunn 2001, J Cereb Blood Flow Metab 21:635).
"""

from collections.abc import Callable
from typing import NamedTuple, Unpack

import numpy as np

from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.impulses import HIGHEST_RATE, LOWEST_RATE, fit_impulses
from morbids.numerics.kinetics.least_squares import FrameChoice
from morbids.numerics.kinetics.plasma import PlasmaInput


class OneTissueFit(NamedTuple):
    """Parameters of one tissue compartment and their standard errors, each (n_targets,)."""

    vt: FloatArray
    vt_se: FloatArray
    k1: FloatArray
    k1_se: FloatArray
    k2: FloatArray
    k2_se: FloatArray
    blood_volume: FloatArray
    blood_volume_se: FloatArray
    r_squared: FloatArray


class TwoTissueFit(NamedTuple):
    """Parameters of two tissue compartments and their standard errors, each (n_targets,)."""

    vt: FloatArray
    vt_se: FloatArray
    k1: FloatArray
    k1_se: FloatArray
    k2: FloatArray
    k2_se: FloatArray
    k3: FloatArray
    k3_se: FloatArray
    k4: FloatArray
    k4_se: FloatArray
    blood_volume: FloatArray
    blood_volume_se: FloatArray
    r_squared: FloatArray


def fit_one_tissue(
    target: FloatArray,
    plasma: PlasmaInput,
    frames: Frames,
    *,
    blood_volume: float | None,
    **chosen: Unpack[FrameChoice],
) -> OneTissueFit:
    """One tissue compartment: dC/dt = K1 C_P - k2 C, VT = K1 / k2.

    Parameters
    ----------
    target
        (n_frames, n_targets), in the unit of the input.
    plasma
        Input function.
    frames
        Minutes from injection.
    blood_volume
        Share of blood in every target, 0 to 1; None to fit it.
    **chosen
        Frames to fit, and weights.

    Returns
    -------
    OneTissueFit
        Rates per minute, K1 and VT in mL of plasma per mL of tissue (and minute). All is NaN where k2 is at an end
        of the rates searched.

    Raises
    ------
    MorbidsError
        Fewer points than parameters.
    """
    fit = fit_impulses(target, plasma, frames, 1, blood_volume, chosen)
    known = fit.free[-1]
    amplitude, volume, log_rate = fit.parameters

    def constants(a: FloatArray, v: FloatArray, u: FloatArray) -> list[FloatArray]:
        k1, k2 = a / (1 - v), np.exp(u)
        return [k1 / k2, k1, k2, v]

    values, errors = _derive(constants, (amplitude, volume, log_rate), fit.covariance)
    vt, k1, k2, blood = (np.where(known, value, np.nan) for value in values)
    vt_se, k1_se, k2_se, blood_se = (np.where(known, error, np.nan) for error in errors)
    return OneTissueFit(vt, vt_se, k1, k1_se, k2, k2_se, blood, blood_se, fit.r_squared)


def fit_two_tissue(
    target: FloatArray,
    plasma: PlasmaInput,
    frames: Frames,
    *,
    blood_volume: float | None,
    **chosen: Unpack[FrameChoice],
) -> TwoTissueFit:
    """Two tissue compartments in series, reversible: VT = K1 / k2 (1 + k3 / k4).

    Parameters, units and errors as in `fit_one_tissue`. VT is NaN where the slower rate is at the lowest searched (the
    tracer looks trapped); k2, k3 and k4 are where the faster one is at the highest, or where one exponential fits as
    well as two.
    """
    fit = fit_impulses(target, plasma, frames, 2, blood_volume, chosen)

    def constants(
        a: FloatArray, b: FloatArray, v: FloatArray, u: FloatArray, w: FloatArray
    ) -> list[FloatArray]:
        slow, fast = np.exp(u), np.exp(w)
        total = a + b
        k2 = (a * slow + b * fast) / total
        k4 = slow * fast / k2
        volume = (a / slow + b / fast) / (1 - v)
        return [volume, total / (1 - v), k2, slow + fast - k2 - k4, k4, v]

    values, errors = _derive(constants, tuple(fit.parameters), fit.covariance)
    log_low, log_high = np.log(LOWEST_RATE), np.log(HIGHEST_RATE)
    present = fit.parameters[:2] > 0
    trapped = (present & (fit.parameters[3:] <= log_low)).any(axis=0)
    alike = ~fit.free[[0, 1, 3, 4]].all(axis=0)
    fast = (present & (fit.parameters[3:] >= log_high)).any(axis=0)
    hidden = (trapped, trapped | fast, *([trapped | fast | alike] * 3), trapped)
    vt, k1, k2, k3, k4, blood = (np.where(no, np.nan, v) for no, v in zip(hidden, values, strict=True))
    vt_se, k1_se, k2_se, k3_se, k4_se, blood_se = (
        np.where(no, np.nan, error) for no, error in zip(hidden, errors, strict=True)
    )
    return TwoTissueFit(
        *(vt, vt_se, k1, k1_se, k2, k2_se, k3, k3_se, k4, k4_se),
        *(blood, blood_se, fit.r_squared),
    )


def _derive(
    constants: Callable[..., list[FloatArray]], parameters: tuple[FloatArray, ...], covariance: FloatArray
) -> tuple[list[FloatArray], list[FloatArray]]:
    """Quantities of the parameters and their standard errors; gradients by complex steps, exact to rounding."""
    step, gradients = 1e-30, []
    with np.errstate(invalid="ignore", divide="ignore"):
        values = constants(*parameters)
        for i in range(len(parameters)):
            moved = [p + (1j * step if i == j else 0.0) for j, p in enumerate(parameters)]
            gradients.append(np.array([moved_value.imag / step for moved_value in constants(*moved)]))
    gradient = np.array(gradients)
    variance = np.einsum("iqn,jqn,ijn->qn", gradient, gradient, covariance)
    return list(values), list(np.sqrt(np.maximum(variance, 0.0)))
