"""How far estimates would scatter if the scan were repeated: noise of target and reference through the whole fit.

Each frame in turn is moved up and down by the size of its noise, in the target and in the reference, and the model is
fitted again: half the difference is what that frame adds. So every step of a fit is in the error (integrals, weights,
a k2' that is estimated within the model, the division of the Logan plot), and the noise need not have the profile that
the weights suppose.
"""

from dataclasses import replace

import numpy as np

from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.estimates import Estimates
from morbids.numerics.kinetics.frame_noise import FrameNoise
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.models import FitOptions, fit_model
from morbids.numerics.kinetics.plasma import PlasmaInput

# Models that search a library of responses: a step to another member is no derivative.
SEARCHING: tuple[ModelName, ...] = ("LSSRM", "lpntPET")


def with_sampling_errors(
    estimates: Estimates,
    model: ModelName,
    curves: tuple[FloatArray, FloatArray | PlasmaInput],
    frames: Frames,
    options: FitOptions,
    noise: FrameNoise,
) -> Estimates:
    """Give estimates the standard errors that the noise of the scan's frames makes, and their degrees of freedom.

    Parameters
    ----------
    estimates
        What the model made of the curves; returned as they are where it searches (`SEARCHING`).
    curves
        Targets (n_frames, n_targets) and reference (n_frames,), or an input function, whose own error is left out.
    noise
        Of the targets in their order, then of the reference; an input function has none.
    """
    if model in SEARCHING:
        return estimates
    target, reference = curves
    free = replace(options, bounds={})
    sd = np.sqrt(noise.variance)
    n_targets = target.shape[1]
    of_target = _spread_by_target(model, target, reference, frames, free, sd[:, :n_targets])
    if isinstance(reference, PlasmaInput):
        of_reference = {name: np.zeros_like(variance) for name, variance in of_target.items()}
    else:
        of_reference = _spread_by_reference(model, target, reference, frames, free, sd[:, -1])
    errors, main = {}, next(iter(estimates.parameters))
    for name, old in estimates.standard_errors.items():
        error = np.sqrt(of_target[name] + of_reference[name])
        errors[name] = np.where(np.isnan(estimates.parameters[name]), old, error)
    # Welch and Satterthwaite: two sizes of noise, each known to so many degrees.
    parts = of_target[main], of_reference[main]
    degrees = noise.degrees * sum(parts) ** 2 / sum(part**2 for part in parts)
    return estimates._replace(standard_errors=errors, degrees=np.asarray(degrees))


def _spread_by_target(
    model: ModelName,
    target: FloatArray,
    reference: FloatArray | PlasmaInput,
    frames: Frames,
    options: FitOptions,
    sd: FloatArray,
) -> dict[str, FloatArray]:
    """Variance of each parameter (n_targets,) by the noise of the target's own frames, all moved at once."""
    n_frames, n_targets = target.shape
    moves = np.zeros((n_frames, n_frames, n_targets))
    moves[np.arange(n_frames), np.arange(n_frames)] = sd
    moved = np.concatenate([target[:, None] + moves, target[:, None] - moves], axis=1)
    if options.slow is not None:
        options = replace(options, slow=options.slow.repeated(2 * n_frames))
    found = fit_model(model, moved.reshape(n_frames, -1), reference, frames, options).parameters
    variance = {}
    for name, values in found.items():
        up, down = values.reshape(2, n_frames, n_targets)
        variance[name] = _squared_step(up, down).sum(axis=0)
    return variance


def _squared_step(up: FloatArray, down: FloatArray) -> FloatArray:
    """Square of half of what a step up and one down make; NaN where a curve leaves a parameter open (infinite)."""
    with np.errstate(invalid="ignore"):
        return ((up - down) / 2) ** 2


def _spread_by_reference(
    model: ModelName,
    target: FloatArray,
    reference: FloatArray,
    frames: Frames,
    options: FitOptions,
    sd: FloatArray,
) -> dict[str, FloatArray]:
    """Variance of each parameter (n_targets,) by the noise of the reference's frames."""
    variance: dict[str, FloatArray] = {}
    for frame, step in enumerate(sd):
        move = np.zeros_like(reference)
        move[frame] = step
        up, down = (fit_model(model, target, reference + s * move, frames, options) for s in (1, -1))
        for name, values in up.parameters.items():
            part = _squared_step(values, down.parameters[name])
            variance[name] = variance.get(name, 0.0) + part
    return variance
