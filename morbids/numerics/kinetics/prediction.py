"""The curve that a fitted model expects, to lay over the measured one."""

from collections.abc import Mapping

import numpy as np

from morbids.errors import ExitCode, MorbidsError
from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.integrals import integral_matrix
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.plasma import PlasmaInput, frame_input, frame_responses
from morbids.numerics.kinetics.plasma_graphical import without_blood
from morbids.numerics.kinetics.responses import integrate_step

DELIVERED = ("BPND", "R1", "k2")
LINEAR = ("DVR", "intercept")
ONE_TISSUE, SECOND_TISSUE, PLASMA_LINE = ("VT", "K1", "k2", "vB"), ("k3", "k4"), ("VT", "intercept")
AFTER = "BPNDafter"
# Of the models with a response, those whose response is a step at a known time.
OF_STEPS: tuple[ModelName, ...] = ("StepChange", "StepChange2")


def can_predict(parameters: Mapping[str, FloatArray] | tuple[str, ...]) -> bool:
    """Whether a model with these parameters has an operational equation that `predict_curves` knows."""
    equations = (DELIVERED, LINEAR, ONE_TISSUE, PLASMA_LINE)
    return any(all(name in parameters for name in equation) for equation in equations)


def predict_curves(
    parameters: Mapping[str, FloatArray],
    target: FloatArray,
    reference: FloatArray | PlasmaInput,
    frames: Frames,
    k2_prime: float | None = None,
    onset_min: float | None = None,
    blood_volume: float | None = None,
) -> FloatArray:
    """Put estimates back into the operational equation that they were fitted with.

    C_T = R1 C_R + k2 int C_R - k2 / (1 + BP_ND) int C_T (Ichise 2003) or, for the Logan plot,
    C_T = (int C_T - DVR (int C_R + C_R / k2')) / intercept, with the measured int C_T: residuals are those of the
    regression, in the unit of the curves. With an onset T, binding that changes there for good adds
    - (k2 / (1 + BP_ND after) - k2 / (1 + BP_ND)) int_T C_T (Zhou 2006). Compartments with plasma input are convolved
    anew; the Logan plot with plasma is solved as the one with a reference, and its blood added again.

    Parameters
    ----------
    parameters
        (n_targets,) by BIDS name.
    target, reference
        (n_frames, n_targets) and (n_frames,), or an input function.
    k2_prime
        As given to the Logan plot; None where it had no such term.
    onset_min
        When binding changes, of models that estimate it before and after; None for one binding.
    blood_volume
        Share of blood that was taken out of the curves of a Logan plot with plasma.

    Returns
    -------
    FloatArray
        (n_frames, n_targets); NaN where the estimates are.

    Raises
    ------
    MorbidsError
        The parameters belong to neither equation.
    """
    if not can_predict(parameters):
        raise MorbidsError(
            f"No curve can be predicted from {', '.join(parameters)}.",
            "Curves are predicted for Logan plots, compartments, and models with BPND, R1 and k2.",
            ExitCode.FAILED,
        )
    if isinstance(reference, PlasmaInput):
        return _predict_from_plasma(parameters, target, reference, frames, blood_volume or 0.0)
    integrate = integral_matrix(frames)
    target_sum, reference_sum = integrate @ target, integrate @ reference
    if all(name in parameters for name in DELIVERED):
        bp_nd, r1, k2 = (parameters[name] for name in DELIVERED)
        expected = np.outer(reference, r1) + np.outer(reference_sum, k2) - k2 / (1 + bp_nd) * target_sum
        if onset_min is not None:
            added = k2 / (1 + parameters[AFTER]) - k2 / (1 + bp_nd)
            expected -= added * (integrate_step(frames, onset_min).matrix @ target)
        return np.asarray(expected)
    line = reference_sum + (reference / k2_prime if k2_prime is not None else 0.0)
    return np.asarray((target_sum - np.outer(line, parameters["DVR"])) / parameters["intercept"])


def _predict_from_plasma(
    parameters: Mapping[str, FloatArray],
    target: FloatArray,
    plasma: PlasmaInput,
    frames: Frames,
    blood_volume: float,
) -> FloatArray:
    """Curves of compartments, or of the Logan plot, with plasma input (n_frames, n_targets)."""
    framed = frame_input(plasma, frames)
    blood = framed.whole_blood[:, None]
    if "intercept" in parameters:
        measured = integral_matrix(frames) @ without_blood(target, framed, blood_volume)
        line = np.outer(framed.parent_integral, parameters["VT"])
        return np.asarray(
            (1 - blood_volume) * (measured - line) / parameters["intercept"] + blood_volume * blood
        )
    k1, k2, share = (parameters[name] for name in ("K1", "k2", "vB"))
    k3, k4 = (parameters.get(name, np.zeros_like(k2)) for name in SECOND_TISSUE)
    # Rates and amplitudes of the impulse response; a tissue without binding has one, of which k4 = 0 takes no part.
    total = k2 + k3 + k4
    apart = np.sqrt(np.maximum(total**2 - 4 * k2 * k4, 0.0))
    slow, fast = (total - apart) / 2, (total + apart) / 2
    known = np.isfinite(slow)
    of_fast = np.where(apart > 0, (fast - k3 - k4) / np.where(apart > 0, apart, 1.0), 0.0)
    tissue = np.full((frames.n_frames, len(k1)), np.nan)
    for amplitude, rate in ((1.0 - of_fast, slow), (of_fast, fast)):
        response = frame_responses(plasma, frames, np.where(known, rate, 1.0))
        tissue = np.where(np.isnan(tissue), 0.0, tissue) + k1 * amplitude * response
    return np.asarray((1 - share) * tissue + share * blood)
