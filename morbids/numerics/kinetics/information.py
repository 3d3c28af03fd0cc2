"""Information criteria between models, where they mean something.

A likelihood is of data: two models can only be compared on the same dependent variable, in the same frames, with the
same weights. The Logan plot and MRTM0 explain int C_T / C_T, basis functions explain C_T, and the multilinear models
explain C_T with its own integral among the regressors, whose noise is in the residuals of all later frames.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from morbids.errors import ExitCode, MorbidsError
from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.graphical import logan_plot
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.models import MODELS, FitOptions, fit_model
from morbids.numerics.kinetics.plasma import PlasmaInput

GRAPHICAL, CONVOLVED, INTEGRATED = "int C_T / C_T", "C_T", "C_T, by its own integral"
DEPENDENT: Mapping[ModelName, str] = MappingProxyType(
    {
        "LoganRef": GRAPHICAL,
        "MRTM0": GRAPHICAL,
        "SRTM": CONVOLVED,
        "SRTM2": CONVOLVED,
        "MRTM1": INTEGRATED,
        "MRTM2": INTEGRATED,
        "StepChange": INTEGRATED,
        "StepChange2": INTEGRATED,
        "LSSRM": INTEGRATED,
        "lpntPET": INTEGRATED,
        "1TCM": CONVOLVED,
        "2TCM": CONVOLVED,
    }
)


class Criteria(NamedTuple):
    """Of one model, each (n_targets,); lower is better, and only differences between models say something.

    Attributes
    ----------
    aicc
        Akaike's, corrected for few points (Hurvich & Tsai 1989, Biometrika 76:297).
    bic
        Schwarz's.
    n_points, n_parameters
        Frames, and what is fitted to them, the size of the noise included.
    """

    aicc: FloatArray
    bic: FloatArray
    n_points: int
    n_parameters: int


def compare_models(
    models: tuple[ModelName, ...],
    target: FloatArray,
    reference: FloatArray | PlasmaInput,
    frames: Frames,
    options: FitOptions,
) -> dict[ModelName, Criteria]:
    """Fit several models to the same points with the same weights, and give each its criteria.

    Raises
    ------
    MorbidsError
        Two models explain different quantities, or one explains none that a likelihood is known for.
    """
    check_comparable(models)
    return {model: _criteria(model, target, reference, frames, options) for model in models}


def check_comparable(models: tuple[ModelName, ...]) -> None:
    """Refuse models that do not explain the same quantity.

    Raises
    ------
    MorbidsError
        As `compare_models`.
    """
    explained = {model: DEPENDENT.get(model, "a ratio") for model in models}
    first = models[0]
    for model, quantity in explained.items():
        if quantity != explained[first] or model not in DEPENDENT:
            like = [
                name for name, other in DEPENDENT.items() if other == DEPENDENT.get(first) and name != first
            ]
            raise MorbidsError(
                f"{first} explains {explained[first]} and {model} {quantity}: no criterion compares them.",
                f"Compare {first} with {', '.join(like)}."
                if like
                else "Choose models that explain one quantity.",
                ExitCode.USAGE,
            )


def _criteria(
    model: ModelName,
    target: FloatArray,
    reference: FloatArray | PlasmaInput,
    frames: Frames,
    options: FitOptions,
) -> Criteria:
    """Criteria from the share of the weighted variance that a fit leaves."""
    weights = np.ones(frames.n_frames) if options.inverse_variance is None else options.inverse_variance
    chosen = weights > 0 if options.points is None else options.points & (weights > 0)
    explained = (
        logan_plot(target, np.zeros(frames.n_frames), frames).y
        if DEPENDENT[model] == GRAPHICAL
        else np.asarray(target, float)
    )[chosen]
    weight = weights[chosen, None] / weights[chosen].mean()
    total = (weight * (explained - np.average(explained, axis=0, weights=weights[chosen])) ** 2).sum(axis=0)
    fit = fit_model(model, target, reference, frames, options)
    left = (1.0 - fit.parameters["R2"]) * total
    n, k = int(chosen.sum()), MODELS[model].count_coefficients(options) + 1
    # With as many parameters as points the correction has no value.
    correction = 2 * k * (k + 1) / (n - k - 1) if n > k + 1 else np.nan
    with np.errstate(divide="ignore"):
        deviance = n * np.log(left / n)
    return Criteria(deviance + 2 * k + correction, deviance + k * np.log(n), n, k)
