"""When tracer reaches tissue beside when it reaches the sampled artery: the one time shift of a scan's blood."""

from collections.abc import Callable
from typing import NamedTuple, Unpack

import numpy as np

from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.compartments import fit_two_tissue
from morbids.numerics.kinetics.least_squares import FrameChoice, regression_points
from morbids.numerics.kinetics.plasma import PlasmaInput

# Farther apart no two arteries are, seconds; and the steps of the search.
LARGEST_DELAY_S, STEP_S = 60.0, 4.0
# A scan tells a delay where so many frames are short, and begin while the bolus passes.
LEAST_EARLY, EARLY_MIN, SHORT_MIN = 3, 3.0, 1.0
# The last step of the search leaves this, seconds.
CLOSE_S = 0.1
ESTIMATED = "estimated: two tissue compartments on the curve of all regions"
GOLDEN = (np.sqrt(5) - 1) / 2


class Delay(NamedTuple):
    """How much later than the sampled artery tissue is reached (negative: earlier), seconds.

    Attributes
    ----------
    seconds
        The shift that is added to the times of the blood.
    se
        Its standard error; None where it was not estimated.
    source
        Where it is from, in words for sidecars.
    """

    seconds: float
    se: float | None
    source: str


def tells_delay(frames: Frames) -> bool:
    """Whether a scan has frames that are short enough while the bolus passes."""
    early = (frames.end_min > 0) & (frames.start_min < EARLY_MIN) & (frames.duration_min <= SHORT_MIN)
    return int(early.sum()) >= LEAST_EARLY


def estimate_delay(
    curve: FloatArray,
    plasma: PlasmaInput,
    frames: Frames,
    *,
    blood_volume: float | None = None,
    **chosen: Unpack[FrameChoice],
) -> Delay:
    """Shift of the blood with which two tissue compartments leave least of a large region's curve.

    All frames are fitted, with one shift for parent and whole blood; a grid of `STEP_S`, then golden sections. The
    standard error is that of the sum of squares' curvature.

    Parameters
    ----------
    curve
        (n_frames,) of a region so large that its noise is small, in the unit of the input.
    plasma
        Input function on the clock of the blood.
    frames
        Minutes from injection.
    blood_volume
        Share of blood in the region; None to fit it.
    **chosen
        Frames to fit, those that blood was sampled for, and weights.

    Raises
    ------
    MorbidsError
        The best shift is at an end of what is searched, or the curve fits none.
    """

    def left(seconds: float) -> float:
        fit = fit_two_tissue(
            curve[:, None],
            plasma.delayed(seconds / 60),
            frames,
            blood_volume=blood_volume,
            **chosen,
        )
        return float(1.0 - fit.r_squared[0])

    grid = np.arange(-LARGEST_DELAY_S, LARGEST_DELAY_S + STEP_S / 2, STEP_S)
    losses = np.array([left(seconds) for seconds in grid])
    if not np.isfinite(losses).any():
        raise MorbidsError(
            "The delay of the blood cannot be estimated: two tissue compartments fit the curve of all regions with "
            "no shift.",
            "Give the delay in seconds, 0 for none.",
        )
    best = int(np.nanargmin(losses))
    if best in (0, len(grid) - 1):
        raise MorbidsError(
            f"The delay of the blood cannot be estimated: the curve of all regions fits best with a shift of "
            f"{grid[best]:g} s, the farthest that is tried.",
            "Check that the times of the blood and of the frames count from the same TimeZero, or give the delay in "
            "seconds.",
        )
    seconds = _golden(left, grid[best - 1], grid[best + 1])
    n_fitted = 6 if blood_volume is None else 5
    n_points = len(regression_points(frames, 1, **chosen).weight)
    se = _curvature_error(left, seconds, n_points - n_fitted)
    return Delay(seconds, se, ESTIMATED)


def _golden(left: Callable[[float], float], low: float, high: float) -> float:
    """Minimum of a function of seconds between two."""
    inner, outer = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_inner, at_outer = left(inner), left(outer)
    while high - low > CLOSE_S:
        if at_inner <= at_outer:
            high, outer, at_outer = outer, inner, at_inner
            inner = high - GOLDEN * (high - low)
            at_inner = left(inner)
        else:
            low, inner, at_inner = inner, outer, at_outer
            outer = low + GOLDEN * (high - low)
            at_outer = left(outer)
    return float((low + high) / 2)


def _curvature_error(left: Callable[[float], float], seconds: float, degrees: int) -> float | None:
    """Standard error from the second difference of the sum of squares over two seconds; None without freedom."""
    at_best, step = left(seconds), 2.0
    curvature = (left(seconds - step) - 2 * at_best + left(seconds + step)) / step**2
    if degrees <= 0 or curvature <= 0:
        return None
    return float(np.sqrt(2 * at_best / degrees / curvature))
