"""Running integrals of curves of which only frame means are known."""

import numpy as np

from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames

# Frames closer than this (0.06 s) touch: sidecars round to milliseconds.
TOUCH_MIN = 1e-3


def integral_matrix(frames: Frames) -> FloatArray:
    """Matrix that turns frame means of a curve into frame means of its running integral from injection.

    Within a frame the curve is a line through its mean v at mid-time, with the slope s of the parabola
    through the neighbouring frames; the running integral then averages to the integral up to the frame's
    start plus v d / 2 - s d^2 / 12, where d is the frame's length. Over a gap between frames, and from
    injection (where the curve is zero) to a late first frame, the curve is a straight line between the
    mid-times on either side.

    Parameters
    ----------
    frames
        In order and without overlap; minutes from injection.

    Returns
    -------
    FloatArray
        (n_frames, n_frames), minutes: ``integral_matrix(frames) @ curves`` integrates curves
        (n_frames, n_targets).
    """
    length = frames.duration_min
    before = np.tril(np.broadcast_to(length, (frames.n_frames, frames.n_frames)), -1)
    within = np.diag(length / 2) - (length**2 / 12)[:, None] * _slope_matrix(frames)
    return np.asarray(before + within + np.cumsum(_gap_matrix(frames), axis=0))


def _slope_matrix(frames: Frames) -> FloatArray:
    """Slope of each frame from its neighbours, as a matrix (n_frames, n_frames) on frame means."""
    if frames.n_frames < 3:
        return np.zeros((frames.n_frames, frames.n_frames))
    return np.asarray(np.gradient(np.eye(frames.n_frames), frames.mid_min, axis=0, edge_order=2))


def _gap_matrix(frames: Frames) -> FloatArray:
    """Integral over the gap before each frame, as a matrix (n_frames, n_frames) on frame means."""
    gaps = np.zeros((frames.n_frames, frames.n_frames))
    if frames.start_min[0] > TOUCH_MIN:
        gaps[0, 0] = frames.start_min[0] ** 2 / 2 / frames.mid_min[0]
    for i in np.flatnonzero(frames.start_min[1:] - frames.end_min[:-1] > TOUCH_MIN) + 1:
        left, right = frames.mid_min[i - 1], frames.mid_min[i]
        part = ((frames.end_min[i - 1] + frames.start_min[i]) / 2 - left) / (right - left)
        gaps[i, [i - 1, i]] = (frames.start_min[i] - frames.end_min[i - 1]) * np.array([1 - part, part])
    return gaps
