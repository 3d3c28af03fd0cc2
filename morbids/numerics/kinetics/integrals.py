"""Running integrals of curves of which only frame means are known."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames

# Frames closer than this (0.06 s) touch: sidecars round to milliseconds.
TOUCH_MIN = 1e-3
# Gauss-Legendre nodes of a frame: exact for the parabolas that integrals of straight lines are, and fine
# enough for a response that begins within a frame.
NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(16)


class Samples(NamedTuple):
    """Points in time at which curves are evaluated between and within frames.

    Attributes
    ----------
    time_min
        (n_samples,) from injection.
    from_frames
        (n_samples, n_frames): the curve at each time from its frame means.
    mean
        (n_frames, n_samples): frame means from the curve at each time.
    running
        (n_frames, n_samples), minutes: frame means of the curve's running integral.
    """

    time_min: FloatArray
    from_frames: FloatArray
    mean: FloatArray
    running: FloatArray


def sample_frames(frames: Frames) -> Samples:
    """Evaluate curves between their frame means.

    Within a frame the curve is a line through its mean at mid-time, with the slope of the parabola through
    the neighbouring frames. Over a gap between frames, and from injection (where the curve is zero) to a
    late first frame, it is a straight line between the mid-times on either side.
    """
    mid, end = frames.mid_min, frames.end_min
    identity = np.eye(frames.n_frames)
    slopes = np.gradient(identity, mid, axis=0, edge_order=2) if frames.n_frames > 2 else 0 * identity
    times, widths, rows = [], [], []
    for i in range(frames.n_frames):
        left_end, left_mid, left = (end[i - 1], mid[i - 1], identity[i - 1]) if i else (0.0, 0.0, 0 * mid)
        if frames.start_min[i] - left_end > TOUCH_MIN:
            time, width = _nodes(left_end, frames.start_min[i])
            part = ((time - left_mid) / (mid[i] - left_mid))[:, None]
            rows.append((1 - part) * left + part * identity[i])
            times.append(time)
            widths.append(width)
        time, width = _nodes(frames.start_min[i], end[i])
        rows.append(identity[i] + (time - mid[i])[:, None] * slopes[i])
        times.append(time)
        widths.append(width)
    time, width = np.concatenate(times), np.concatenate(widths)
    length = frames.duration_min[:, None]
    inside = (time > frames.start_min[:, None]) & (time < end[:, None])
    # A sample is in the running integral for the part of the frame that comes after it.
    after = np.clip((end[:, None] - time) / length, 0.0, 1.0)
    return Samples(time, np.concatenate(rows), inside * width / length, after * width)


def integral_matrix(frames: Frames) -> FloatArray:
    """Matrix that turns frame means of a curve into frame means of its running integral from injection.

    Between touching frames this is the sum of value x duration of the earlier frames, plus v d / 2 - s d^2
    / 12 for a frame of mean v, slope s and length d.

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
    return _cached_matrix(tuple(frames.start_min.tolist()), tuple(frames.duration_min.tolist()))


@lru_cache(maxsize=16)
def _cached_matrix(start_min: tuple[float, ...], duration_min: tuple[float, ...]) -> FloatArray:
    """The integral matrix of frames: the same for every block of voxels of a scan, so it is made once."""
    samples = sample_frames(Frames(np.array(start_min), np.array(duration_min)))
    matrix = samples.running @ samples.from_frames
    matrix.flags.writeable = False
    return np.asarray(matrix)


def _nodes(start_min: float, end_min: float) -> tuple[FloatArray, FloatArray]:
    """Times between two times, and how many minutes each stands for."""
    half = (end_min - start_min) / 2
    return start_min + half * (NODES + 1), half * NODE_WEIGHTS
