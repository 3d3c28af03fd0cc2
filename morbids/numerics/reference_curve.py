"""Does a reference region's curve look like binding? Its retention against tissue that binds less.

A reference region that binds keeps tracer longer than tissue that does not. Two measures of every other region
tell that apart from what is harmless:

* its late ratio to the reference (last third of the scan) is about 1 + BP_ND relative to the reference: below 1
  where the reference binds more. Cerebrospinal fluid in the region lowers it too, but at all times alike.
* its drift, the late ratio by the early one (first ten minutes, delivery): below 1 where tracer leaves the
  region faster than the reference. High blood flow does that too, but leaves the late ratio at 1.

Only both together speak for binding. Tissue that binds less must exist for that: where every region binds at
least as much as the reference, nothing within a scan can tell.
"""

from typing import NamedTuple

import numpy as np

from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.frames import Frames

EARLY_MIN = 10.0
LATE_SHARE = 2 / 3
LEAST_RATIO = 0.9
"""A reference with BP_ND 0.1 makes every BP_ND + 1 ten percent too low: from there on it matters."""


class Retention(NamedTuple):
    """Regions against the reference.

    Attributes
    ----------
    late_ratio
        (n_regions,) mean activity over that of the reference in the last third of the scan.
    drift
        (n_regions,) late ratio by the ratio in the first ten minutes; NaN where the scan begins later.
    """

    late_ratio: FloatArray
    drift: FloatArray

    @property
    def below(self) -> BoolArray:
        """(n_regions,) regions that speak for binding in the reference."""
        return (self.late_ratio < LEAST_RATIO) & (self.drift < LEAST_RATIO)


def compare_retention(curves: FloatArray, reference: FloatArray, frames: Frames) -> Retention:
    """Compare curves (n_frames, n_regions) with the reference's (n_frames,).

    Frames of NaN make the measures of their region NaN.
    """
    early = (frames.start_min >= 0) & (frames.end_min <= EARLY_MIN)
    late = frames.mid_min >= LATE_SHARE * frames.end_min[-1]
    late_ratio = _ratio(curves, reference, frames, late)
    with np.errstate(divide="ignore", invalid="ignore"):
        return Retention(late_ratio, late_ratio / _ratio(curves, reference, frames, early))


def _ratio(curves: FloatArray, reference: FloatArray, frames: Frames, chosen: BoolArray) -> FloatArray:
    """Ratio (n_regions,) of areas under the curves over the chosen frames."""
    minutes = np.where(chosen, frames.duration_min, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: FloatArray = (minutes @ curves) / (minutes @ reference)
    return ratio
