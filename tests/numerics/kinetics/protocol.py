"""The scan that the kinetic tests share: 50 % bolus, 50 % infusion over 90 min, 21 frames, [11C]."""

import numpy as np

from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.weights import inverse_variance

DURATION = np.array([0.5] * 4 + [1.0] * 3 + [2.5] * 2 + [5.0] * 8 + [10.0] * 4)
FRAMES = Frames(np.cumsum(DURATION) - DURATION, DURATION)
HALF_LIFE_MIN = 20.364
WEIGHT = inverse_variance(FRAMES, HALF_LIFE_MIN)
K2_PRIME = 0.1237


def between(start_min: float, end_min: float, frames: Frames = FRAMES) -> BoolArray:
    """Frames whose middle is in an interval."""
    return np.asarray((frames.mid_min >= start_min) & (frames.mid_min < end_min))


def with_noise(curve: FloatArray, level: float, n_repeats: int, seed: int = 0) -> FloatArray:
    """Copies (n_frames, n_repeats) of a curve (n_frames,) with noise of counting statistics.

    `level` is the noise of a frame of weight 1, as a part of the curve's mean.
    """
    noise = np.random.default_rng(seed).normal(size=(len(curve), n_repeats)) / np.sqrt(WEIGHT)[:, None]
    return np.asarray(curve[:, None] + level * curve.mean() * noise)
