"""The curve that a fitted model expects, to lay over the measured one."""

from collections.abc import Mapping

import numpy as np

from morbids.errors import ExitCode, MorbidsError
from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.integrals import integral_matrix
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.responses import integrate_step

DELIVERED = ("BPND", "R1", "k2")
LINEAR = ("DVR", "intercept")
AFTER = "BPNDafter"
# Of the models with a response, those whose response is a step at a known time.
OF_STEPS: tuple[ModelName, ...] = ("StepChange", "StepChange2")


def can_predict(parameters: Mapping[str, FloatArray] | tuple[str, ...]) -> bool:
    """Whether a model with these parameters has an operational equation that `predict_curves` knows."""
    return all(name in parameters for name in DELIVERED) or all(name in parameters for name in LINEAR)


def predict_curves(
    parameters: Mapping[str, FloatArray],
    target: FloatArray,
    reference: FloatArray,
    frames: Frames,
    k2_prime: float | None = None,
    onset_min: float | None = None,
) -> FloatArray:
    """Put estimates back into the operational equation that they were fitted with.

    C_T = R1 C_R + k2 int C_R - k2 / (1 + BP_ND) int C_T (Ichise 2003) or, for the Logan plot,
    C_T = (int C_T - DVR (int C_R + C_R / k2')) / intercept, with the measured int C_T: residuals are those of the
    regression, in the unit of the curves. With an onset T, binding that changes there for good adds
    - (k2 / (1 + BP_ND after) - k2 / (1 + BP_ND)) int_T C_T (Zhou 2006).

    Parameters
    ----------
    parameters
        (n_targets,) by BIDS name.
    target, reference
        (n_frames, n_targets) and (n_frames,).
    k2_prime
        As given to the Logan plot; None where it had no such term.
    onset_min
        When binding changes, of models that estimate it before and after; None for one binding.

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
            "Curves are predicted for LoganRef and for models with BPND, R1 and k2.",
            ExitCode.FAILED,
        )
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
