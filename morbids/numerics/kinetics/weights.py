"""How much each frame counts in a fit."""

import numpy as np

from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames


def inverse_variance(frames: Frames, half_life_min: float) -> FloatArray:
    """Inverse variance of decay-corrected frame means, up to a factor: duration x exp(-lambda t).

    Counts of a frame grow with its length and fall with decay, and the correction for decay multiplies
    their noise. The curve itself is left out: it differs between targets, and a weight that knows a noisy
    curve is biased.

    Parameters
    ----------
    frames
        Minutes from injection.
    half_life_min
        Of the radionuclide.

    Returns
    -------
    FloatArray
        (n_frames,), mean 1.
    """
    weight = frames.duration_min * np.exp2(-frames.mid_min / half_life_min)
    return np.asarray(weight / weight.mean())
