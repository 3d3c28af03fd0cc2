"""When a Logan plot becomes straight: t* by a stated criterion."""

from typing import NamedTuple

import numpy as np

from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.graphical import fit_logan_ref, logan_plot
from morbids.numerics.kinetics.integrals import TOUCH_MIN
from morbids.numerics.kinetics.least_squares import FrameChoice
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.plasma import PlasmaInput
from morbids.numerics.kinetics.plasma_graphical import fit_plasma_logan, plasma_logan_plot

# A line through fewer points proves nothing.
LEAST_POINTS = 4
# Models whose first minute the Logan plot tells: those that take its equation for true from there on.
STRAIGHTENED: tuple[ModelName, ...] = (
    *("LoganRef", "MRTM0", "StepChange", "StepChange2", "LSSRM", "lpntPET"),
    *("PlasmaLogan", "MA1"),
)
# The farthest that a point may be from the line, in percent of the line.
STRAIGHT_PERCENT = 5.0


class TStar(NamedTuple):
    """The choice and what it was made from.

    Attributes
    ----------
    t_star_min
        Start of the first frame of the line.
    candidate_min
        (n_candidates,) starts that were tried.
    deviation_percent
        (n_candidates,) median over the targets of the largest distance of a point from the line, in
        percent of the line; shown beside the Logan plot.
    """

    t_star_min: float
    candidate_min: FloatArray
    deviation_percent: FloatArray


def find_t_star(
    target: FloatArray,
    reference: FloatArray | PlasmaInput,
    frames: Frames,
    *,
    k2_prime: float | None = None,
    blood_volume: float | None = None,
    inverse_variance: FloatArray | None = None,
    end_min: float = np.inf,
    largest_deviation_percent: float = STRAIGHT_PERCENT,
) -> TStar:
    """Earliest start of the Logan plot from which no point is farther from the line than a few percent.

    Parameters
    ----------
    target, reference
        (n_frames, n_targets) regional curves and (n_frames,) or an input function; voxels are too noisy for this.
    frames
        Minutes from injection.
    k2_prime, blood_volume
        As for the fit, with a reference and with plasma.
    inverse_variance
        (n_frames,) weights.
    end_min
        Frames that end later are left out: those of a challenge, which bends the line.
    largest_deviation_percent
        The criterion, for the median target.

    Raises
    ------
    MorbidsError
        When no start meets it.
    """
    before = frames.end_min <= end_min + TOUCH_MIN
    candidates = frames.start_min[before][: max(np.count_nonzero(before) - LEAST_POINTS + 1, 0)]
    plot = (
        plasma_logan_plot(target, reference, frames, blood_volume or 0.0)
        if isinstance(reference, PlasmaInput)
        else logan_plot(target, reference, frames, k2_prime)
    )
    deviations = []
    for start_min in candidates:
        points = before & (frames.start_min >= start_min)
        chosen: FrameChoice = {"points": points, "inverse_variance": inverse_variance}
        if isinstance(reference, PlasmaInput):
            plasma_fit = fit_plasma_logan(
                target, reference, frames, blood_volume=blood_volume or 0.0, **chosen
            )
            slope, intercept = plasma_fit.vt, plasma_fit.intercept
        else:
            fit = fit_logan_ref(target, reference, frames, k2_prime=k2_prime, **chosen)
            slope, intercept = fit.dvr, fit.intercept
        distance = 100 * np.abs(plot.y[points] / (slope * plot.x[points] + intercept) - 1).max(axis=0)
        known = distance[np.isfinite(distance)]
        deviations.append(np.median(known) if known.size else np.inf)
    deviation = np.array(deviations)
    straight = np.flatnonzero(deviation <= largest_deviation_percent)
    if not straight.size:
        raise MorbidsError(
            f"No start of the Logan plot leaves all points within {largest_deviation_percent:g} % of a line.",
            "Give a number with --t-star.",
        )
    return TStar(float(candidates[straight[0]]), candidates, deviation)
