"""How noisy curves are, from the curves alone: what a smooth course in time leaves over.

Counts tell how the noise of frames differs only up to how the image was made from them. So several profiles are
tried, and mixed by how likely the scatter of all curves of a scan is under each.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames

# Terms of the smooth course: on simulated curves (bolus or infusion, release or none) they leave less than 0.25 % of a
# curve's late mean in the median, and each more costs a degree of freedom.
MOST_TERMS, LEAST_TERMS = 9, 7
# The course is smooth in log(t + this): early frames follow each other quickly.
SHIFT_MIN = 4.0
# With fewer degrees of freedom an interval says more of the t distribution than of the curve.
LEAST_DEGREES = 5
# Before the tracer arrives nothing is counted, and noise is not.
LEAST_ACTIVITY = 0.02


class FrameNoise(NamedTuple):
    """Noise of the frames of several curves.

    Attributes
    ----------
    profile
        Name of what the variance of a frame most likely goes with.
    variance
        (n_frames, n_curves), in squares of the curves' unit.
    degrees
        Degrees of freedom of each curve's size of the noise.
    """

    profile: str
    variance: FloatArray
    degrees: int


class _Course(NamedTuple):
    """Smooth course (n_frames,), size of the noise, and the restricted likelihood of its profile."""

    course: FloatArray
    size: float
    likelihood: float


def estimate_noise(curves: FloatArray, frames: Frames, half_life_min: float) -> FrameNoise | None:
    """Variance of every frame of every curve, if there are frames enough to tell noise from course.

    Parameters
    ----------
    curves
        (n_frames, n_curves) of one scan, corrected for decay; a curve with NaN, or without activity, has NaN as its
        variance.
    frames
        Minutes from injection.
    half_life_min
        Of the radionuclide.

    Returns
    -------
    FrameNoise | None
        None for a scan of too few frames.
    """
    n_terms = min(MOST_TERMS, frames.n_frames - LEAST_DEGREES)
    # Without activity nothing tells how noise goes with it: one such region took the noise of all others.
    known = np.isfinite(curves).all(axis=0) & (curves.sum(axis=0) > 0)
    if n_terms < LEAST_TERMS or not known.any():
        return None
    terms, degrees = _smooth_terms(frames, n_terms), frames.n_frames - n_terms
    likelihoods, variances = {}, []
    for name, shape in _profiles(curves[:, known], terms, frames, half_life_min).items():
        found = [_fit_course(c, terms, s) for c, s in zip(curves[:, known].T, shape.T, strict=True)]
        likelihoods[name] = sum(course.likelihood for course in found)
        variances.append(shape * [course.size for course in found])
    # Mixed by how likely they are: the likeliest alone would too often be the one that leaves least.
    ratio = np.exp(np.array(list(likelihoods.values())) - max(likelihoods.values()))
    variance = np.full(curves.shape, np.nan)
    variance[:, known] = np.einsum("p,pfc->fc", ratio / ratio.sum(), np.array(variances))
    return FrameNoise(max(likelihoods, key=lambda name: likelihoods[name]), variance, degrees)


def _smooth_terms(frames: Frames, n_terms: int) -> FloatArray:
    """Polynomials (n_frames, n_terms) of log(t + shift)."""
    course = np.log(np.maximum(frames.mid_min, 0.0) + SHIFT_MIN)
    scaled = 2 * (course - course.min()) / np.ptp(course) - 1
    return np.asarray(np.polynomial.chebyshev.chebvander(scaled, n_terms - 1))


def _profiles(
    curves: FloatArray, terms: FloatArray, frames: Frames, half_life_min: float
) -> Mapping[str, FloatArray]:
    """Variances up to a factor (n_frames, n_curves), by what they go with."""
    duration = np.broadcast_to(frames.duration_min[:, None], curves.shape)
    decay = np.exp2(np.maximum(frames.mid_min, 0.0) / half_life_min)[:, None]
    counted = decay / duration
    # The smooth course: a frame's own value would know its own noise.
    courses = [_fit_course(c, terms, s).course for c, s in zip(curves.T, counted.T, strict=True)]
    course = np.column_stack(courses)
    activity = np.maximum(course, LEAST_ACTIVITY * course.max(axis=0))
    return {
        "counts: decay / duration": counted,
        "counts: activity x decay / duration": activity * counted,
        "duration": 1 / duration,
        "equal": np.ones_like(counted),
        "activity, in percent": activity**2,
    }


def _fit_course(curve: FloatArray, terms: FloatArray, shape: FloatArray) -> _Course:
    """Fit the smooth course of one curve (n_frames,) whose noise has this profile (n_frames,)."""
    root = np.sqrt(shape)
    basis, triangle = np.linalg.qr(terms / root[:, None])
    scaled = curve / root
    fitted = basis @ (basis.T @ scaled)
    degrees = len(terms) - terms.shape[1]
    size = max(float(((scaled - fitted) ** 2).sum()) / degrees, np.finfo(float).tiny)
    volume = np.log(shape).sum() + 2 * np.log(np.abs(np.diag(triangle))).sum()
    return _Course(fitted * root, size, float(-0.5 * (degrees * np.log(size) + volume)))
