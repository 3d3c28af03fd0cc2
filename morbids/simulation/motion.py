"""How a head moves during a scan: slow drift, a little breathing-like wander, and sudden shifts."""

from typing import NamedTuple

import numpy as np

from morbids.imaging.transforms import rigid_matrix
from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames

STEP_MIN = 0.25
ROTATION_CENTRE_MM = np.array([0.0, -25.0, -55.0])
"""Heads turn about the top of the neck, resting on the occiput."""

_DRIFT_MM, _DRIFT_DEG = 1.2, 0.7
_WANDER_MM, _WANDER_DEG = 0.25, 0.15
_SHIFT_MM, _SHIFT_DEG = 0.9, 0.6
_MEAN_SHIFTS = 3.0


class HeadMotion(NamedTuple):
    """Pose over time.

    Attributes
    ----------
    time_min
        (n_times,) from injection.
    parameters
        (n_times, 6): where the head has moved to, mm along x, y, z and rad about x, y, z through the rotation
        centre, relative to the pose of reference (the time-weighted mean of 30 to 60 min is near zero).
    """

    time_min: FloatArray
    parameters: FloatArray


def draw_motion(rng: np.random.Generator, last_min: float, amount: float) -> HeadMotion:
    """Draw a trajectory; `amount` scales all of it."""
    time_min = np.arange(0, last_min + STEP_MIN, STEP_MIN)
    drift = rng.normal(0, 1, (6, 1)) * (time_min / last_min)
    walk = np.cumsum(rng.normal(0, 1, (6, len(time_min))), axis=1) / np.sqrt(len(time_min))
    shifts = np.zeros((6, len(time_min)))
    for onset in rng.uniform(3, last_min, rng.poisson(_MEAN_SHIFTS)):
        shifts += rng.normal(0, 1, (6, 1)) * (time_min >= onset)
    sizes_mm = (_DRIFT_MM, _WANDER_MM, _SHIFT_MM)
    sizes_rad = np.deg2rad((_DRIFT_DEG, _WANDER_DEG, _SHIFT_DEG))
    scale = np.array([sizes_mm] * 3 + [sizes_rad] * 3)
    parameters = scale[:, :1] * drift + scale[:, 1:2] * walk + scale[:, 2:] * shifts
    middle = (time_min >= last_min / 3) & (time_min < 2 * last_min / 3)
    parameters -= parameters[:, middle].mean(axis=1, keepdims=True)
    return HeadMotion(time_min, amount * parameters.T)


def frame_poses(motion: HeadMotion, frames: Frames, longest_step_mm: float = 0.4) -> list[FloatArray]:
    """Poses (n_poses, 6) that a frame is averaged over: few when the head lies still, more when it moves."""
    poses = []
    for start, end in zip(frames.start_min, frames.end_min, strict=True):
        inside = motion.parameters[(motion.time_min >= start) & (motion.time_min < end)]
        path = inside - inside.mean(axis=0)
        range_mm = np.ptp(path[:, :3], axis=0).sum() + 60 * np.ptp(path[:, 3:], axis=0).sum()
        count = int(np.clip(np.ceil(range_mm / longest_step_mm), 1, 6))
        poses.append(
            np.stack([part.mean(axis=0) for part in np.array_split(inside, min(count, len(inside)))])
        )
    return poses


def mean_poses(motion: HeadMotion, frames: Frames) -> FloatArray:
    """(n_frames, 6) mean pose of every frame: the truth that motion correction aims at."""
    return np.stack(
        [
            motion.parameters[(motion.time_min >= start) & (motion.time_min < end)].mean(axis=0)
            for start, end in zip(frames.start_min, frames.end_min, strict=True)
        ]
    )


def pose_matrix(parameters: FloatArray) -> FloatArray:
    """(4, 4) RAS mm: points of the reference pose to points of the moved head."""
    return rigid_matrix(parameters, ROTATION_CENTRE_MM)
